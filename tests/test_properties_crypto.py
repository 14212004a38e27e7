"""Cut, doubled, interleaved, reordered: the right rows or `incomplete`, never fewer rows with `parsed`."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from cost import cheap, linear
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.commands import CATALOGUE, read_capture
from collector.commands.command import Command, Reading
from collector.model import Capture, CaptureStatus, plain
from collector.parse.runner import run
from collector.parse.template import load, source

MANY = int(os.environ.get("SPI_EXAMPLES", "100"))  # a few here, thousands by hand and in the soak run
HERE = Path(__file__).parent / "captures"
CRYPTO = [command for command in CATALOGUE if (command.template or "").startswith("cisco_ios_show_crypto_")]


def _whole(folder: Path) -> list[tuple[str, str]]:
    """(command line, text) of the captures of a template that are read whole and hold rows."""
    found = []
    for file in sorted(folder.glob("*.yaml")):
        case = yaml.safe_load(file.read_text(encoding="utf-8"))
        if case["status"] == "parsed" and case.get("rows") and "echo" not in file.name:
            found.append((case["command"], file.with_suffix(".txt").read_text(encoding="utf-8")))
    return found


WHOLE = {
    command.template: cases
    for command in CRYPTO
    if command.template and "flowmib" not in command.template and (cases := _whole(HERE / command.template))
}
EVERY = [case for cases in WHOLE.values() for case in cases]
PAIRS = [
    (one, other)
    for template, cases in WHOLE.items()
    if "gdoi" not in template and "map" not in template  # a list of interfaces does not say whose it is in each line
    for one in cases
    for other in cases
    if one is not other and one[0] == other[0]
]


def _read(command: str, text: str, *, complete: bool = True, bare: bool = False) -> Reading[object]:
    reading = read_capture(Capture(command=command, text=text, complete=complete, bare=bare))
    assert reading is not None
    return reading


def _without_lines(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_lines(item) for key, item in value.items() if key != "line"}
    if isinstance(value, list):
        return [_without_lines(item) for item in value]
    return value


def _rows(reading: Reading[object]) -> list[Any]:
    return [_without_lines(plain(record)) for record in reading.records]


def _tally(rows: list[Any]) -> Counter[str]:
    """Rows in any order; so the peers of a map's entry."""
    return Counter(repr(row | {"peers": sorted(row["peers"])} if "peers" in row else row) for row in rows)


