"""Losing data never gains: no action, no `pass`, no plain yes, no harmless state, whatever is taken away.

Every session of tests/sessions and every case of tests/cases, without each capture and without each line (a sample of
the lines here, all of them in the soak), and with answers that were refused or broke off.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from losing import ROW, STATEMENT, Told, gains, told
from test_cases import CASES, name

from collector.errors import ErrorCode, UsageError
from collector.model import Capture, Failure, Snapshot, State
from collector.snapshot import read_paths

SESSIONS = sorted(path.parent for path in (Path(__file__).parent / "sessions").glob("*/expected.yaml"))
PROMPT = re.compile(r"^(?=[A-Za-z0-9][\w.\-]{0,62}[#>]\s*(?:do )?sho?\w* )", re.MULTILINE)
DENIED = Failure(code=ErrorCode.CMD_DENIED, phase="command", message="Command authorization failed.")
INVALID = Failure(code=ErrorCode.CMD_INVALID, phase="command", message="% Invalid input detected at '^' marker.")

# Besides STATEMENT and ROW nothing but these is exempt.
#
# The line that was typed, where it filters a log: nothing in the answer shows that it was filtered.
FILTERED = re.compile(r"\S+[#>]\s?sh\w* logg\w* \|")
# A line that nobody understands makes its answer incomplete; without it the answer is whole.
FOREIGN = {"SOMETHING the parser never saw: 4711"}
# A capture that was refused holds no data: without it a paste is one in which nobody offered it.
REFUSED = re.compile(r"\A.*\n(?:Command authorization failed|% ?Invalid input|\s*\^\s*$)")
# The configuration stands, and what contradicted it is lost: the type is the configuration's then (DOMAIN 4), and the
# verdict is unknown all the same, for the SAs that contradicted it were not read.
CONTRADICTED = {("m_tag_disagrees", "a plain yes was gained: ('HQ', '203.0.113.9')")}


@cache
def session(folder: Path) -> tuple[tuple[tuple[Path, str], ...], Told]:
    """The texts of a session by file, and what they say together."""
    files = tuple(
        (path, path.read_text(encoding="utf-8")) for path in sorted(folder.iterdir()) if path.suffix != ".yaml"
    )
    return files, told(read_paths([str(path) for path, _ in files]))


def gained(folder: Path, at: int, text: str, scratch: Path) -> list[str]:
    """What the session earns with `text` in place of its file number `at`."""
    files, whole = session(folder)
    cut = scratch / files[at][0].name
    cut.write_text(text, encoding="utf-8")
    try:
        lost = told(read_paths([str(cut if number == at else path) for number, (path, _) in enumerate(files)]))
    except UsageError:  # the file is empty, or nothing in it is a capture any more
        return []
    return [one for one in gains(whole, lost) if (folder.name, one) not in CONTRADICTED]


def blocks(text: str) -> list[str]:
    """A session cut before each prompt at which something was shown."""
    return PROMPT.split(text)


@pytest.mark.parametrize("folder", SESSIONS, ids=lambda folder: folder.name)
def test_a_session_without_one_of_its_captures_gains_nothing(folder, tmp_path):
    for at, (_, text) in enumerate(session(folder)[0]):
        parts = blocks(text)
        for number, part in enumerate(parts):
            if part.strip() and not REFUSED.match(part):
                found = gained(folder, at, "".join(parts[:number] + parts[number + 1 :]), tmp_path)
                assert not found, (part.splitlines()[0], found)


def losable(folder: Path) -> Iterator[tuple[int, int]]:
    """(file, line) of each line of a session whose loss can be seen, or does not matter."""
    for at, (_, text) in enumerate(session(folder)[0]):
        inside = ""
        for number, line in enumerate(text.splitlines()):
            if PROMPT.match(line):
                inside = line
            written = "run" in inside or (not inside and "\ninterface " in text)  # a configuration, also a bare file
            statement = written and not PROMPT.match(line) and STATEMENT.match(line)
            unseen = ROW.match(line) or FILTERED.match(line) or line.strip() in FOREIGN
            if line.strip() and not statement and not unseen:
                yield at, number


def without(folder: Path, at: int, number: int) -> tuple[str, str]:
    """The text of the file without one line, and that line."""
    lines = session(folder)[0][at][1].splitlines(keepends=True)
    return "".join(lines[:number] + lines[number + 1 :]), lines[number].rstrip()


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_session_without_any_of_its_lines_gains_nothing(data, tmp_path_factory):
    folder = data.draw(st.sampled_from(SESSIONS))
    at, number = data.draw(st.sampled_from(sorted(losable(folder))))
    text, line = without(folder, at, number)
    found = gained(folder, at, text, tmp_path_factory.mktemp("lost"))
    assert not found, (line, found)


@pytest.mark.soak
@pytest.mark.parametrize("folder", SESSIONS, ids=lambda folder: folder.name)
def test_a_session_without_each_of_its_lines_gains_nothing(folder, tmp_path):
    for at, number in losable(folder):
        text, line = without(folder, at, number)
        found = gained(folder, at, text, tmp_path)
        assert not found, (number + 1, line, found)


# The cases: snapshots of visits


@cache
def whole(case: Path) -> tuple[tuple[Snapshot, ...], Told]:
    snapshots = tuple(read_paths(sorted(str(path.parent) for path in case.glob("*/snapshot.json"))))
    return snapshots, told(snapshots)


def ways(capture: Capture) -> Iterator[tuple[str, Capture | None]]:
    """The capture taken away in each of the ways in which a router may not answer."""
    text = capture.text
    yield "gone", None
    yield "denied", replace(capture, text="Command authorization failed.\n\n", failure=DENIED)
    yield "invalid", replace(capture, text="      ^\n% Invalid input detected at '^' marker.\n\n", failure=INVALID)
    yield "cut", replace(capture, text=text[: len(text) // 2], complete=False, note="lost")


def one_way(capture: Capture) -> Iterator[tuple[str, Capture | None]]:
    """One of the four ways, chosen by the command: the quick test; all four run in the soak."""
    every = list(ways(capture))
    yield every[len(capture.command) % len(every)]


def cut_after_each_line(capture: Capture) -> Iterator[tuple[str, Capture | None]]:
    """The answer breaks off: its end was not seen."""
    lines = capture.text.splitlines(keepends=True)
    for number in range(len(lines)):
        text = "".join(lines[:number])
        yield f"cut after {number} lines", replace(capture, text=text, complete=False, note="the connection was lost")


def without_each_line(capture: Capture) -> Iterator[tuple[str, Capture | None]]:
    """One line less, and an answer that looks whole."""
    lines = capture.text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        statement = capture.command.startswith("show running-config") and STATEMENT.match(line)
        if line.strip() and not statement and not ROW.match(line):
            yield f"without {line.strip()!r}", replace(capture, text="".join(lines[:number] + lines[number + 1 :]))


def losses(snapshots: Iterable[Snapshot], kinds=ways) -> Iterator[tuple[str, tuple[Snapshot, ...]]]:
    snapshots = tuple(snapshots)
    for number, one in enumerate(snapshots):
        for place, capture in enumerate(one.captures):
            for way, left in kinds(capture):
                captures = (*one.captures[:place], *((left,) if left else ()), *one.captures[place + 1 :])
                rest = (*snapshots[:number], replace(one, captures=captures), *snapshots[number + 1 :])
                yield f"{one.device.name}: {capture.command} {way}", rest


def assert_nothing_gained(case: Path, kinds=ways) -> None:
    snapshots, before = whole(case)
    for label, rest in losses(snapshots, kinds):
        found = list(gains(before, told(rest)))
        assert not found, (label, found)


@pytest.mark.parametrize("case", CASES, ids=name)
def test_a_lost_capture_gains_nothing(case):
    assert_nothing_gained(case, one_way)


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_a_case_without_any_of_its_lines_gains_nothing(data):
    case = data.draw(st.sampled_from(CASES))
    snapshots, before = whole(case)
    label, rest = data.draw(st.sampled_from(list(losses(snapshots, without_each_line))))
    found = list(gains(before, told(rest)))
    assert not found, (label, found)


@pytest.mark.soak
@pytest.mark.parametrize("case", CASES, ids=name)
@pytest.mark.parametrize("kinds", [ways, cut_after_each_line, without_each_line], ids=lambda kinds: kinds.__name__)
def test_a_capture_lost_in_any_way_gains_nothing(case, kinds):
    assert_nothing_gained(case, kinds)


def test_a_log_that_was_cut_shows_no_short_span_of_an_sa_that_drains():
    """Row 2 by the join: the lines that are left span less than they did."""
    paste = tuple(read_paths(sorted(map(str, (SESSIONS[0].parent / "j2_draining").glob("*.txt")))))
    before = told(paste)
    assert {state for states in before.states.values() for state in states} == {State.TRANSIENT}
    cut = [
        replace(one, captures=tuple(replace(c, complete=c.command != "show logging") for c in one.captures))
        for one in paste
    ]
    after = {state for states in told(cut).states.values() for state in states}
    assert State.TRANSIENT not in after
