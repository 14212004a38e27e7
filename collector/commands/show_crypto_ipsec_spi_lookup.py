"""show crypto ipsec spi-lookup [detail] (IOS XE): the SPIs that the control plane accepts now.

An SPI may stand in both tables: `active`, and `transient` while a rekey is under way. The transient table shows no
addresses. The VRF is printed as a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from collector.commands.blocks import Count, Doubt, Doubts, Empty, read_blocks
from collector.commands.command import Command, Reading
from collector.model import SpiLookup, to_address, to_spi
from collector.parse import Row

_BEGINS = re.compile(
    r"(?:[0-9A-Fa-f]{8}|0x[0-9A-Fa-f]{1,8})\s+(?:ipsec|esp|ah|(?:0x)?[0-9A-Fa-f]{8}\s+\d)", re.IGNORECASE
)


def fold(rows: Iterable[Row], doubts: Doubts) -> Iterator[SpiLookup]:
    """Rows -> SpiLookup. Doubts: an SPI before any title or in the wrong table, a table that never came."""
    titles: list[str] = []
    seen: set[tuple[str, ...]] = set()
    line = 0
    for row in rows:
        line = row.line
        if row.first == "TITLE":
            if row.text("TITLE") in titles:
                doubts.append(Doubt(line=line, text="the same table twice: two answers in one"))
            titles.append(row.text("TITLE"))
        if row.first != "SPI" or (spi := to_spi(row.text("SPI"))) is None:
            continue
        table = titles[-1] if titles else ""
        if (table == "Active") != bool(row.text("PROTOCOL")):
            doubts.append(Doubt(line=line, text="an SPI without its table's title"))
        key = (table, row.text("SPI"), row.text("PROTOCOL"), row.text("LOCAL"))
        if key in seen:
            doubts.append(Doubt(line=line, text=f"SPI {spi} stands twice"))
        seen.add(key)
        yield SpiLookup(
            line=line,
            spi=spi,
            destination=to_address(row.text("LOCAL")),
            protocol=row.text("PROTOCOL") or None,
            vrf=row.text("VRF") or None,
            table="active" if row.text("PROTOCOL") else "transient",
            interface=row.text("IDB") or None,
        )
    if titles and "Transient" not in titles:
        doubts.append(Doubt(line=line, text="no `Transient SPI table` after it: cut?"))


def read(lines: Iterable[str], filtered: str | None) -> Reading[SpiLookup]:
    """Whole when each line that begins with an SPI is a row and both tables came."""
    return read_blocks(
        COMMAND,
        lines,
        fold,
        counts=(Count(what="SPI", begins=lambda line: _BEGINS.match(line) is not None),),
        empty=Empty(wordings=("Active SPI table", "There are no", "There is no", "No ")),
        filtered=filtered,
    )


COMMAND: Command[SpiLookup] = Command(
    name="show crypto ipsec spi-lookup",
    lines=("show crypto ipsec spi-lookup detail", "show crypto ipsec spi-lookup"),
    read=read,
    platforms=("ios-xe",),
    template="cisco_ios_show_crypto_ipsec_spi_lookup",
    about="active and transient SPIs of the control plane",
)
