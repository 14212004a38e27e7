"""Runs a TextFSM template over lines: rows with their line numbers, and the lines that no rule knew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from io import StringIO
from typing import Any

import textfsm

from collector.errors import ParseError


@dataclass(frozen=True, slots=True, kw_only=True)
class Unparsed:
    """A line that no rule of the template knew."""

    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One record of a template. values: per Value name, text (or list of texts for `List`). line: where it began."""

    line: int
    values: dict[str, Any]

    def text(self, name: str) -> str:
        """The value as text, "" where it was not set."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All rows of a capture, and the lines left behind."""

    rows: tuple[Row, ...]
    unparsed: tuple[Unparsed, ...] = field(default=())


@cache
def _template(name: str) -> str:
    path = files("collector.templates") / f"{name}.textfsm"
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ParseError(f"no template {name}.textfsm in collector.templates", template=name) from None


class _Machine(textfsm.TextFSM):  # type: ignore[misc]
    """TextFSM that goes on after an Error rule and remembers where each record began."""

    def __init__(self, name: str) -> None:
        super().__init__(StringIO(_template(name)))
        self.number = 0
        self.began = 0
        self.starts: list[int] = []
        self.left: list[Unparsed] = []

    def _CheckLine(self, line: str) -> None:  # noqa: N802 - the library's hook
        self.number += 1
        try:
            super()._CheckLine(line)
        except textfsm.TextFSMError:
            self.left.append(Unparsed(line=self.number, text=line))

    def _AssignVar(self, matched: Any, value: Any) -> None:  # noqa: N802 - the library's hook
        super()._AssignVar(matched, value)
        if not self.began:
            self.began = self.number

    def _AppendRecord(self) -> None:  # noqa: N802 - the library's hook
        before = len(self._result)
        super()._AppendRecord()
        if len(self._result) > before:
            self.starts.append(self.began or self.number)
        self.began = 0


def stream(name: str, lines: Iterable[str], left: list[Unparsed]) -> Iterator[Row]:
    """Rows of `lines` one by one; lines that were not understood are appended to `left`."""
    machine = _Machine(name)
    header = machine.header
    for line in lines:
        machine._CheckLine(line)  # noqa: SLF001 - the library offers whole texts only
        if machine._cur_state_name in {"End", "EOF"}:  # noqa: SLF001
            break
        if machine._result:  # noqa: SLF001
            yield from _drain(machine, header)
    if machine._cur_state_name != "End" and "EOF" not in machine.states:  # noqa: SLF001
        machine._AppendRecord()  # noqa: SLF001
    yield from _drain(machine, header)
    left.extend(machine.left)


def _drain(machine: _Machine, header: list[str]) -> Iterator[Row]:
    for start, values in zip(machine.starts, machine._result, strict=True):  # noqa: SLF001
        yield Row(line=start, values=dict(zip(header, values, strict=True)))
    machine.starts.clear()
    machine._result.clear()  # noqa: SLF001


def table(name: str, lines: Iterable[str]) -> Table:
    """All rows of `lines`."""
    left: list[Unparsed] = []
    rows = tuple(stream(name, lines, left))
    return Table(rows=rows, unparsed=tuple(left))
