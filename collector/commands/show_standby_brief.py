"""show standby brief [all]: HSRP groups; a virtual address is a local end of tunnels, a change of state loses SAs."""

from __future__ import annotations

from collections.abc import Iterable

from collector.commands.command import Command, Reading
from collector.commands.reading import read_table
from collector.model import StandbyGroup, to_address
from collector.parse import Row


def records(rows: tuple[Row, ...]) -> tuple[StandbyGroup, ...]:
    """Rows with INTERFACE, GROUP, STATE, ACTIVE, STANDBY, VIRTUAL (an address, or "unknown") -> StandbyGroup."""
    return tuple(
        StandbyGroup(
            line=row.line,
            interface=row.text("INTERFACE"),
            group=int(row.text("GROUP")),
            state=row.text("STATE"),
            active=row.text("ACTIVE") or None,
            standby=row.text("STANDBY") or None,
            virtual=to_address(row.text("VIRTUAL")),
        )
        for row in rows
        if row.text("INTERFACE")
    )


def read(lines: Iterable[str], _filtered: str | None) -> Reading[StandbyGroup]:
    """One record a group. Without HSRP: two heading lines, or nothing at all."""
    return read_table(COMMAND, lines, records, empty_allowed=True)


COMMAND: Command[StandbyGroup] = Command(
    name="show standby brief",
    lines=("show standby brief",),
    spellings=("show standby brief all", "show standby all brief", "show standby <interface> brief"),
    read=read,
    template="cisco_ios_show_standby_brief",
    about="virtual addresses that tunnels may end on",
)
