"""show ip nhrp nhs [detail]: next hop servers, and the NBMA that a name stands for today."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from collector.commands.blocks import Count, Doubt, Doubts, Empty, read_blocks
from collector.commands.command import Command, Reading
from collector.model import NhsEntry, to_address
from collector.parse import Row

_BEGINS = re.compile(r"[0-9A-Fa-f]*[.:][0-9A-Fa-f:.]*(?:\s|$)")


def records(rows: Iterable[Row], doubts: Doubts) -> Iterator[NhsEntry]:
    """Rows with INTERFACE, NHS, FLAGS, NBMA, NBMA_NAME, PRIORITY, CLUSTER -> NhsEntry. Without NBMA: not learnt yet."""
    for row in rows:
        if not row.text("INTERFACE"):
            doubts.append(Doubt(line=row.line, text="the line of its interface is missing"))
        yield _entry(row)


def _entry(row: Row) -> NhsEntry:
    nbma = to_address(row.text("NBMA"))
    return NhsEntry(
        line=row.line,
        interface=row.text("INTERFACE") or None,
        nhs=to_address(row.text("NHS")),
        nbma=nbma,
        nbma_name=row.text("NBMA_NAME") or (row.text("NBMA") or None if nbma is None else None),
        flags=row.text("FLAGS"),
        priority=int(row.text("PRIORITY")) if row.text("PRIORITY") else None,
        cluster=int(row.text("CLUSTER")) if row.text("CLUSTER") else None,
    )


def read(lines: Iterable[str], filtered: str | None) -> Reading[NhsEntry]:
    """One record a server. A hub has none: the legend alone, or nothing at all."""
    return read_blocks(
        COMMAND,
        lines,
        records,
        counts=(Count(what="server", begins=lambda line: _BEGINS.match(line) is not None),),
        empty=Empty(wordings=("Legend:",), silent=True),
        filtered=filtered,
    )


_BASES = ("show ip nhrp nhs", "show ipv6 nhrp nhs")

COMMAND: Command[NhsEntry] = Command(
    name="show ip nhrp nhs",
    lines=("show ip nhrp nhs",),
    spellings=tuple(
        f"{base}{form}{end}"
        for base in _BASES
        for form in ("", " <interface>", " <interface> <number>", " vrf <vrf>")
        for end in ("", " detail")
    ),
    read=read,
    template="cisco_ios_show_ip_nhrp_nhs",
    about="next hop servers whose NBMA is configured by name",
)
