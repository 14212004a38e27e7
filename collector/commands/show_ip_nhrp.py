"""show ip nhrp [brief|detail], show ipv6 nhrp: which NBMA a tunnel address stands behind, static or learnt.

`Type: static` is what makes an mGRE peer curable by recovery. An entry may lack its NBMA (incomplete) or say that the
far end claims another one (behind NAT).
"""

from __future__ import annotations

from collections.abc import Iterable

from collector.commands.command import Command, Reading
from collector.commands.reading import read_table
from collector.model import NhrpEntry, to_address
from collector.parse import Row
from collector.parse.duration import duration

_BRIEF = {"S": "static", "D": "dynamic"}


def records(rows: tuple[Row, ...]) -> tuple[NhrpEntry, ...]:
    """Rows with TARGET, VRF, VIA, INTERFACE, CREATED, EXPIRES, TYPE, FLAGS, NBMA, CLAIMED, SOCKET -> NhrpEntry."""
    return tuple(_entry(row) for row in rows if row.text("TARGET"))


def _entry(row: Row) -> NhrpEntry:
    flags = tuple(row.text("FLAGS").split()) + ((row.text("SOCKET"),) if row.text("SOCKET") else ())
    kind = row.text("TYPE")
    return NhrpEntry(
        line=row.line,
        target=row.text("TARGET"),
        interface=row.text("INTERFACE") or None,
        nbma=to_address(row.text("NBMA")),
        type=_BRIEF.get(kind, kind.lower()),
        vrf=row.text("VRF") or None,
        via=to_address(row.text("VIA")),
        flags=flags,
        claimed_nbma=to_address(row.text("CLAIMED")),
        created=duration(row.text("CREATED")),
        expires=duration(row.text("EXPIRES")),
    )


def read(lines: Iterable[str], _filtered: str | None) -> Reading[NhrpEntry]:
    """One record an entry. A router without any answers nothing at all."""
    return read_table(COMMAND, lines, records, count=(" created ", " <", " S/", " D/"), empty_allowed=True)


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
