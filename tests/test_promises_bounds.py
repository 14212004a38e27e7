"""FAULTS G1, G7, G8 for the whole command: a deadline that ends, memory that is bounded, and a short chaos run."""

from __future__ import annotations

import json
import os
import random
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from faulty import LINES, QUICK, client_threads, device_of, lasting, once
from promises import command, environment, inventory_of, spi
from test_session_faults import CASES

from collector import facts
from collector.collect import Settings, sweep
from collector.lab.faults import OUTPUTS, PASSWORD, Faults
from collector.model import Capture, Device, Policy, Snapshot, Thresholds
from collector.session import Secrets, Trust

HUNG = ("kex-silent", "tcp-silent", "tcp-pre-ident")  # these end with `timeout.connect`, which is long here
PATIENT = "  timeout: {connect: 600, device: 900}\n"


def codes_of(document: dict) -> dict[str, list[str]]:
    return {device["name"]: [failure["code"] for failure in device["failures"]] for device in document["devices"]}


def test_max_runtime_ends_a_run_with_hung_devices(tmp_path):
    with Faults() as faults:
        for seconds in (3, 9, 27, 81):  # until it suffices on this machine for the two that answer
            healthy = [(f"r{number}", faults.start("none", lifetime=900)) for number in range(2)]
            hung = [(name, faults.start(name, lifetime=900)) for name in HUNG]
            last = [(f"z{number}", faults.start("none")) for number in range(3)]
            inventory = inventory_of([*healthy, *hung, *last], tmp_path / "i.yaml", more=PATIENT)
            done = spi(
                *("sweep", "-i", str(inventory), "--state", str(tmp_path / f"s{seconds}"), "-f", "json"),
                *("--max-runtime", f"{seconds}s", "--workers", str(len(HUNG))),
                timeout=seconds + 60,  # nobody waits for the hung
            )
            assert done.returncode in {3, 4}, done.stderr
            codes = codes_of(json.loads(done.stdout))
            # these servers know few commands
            whole = all(set(codes[name]) <= {"E_CMD_INVALID"} for name, _ in healthy)
            if whole and all(server.record.connections for _, server in hung):
                break
    assert whole
    assert len(codes) == len(healthy) + len(HUNG) + len(last)
    assert {code for name in HUNG for code in codes[name]} == {"E_DEADLINE"}
    assert {code for name, _ in last for code in codes[name]} == {"E_NOT_STARTED"}


def peak(*arguments: str) -> int:
    """Highest resident memory of one run, in MB."""
    process = os.posix_spawn(
        sys.executable,
        command(*arguments),
        environment(),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ],
    )
    _, _, usage = os.wait4(process, 0)
    return usage.ru_maxrss // 1024


def test_one_hostile_device_costs_less_than_100_mb(tmp_path):
    def measured(faults: Faults, name: str) -> int:
        server = faults.start(name)
        inventory = inventory_of([("r1", server)], tmp_path / f"{name}.yaml")
        used = peak(*("audit", "r1", "-i", str(inventory), "--state", str(tmp_path / name), "-f", "json"))
        assert "show crypto isakmp sa" in server.record.lines()  # what `endless-fast` answers without end
        return used

    with Faults() as faults, ThreadPoolExecutor(2) as pool:
        names = ("none", "endless-fast")
        used = dict(zip(names, pool.map(lambda name: measured(faults, name), names), strict=True))
    assert used["none"] > 20
    assert max(used.values()) - used["none"] < 100, used


# -- chaos, short: 20 healthy, 10 faulty ------------------------------------------------------------------------------


def files_open() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names only


