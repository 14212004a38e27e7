"""Runs a TextFSM template over lines: rows with their line numbers, and the lines that no rule knew.

Linear and streaming: a line is looked at once, a row is handed out as soon as it is recorded, no text is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from collector.parse.interruption import interrupts
from collector.parse.redact import redact_lines
from collector.parse.template import KEY, State, Template, load

LONGEST = 4096  # characters; no router prints such a line, and no rule is tried on it (FAULTS 64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unparsed:
    """A line that no rule of the template knew (its first LONGEST characters)."""

    line: int
    text: str


class Row(NamedTuple):
    """One record of a template. values: per Value name, text (or list of texts for `List`). line: where it began.

    first: the Value assigned first in it, which tells rows of several kinds apart.
    """

    line: int
    values: dict[str, Any]
    first: str = ""

    def text(self, name: str) -> str:
        """The value as text, "" where it was not set."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All rows of a capture, and the lines left behind."""

    rows: tuple[Row, ...]
    unparsed: tuple[Unparsed, ...] = field(default=())


class _Record:
    """The record being built, as textfsm builds it: `Filldown`, `List`, `Required`, empty records dropped."""

    def __init__(self, template: Template) -> None:
        self.template = template
        self.blank: dict[str, Any] = dict.fromkeys(template.names, "")
        self.fill: dict[str, str] = {}
        self.values: dict[str, str] = {}
        self.lists: dict[str, list[str | None]] = {name: [] for name in template.lists}
        self.began = 0
        self.first = ""

    def assign(self, name: str, value: str | None, *, is_list: bool) -> None:
        if is_list:
            self.lists[name].append(value)
            return
        for kept in (self.values, self.fill) if name in self.template.filldown else (self.values,):
            if value is None:  # an optional group that took no part
                kept.pop(name, None)
            else:
                kept[name] = value

    def take(self, line: int) -> Row | None:
        """The finished record, or None where it is empty or lacks a `Required` value; begins the next one."""
        row = self._row(line)
        self.clear()
        return row

    def _row(self, line: int) -> Row | None:
        for name in self.template.required:
            if not self.values.get(name) and not self.lists.get(name):
                return None
        if not self.values and not any(self.lists.values()):
            return None
        values = self.blank | self.values
        for name, items in self.lists.items():
            values[name] = list(items)
        return Row(line=self.began or line, values=values, first=self.first)

    def clear(self) -> None:
        self.values = self.fill.copy()
        for name in self.lists:
            if name not in self.template.filldown:
                self.lists[name] = []
        self.began, self.first = 0, ""

    def clear_all(self) -> None:
        self.fill, self.values, self.began, self.first = {}, {}, 0, ""
        for name in self.lists:
            self.lists[name] = []


def stream(name: str, lines: Iterable[str], left: list[Unparsed]) -> Iterator[Row]:
    """Rows of `lines` one by one; lines that were not understood are appended to `left`.

    Log messages and other lines of the terminal itself are set aside (see interruption). The last rule of a state,
    `^. -> Error`, means "not understood" here: the line is kept (keys in it masked) and the parse goes on in the same
    state.
    """
    yield from run(load(name), lines, left)
    masked = redact_lines(iter([one.text for one in left]))  # what no rule knew may be anything, keys as well
    left[:] = [Unparsed(line=one.line, text=text) for one, text in zip(left, masked, strict=True)]


def run(template: Template, lines: Iterable[str], left: list[Unparsed]) -> Iterator[Row]:  # noqa: C901, PLR0912 - one loop, no calls
    """As stream, for a Template."""
    record = _Record(template)
    state = template.states["Start"]
    simple, blank = template.simple, record.blank
    aside = _Aside(left)
    number = 0
    for number, line in enumerate(lines, 1):
        key = line.lstrip()[:KEY]
        rules = state.memo.get(key) or state.candidates(key)
        if len(line) > LONGEST:
            rules = ()
            left.append(Unparsed(line=number, text=line[:LONGEST]))
        for rule in rules:
            found = rule.match(line)
            if found is None:
                continue
            if rule.whole and simple and not record.values:
                values = blank | {name: value for name, value in found.groupdict().items() if value is not None}
                yield Row(number, values, rule.assigns[0][0])
                state = state if not rule.target else _OVER.get(rule.target) or template.states[rule.target]
                break
            if rule.assigns:
                for name, is_list in rule.assigns:
                    record.assign(name, found[name], is_list=is_list)
                if not record.began:
                    record.began, record.first = number, rule.assigns[0][0]
            if rule.record and (row := _operate(record, rule.record, number)) is not None:
                yield row
            if rule.line == "Continue":
                continue
            if rule.line == "Error":
                aside.look(number, line)
            elif rule.target:
                state = _OVER.get(rule.target) or template.states[rule.target]
            break
        if key:
            aside.begun = True
        if not state.rules:
            break
    if state is not _OVER["End"] and not template.null_eof and (last := record.take(number)) is not None:
        yield last


# what follows is not read; after `End` nothing is recorded, after `EOF` the record at hand is
_OVER = {"End": State(rules=()), "EOF": State(rules=())}


class _Aside:
    """Where lines go that no rule knew: among the unparsed, unless the terminal itself printed them."""

    def __init__(self, left: list[Unparsed]) -> None:
        self.left = left
        self.begun = False  # a line that is not blank was seen
        self.log = -1  # the last log line

    def look(self, number: int, line: str) -> None:
        if interrupts(line, after_log=self.log == number - 1, first=not self.begun):
            self.log = number
        else:
            self.left.append(Unparsed(line=number, text=line))


def _operate(record: _Record, operation: str, number: int) -> Row | None:
    if operation == "Record":
        return record.take(number)
    if operation == "Clear":
        record.clear()
    else:
        record.clear_all()
    return None


def table(name: str, lines: Iterable[str]) -> Table:
    """All rows of `lines`."""
    left: list[Unparsed] = []
    rows = tuple(stream(name, lines, left))
    return Table(rows=rows, unparsed=tuple(left))
