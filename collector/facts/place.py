"""Log stamps placed in time: year, zone, marks and uptime stamps against the router's clock (DOMAIN 2.3).

Stamps come in the order of the buffer, which is authoritative: walking back from the last one, a stamp that would lie
after its successor belongs to the year before. What cannot be placed gets no age, never a guessed one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from collector.facts.clock import DeviceClock, zone_offset
from collector.model import Stamp

_DISORDER = timedelta(days=1)  # relays shuffle, clocks step: less than this is no change of year
_AHEAD = timedelta(minutes=2)  # a stamp may be this much later than "now": seconds are cut, captures take time
_MINUTE = timedelta(minutes=1)
_UTC_NAMES = frozenset({"UTC", "GMT", "Z"})
_NO_YEAR = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One stamp in time. at: aware device time. age: before the log was read; both `None` where not known."""

    at: datetime | None = None
    age: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stamps are placed against.

    now: local time (naive) at which the log was read. last_is_now: without it the last stamp stands for it (texts
    of other origin; in a visit it would make an old line young). uptime: at that time. stamps: the configuration's
    `service timestamps log ...`. reference: the collector's or relay's time (naive), tells the year where no clock does.
    """

    clock: DeviceClock
    now: datetime | None = None
    last_is_now: bool = True
    uptime: timedelta | None = None
    stamps: str | None = None
    reference: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """All stamps of one log in time. read_at: when it was read. note: a remark on the zone, where one was chosen."""

    placed: tuple[Placed, ...]
    read_at: datetime | None
    note: str = ""


def place(stamps: Sequence[Stamp], frame: Frame) -> Places:
    """Each of `stamps` (in buffer order) in time."""
    shift, note = _unmarked_shift(stamps, frame)
    locals_ = _resolved(stamps, frame, shift)
    now, since_boot, mark = frame.now, frame.uptime, frame.clock.mark
    if now is None and frame.last_is_now:
        last = next((i for i in range(len(stamps) - 1, -1, -1) if locals_[i] is not None), None)
        now, mark = (locals_[last], stamps[last].mark) if last is not None else (None, mark)
        if since_boot is None:
            since_boot = next((s.since_boot for s in reversed(stamps) if s.since_boot is not None), None)
    known_year = frame.now is not None or frame.reference is not None or any(s.has_year for s in stamps)
    placed = tuple(
        _dated(stamp, local, now, (frame.clock, mark), known_year=known_year)
        if stamp.kind == "datetime"
        else _from_boot(stamp, since_boot, now, frame)
        for stamp, local in zip(stamps, locals_, strict=True)
    )
    read_at = frame.clock.aware(now) if now is not None and known_year else None
    return Places(placed=placed, read_at=read_at, note=note)


def _dated(
    stamp: Stamp, local: datetime | None, now: datetime | None, own: tuple[DeviceClock, str | None], *, known_year: bool
) -> Placed:
    clock, mark = own
    if local is None or (stamp.mark == "*" and mark in {"", "."}):
        return Placed()  # written before the clock was set: not comparable with it
    at = clock.aware(local) if known_year else None
    if now is None:
        return Placed(at=at)
    age = now - local
    if age < -_AHEAD:
        return Placed(at=at)  # the clock stepped back
    return Placed(at=at, age=max(age, timedelta()))


def _from_boot(stamp: Stamp, uptime: timedelta | None, now: datetime | None, frame: Frame) -> Placed:
    if stamp.since_boot is None or uptime is None or (stamp.resolution or timedelta()) > _MINUTE:
        return Placed()
    age = uptime - stamp.since_boot
    if age < -_AHEAD:
        return Placed()  # of an earlier boot
    at = frame.clock.aware(now - age) if frame.now is not None and now is not None else None
    return Placed(at=at, age=max(age, timedelta()))


def _resolved(stamps: Sequence[Stamp], frame: Frame, shift: timedelta) -> list[datetime | None]:
    """Local naive times, years filled in from the end of the buffer to its beginning."""
    ceiling = frame.now or frame.reference
    result: list[datetime | None] = []
    for stamp in reversed(stamps):
        local = _local(stamp, ceiling, frame, shift)
        result.append(local)
        if local is not None and stamp.mark != "*" and (ceiling is None or local < ceiling):
            ceiling = local
    return result[::-1]


def _local(stamp: Stamp, ceiling: datetime | None, frame: Frame, shift: timedelta) -> datetime | None:
    if stamp.kind != "datetime" or stamp.time is None:
        return None
    move = _move(stamp, frame, shift)
    if stamp.has_year:
        return stamp.time + move
    year = ceiling.year if ceiling is not None else _NO_YEAR
    for candidate in range(year + 1, year - 9, -1):  # a leap day may be eight years back (1896, 1904)
        try:
            local = stamp.time.replace(year=candidate) + move
        except ValueError:
            continue
        if ceiling is None and candidate > year:
            continue
        if ceiling is None or local <= ceiling + _DISORDER:
            return local
    return None


def _move(stamp: Stamp, frame: Frame, shift: timedelta) -> timedelta:
    """From the stamp's zone to the clock's."""
    zone, own = stamp.zone, frame.clock.zone
    if zone is None:
        return shift
    if own is not None and zone.upper() == own.upper():
        return timedelta()
    if zone.upper() in _UTC_NAMES:
        return frame.clock.offset
    there = zone_offset(zone)
    if there is None:
        return timedelta()
    here = zone_offset(own) if own is not None else None
    if zone[0] in "+-" or here is None:
        return frame.clock.offset - there if frame.clock.offset_known else timedelta()
    return here - there


def _unmarked_shift(stamps: Sequence[Stamp], frame: Frame) -> tuple[timedelta, str]:
    """How far stamps without a zone stand from local time: IOS writes UTC unless told `localtime`.

    Without the configuration's word the reading that makes the newest stamp the younger is taken: an error then
    keeps trouble open, it never closes it.
    """
    offset = frame.clock.offset
    if not offset or not frame.clock.offset_known:
        return timedelta(), ""
    if frame.stamps is not None and "datetime" in frame.stamps:
        return (timedelta() if "localtime" in frame.stamps else offset), ""
    newest = next((s for s in reversed(stamps) if s.kind == "datetime" and s.zone is None and s.mark != "*"), None)
    if newest is None or frame.now is None:
        return timedelta(), ""
    ages: list[tuple[timedelta, timedelta]] = []
    for shift in (timedelta(), offset):
        local = _local(newest, frame.now, frame, shift)
        if local is not None and frame.now - local >= -_AHEAD:
            ages.append((frame.now - local, shift))
    if not ages:
        return timedelta(), ""
    chosen = min(ages, key=lambda pair: pair[0])[1]
    return chosen, f"stamps without a zone are read as {'UTC' if chosen else 'local time'}: the newest is younger so"
