"""When captures that a person hands over were taken: only what has a time of its own may be remembered.

A saved visit bears the collector's time at each capture. A paste is dated by its `show clock`, where NTP keeps that
clock and its zone says how far it is from UTC; what stands before the first clock of its file, or in a file without
one, may be of any age. Nothing here guesses: a wrong date closes findings that are open, or opens those that are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from collector.commands import read_capture, recognise
from collector.facts.clock import zone_offset
from collector.model import GATHERED, Capture, CaptureStatus, Clock, Snapshot

SITTING = timedelta(hours=2)  # captures further apart are of more than one look: `audit --watch` may take an hour
AHEAD = timedelta(minutes=2)  # clocks of collectors and routers differ by less, where NTP keeps them

CLOCK = "show clock"
# what a person may well have typed before the clock, and what stays as it is meanwhile
STANDING = frozenset({
    "show privilege",
    "show version",
    "show running-config",
    "show crypto map",
    "show crypto dynamic-map",
    "show crypto ipsec profile",
})  # fmt: skip

UNDATED = "no time of their own"
MIXED = "captures of more than one look, hand them over one look at a time, the oldest first"
AHEAD_OF_US = "dated in the future"
FORGOTTEN = "older than what the ledger keeps"
OLDER = "older than what the ledger knows"
KNOWN = "in the ledger already"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The first and the last time of a device's captures, aware, UTC."""

    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a device's captures are not remembered. kind: one of the words above; detail: of this device."""

    kind: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Against what captures are dated. now: this run's start; retention: how long the ledger keeps things."""

    now: datetime
    retention: timedelta


def dated(snapshot: Snapshot, bounds: Bounds, look: datetime | None) -> Taken | Refusal:
    """When the captures of `snapshot` were taken, or why the ledger must not have them.

    look: when the ledger last saw this device, `None`: never.
    """
    taken = taken_of(snapshot)
    if isinstance(taken, Refusal):
        return taken
    if taken.last - taken.first > SITTING:
        return Refusal(kind=MIXED, detail=f"from {_moment(taken.first)} to {_moment(taken.last)}")
    if taken.last > bounds.now + AHEAD:
        return Refusal(kind=AHEAD_OF_US, detail=f"captures of {_moment(taken.last)}")
    if taken.last < bounds.now - bounds.retention:
        return Refusal(
            kind=FORGOTTEN, detail=f"captures of {_moment(taken.last)}, it keeps {bounds.retention.days} days"
        )
    if look is None or taken.first > look:
        return taken
    if taken.last == look:
        return Refusal(kind=KNOWN, detail=f"captures of {_moment(look)}")
    return Refusal(kind=OLDER, detail=f"captures of {_moment(taken.first)}, the ledger has {_moment(look)}")


def taken_of(snapshot: Snapshot) -> Taken | Refusal:
    """The times that the captures themselves bear."""
    captures = [(one, typed.command.name) for one in snapshot.captures if (typed := recognise(one.command))]
    stamped = [one.taken_at for one, _ in captures if one.taken_at is not None]
    if not stamped:
        return _by_clock(captures)
    if len(stamped) < len(captures):
        lacking = next(one for one, _ in captures if one.taken_at is None)
        return Refusal(kind=UNDATED, detail=f"`{lacking.command}` of {lacking.source} beside a saved visit")
    return Taken(first=min(stamped).astimezone(UTC), last=max(stamped).astimezone(UTC))


def _by_clock(captures: Sequence[tuple[Capture, str]]) -> Taken | Refusal:
    """A paste: every file of it has its own clock, and what moves stands after that."""
    times: list[datetime] = []
    told: set[str] = set()  # files whose clock was read
    waiting: dict[str, Capture] = {}  # file -> what stands before its first clock
    for capture, name in captures:
        if name == CLOCK:
            read = _utc(capture)
            if isinstance(read, str):
                return Refusal(kind=UNDATED, detail=read)
            times.append(read)
            told.add(capture.source)
        elif capture.source not in told:
            if name not in STANDING and capture.note != GATHERED:
                return _before_the_clock(capture)
            waiting.setdefault(capture.source, capture)
    missing = [capture for source, capture in waiting.items() if source not in told]
    if missing:
        return _before_the_clock(missing[0])
    if not times:
        return Refusal(kind=UNDATED, detail="nothing of it was read")
    if times != sorted(times):
        return Refusal(kind=MIXED, detail="not in the order of time")
    return Taken(first=times[0], last=times[-1])


def _before_the_clock(capture: Capture) -> Refusal:
    return Refusal(
        kind=UNDATED,
        detail=f"`{capture.command}` of {capture.source} has no `show clock` before it: paste that first",
    )


def _utc(capture: Capture) -> datetime | str:
    """The time that a `show clock` tells, or why it tells none that others share."""
    reading = read_capture(capture)
    clock = next((one for one in reading.records if isinstance(one, Clock)), None) if reading is not None else None
    if reading is None or reading.status is not CaptureStatus.PARSED or clock is None:
        return f"`{capture.command}` was not read whole"
    if clock.mark:
        return f"no time server keeps its clock (`{clock.mark}`)"
    offset = zone_offset(clock.zone)
    if offset is None:
        return f"what its zone {clock.zone or '(none)'} means is not known"
    return clock.time.replace(tzinfo=UTC) - offset


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
