"""show privilege: below 15 an absent configuration line proves nothing (Cisco tech note 00800949d5)."""

from __future__ import annotations

from collections.abc import Iterable

from collector.commands.command import Command, Reading
from collector.commands.reading import read_table
from collector.model import Privilege
from collector.parse import Row


def records(rows: tuple[Row, ...]) -> tuple[Privilege, ...]:
    """Rows with LEVEL (digits) or VIEW -> Privilege. A parser view hides what it likes, whatever the level; root nothing."""
    views = [row for row in rows if row.text("VIEW")]
    if not views:
        return tuple(Privilege(line=row.line, level=int(row.text("LEVEL"))) for row in rows)
    name = views[0].text("VIEW")
    return (Privilege(line=views[0].line, level=15 if name == "root" else 0, view=name),)


def read(lines: Iterable[str], _filtered: str | None) -> Reading[Privilege]:
    """One row, always: a router that answers has a privilege level."""
    return read_table(COMMAND, lines, records, count=("Current privilege level is", "Currently in View Context"))


COMMAND: Command[Privilege] = Command(
    name="show privilege",
    lines=("show privilege",),
    read=read,
    template="cisco_ios_show_privilege",
    about="below 15 an absent configuration line proves nothing",
)
