"""show clock: the router's time, which places the stamps of its log. `*` never synchronised, `.` synchronisation lost."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from collector.commands.command import Command, Reading
from collector.commands.reading import read_table
from collector.model import Clock
from collector.parse import Row

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def records(rows: tuple[Row, ...]) -> tuple[Clock, ...]:
    """Rows with MARK, TIME (hh:mm:ss[.msec]), ZONE, MONTH, DAY, YEAR -> Clock. An impossible date gives no record."""
    return tuple(clock for row in rows if (clock := _clock(row)))


def _clock(row: Row) -> Clock | None:
    whole, _, fraction = row.text("TIME").partition(".")
    hour, minute, second = (int(part) for part in whole.split(":"))
    try:
        time = datetime(  # noqa: DTZ001 - the router's local time; its zone is a name that only the site can resolve
            int(row.text("YEAR")),
            _MONTHS.index(row.text("MONTH")) + 1,
            int(row.text("DAY")),
            hour,
            minute,
            second,
            int(fraction.ljust(6, "0") or 0),
        )
    except ValueError:
        return None
    return Clock(line=row.line, time=time, zone=row.text("ZONE") or None, mark=row.text("MARK"))


def read(lines: Iterable[str], _filtered: str | None) -> Reading[Clock]:
    """One row, always."""
    return read_table(COMMAND, lines, records)


COMMAND: Command[Clock] = Command(
    name="show clock",
    lines=("show clock",),
    spellings=("show clock detail",),
    read=read,
    template="cisco_ios_show_clock",
    about="the router's time, asked right before the log",
)
