"""Durations in the ways that routers print them."""

from __future__ import annotations

import re
from datetime import timedelta

_CLOCK = re.compile(r"(\d{1,6}):(\d{2}):(\d{2})(?:\.\d{1,6})?$")
_PART = re.compile(r"(\d{1,10}) ?([A-Za-z]+)[ ,]{0,3}")
_SECONDS = {
    "y": 31_536_000,
    "year": 31_536_000,
    "w": 604_800,
    "week": 604_800,
    "d": 86_400,
    "day": 86_400,
    "h": 3_600,
    "hr": 3_600,
    "hour": 3_600,
    "m": 60,
    "min": 60,
    "minute": 60,
    "s": 1,
    "sec": 1,
    "second": 1,
}


def duration(text: str | None) -> timedelta | None:
    """`00:02:27`, `1d02h`, `10w2d`, `36m 56s`, `1 hours, 10 mins`, `2 years, 3 weeks`; else (`never`) `None`.

    A year is 365 days: the router's own arithmetic is not documented, and nothing here is that old and that exact.
    """
    text = (text or "").strip()
    clock = _CLOCK.match(text)
    if clock:
        hours, minutes, seconds = (int(part) for part in clock.groups())
        return timedelta(hours=hours, minutes=minutes, seconds=seconds)
    total, place = 0, 0
    while place < len(text):
        part = _PART.match(text, place)
        unit = _unit(part[2]) if part else None
        if part is None or unit is None:
            return None
        total += int(part[1]) * unit
        place = part.end()
    try:
        return timedelta(seconds=total) if text else None
    except OverflowError:
        return None


def lifetime(text: str | None) -> timedelta | None:
    """As duration; a bare number is seconds (`lifetime:0`, `3060`)."""
    text = (text or "").strip()
    if text.isascii() and text.isdigit() and len(text) <= 10:
        return timedelta(seconds=int(text))
    return duration(text)


def _unit(word: str) -> int | None:
    word = word.lower()
    return _SECONDS.get(word) or _SECONDS.get(word.removesuffix("s"))
