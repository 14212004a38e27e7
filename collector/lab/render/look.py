"""What every renderer is given, and the forms of time that IOS prints."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from collector.lab import state
from collector.lab.model import Device, Holding, Network

Lines = list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One command on one router at one moment. words: the command, every keyword spelled out."""

    network: Network
    device: Device
    now: datetime
    privilege: int
    user: str
    words: tuple[str, ...]

    @property
    def era(self) -> int:
        """The year of the image."""
        return self.device.platform.era

    def has(self, word: str) -> bool:
        """Whether a keyword was typed."""
        return word in self.words

    def after(self, word: str) -> str | None:
        """The argument of a keyword."""
        return self.words[self.words.index(word) + 1] if word in self.words[:-1] else None

    def holdings(self) -> tuple[Holding, ...]:
        """What the router holds, link by link."""
        return state.device_holdings(self.network, self.device, self.now)


def clock(look: Look, moment: datetime | None = None) -> str:
    """`10:02:03.123 CET Mon Nov 24 2025`, without the mark."""
    local = look.device.clock.local(look.now if moment is None else moment)
    return f"{local:%H:%M:%S}.{local.microsecond // 1000:03d} {look.device.clock.zone} {local:%a %b} {local.day} {local.year}"


def short(look: Look, moment: datetime) -> str:
    """`10:02:03 CET Mon Nov 24 2025`."""
    local = look.device.clock.local(moment)
    return f"{local:%H:%M:%S} {look.device.clock.zone} {local:%a %b} {local.day} {local.year}"


def age(span: timedelta) -> str:
    """`00:30:25` below a day, then `3d18h`, `7w0d`, `1y12w`."""
    seconds = max(0, int(span.total_seconds()))
    days, rest = divmod(seconds, 86400)
    if days >= 365:
        return f"{days // 365}y{days % 365 // 7}w"
    if days >= 7:
        return f"{days // 7}w{days % 7}d"
    if days:
        return f"{days}d{rest // 3600:02d}h"
    return hms(rest)


def hms(seconds: int) -> str:
    """`23:29:35`."""
    return f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"


def uptime(span: timedelta) -> str:
    """`8 weeks, 3 days, 10 hours, 27 minutes`."""
    minutes = max(0, int(span.total_seconds())) // 60
    parts: list[str] = []
    for unit, size in (("year", 525600), ("week", 10080), ("day", 1440), ("hour", 60), ("minute", 1)):
        count, minutes = divmod(minutes, size)
        if count or (unit == "minute" and not parts):
            parts.append(f"{count} {unit}{'' if count == 1 else 's'}")
    return ", ".join(parts)
