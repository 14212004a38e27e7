"""The plain form: what nearly every line of a buffer, or of a relay's file, looks like. It is read at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from collector.model import NO_YEAR, Stamp
from collector.parse.log.header import Header, relay_time
from collector.parse.log.stamp import DATE, ISO, MONTHS, read_stamp

# all other forms take the long way
PLAIN = re.compile(
    r"(?:(\d{1,10}): )?([*.])?([A-Z][a-z][a-z]) ([ \d]\d) (?:(\d{4}) )?(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?"
    r"(?: ([A-Za-z]{2,5}))?: (%([A-Z][A-Z0-9_]*-(?:[A-Z0-9_]+-)?[0-7]-[A-Z0-9_]+): )"
)
RELAY_PREFIX = re.compile(
    rf"(?:<\d{{1,3}}>)?({DATE}|{ISO}) ([A-Za-z0-9_][\w.\-:]{{0,63}}) (?:<\d{{1,3}}>)?(?:\d{{1,10}}: (?=\d{{1,10}}: ))?"
)


class Plain(NamedTuple):
    """A line of the plain form, and the relay's words before it."""

    match: re.Match[str]
    relay: re.Match[str] | None

    @property
    def header(self) -> Header:
        """Who said it, and when."""
        match, relay = self
        return Header(
            start=0,
            stamp=plain_stamp(match),
            sequence=int(match[1]) if match[1] else None,
            relay_host=relay[2].rstrip(":") if relay else None,
            relay_time=relay_time(relay[1], None) if relay else None,
        )


def plain_stamp(match: re.Match[str]) -> Stamp:
    """The router's stamp."""
    _, mark, month, day, year, hour, minute, second, fraction, zone, *_ = match.groups()
    try:
        time = datetime(  # noqa: DTZ001 - the router's wall clock
            int(year) if year else NO_YEAR,
            MONTHS.index(month) + 1,
            int(day),
            int(hour),
            int(minute),
            int(second),
            int(fraction.ljust(6, "0")) if fraction else 0,
        )
    except ValueError:  # no such month or day, a leap second
        text = f"{month} {day.strip()} {year + ' ' if year else ''}{hour}:{minute}:{second}"
        return read_stamp(text, zone, mark or "")
    return Stamp(kind="datetime", time=time, has_year=year is not None, zone=zone, mark=mark or "")


@dataclass(slots=True, kw_only=True)
class Tally:
    """What went through a scan. seen = events + duplicates + unparsed, of INV_SPI; total: messages of any kind."""

    total: int = 0
    seen: int = 0
    events: int = 0
    duplicates: int = 0
    unparsed: int = 0
    _first: re.Match[str] | Stamp | None = None
    _last: re.Match[str] | Stamp | None = None

    @property
    def first(self) -> Stamp | None:
        """The first stamp of the log."""
        return _edge(self._first)

    @property
    def last(self) -> Stamp | None:
        """The last stamp of the log."""
        return _edge(self._last)

    def pass_by(self, where: re.Match[str] | Stamp) -> None:
        """One more message; `where` is its match (of the plain form) or its stamp."""
        self.total += 1
        if isinstance(where, Stamp) and where.kind == "none":
            return
        if self._first is None:
            self._first = where
        self._last = where


def _edge(where: re.Match[str] | Stamp | None) -> Stamp | None:
    return plain_stamp(where) if isinstance(where, re.Match) else where