def _part_of(part: object, whole: object) -> bool:
    """A row whose text ended early: what it says is true, it may say less."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(_part_of(part[key], whole[key]) for key in part)
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) <= len(whole) and all(map(_part_of, part, whole))
    return part == whole or part in (None, "")


@given(case=st.sampled_from(EVERY), data=st.data())
@settings(max_examples=MANY, deadline=None)
def test_cut_at_a_line(case: tuple[str, str], data: st.DataObject):
    command, text = case
    lines = text.splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 1))
    rest = "".join(lines[:at])
    assert _read(command, rest, complete=False).status is not CaptureStatus.PARSED
    reading, whole = _read(command, rest), _rows(_read(command, text))
    rows = _rows(reading)
    if reading.status is CaptureStatus.PARSED and rows:
        # a bare file that ends between two blocks cannot be told from a shorter answer: but no row may be wrong
        assert rows[:-1] == whole[: len(rows) - 1] or "crypto map" in command  # its interfaces stand behind the entries
        assert all(map(_part_of, rows, whole))


@given(case=st.sampled_from(EVERY), data=st.data())
@settings(max_examples=MANY, deadline=None)
def test_head_lost(case: tuple[str, str], data: st.DataObject):
    command, text = case
    lines = text.splitlines(keepends=True)
    at = data.draw(st.integers(1, len(lines) - 1))
    reading, whole = _read(command, "".join(lines[at:])), _rows(_read(command, text))
    rows = _rows(reading)
    if reading.status is CaptureStatus.PARSED and "show crypto map" not in command:
        assert all(map(_part_of, rows, whole[len(whole) - len(rows) :])) or "dynamic-map" in command


@given(case=st.sampled_from(EVERY), data=st.data())
@settings(max_examples=MANY, deadline=None)
def test_one_line_doubled(case: tuple[str, str], data: st.DataObject):
    command, text = case
    lines = text.splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 1))
    reading = _read(command, "".join([*lines[: at + 1], *lines[at:]]))
    if reading.status is CaptureStatus.PARSED and not _may_stand_twice(lines[at]):
        assert _rows(reading) == _rows(_read(command, text))


def _may_stand_twice(line: str) -> bool:
    """Two IKE SAs of a session may read alike, two attempts have connection 0, a map may name a peer twice."""
    return line.lstrip().startswith(("IKE", "Peer =")) or " 0 ACTIVE" in line


@given(case=st.sampled_from(EVERY), data=st.data())
@settings(max_examples=MANY, deadline=None)
def test_one_line_lost(case: tuple[str, str], data: st.DataObject):
    """What the rest still proves may be read; a row that changed silently, or went, may not."""
    command, text = case
    lines = text.splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 1))
    reading, whole = _read(command, "".join([*lines[:at], *lines[at + 1 :]])), _rows(_read(command, text))
    if reading.status is CaptureStatus.PARSED and not _one_line_row(lines[at]):
        rows = _rows(reading)
        assert len(rows) == len(whole)
        assert all(map(_part_of, rows, whole))


def _one_line_row(line: str) -> bool:
    """A line that is a row, or an optional part, of its own: nothing in the rest can miss it."""
    words = line.split()
    return (
        len(words) >= 4
        or "Map is a PROFILE" in line
        or words[:1] == ["Peer"]
        or "Group Member" in line
        or (len(words) == 1 and line.startswith("\t"))
    )


@given(pair=st.sampled_from(PAIRS), data=st.data())
@settings(max_examples=MANY, deadline=None)
def test_two_captures_interleaved(pair: tuple[tuple[str, str], tuple[str, str]], data: st.DataObject):
    (command, one), (_, other) = pair
    first, second = one.splitlines(keepends=True), other.splitlines(keepends=True)
    mixed: list[str] = []
    at = there = 0
    for size in data.draw(st.lists(st.integers(0, 60), max_size=12)):
        mixed += first[at : at + size]
        at += size
        first, second, at, there = second, first, there, at
    mixed += first[at:] + second[there:]
    reading = _read(command, "".join(mixed))
    if reading.status is CaptureStatus.PARSED:
        assert _tally(_rows(reading)) == _tally(_rows(_read(command, one)) + _rows(_read(command, other)))


@given(case=st.sampled_from(EVERY), data=st.data())
@settings(max_examples=MANY, deadline=None)
def test_two_lines_swapped(case: tuple[str, str], data: st.DataObject):
    command, text = case
    lines = text.splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 2))
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    reading = _read(command, "".join(lines))
    if reading.status is CaptureStatus.PARSED:
        assert _tally(_rows(reading)) == _tally(_rows(_read(command, text)))


@given(
    case=st.sampled_from([case for case in EVERY if "ipsec sa" in case[0] or "session" in case[0]]),
    log=st.sampled_from(
        [
            "*Mar  1 00:12:44.123: %SYS-5-CONFIG_I: Configured from console by vty0 (198.51.100.200)",
            "Nov 24 10:11:12.123 CET: %CRYPTO-4-IKMP_NO_SA: IKE message from 203.0.113.5  has no SA and is not",
        ]
    ),
    data=st.data(),
)
@settings(max_examples=MANY, deadline=None)
def test_a_log_line_in_the_middle(case: tuple[str, str], log: str, data: st.DataObject):
    """Between two lines it changes nothing; inside of a line it never gives other rows with `parsed`."""
    command, text = case
    whole = _read(command, text)
    lines = text.splitlines()
    at = data.draw(st.integers(1, len(lines) - 1))
    between = _read(command, "\n".join([*lines[:at], log, *lines[at:]]))
    if not lines[at].lstrip().startswith("remote 2001"):  # the second half of a wrapped row
        assert (between.status, _rows(between)) == (CaptureStatus.PARSED, _rows(whole))
    cut = data.draw(st.integers(0, len(lines[at])))
    inside = _read(command, "\n".join([*lines[:at], lines[at][:cut], log, lines[at][cut:], *lines[at + 1 :]]))
    if inside.status is CaptureStatus.PARSED:
        assert _rows(inside) == _rows(whole)


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case[0][:40])
def test_every_cut_of_every_capture(case: tuple[str, str]):
    """The same as test_cut_at_a_line without luck, for the commands whose end can be seen."""
    command, text = case
    if "ipsec sa" not in command and "isakmp" not in command:
        return
    whole = _rows(_read(command, text))
    lines = text.splitlines(keepends=True)
    for at in range(len(lines)):
        reading = _read(command, "".join(lines[:at]), bare=True)  # no prompt proves that it came whole
        if reading.status is CaptureStatus.PARSED:
            rows = _rows(reading)
            assert rows == whole[: len(rows)] or ("identity" in command and _part_of(rows[-1], whole[len(rows) - 1])), (
                at
            )


HOSTILE = [
    " " * 4090 + "x",
    "a " * 2040,
    "1 " * 2040,
    "1 192.0.2.1 " * 340,
    "(" * 4000,
    "{," * 2000,
    ": " * 2000,
    "0x" * 2000,
    "A" * 4090,
    "A-" * 2000,
    "\t" * 4000,
]


@pytest.mark.parametrize("command", [one for one in CATALOGUE if one.template], ids=lambda command: command.name)
def test_no_line_is_slow(command: Command[object]):
    """FAULTS G8: 0.25 s for a line of 4,096 characters, whatever stands in it; in every state, behind every beginning."""
    template = load(command.template or "")
    beginnings = {rule.literal or "" for state in template.states.values() for rule in state.rules}
    lines = [(start + tail)[:4096] for start in sorted(beginnings) for tail in HOSTILE]
    for state in template.states.values():
        for line in lines:
            assert cheap(lambda rules=state.rules, line=line: [rule.match(line) for rule in rules], 0.25)


@pytest.mark.parametrize("command", [one for one in CATALOGUE if one.template], ids=lambda command: command.name)
def test_too_long_a_line_is_set_aside(command: Command[object]):
    lines = [" " * 100_000, " " * 100_000 + "x"]
    assert command.read(lines, None).status is not CaptureStatus.PARSED
    assert cheap(lambda: command.read(lines, None), 0.25)


@pytest.mark.parametrize("template", sorted(WHOLE))
def test_twice_the_text_costs_about_twice(template: str):
    command, text = max(WHOLE[template], key=lambda case: len(case[1]))
    times = max(2, 120_000 // len(text))

    def reading(count: int) -> Callable[[], object]:
        whole = text * count
        return lambda: _read(command, whole)

    assert linear(reading, times, 4 * times)


def test_rows_are_handed_out_while_the_text_is_read():
    """A large answer is never held: the first flow's rows come before its second flow was asked for."""
    taken = 0

    def lines():
        nonlocal taken
        for line in WHOLE["cisco_ios_show_crypto_ipsec_sa"][0][1].splitlines():
            taken += 1
            yield line

    rows = run(load("cisco_ios_show_crypto_ipsec_sa"), lines(), [])
    next(rows)
    assert taken <= 3


@pytest.mark.soak
@given(case=st.sampled_from(EVERY), data=st.data())
@settings(max_examples=30_000, deadline=None)
def test_fuzz_the_crypto_readers(case: tuple[str, str], data: st.DataObject):
    """Characters and lines of a capture changed at random: a reading or nothing else, and quickly."""
    command, text = case
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(text)))
        until = min(len(text), at + data.draw(st.integers(0, 200)))
        put = data.draw(st.one_of(st.text(max_size=40), st.just(text[until : until + 100]), st.just("")))
        text = text[:at] + put + text[until:]
    begin = time.thread_time()
    reading = _read(command, text)
    assert time.thread_time() - begin < 5
    assert reading.status in CaptureStatus
    if reading.status is CaptureStatus.PARSED:
        assert not reading.unparsed
        assert not reading.reason


def test_sources_are_at_hand():
    """The hostile beginnings above come from the templates themselves: they are there and have some."""
    for command in CRYPTO:
        assert command.template
        assert "Start" in source(command.template)
        assert any(rule.literal for rule in load(command.template).states["Start"].rules)
