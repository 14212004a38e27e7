"""show ip nhrp [brief|detail], show ipv6 nhrp: which NBMA a tunnel address stands behind, static or learnt.

`Type: static` is what makes an mGRE peer curable by recovery. An entry may lack its NBMA (incomplete) or say that the
far end claims another one (behind NAT).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from collector.commands.blocks import Count, Doubt, Doubts, Empty, read_blocks
from collector.commands.command import Command, Reading
from collector.model import NhrpEntry, to_address
from collector.parse import Row
from collector.parse.duration import duration

_BRIEF = {"S": "static", "D": "dynamic"}


_BEGINS = re.compile(r"[0-9A-Fa-f]*[.:][0-9A-Fa-f:.]*(?:/\d+|,| 255\.)")


def records(rows: Iterable[Row], doubts: Doubts) -> Iterator[NhrpEntry]:
    """Rows with TARGET, VRF, VIA, INTERFACE, CREATED, EXPIRES, TYPE, FLAGS, NBMA, CLAIMED, SOCKET -> NhrpEntry."""
    for row in rows:
        if not row.text("TARGET"):
            doubts.append(Doubt(line=row.line, text="what stands here belongs to an entry whose first line is missing"))
            continue
        entry = _entry(row)
        if not entry.type or (entry.nbma is None and entry.type != "incomplete" and not row.text("NBMA")):
            doubts.append(Doubt(line=row.line, text=f"the entry {entry.target} is not whole"))
        yield entry


def _entry(row: Row) -> NhrpEntry:
    flags = tuple(row.text("FLAGS").split()) + ((row.text("SOCKET"),) if row.text("SOCKET") else ())
    kind = row.text("TYPE")
    return NhrpEntry(
        line=row.line,
        target=row.text("TARGET"),
        interface=_interface(row.text("INTERFACE")),
        nbma=to_address(row.text("NBMA")),
        type=_BRIEF.get(kind, kind.lower()),
        vrf=row.text("VRF") or None,
        via=to_address(row.text("VIA")),
        flags=flags,
        claimed_nbma=to_address(row.text("CLAIMED")),
        created=duration(row.text("CREATED")),
        expires=duration(row.text("EXPIRES")),
    )


def _interface(text: str) -> str | None:
    """`Tunnel100`; 12.2 and older: `tunnel 100`."""
    return "".join(text.split()).replace("tunnel", "Tunnel") or None


def read(lines: Iterable[str], filtered: str | None) -> Reading[NhrpEntry]:
    """One record an entry. A router without any answers nothing at all."""
    return read_blocks(
        COMMAND,
        lines,
        records,
        counts=(Count(what="entry", begins=lambda line: _BEGINS.match(line) is not None),),
        empty=Empty(silent=True),
        filtered=filtered,
    )


COMMAND: Command[NhrpEntry] = Command(
    name="show ip nhrp",
    lines=("show ip nhrp",),
    spellings=tuple(
        f"{base}{form}"
        for base in ("show ip nhrp", "show ipv6 nhrp")
        for form in (
            "",
            " detail",
            " brief",
            " static",
            " dynamic",
            " incomplete",
            " local",
            " <target>",
            " vrf <vrf>",
            " vrf <vrf> <target>",
            " vrf <vrf> detail",
            " <interface> <number>",
        )
    ),
    read=read,
    template="cisco_ios_show_ip_nhrp",
    about="static or dynamic, per NBMA (mGRE)",
)
