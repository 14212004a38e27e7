"""Writes INV_SPI messages in every style, through every relay, wrapped in every way: the other side of the scanner."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Line:
    """One message as the test means it."""

    spi: int
    at: datetime
    source: str = "198.51.100.7"
    destination: str = "192.0.2.1"
    interface: str | None = "GigabitEthernet0/0/1"
    sequence: int = 91

    @property
    def body(self) -> str:
        behind = f", input interface={self.interface}" if self.interface else ""
        return (
            f"%CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packet has invalid spi for "
            f"destaddr={self.destination}, prot=50, spi=0x{self.spi:08X}({self.spi}), srcaddr={self.source}{behind}"
        )


def _date(at: datetime, *, year: bool = False) -> str:
    return f"{MONTHS[at.month - 1]} {at.day:2d} {f'{at.year} ' if year else ''}{at:%H:%M:%S}"


@dataclass(frozen=True)
class Style:
    """How the router stamps. what: the fields of the Stamp that must come back (and `sequence`)."""

    name: str
    render: Callable[[Line], str]
    kind: str = "datetime"
    digits: int = 0  # of the fraction
    year: bool = False
    zone: str | None = None
    mark: str = ""
    sequence: bool = False


STYLES = (
    Style("none", lambda _: "", kind="none"),
    Style("sequence-only", lambda m: f"{m.sequence:06d}: ", kind="none", sequence=True),
    Style("seconds", lambda m: f"{_date(m.at)}: "),
    Style("msec", lambda m: f"{_date(m.at)}.{m.at.microsecond // 1000:03d}: ", digits=3),
    Style("micro", lambda m: f"{_date(m.at)}.{m.at.microsecond:06d}: ", digits=6),
    Style("year", lambda m: f"{_date(m.at, year=True)}: ", year=True),
    Style("year-msec", lambda m: f"{_date(m.at, year=True)}.{m.at.microsecond // 1000:03d}: ", year=True, digits=3),
    Style("zone-3", lambda m: f"{_date(m.at)}.{m.at.microsecond // 1000:03d} EDT: ", zone="EDT", digits=3),
    Style("zone-4", lambda m: f"{_date(m.at)} CEST: ", zone="CEST"),
    Style("zone-2", lambda m: f"{_date(m.at)} MT: ", zone="MT"),
    Style("zone-5", lambda m: f"{_date(m.at)} LOCAL: ", zone="LOCAL"),
    Style("zone-glued", lambda m: f"{_date(m.at)}.{m.at.microsecond // 1000:03d}EDT: ", zone="EDT", digits=3),
    Style("zone-number", lambda m: f"{_date(m.at)} +0130: ", zone="+0130"),
    Style("two-colons", lambda m: f"{_date(m.at)}.{m.at.microsecond // 1000:03d} EDT: : ", zone="EDT", digits=3),
    Style("all", lambda m: f"{m.sequence:06d}: *{_date(m.at, year=True)}.{m.at.microsecond // 1000:03d} UTC: ",
          year=True, digits=3, zone="UTC", mark="*", sequence=True),
    Style("star", lambda m: f"*{_date(m.at)}.{m.at.microsecond // 1000:03d}: ", digits=3, mark="*"),
    Style("dot", lambda m: f".{_date(m.at)}.{m.at.microsecond // 1000:03d}: ", digits=3, mark="."),
    Style("sequence", lambda m: f"{m.sequence:06d}: {_date(m.at)}: ", sequence=True),
    Style("sequence-star", lambda m: f"{m.sequence:06d}: *{_date(m.at)}: ", sequence=True, mark="*"),
    Style("star-sequence", lambda m: f"*{m.sequence:06d}: {_date(m.at)}: ", sequence=True, mark="*"),
    Style("iso-z", lambda m: f"{m.at.isoformat(timespec='milliseconds')}Z: ", year=True, digits=3, zone="UTC"),
    Style("iso-offset", lambda m: f"{m.at.isoformat(timespec='seconds')}+02:00: ", year=True, zone="+02:00"),
    Style("uptime-clock", lambda _: "00:12:07: ", kind="uptime"),
    Style("uptime-days", lambda _: "3d05h: ", kind="uptime"),
    Style("uptime-weeks", lambda _: "1w2d: ", kind="uptime"),
    Style("uptime-years", lambda _: "2y3w: ", kind="uptime"),
    Style("uptime-sequence", lambda m: f"{m.sequence:06d}: 1w2d: ", kind="uptime", sequence=True),
)  # fmt: skip

SINCE_BOOT = {
    "uptime-clock": timedelta(minutes=12, seconds=7),
    "uptime-days": timedelta(days=3, hours=5),
    "uptime-weeks": timedelta(weeks=1, days=2),
    "uptime-years": timedelta(days=2 * 365 + 21),
    "uptime-sequence": timedelta(weeks=1, days=2),
}


@dataclass(frozen=True)
class Relay:
    """What a syslog server writes before it. host, origin: what must come back; counts: it adds `91: `."""

    name: str
    render: Callable[[str, Line], str]
    host: str | None = None
    origin: str | None = None
    counts: bool = False
    before_stamp: bool = False  # the origin-id stands where a router without stamps has none


def _later(m: Line) -> datetime:
    return m.at.replace(microsecond=0) + timedelta(seconds=2)


RELAYS = (
    Relay("buffer", lambda head, _: head),
    Relay("pri", lambda head, _: f"<189>{head}"),
    Relay("pri-count", lambda head, m: f"<189>{m.sequence}: {head}", counts=True),
    Relay("rfc3164", lambda head, m: f"{_date(_later(m))} edge-1.example.net {m.sequence}: {head}",
          host="edge-1.example.net", counts=True),
    Relay("rfc3164-pri", lambda head, m: f"<189>{_date(_later(m))} 192.0.2.33 {m.sequence}: {head}",
          host="192.0.2.33", counts=True),
    Relay("rfc3164-pri-behind", lambda head, m: f"{_date(_later(m))} 192.0.2.33 <189>{m.sequence}: {head}",
          host="192.0.2.33", counts=True),
    Relay("rfc3164-bare", lambda head, m: f"{_date(_later(m))} edge1 {head}", host="edge1"),
    Relay("rfc3164-colon", lambda head, m: f"{_date(_later(m))} edge1 : {head}", host="edge1"),
    Relay("rfc5424", lambda head, m: f"<189>1 {_later(m).isoformat()}+02:00 edge1 - - - - {head}", host="edge1"),
    Relay("rfc5424-fields",
          lambda head, m: f'<189>1 {_later(m).isoformat()}Z edge1 ios 12 ID7 [meta seq="9" x="a b"] {head}',
          host="edge1"),
    Relay("rsyslog-iso", lambda head, m: f"{_later(m).isoformat()}.123456+02:00 edge1 {m.sequence}: {head}",
          host="edge1", counts=True),
    Relay("kiwi", lambda head, m: f"{_later(m):%Y-%m-%d %H:%M:%S}\tLocal7.Warning\t192.0.2.33\t{m.sequence}: {head}",
          host="192.0.2.33", counts=True),
    Relay("origin-id", lambda head, m: f"<189>{m.sequence}: edge1: {head}", origin="edge1", counts=True),
    Relay("origin-id-behind", lambda head, _: f"{head}edge1.example.net ", origin="edge1.example.net"),
    Relay("relay-and-origin-id", lambda head, m: f"{_date(_later(m))} 192.0.2.33 {m.sequence}: edge1: {head}",
          host="192.0.2.33", origin="edge1", counts=True),
)  # fmt: skip


def _columns(width: int, *, blanks_kept: bool = True) -> Callable[[list[str]], str]:
    def wrap(lines: list[str]) -> str:
        out = [line[i : i + width] for line in lines for i in range(0, len(line), width)]
        return "\n".join(part if blanks_kept else part.rstrip() for part in out)

    return wrap


def _words(width: int, join: str = "\n", lead: str = "", indent: str = "") -> Callable[[list[str]], str]:
    def wrap(lines: list[str]) -> str:
        out = []
        for line in lines:
            parts = textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False, subsequent_indent=indent)
            out += [lead + part for part in parts]
        return join.join(out)

    return wrap


WRAPS: dict[str, Callable[[list[str]], str]] = {
    "one-line": "\n".join,
    "crlf": "\r\n".join,
    "columns-132": _columns(132),
    "columns-80": _columns(80),
    "columns-61": _columns(61),
    "columns-40": _columns(40),
    "columns-80-trimmed": _columns(80, blanks_kept=False),
    "columns-47-trimmed": _columns(47, blanks_kept=False),
    "words-70": _words(70),
    "words-100-blank-lines": _words(100, "\n\n"),
    "words-76-indented": _words(76, indent="    "),
    "mail-quoted": _words(72, lead="> "),
    "glued": " ".join,
    "glued-wrapped": lambda lines: _words(90, "\n\n")([" ".join(lines)]),
    "glued-columns-80": lambda lines: _columns(80)([" ".join(lines)]),
    "escapes": lambda lines: "\n".join(f"\x1b[0m{line}\x07" for line in lines),
}
