"""The common way from lines to a Reading: template, records, independent counts, honest empties."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from collector.commands.command import Command, Reading
from collector.errors import ErrorCode
from collector.model import CaptureStatus
from collector.parse import Row, Unparsed, stream, unmarked

R = TypeVar("R")
# `exec prompt timestamp` puts these before every answer, an empty one too
_LOAD = ("Load for five secs:", "Time source is ", "No time source")


def read_table(
    command: Command[R],
    lines: Iterable[str],
    records: Callable[[tuple[Row, ...]], tuple[R, ...]],
    *,
    count: tuple[str, ...] = (),
    empty: tuple[str, ...] = (),
    empty_allowed: bool = False,
) -> Reading[R]:
    """Run the command's template and prove that nothing was lost.

    count: words that start a row each; their number in the raw text must equal the number of rows.
    empty: wordings of an honest "none" (compared as the beginning of a stripped line); without one of them, no rows
    means "not understood", unless `empty_allowed` (a router that answers nothing at all when there is nothing).
    """
    assert command.template is not None
    seen = _Seen(count, empty)
    left: list[Unparsed] = []
    rows = tuple(stream(command.template, seen.watch(unmarked(lines)), left))
    result = records(rows)
    reason = _complaint(seen, len(rows), left, bool(result) or seen.said_none or empty_allowed)
    if not reason:
        return Reading(command=command.name, status=CaptureStatus.PARSED, records=result)
    status = CaptureStatus.INCOMPLETE if seen.text_lines else CaptureStatus.MISSING
    return Reading(
        command=command.name,
        status=status,
        records=result,
        unparsed=tuple(left),
        reason=reason,
        code=ErrorCode.PARSE if seen.text_lines else None,
    )


class _Seen:
    """Counts along the stream, so that a large capture is read once."""

    def __init__(self, count: tuple[str, ...], empty: tuple[str, ...]) -> None:
        self.words = count
        self.empty = empty
        self.counted = 0
        self.text_lines = 0
        self.said_none = False

    def watch(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            stripped = line.strip()
            if stripped and not stripped.startswith(_LOAD):
                self.text_lines += 1
                self.counted += any(word in line for word in self.words)
                self.said_none = self.said_none or bool(self.empty and stripped.startswith(self.empty))
            yield line


def _complaint(seen: _Seen, rows: int, left: list[Unparsed], understood: bool) -> str:  # noqa: FBT001 - private
    if left:
        return f"{len(left)} line(s) not understood, the first is line {left[0].line}: {left[0].text.strip()[:120]!r}"
    if seen.words and seen.counted != rows:
        return f"{seen.counted} row(s) stand in the text, {rows} were read"
    if not understood:
        return "no row, and not the router's word for none" if seen.text_lines else "the answer is empty"
    return ""
