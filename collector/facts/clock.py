"""The router's clock: where its local time stands against UTC, and what it was when each capture was taken.

Live, the router's clock is compared with the collector's at the same capture; the difference, rounded to a quarter of
an hour, is its offset from UTC. Offline the zone's name says it, where it is one that says it. Every age inside the
device is computed in one frame, so that an unknown zone costs the comparison with other routers and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from collector.facts.looks import Look, Looks
from collector.model import Clock

_QUARTER = timedelta(minutes=15)
_MAX_OFFSET = timedelta(hours=14)

# Names that mean one thing. CST, IST and BST mean several: with these only a live comparison tells the offset.
_ZONES: dict[str, float] = {
    "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "MET": 1, "MEST": 2, "EET": 2, "EEST": 3,
    "MSK": 3, "EST": -5, "EDT": -4, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8,
    "HST": -10, "JST": 9, "KST": 9, "SGT": 8, "HKT": 8, "AEST": 10, "AEDT": 11, "AWST": 8, "NZST": 12, "NZDT": 13,
}  # fmt: skip


def zone_offset(zone: str | None) -> timedelta | None:
    """The offset that a zone's name or `+hhmm` says, `None` where it says none."""
    if not zone:
        return None
    if zone[0] in "+-" and zone[1:].replace(":", "").isdigit():
        digits = zone[1:].replace(":", "")
        minutes = int(digits[:2]) * 60 + int(digits[2:4] or 0)
        return timedelta(minutes=-minutes if zone[0] == "-" else minutes)
    hours = _ZONES.get(zone.upper())
    return None if hours is None else timedelta(hours=hours)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    order: int
    time: datetime  # naive, local
    taken_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceClock:
    """The clock of one router during one visit.

    offset: local time minus UTC. offset_known: False where it was assumed to be zero. mark: `None` without show clock.
    steady: comparable with the clocks of other routers (synchronised, offset known).
    """

    readings: tuple[_Reading, ...] = ()
    offset: timedelta = timedelta()
    offset_known: bool = False
    zone: str | None = None
    mark: str | None = None

    def aware(self, local: datetime) -> datetime:
        """Local time with its offset."""
        return local.replace(tzinfo=timezone(self.offset))

    def local_at(self, order: int, taken_at: datetime | None) -> datetime | None:
        """Local time (naive) of capture number `order`: the nearest clock before it, and what has passed since.

        Where only a later clock is there, live times count back from it; without live times nothing is known.
        """
        before = [reading for reading in self.readings if reading.order <= order]
        if before:
            reading = before[-1]
            if reading.taken_at is None or taken_at is None:
                return reading.time
            return reading.time + (taken_at - reading.taken_at)
        if self.readings and taken_at is not None and self.readings[0].taken_at is not None:
            return self.readings[0].time + (taken_at - self.readings[0].taken_at)
        return None

    def at(self, look: Look | None) -> datetime | None:
        """The router's own time (aware) of a look."""
        local = None if look is None else self.local_at(look.order, look.taken_at)
        return None if local is None else self.aware(local)


def of(looks: Looks) -> DeviceClock:
    """The clock of the router that printed `looks`."""
    readings: list[_Reading] = []
    last: Clock | None = None
    for look in looks.of("show clock"):
        for record in look.reading.records:
            if look.parsed and isinstance(record, Clock):
                readings.append(_Reading(order=look.order, time=record.time, taken_at=look.taken_at))
                last = record
    if last is None:
        return DeviceClock()
    offset = _compared(readings) if last.mark != "*" else None
    offset = zone_offset(last.zone) if offset is None else offset
    return DeviceClock(
        readings=tuple(readings),
        offset=offset or timedelta(),
        offset_known=offset is not None,
        zone=last.zone,
        mark=last.mark,
    )


def _compared(readings: list[_Reading]) -> timedelta | None:
    for reading in reversed(readings):
        if reading.taken_at is None:
            continue
        utc = reading.taken_at - (reading.taken_at.utcoffset() or timedelta())
        ahead = reading.time - utc.replace(tzinfo=None)
        rounded = round(ahead / _QUARTER) * _QUARTER
        return rounded if abs(rounded) <= _MAX_OFFSET else None
    return None
