"""show drops history qfp|crypto: the drop tables of IOS XE with what the last minutes added.

The text is that of the commands behind it, each under a title line; one record a table.
"""

from __future__ import annotations

from collections.abc import Iterable

from collector.commands.command import Command, Reading
from collector.commands.drop_table import drop_tables, honest
from collector.commands.reading import read_table
from collector.model import DropTable


def read(lines: Iterable[str], filtered: str | None) -> Reading[DropTable]:
    """One record a table."""
    return honest(
        read_table(COMMAND, lines, drop_tables(filtered), empty_allowed=filtered is not None), filtered, tables=None
    )


_FORMS = ("history qfp", "history crypto", "qfp", "crypto")

COMMAND: Command[DropTable] = Command(
    name="show drops",
    lines=("show drops history qfp", "show drops history crypto"),
    spellings=("show drops", *(f"show drops {form}{end}" for form in _FORMS for end in ("", " clear"))),
    platforms=("ios-xe",),
    privilege=15,
    read=read,
    template="cisco_ios_show_drops",
    about="drop reasons with the last minutes beside the total",
)