def resident() -> int:
    """MB now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // (1 << 20)


def test_ten_faults_among_thirty_routers(tmp_path, monkeypatch):
    temporary, state = tmp_path / "tmp", tmp_path / "state"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    quick = {case.fault: case for case in CASES if case.code and case.seconds <= 2 and case.fault != "none"}
    chosen = random.Random(11).sample(sorted(quick), 10)
    with Faults() as faults:
        servers = [faults.start("none") for _ in range(20)] + [faults.start(name) for name in chosen]
        devices = [
            device_of(server, f"{server.fault}-{number}", seconds=80, secret=server.fault.startswith("enable"))
            for number, server in enumerate(servers)
        ]
        random.Random(3).shuffle(devices)
        rows = []
        threads = {thread.name for thread in threading.enumerate()}
        memory = resident()
        sweep(
            devices,
            Settings(
                secrets=Secrets({}),
                trust=Trust(state),
                plan=lambda _device: once(LINES),
                logins_per_second=100,
                retries=False,
                state=state,
                limits=QUICK,
                say=lambda _line: None,
            ),
            rows.append,
        )
        assert resident() - memory < 100
        assert client_threads() == []
        assert lasting(lambda: files_open_by_clients(servers)) == []
        assert lasting(lambda: workers(threads)) == []
    assert Counter(row.device.name for row in rows) == Counter(device.name for device in devices)
    for row in rows:
        if row.device.name.startswith("none-"):
            assert row.failures == ()
            assert [capture.text for capture in row.captures] == [OUTPUTS[line].rstrip("\n") + "\n" for line in LINES]
        else:
            fault = row.device.name.rpartition("-")[0]
            codes = [failure.code for failure in row.failures]
            assert quick[fault].code in codes, (fault, codes)
            assert sum(not code.startswith("E_CMD_") for code in codes) <= 1, (fault, codes)
            assert (row.finished_at - row.started_at).total_seconds() <= 100
    assert not any(failure.code == "E_INTERNAL" for row in rows for failure in row.failures)
    assert PASSWORD not in repr([(row.captures, row.failures) for row in rows])
    assert list(temporary.iterdir()) == []


def files_open_by_clients(servers) -> list[str]:
    """Connections from this process to one of the servers: the client's own ends."""
    ports = {server.port for server in servers}
    own = {target(fd) for fd in os.listdir("/proc/self/fd")}  # noqa: PTH208 - names only
    found = []
    for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        far = int(words[2].rpartition(":")[2], 16)
        if far in ports and f"socket:[{words[9]}]" in own:
            found.append(words[2])
    return found


def target(fd: str) -> str:
    """What a descriptor of ours is; "" where it was closed meanwhile."""
    try:
        return os.readlink(f"/proc/self/fd/{fd}")  # noqa: PTH115 - no path: socket:[4711]
    except OSError:
        return ""


def workers(before: set[str]) -> list[str]:
    """Threads of visits that were not there before."""
    names = {thread.name for thread in threading.enumerate()} - before
    return [name for name in names if name.startswith(("visit", "Thread-")) and "faults" not in name]


# -- the CPU guard, seen by facts -------------------------------------------------------------------------------------


def guarded(percent: int, *more: str, limit: int = 85, origin: str = "visit") -> list[str]:
    load = f"CPU utilization for five seconds: 99%/1%; one minute: {percent}%; five minutes: 80%\n"
    captures = [Capture(command="show processes cpu | include CPU utilization", text=load)]
    captures += [Capture(command=line, text="") for line in more]
    snapshot = Snapshot(
        device=Device(name="r1", host="192.0.2.1"), captures=tuple(captures), failures=(), origin=origin
    )
    built = facts.build(snapshot, Policy(thresholds=Thresholds(cpu_guard=limit)))
    return [spot.message for spot in built.blind_spots if spot.code == "cpu-guard"]


def test_what_a_busy_router_was_not_asked_is_a_blind_spot():
    (message,) = guarded(91)
    assert "91 %" in message
    assert "`show crypto ipsec sa` and `show crypto session`" in message
    assert guarded(84) == []
    assert guarded(91, limit=95) == []
    assert guarded(91, "show crypto ipsec sa", "show crypto session detail") == []
    assert guarded(91, origin="paste") == []  # a person chose what to paste
