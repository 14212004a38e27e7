"""show standby brief [all]: HSRP groups; a virtual address is a local end of tunnels, a change of state loses SAs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from collector.commands.blocks import Count, Doubt, Doubts, Empty, read_blocks
from collector.commands.command import Command, Reading
from collector.model import StandbyGroup, to_address
from collector.parse import Row

_BEGINS = re.compile(r"[A-Z][A-Za-z]*\d\S*\s+\d+\s+\d+\s")


def records(rows: Iterable[Row], doubts: Doubts) -> Iterator[StandbyGroup]:
    """Rows with INTERFACE, GROUP, STATE, ACTIVE, STANDBY, VIRTUAL (an address, or "unknown") -> StandbyGroup."""
    for row in rows:
        if not row.text("INTERFACE"):
            continue
        if not row.text("STANDBY") or not row.text("VIRTUAL"):
            doubts.append(Doubt(line=row.line, text=f"the group of {row.text('INTERFACE')} is not whole"))
        yield StandbyGroup(
            line=row.line,
            interface=row.text("INTERFACE"),
            group=int(row.text("GROUP")),
            state=row.text("STATE"),
            active=row.text("ACTIVE") or None,
            standby=row.text("STANDBY") or None,
            virtual=to_address(row.text("VIRTUAL")),
        )


def read(lines: Iterable[str], filtered: str | None) -> Reading[StandbyGroup]:
    """One record a group. Without HSRP: two heading lines, or nothing at all."""
    return read_blocks(
        COMMAND,
        lines,
        records,
        counts=(Count(what="group", begins=lambda line: _BEGINS.match(line) is not None),),
        empty=Empty(wordings=("P indicates", "Interface "), silent=True),
        filtered=filtered,
    )


COMMAND: Command[StandbyGroup] = Command(
    name="show standby brief",
    lines=("show standby brief",),
    spellings=("show standby brief all", "show standby all brief", "show standby <interface> brief"),
    read=read,
    template="cisco_ios_show_standby_brief",
    about="virtual addresses that tunnels may end on",
)
