"""What a run over a large fleet costs beside its visits: new pins, and facts that lie on disk.

    python -m benchmarks.large_fleet [NEW ROUTERS] [ROUTERS]

First the host keys and identities of 20,000 new routers, as one first run pins them. Then what follows the visits of
2,000 routers of the lab's `fleet` (rendered without SSH, not counted): facts, both ends joined, rules, the ledger, the
JSON document; and how often each router's facts were read from disk. Nothing here has a goal; linear is what counts.
"""

from __future__ import annotations

import base64
import platform
import resource
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks._measure import cpu
from collector.cli import fleet, sweep
from collector.cli.spool import Spool
from collector.collect import Outcome, plan_for
from collector.history import open_ledger
from collector.lab import scenario
from collector.lab.fleet import tree
from collector.lab.offline import answers
from collector.lab.world import World
from collector.model import Capture, Device, Policy, Snapshot
from collector.session import HostKey, Trust
from collector.sinks import FORMATS


def key(number: int) -> HostKey:
    """Of the form of an ed25519 key."""
    raw = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + number.to_bytes(32, "big")
    return HostKey(type="ssh-ed25519", blob=base64.b64encode(raw).decode())


def pins(count: int, folder: Path) -> float:
    """Seconds of processor time for `count` first visits' pins."""
    trust, began = Trust(folder), cpu()
    for number in range(count):
        host = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        trust.keys(host, 22)
        trust.check(host, 22, key(number), "accept-new")
        trust.identify(f"r{number}", hostname=f"R{number}")
        trust.identify(f"r{number}", serial=f"FTX{number:07}")
    trust.settle()
    return cpu() - began


def said(count: int) -> list[Snapshot]:
    """What the routers of a lab fleet answer to what a sweep asks."""
    now = datetime(2026, 11, 24, 22, tzinfo=UTC)
    network = scenario.load(tree(count), epoch=now)
    world = World(network, lambda: now)
    found = []
    for router in network.devices:
        name = router.name
        device = Device(name=name, host=str(router.wan.ip), platform=router.platform.netmiko)
        plan, captures = plan_for(device, pause=lambda _seconds: None), ()
        while lines := plan(captures):
            texts = answers(world, name, lines)
            captures += tuple(Capture(command=c, text=t, taken_at=now) for c, t in zip(lines, texts, strict=True))
        found.append(Snapshot(device=device, captures=captures, started_at=now, finished_at=now, hostname=name))
    return found


def judged(snapshots: list[Snapshot], folder: Path) -> tuple[float, float, float, float]:
    """Milliseconds a router: facts and judging, ledger, document; and reads a router."""
    reads = 0
    real = Spool.get

    def get(self: Spool, name: str):
        nonlocal reads
        reads += name not in self.held
        return real(self, name)

    def visits(_devices, _settings, on_snapshot, _on_progress):
        for snapshot in snapshots:
            on_snapshot(snapshot)
        return Outcome(rows=len(snapshots), complete=len(snapshots), partial=0, failed=0, logins=0)

    Spool.get = get
    (folder / "spool").mkdir()
    devices = [snapshot.device for snapshot in snapshots]
    order = fleet.Order(
        devices=devices, policy=Policy(), mode="sweep", spool=folder / "spool", visits=visits, far_ends=False
    )
    moments = []
    run = fleet.run

    def timed(order):
        visited = run(order)
        moments.append(cpu())
        return visited

    fleet.run = timed
    with open_ledger(folder / "state") as ledger:
        began = cpu()
        visited, _ = sweep.once(order, ledger, None)
        remembered = cpu()
        for _piece in FORMATS["json"](visited.report, version="1"):
            pass
        ended = cpu()
    each = 1000 / len(devices)
    return (
        (moments[0] - began) * each,
        (remembered - moments[0]) * each,
        (ended - remembered) * each,
        reads / len(devices),
    )


def main() -> int:
    """Print both."""
    new = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 2_000
    print(f"Python {platform.python_version()}, {platform.machine()}, {platform.system()}")
    for part in (new // 4, new // 2, new):
        with tempfile.TemporaryDirectory() as folder:
            seconds = pins(part, Path(folder))
        print(f"pins of {part:6} new routers: {seconds:6.1f} s of CPU, {seconds / part * 1000:.2f} ms each")
    snapshots = said(count)
    with tempfile.TemporaryDirectory() as folder:
        facts, ledger, document, reads = judged(snapshots, Path(folder))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(
        f"{count} routers, ms of CPU each: facts, join and rules {facts:.1f}, ledger {ledger:.1f}, document {document:.1f}; "
        f"facts read from disk {reads:.1f} times each; {memory:.0f} MB at the peak, the captures in it"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
