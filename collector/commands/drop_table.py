"""From rows of counters to one DropTable; no command of its own.

An absent name is a true zero only where the whole table was read: unfiltered, with its heading. `| exclude _0_` leaves
out zeros alone, so it proves them too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from collector.commands.command import Reading
from collector.errors import ErrorCode
from collector.model import CaptureStatus, DropCounter, DropTable
from collector.parse import Row
from collector.parse.duration import duration

_ONLY_ZEROS = re.compile(r"ex?c?l?u?d?e? +_0_$")


def drop_tables(filtered: str | None) -> Callable[[tuple[Row, ...]], tuple[DropTable, ...]]:
    """The `records` of a drop command: rows with NAME and PACKETS are counters, the others say what the table proves.

    Several tables in one text (`show drops history`) come as one record each: another heading begins another table.
    """

    def records(rows: tuple[Row, ...]) -> tuple[DropTable, ...]:
        return tuple(_table(part, filtered) for part in _parts(rows))

    return records


def _parts(rows: tuple[Row, ...]) -> list[list[Row]]:
    parts: list[list[Row]] = []
    for row in rows:
        headings = {earlier.text("HEADING") for earlier in parts[-1]} - {""} if parts else set()
        other = row.text("HEADING") and row.text("HEADING") not in headings
        if not parts or (headings and (other or row.text("LAST_CLEARING"))):
            parts.append([])
        parts[-1].append(row)
    return parts


def _table(rows: list[Row], filtered: str | None) -> DropTable:
    counters = tuple(
        DropCounter(
            line=row.line,
            name=row.text("NAME"),
            packets=int(row.text("PACKETS")),
            octets=int(row.text("OCTETS")) if row.text("OCTETS") else None,
            number=int(row.text("NUMBER")) if row.text("NUMBER") else None,
        )
        for row in rows
        if row.text("NAME")
    )
    headed = any(row.text("HEADING") for row in rows)
    whole = filtered is None or _ONLY_ZEROS.match(filtered.strip()) is not None
    ago = next((row.text("CLEARED_AGO") for row in rows if row.text("CLEARED_AGO")), "")
    cleared = next((row.text("LAST_CLEARING") for row in rows if row.text("LAST_CLEARING")), None)
    return DropTable(
        line=rows[0].line,
        counters=counters,
        zeros_shown=headed and whole,
        all_zero=any(row.text("ALL_ZERO") for row in rows)
        or (headed and whole and not any(c.packets for c in counters)),
        last_clearing=cleared,
        cleared_ago=duration(ago),
    )


def honest(reading: Reading[DropTable], filtered: str | None, *, tables: int | None = 1) -> Reading[DropTable]:
    """`reading`, where an empty answer to a filter is one empty table, and what stands twice is told.

    tables: how many the command prints; `None` where that is not known.
    """
    if not reading.records and not reading.unparsed and filtered is not None:
        nothing = DropTable(line=1, counters=(), zeros_shown=False)
        return Reading(command=reading.command, status=CaptureStatus.PARSED, records=(nothing,))
    twice = next((name for table in reading.records for name in _doubled(table)), None)
    reason = f"the counter {twice} stands twice in one table" if twice else ""
    if tables is not None and len(reading.records) > tables:
        reason = "the text of more than one answer"
    if reading.status is not CaptureStatus.PARSED or not reason:
        return reading
    return Reading(
        command=reading.command,
        status=CaptureStatus.INCOMPLETE,
        records=reading.records,
        reason=reason,
        code=ErrorCode.PARSE,
    )


def _doubled(table: DropTable) -> Iterator[str]:
    seen: set[str] = set()
    for counter in table.counters:
        if counter.name in seen:
            yield counter.name
        seen.add(counter.name)
