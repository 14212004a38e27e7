"""How a fleet is visited, how far a run is, what it came to; and the arithmetic that a person is told before."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from collector.collect.hands import MOST_THREADS
from collector.collect.messages import Work
from collector.collect.plan import plan_for
from collector.model import Device, Snapshot
from collector.session import Limits, Plan, Secrets, Trust

VISIT_CPU = 0.03  # seconds of a core: the visit 10 ms, reading and facts of a router 20 ms
FEW = 200  # devices for which a second process is not worth the second that it takes to start
VISIT_SECONDS = 4.0
LATER = 30.0  # seconds before a further visit to a device that had no free line


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """What visits in other processes need beside the settings.

    work: pickled to each of them. brief: what of the run's knowledge one visit needs, asked for in the calling thread as
    it begins. took: called there with what `work.keep` gave back, instead of `on_snapshot`.
    """

    work: Work
    brief: Callable[[Device], object]
    took: Callable[[Device, object], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a fleet is visited.

    plan: what to ask a device. state: the folder for device locks and for the memory of refused credentials.
    limits: how long each wait of a visit may last, where not the usual. saved: a snapshot of this run that is already there (resume): that device is not logged in again.
    last_visit: when a device was last visited, so that the longest-unvisited go first where time will not suffice.
    say: the arithmetic and other lines for stderr. told: which host keys were pinned; else as `say`.
    stopped: the signal that ends the run, asked often. jitter: seconds at most before a retry. workers: visits at once, in all
    processes. processes: how many visit; more than one only with `elsewhere`, and one visits in this process.
    """

    secrets: Secrets
    trust: Trust
    plan: Callable[[Device], Plan] = plan_for
    workers: int = 20
    processes: int = 1
    elsewhere: Elsewhere | None = None
    logins_per_second: float = 5.0
    max_runtime: timedelta | None = None
    state: Path | None = None
    saved: Callable[[Device], Snapshot | None] = lambda _device: None
    last_visit: Callable[[Device], datetime | None] = lambda _device: None
    say: Callable[[str], None] = lambda _line: None
    told: Callable[[str], None] | None = None
    visit_seconds: float = VISIT_SECONDS
    retries: bool = True
    jitter: float = 2.0
    later: float = LATER
    stopped: Callable[[], int | None] = lambda: None
    limits: Limits | None = None
    lock_patience: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the run is, after each change."""

    total: int
    done: int
    failed: int
    running: int
    device: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The run in figures. rows: devices handed to `on_snapshot`, always all. interrupted: the signal's number."""

    rows: int
    complete: int
    partial: int
    failed: int
    logins: int
    resumed: int = 0
    interrupted: int | None = None
    codes: tuple[tuple[str, int], ...] = ()


def arithmetic(devices: int, settings: Settings) -> str:
    """What the rate of logins means for this fleet, in one line, told before the first login."""
    rate = settings.logins_per_second
    least = devices / rate
    needed = max(1, math.ceil(rate * settings.visit_seconds))
    line = f"{devices} devices / {rate:g} logins per second = {least:.0f} s at least"
    line += f"; {min(needed, devices)} workers keep that pace at {settings.visit_seconds:.0f} s a visit"
    if settings.processes > 1:
        line += f", in {settings.processes} processes"
    if needed > settings.workers and devices > settings.workers:
        line += f" ({settings.workers} are set: {devices * settings.visit_seconds / settings.workers:.0f} s)"
    if settings.max_runtime is not None and too_short(devices, settings):
        line += (
            f"; {settings.max_runtime.total_seconds():.0f} s of --max-runtime will not suffice: "
            "the longest-unvisited go first"
        )
    return line


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processes_for(devices: int, workers: int, rate: float, available: int | None = None) -> int:
    """How many processes keep the pace of `rate` logins a second. workers: visits at once; available: cores, else this
    machine's.

    A router costs VISIT_CPU of a core: at 5 logins a second a seventh of one, at 100 three. More than one process only
    for fleets that last, and never more than there are cores, unless 100 threads a process call for it.
    """
    threads = min(workers, devices)
    needed = max(1, math.ceil(threads / MOST_THREADS))
    if devices <= FEW:
        return needed
    pace = min(rate, workers / VISIT_SECONDS)
    return max(needed, min(math.ceil(pace * VISIT_CPU), available or cores()))


def too_short(devices: int, settings: Settings) -> bool:
    """Whether `max_runtime` ends before every device can have had its turn."""
    if settings.max_runtime is None:
        return False
    pace = min(settings.logins_per_second, settings.workers / settings.visit_seconds)
    return devices / pace > settings.max_runtime.total_seconds()


def in_turn(devices: Sequence[Device], settings: Settings) -> list[Device]:
    """The order of the visits: as given; the longest-unvisited first where time will not suffice."""
    if not too_short(len(devices), settings):
        return list(devices)
    never = datetime.min.replace(tzinfo=UTC)
    return sorted(devices, key=lambda device: settings.last_visit(device) or never)
