"""Visits a fleet and judges what it said: what `sweep`, `audit` and `demo` have in common.

A second wave goes at once to the routers that the first one's incidents name as senders: they look healthy to
themselves, and only their SAs prove what is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from collector import facts as facts_room
from collector import snapshot as snapshots
from collector.cli import pipeline
from collector.collect import Knowledge, Outcome, Progress, Settings, plan_for, sweep
from collector.errors import Exit
from collector.model import Address, Device, Facts, History, Policy, Report, Snapshot, State, to_address
from collector.session import Plan, Secrets, Trust

SUSPECT = frozenset({State.PERSISTENT, State.PENDING, State.INSUFFICIENT_DATA})


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a run is asked to do. knowledge_of: what is remembered of a device before its visit."""

    devices: Sequence[Device]
    policy: Policy
    mode: str
    state: Path | None = None
    known_hosts: Path | None = None
    save: Path | None = None
    workers: int = 20
    logins_per_second: float = 5.0
    max_runtime: timedelta | None = None
    audit: bool = False
    far_ends: bool = True
    say: Callable[[str], None] = lambda _line: None
    history_of: Callable[[str], History] = pipeline.no_history
    last_visit: Mapping[str, datetime] = field(default_factory=dict)
    plan_of: Callable[[Device, Knowledge], Plan] = plan_for
    ask: Callable[[str], str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Visited:
    """A run's report, what the routers said, and the signal that ended it early."""

    report: Report
    snapshots: tuple[Snapshot, ...]
    interrupted: int | None = None


def run(order: Order) -> Visited:
    """Visit, look at the named far ends, join, judge."""
    started = pipeline.now()
    gathered: dict[str, Snapshot] = {}
    secrets = Secrets(ask=order.ask)
    trust = Trust(order.state)
    outcome = _wave(order, order.devices, gathered, secrets, trust, {})
    built = {name: _facts(order, snapshot) for name, snapshot in gathered.items()}
    named = far_ends(tuple(built.values())) if order.far_ends and outcome.interrupted is None else {}
    if named:
        second = [device for device in order.devices if device.name in named]
        order.say(f"{len(second)} far ends are looked at: {', '.join(device.name for device in second[:8])}")
        outcome = _wave(order, second, gathered, secrets, trust, named)
        built |= {name: _facts(order, gathered[name]) for name in named}
    settled = facts_room.settle([built[name] for name in sorted(built)])
    report = pipeline.conclude(settled, mode=order.mode, started_at=started)
    return Visited(
        report=report,
        snapshots=tuple(gathered[name] for name in sorted(gathered)),
        interrupted=outcome.interrupted,
    )


def _facts(order: Order, snapshot: Snapshot) -> Facts:
    return facts_room.build(snapshot, order.policy, order.history_of(snapshot.device.name))


def _wave(
    order: Order,
    devices: Sequence[Device],
    gathered: dict[str, Snapshot],
    secrets: Secrets,
    trust: Trust,
    peers: Mapping[str, tuple[str, ...]],
) -> Outcome:
    counters = {  # here and not in `plan`: the ledger belongs to this thread
        device.name: {sample.name: sample.packets for sample in order.history_of(device.name).counters}
        for device in devices
    }

    def plan(device: Device) -> Plan:
        return order.plan_of(
            device,
            Knowledge(
                audit=order.audit,
                suspect=device.name in peers,
                peers=peers.get(device.name, ()),
                counters=counters[device.name],
                thresholds=order.policy.thresholds,
            ),
        )

    def keep(snapshot: Snapshot) -> None:
        name = snapshot.device.name
        merged = joined(gathered[name], snapshot) if name in gathered else snapshot
        gathered[name] = merged
        if order.save is not None:
            snapshots.write(merged, order.save)

    settings = Settings(
        secrets=secrets,
        trust=trust,
        plan=plan,
        workers=order.workers,
        logins_per_second=order.logins_per_second,
        max_runtime=order.max_runtime,
        state=order.state,
        last_visit=lambda device: order.last_visit.get(device.name),
        say=order.say,
    )
    with progress(len(devices)) as show:
        return sweep(devices, settings, keep, show)


def joined(first: Snapshot, second: Snapshot) -> Snapshot:
    """Two visits of one run to one device, as one snapshot: the later look at a command stands last."""
    if not second.captures:
        return replace(first, failures=(*first.failures, *second.failures))
    return replace(
        first,
        captures=(*first.captures, *second.captures),
        failures=(*first.failures, *second.failures),
        finished_at=second.finished_at,
        hostname=first.hostname or second.hostname,
    )


def far_ends(devices: Sequence[Facts]) -> dict[str, tuple[str, ...]]:
    """Devices that another one's incident names as sender and that have not shown their SAs: name -> peers to look at."""
    owners = _owners(devices)
    known = {facts.device.name: facts for facts in devices}
    wanted: dict[str, list[str]] = {}
    for facts in devices:
        for incident in facts.incidents or ():
            if incident.state not in SUSPECT or incident.source is None or incident.destination is None:
                continue
            for name in owners.get(incident.source, ()):
                if name != facts.device.name and not _shown(known[name], incident.destination):
                    wanted.setdefault(name, []).append(str(incident.destination))
    return {name: tuple(dict.fromkeys(peers))[:3] for name, peers in sorted(wanted.items())}


def _shown(sender: Facts, peer: Address) -> bool:
    """Whether the sender's SAs with `peer` were read, or cannot be read at all."""
    if not sender.captures:
        return True
    if sender.flows is None:
        return False
    return sender.flows_filter is None or str(peer) in sender.flows_filter.split(", ")


def _owners(devices: Sequence[Facts]) -> dict[Address, tuple[str, ...]]:
    """Which devices have an address: as inventory host, on an interface, or as the local end of a tunnel."""
    found: dict[Address, dict[str, None]] = {}
    for facts in devices:
        addresses = [to_address(facts.device.host)]
        if facts.config is not None:
            addresses += [
                a for interface in facts.config.interfaces for a in (*interface.addresses, *interface.virtual)
            ]
            addresses += [a for binding in facts.config.bindings for a in binding.local]
        addresses += [peer.local_address for peer in facts.peers or ()]
        for address in addresses:
            if address is not None:
                found.setdefault(address, {})[facts.device.name] = None
    return {address: tuple(names) for address, names in found.items()}


@contextmanager
def progress(total: int) -> Iterator[Callable[[Progress], None]]:
    """A bar on stderr, only where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _progress: None
        return
    from rich.console import Console  # noqa: PLC0415 - only for people
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - as above
    from rich.progress import Progress as Bar  # noqa: PLC0415 - as above

    columns = (TextColumn("visiting"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[note]}"))
    with Bar(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("visiting", total=total, note="")

        def show(state: Progress) -> None:
            bar.update(
                task, completed=state.done, total=state.total, note=f"{state.failed} failed, {state.running} open"
            )

        yield show


def signal_exit(interrupted: int | None) -> Exit | None:
    """130 or 143 where a signal ended the run."""
    return {2: Exit.INTERRUPTED, 15: Exit.TERMINATED}.get(interrupted) if interrupted is not None else None
