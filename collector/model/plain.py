"""One way from nouns to plain values, for every sink that speaks JSON, YAML or CSV."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

from collector.model.values import NO_YEAR, Spi


def plain(value: object) -> Any:
    """`value` as dict, list, str, int, float, bool or None.

    Addresses in canonical text form, SPIs as 0x + 8 upper-case hex digits, times ISO 8601 (--MM-DDThh:mm:ss where the
    log printed no year), durations in seconds (a whole number where it is one), enums as their value.
    """
    match value:
        case Enum():
            return value.value
        case Spi() | IPv4Address() | IPv6Address() | Path():
            return str(value)
        case datetime() | date():
            return _time(value)
        case timedelta():
            seconds = value.total_seconds()
            return int(seconds) if seconds == int(seconds) else seconds
        case Mapping():
            return {str(plain(key)): plain(item) for key, item in value.items()}
        case tuple() | list() | set() | frozenset():
            return [plain(item) for item in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            return value


def _time(value: datetime | date) -> str:
    text = value.isoformat()
    return text if value.year != NO_YEAR else text.replace(f"{NO_YEAR}-", "--", 1)
