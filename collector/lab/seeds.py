"""Numbers that look random and never change: everything seeded by the scenario and a name, nothing by the clock."""

from __future__ import annotations

import hashlib


def number(bound: int, *parts: object) -> int:
    """A number in range(bound) that belongs to the parts."""
    text = "|".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) % bound


def spi(*parts: object) -> int:
    """An SPI: never reserved (below 0x100), never of CSCvp16730's range (0xFF......), never of a scanner's shape."""
    value = 0x1000_0000 + number(0xEE00_0000, "spi", *parts)
    return value | 1 if value & 0xFFFF == 0 else value


def pick(values: tuple[str, ...], *parts: object) -> str:
    """One of the values."""
    return values[number(len(values), *parts)]
