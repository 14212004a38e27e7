"""Helpers for tests of runs with several processes: what they do with a device, and what is left of them afterwards."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faulty import LINES, once

from collector.collect import Elsewhere, Settings, sweep
from collector.errors import StateError
from collector.model import Device, Snapshot
from collector.session import Limits, Secrets, Trust

WORKER = b"collector.collect.worker"


@dataclass(frozen=True)
class Asking:
    """Asks some lines and hands the whole snapshot back, with the process that it was made in.

    full: the disk takes nothing.
    """

    lines: tuple[str, ...] = LINES
    full: bool = False

    def plan(self, _device: Device, _brief: object) -> Any:
        return once(self.lines)

    def keep(self, snapshot: Snapshot, _brief: object) -> tuple[int, Snapshot]:
        if self.full:
            raise StateError("cannot write to the disk: No space left on device")
        return os.getpid(), snapshot


@dataclass
class Ran:
    """A run's rows by device, the processes that brought them, and its outcome."""

    rows: dict[str, Snapshot]
    processes: set[int]
    outcome: Any


def ran(
    devices: list[Device],
    *,
    limits: Limits,
    work: Asking | None = None,
    rows: list[Snapshot] | None = None,
    **more: Any,
) -> Ran:
    """Sweep in two processes; nothing of them is left. rows: filled as they come."""
    rows = [] if rows is None else rows
    processes: set[int] = set()

    def took(device: Device, value: Any) -> None:
        process, snapshot = value
        assert snapshot.device == device
        processes.add(process)
        rows.append(snapshot)

    settings = {
        "secrets": Secrets({}), "trust": Trust(), "logins_per_second": 100.0, "retries": False, "jitter": 0.0,
        "limits": limits, "lock_patience": 0.3, "processes": 2,
    } | more  # fmt: skip
    try:
        outcome = sweep(
            devices,
            Settings(elsewhere=Elsewhere(work=work or Asking(), brief=lambda _d: None, took=took), **settings),
            rows.append,
        )
    finally:
        assert workers_of(os.getpid()) == []
        assert [thread.name for thread in threading.enumerate() if thread.name == "visit-crew"] == []
    assert sorted(row.device.name for row in rows) == sorted(device.name for device in devices)
    assert outcome.rows == len(devices)
    return Ran({row.device.name: row for row in rows}, processes, outcome)


def workers_of(parent: int) -> list[int]:
    """Worker processes that `parent` started."""
    return [pid for pid in _workers() if _parent(pid) == parent]


def alive(pid: int) -> bool:
    """Whether a process is there and no mere zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _workers() -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if WORKER in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def wait_for(true: Callable[[], Any], seconds: float = 60) -> Any:
    """The first true value of `true`."""
    end = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return value
