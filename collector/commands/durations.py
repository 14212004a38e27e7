"""Durations as IOS prints them."""

from __future__ import annotations

import re
from datetime import timedelta

_CLOCK = re.compile(r"(\d{1,4}):(\d{2}):(\d{2})$")
_UNITS = re.compile(r"(?:\d{1,6}[ywdhms]){1,5}$")
_UNIT = re.compile(r"(\d{1,6})([ywdhms])")
_WORDS = re.compile(r"(\d{1,9}) *(year|week|day|hour|min|sec)")
_SECONDS = {"y": 31536000, "w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}


def duration(text: str | None) -> timedelta | None:
    """`00:27:42`, `3d18h`, `7w0d`, `1 hours, 10 mins`, `4 hours, 2 mins`, `661`: else None ("never", "", masks)."""
    text = (text or "").strip()
    if text.isascii() and text.isdigit() and len(text) <= 10:
        return timedelta(seconds=int(text))
    if clock := _CLOCK.match(text):
        hours, minutes, seconds = map(int, clock.groups())
        return timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if _UNITS.match(text):
        return timedelta(seconds=sum(int(number) * _SECONDS[unit] for number, unit in _UNIT.findall(text)))
    words = _WORDS.findall(text)
    if words:
        return timedelta(seconds=sum(int(number) * _SECONDS[unit[0]] for number, unit in words))
    return None
