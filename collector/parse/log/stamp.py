"""Timestamps as `service timestamps log` writes them, and as relays do."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache

from collector.model import NO_YEAR, Stamp

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_CLOCK = r"\d{1,2}:\d\d:\d\d(?:[.,]\d{1,9})?"
_YEAR = r"(?:19|20)\d\d"
DATE = rf"(?:{_YEAR} )?(?:{'|'.join(MONTHS)}) {{1,2}}\d{{1,2}}(?: {_YEAR})?,? {_CLOCK}"
ISO = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
UPTIME = r"\d{1,3}y\d{1,2}w|\d{1,2}w\dd|\d{1,4}d\d{1,2}h|\d{1,5}:\d\d:\d\d(?:\.\d{1,6})?"
ZONE = r"[A-Za-z]{2,5}|[+-]\d\d:?\d\d"

NONE = Stamp(kind="none")

_DATE_PARTS = re.compile(
    rf"(?:({_YEAR}) )?([A-Z][a-z][a-z]) {{1,2}}(\d{{1,2}})(?: ({_YEAR}))?,? (\d{{1,2}}):(\d\d):(\d\d)(?:[.,](\d{{1,9}}))?"
)
_ISO_PARTS = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)?",
)
_UNITS = {"y": timedelta(days=365), "w": timedelta(weeks=1), "d": timedelta(days=1), "h": timedelta(hours=1)}


def read_stamp(text: str, zone: str | None = None, mark: str = "") -> Stamp:
    """The stamp in `text` (one of DATE, ISO, UPTIME, nothing around it); kind none where it names no real time."""
    if match := _DATE_PARTS.fullmatch(text):
        before, month, day, behind, *clock = match.groups()
        year = before or behind
        if month not in MONTHS:
            return NONE
        time = _time(int(year or NO_YEAR), MONTHS.index(month) + 1, int(day), clock)
        if time is None:
            return NONE
        return Stamp(kind="datetime", time=time, has_year=bool(year), zone=zone, mark=mark)
    if match := _ISO_PARTS.fullmatch(text):
        years, months, days, *clock = match.groups()
        time = _time(int(years), int(months), int(days), clock[:4])
        if time is None:
            return NONE
        return Stamp(kind="datetime", time=time, has_year=True, zone=zone or _iso_zone(clock[4]), mark=mark)
    return _uptime(text, mark)


def _iso_zone(text: str | None) -> str | None:
    return "UTC" if text == "Z" else text


def _time(year: int, month: int, day: int, clock: list[str | None]) -> datetime | None:
    hour, minute, second, fraction = clock
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    try:
        # a leap second (:60) is the last moment of its minute
        return datetime(year, month, day, int(hour or 0), int(minute or 0), min(int(second or 0), 59), micro)  # noqa: DTZ001 - the router's wall clock
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _uptime(text: str, mark: str) -> Stamp:
    if ":" in text:
        hours, minutes, seconds = text.split(":")
        if int(minutes) > 59 or float(seconds) >= 60:
            return NONE
        since = timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds))
        return Stamp(kind="uptime", since_boot=since, resolution=timedelta(seconds=1), mark=mark)
    parts = re.findall(r"(\d+)([ywdh])", text)
    if not parts:
        return NONE
    since = sum((int(number) * _UNITS[unit] for number, unit in parts), timedelta())
    return Stamp(kind="uptime", since_boot=since, resolution=_UNITS[parts[-1][1]], mark=mark)
