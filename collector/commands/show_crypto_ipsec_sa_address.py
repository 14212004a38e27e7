"""show crypto ipsec sa address: SPIs by the destination address of their packets, without peers and flows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from collector.commands.blocks import Count, Doubt, Doubts, Empty, read_blocks
from collector.commands.command import Command, Reading
from collector.model import SpiLookup, to_address, to_spi
from collector.parse import Row


def fold(rows: Iterable[Row], doubts: Doubts) -> Iterator[SpiLookup]:
    """Rows with ADDRESS (and FVRF), PROTOCOL, SPI, CONN_ID or STATUS -> SpiLookup.

    `destination` is this router for an inbound SA. Doubts: lines of an SA out of order, hex and decimal that differ, an
    SPI twice, an address without SA.
    """
    place = _Place()
    seen: set[tuple[str, ...]] = set()
    for row in rows:
        if problem := place.step(row):
            doubts.append(Doubt(line=row.line, text=problem))
        spi = to_spi(row.text("SPI")) if row.text("SPI") else None
        if spi is None:
            continue
        if spi != int(row.text("DECIMAL")):
            doubts.append(Doubt(line=row.line, text="the SPI's hex and decimal differ"))
        key = (place.vrf or "", place.address, place.protocol, row.text("SPI"))
        if key in seen:
            doubts.append(Doubt(line=row.line, text=f"SPI {row.text('SPI')} stands twice"))
        seen.add(key)
        yield SpiLookup(
            line=row.line,
            spi=spi,
            destination=to_address(place.address),
            protocol=place.protocol or None,
            vrf=place.vrf,
            table="active",
        )
    if problem := place.end():
        doubts.append(Doubt(line=place.line, text=problem))


# what may stand before each kind of line; `Status` is the last one, which old images do not print
_BEFORE = {
    "ADDRESS": {"", "STATUS", "CONN_ID"},
    "PROTOCOL": {"ADDRESS", "STATUS", "CONN_ID"},
    "SPI": {"PROTOCOL", "STATUS", "CONN_ID"},
    "CONN_ID": {"SPI"},
    "STATUS": {"CONN_ID"},
}


@dataclass(slots=True)
class _Place:
    """Where in the answer a line stands."""

    address: str = ""
    vrf: str | None = None
    protocol: str = ""
    last: str = ""
    line: int = 0
    finished: bool = False  # a `Status` line was seen: each SA has one

    def step(self, row: Row) -> str:
        """Goes on to `row`; says what is wrong with its place, or nothing."""
        kind = "ADDRESS" if row.text("ADDRESS") else row.first
        if kind not in _BEFORE:
            return ""
        before, self.last, self.line = self.last, kind, row.line
        if kind == "ADDRESS":
            self.address, self.protocol = row.text("ADDRESS"), ""
            self.vrf = row.text("FVRF") if row.text("FVRF") not in {"", "(none)"} else None
        elif kind == "PROTOCOL":
            self.protocol = row.text("PROTOCOL").lower()
        unfinished = self.finished and before == "CONN_ID" and kind != "STATUS"
        self.finished = self.finished or kind == "STATUS"
        if before not in _BEFORE[kind] or unfinished:
            return f"a line out of order: {kind.lower()} after {before.lower() or 'nothing'}"
        return ""

    def end(self) -> str:
        """What is wrong with the last line."""
        whole = {"", "STATUS"} if self.finished else {"", "CONN_ID"}
        return "" if self.last in whole else "the last SA is not whole: cut?"


def read(lines: Iterable[str], filtered: str | None) -> Reading[SpiLookup]:
    """Whole when each `spi:` line is a row."""
    return read_blocks(
        COMMAND,
        lines,
        fold,
        counts=(Count(what="SPI", starts=("spi:",)),),
        empty=Empty(wordings=("No SAs found", "There are no", "There is no")),
        filtered=filtered,
    )


COMMAND: Command[SpiLookup] = Command(
    name="show crypto ipsec sa address",
    lines=("show crypto ipsec sa address",),
    spellings=("show crypto ipsec sa address detail",),
    read=read,
    template="cisco_ios_show_crypto_ipsec_sa_address",
    about="SPIs by destination address",
)
