"""show processes cpu: how busy the router is, before it is asked for what costs it."""

from __future__ import annotations

from collections.abc import Iterable

from collector.commands.command import Command, Reading
from collector.commands.reading import read_table
from collector.model import CpuLoad
from collector.parse import Row


def records(rows: tuple[Row, ...]) -> tuple[CpuLoad, ...]:
    """Rows with FIVE_SECONDS, INTERRUPTS, ONE_MINUTE, FIVE_MINUTES (digits, percent) -> CpuLoad."""
    return tuple(
        CpuLoad(
            line=row.line,
            five_seconds=int(row.text("FIVE_SECONDS")),
            interrupts=int(row.text("INTERRUPTS")) if row.text("INTERRUPTS") else None,
            one_minute=int(row.text("ONE_MINUTE")),
            five_minutes=int(row.text("FIVE_MINUTES")),
        )
        for row in rows
    )


def read(lines: Iterable[str], _filtered: str | None) -> Reading[CpuLoad]:
    """One row: of the processes that an unfiltered table lists nothing is needed."""
    return read_table(COMMAND, lines, records, count=("CPU utilization for five seconds",))


COMMAND: Command[CpuLoad] = Command(
    name="show processes cpu",
    lines=("show processes cpu | include CPU utilization",),
    read=read,
    template="cisco_ios_show_processes_cpu",
    spellings=("show processes cpu sorted", "show processes cpu sorted 5sec"),
    about="a busy router is not asked for its whole SA tables",
)
