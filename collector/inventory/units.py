"""Texts with units, as policies and inventories write them: `55s`, `3m`, `24h`, `10%`, `10/h`, `3/day`, `1MiB`."""

from __future__ import annotations

import re
from datetime import timedelta

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)?")
_SECONDS = {"ms": 0.001, "s": 1, None: 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|kB|KB|KiB|MB|MiB|GB|GiB)?")
_BYTES = {
    None: 1,
    "B": 1,
    "kB": 1000,
    "KB": 1000,
    "KiB": 1024,
    "MB": 1000**2,
    "MiB": 1024**2,
    "GB": 1000**3,
    "GiB": 1024**3,
}


def duration(text: str) -> timedelta:
    """`55s`, `3m`, `1.5h`, `7d`, `2w`; a bare number is seconds. Raises ValueError."""
    match = _DURATION.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is no duration: write 55s, 3m, 24h or 7d")
    return timedelta(seconds=float(match[1]) * _SECONDS[match[2]])


def size(text: str) -> int:
    """`1MiB`, `512000`. Raises ValueError."""
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is no size: write 512000 or 1MiB")
    return int(float(match[1]) * _BYTES[match[2]])


def rate(text: str, *, per: str) -> float:
    """`10/h` with per="h", `3/day` with per="day"; a bare number has that unit. Raises ValueError."""
    number, _, unit = text.strip().partition("/")
    hours = {"h": 1.0, "hour": 1.0, "d": 24.0, "day": 24.0}
    wanted = hours[per]
    given = hours.get(unit.strip(), 0.0) if unit else wanted
    if not given or not re.fullmatch(r"\d+(?:\.\d+)?", number.strip()):
        raise ValueError(f"{text!r} is no rate: write 10/h or 3/day")
    return float(number) * wanted / given


def fraction(text: str) -> float:
    """`10%` or `0.1`, from 0 to 1. Raises ValueError."""
    stripped = text.strip()
    scale = 100 if stripped.endswith("%") else 1
    number = stripped.rstrip("%").strip()
    if not re.fullmatch(r"\d+(?:\.\d+)?", number) or not 0 <= float(number) / scale <= 1:
        raise ValueError(f"{text!r} is no share: write 10% or 0.1")
    return float(number) / scale
