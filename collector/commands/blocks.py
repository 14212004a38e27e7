"""From lines to records that take several rows each, streamed: blocks, doubts, independent counts, honest empties.

A fold turns rows into records one by one and says where a block is not whole (a Doubt); nothing here holds the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from collector.commands.command import Command, Reading
from collector.errors import ErrorCode
from collector.model import CaptureStatus
from collector.parse import Row, Unparsed, stream, unmarked
from collector.parse.interruption import interrupts

R = TypeVar("R")
_HEAD = 8  # lines in which an answer of terminal lines only is recognised


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A place where the rows do not make a whole block: cut, doubled, mixed with another answer.

    end: all that stands there is whole, what always followed on a router does not: told from a cut by a prompt only.
    """

    line: int
    text: str
    end: bool = False


Doubts = list[Doubt]
Fold = Callable[[Iterable[Row], Doubts], Iterator[R]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Count(Generic[R]):
    """A number that the raw text and the records must agree on, made without the template.

    what: for the message, "SPI". A line (stripped) begins one where it starts with one of `starts`, or where `begins`
    says so. total: how many the records hold.
    """

    what: str
    starts: tuple[str, ...] = ()
    begins: Callable[[str], bool] | None = None
    total: Callable[[Sequence[R]], int] = len


@dataclass(frozen=True, slots=True, kw_only=True)
class Empty:
    """What an honest "there is none" looks like.

    wordings: beginnings of a (stripped) line. silent: the router may also print nothing at all.
    """

    wordings: tuple[str, ...] = ()
    silent: bool = False


def read_blocks(
    command: Command[R],
    lines: Iterable[str],
    fold: Fold[R],
    *,
    counts: tuple[Count[R], ...] = (),
    empty: Empty = Empty(),
    filtered: str | None = None,
    whole_filters: frozenset[str] = frozenset(),
) -> Reading[R]:
    """Run the template, fold its rows, prove that nothing was lost.

    filtered: the text behind the pipe; one of `whole_filters` keeps every block (and drops the word for none, so an
    empty answer is one), any other leaves rows that are evidence but prove no absence: the reading is `incomplete`.
    """
    assert command.template is not None
    seen = _Seen(counts=counts, wordings=empty.wordings)
    left: list[Unparsed] = []
    doubts: Doubts = []
    records = tuple(fold(stream(command.template, seen.watch(unmarked(lines)), left), doubts))
    partial = filtered is not None and _squeeze(filtered) not in whole_filters
    complaints = [
        *([f"filtered by {filtered!r}: what it left out is not known"] if partial else []),
        *_unknown(left),
        *(f"line {doubt.line}: {doubt.text}" for doubt in doubts),
        *_differences(seen, counts, records),
        *_silence(seen, silent=empty.silent or (filtered is not None and not partial), found=bool(records)),
    ]
    if not complaints:
        return Reading(command=command.name, status=CaptureStatus.PARSED, records=records)
    return Reading(
        command=command.name,
        status=CaptureStatus.INCOMPLETE if seen.answered else CaptureStatus.MISSING,
        records=records,
        unparsed=tuple(left),
        reason=complaints[0],
        code=ErrorCode.PARSE if seen.answered else None,
        open_end=len(complaints) == sum(doubt.end for doubt in doubts),
    )


class _Seen:
    """Counts along the stream, so that a large capture is read once."""

    def __init__(self, *, counts: Sequence[Count[R]], wordings: tuple[str, ...]) -> None:
        self.starts = [count.starts for count in counts]
        self.begins = [(at, count.begins) for at, count in enumerate(counts) if count.begins is not None]
        self.wordings = wordings
        self.counted = [0] * len(counts)
        self.head: list[str] = []  # the first lines that are not blank
        self.text_lines = 0
        self.said_none = False

    @property
    def answered(self) -> bool:
        """False where nothing came but blanks, echo, prompt and lines of the terminal itself."""
        if self.text_lines > len(self.head):
            return True
        return not all(interrupts(line, first=not at, after_log=at > 0) for at, line in enumerate(self.head))

    def watch(self, lines: Iterable[str]) -> Iterator[str]:
        marks = tuple(mark for starts in (*self.starts, self.wordings) for mark in starts)
        for line in lines:
            stripped = line.strip()
            if stripped:
                self.text_lines += 1
                if self.text_lines <= _HEAD:
                    self.head.append(stripped)
                if stripped.startswith(marks):  # one look for all: nearly every line begins with none of them
                    self._mark(stripped)
                for at, begins in self.begins:
                    self.counted[at] += begins(stripped)
            yield line

    def _mark(self, stripped: str) -> None:
        self.said_none = self.said_none or bool(self.wordings and stripped.startswith(self.wordings))
        for at, starts in enumerate(self.starts):
            self.counted[at] += bool(starts and stripped.startswith(starts))


def _squeeze(text: str) -> str:
    """A filter as it is compared: the keyword in full, blanks single."""
    words = text.split()
    if words and len(words[0]) >= 1 and "include".startswith(words[0].lower()):
        words[0] = "include"
    return " ".join(words)


def _unknown(left: list[Unparsed]) -> Iterator[str]:
    if left:
        yield f"{len(left)} line(s) not understood, the first is line {left[0].line}: {left[0].text.strip()[:120]!r}"


def _differences(seen: _Seen, counts: tuple[Count[R], ...], records: Sequence[R]) -> Iterator[str]:
    for count, counted in zip(counts, seen.counted, strict=True):
        total = count.total(records)
        if total != counted:
            yield f"{counted} {count.what}(s) stand in the text, {total} were read"


def _silence(seen: _Seen, *, silent: bool, found: bool) -> Iterator[str]:
    if found or seen.said_none or (silent and not seen.answered):
        return
    yield "no row, and not the router's word for none" if seen.answered else "the answer is empty"
