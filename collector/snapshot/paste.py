"""A pasted terminal session: prompt, command, answer, many times, of one router or of several in one file.

An answer is whole only where a prompt of the same router follows. Log messages amid prompts and answers are gathered
beside. A `show tech-support` typed in a session is cut into its sections.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from collector.commands import read_capture, recognise
from collector.model import Capture, CaptureStatus, ConfigText
from collector.parse import is_fence
from collector.snapshot import techsupport
from collector.snapshot.prompts import Prompt, device_name, joined, prompt, shown
from collector.snapshot.stray import Stray
from collector.snapshot.text import Document

CUT = "the text ends before the next prompt"
_OTHER = "another router's prompt follows, not this one's"
_BANNER = re.compile(r"\s*banner \S+ (\^C|\S)")
_BANNER_LINES = 200  # a banner whose end is missing must not swallow the session
_WORDS = re.compile(r"[^\W\d_]{2,}")
_LOGS = frozenset({"show logging"})
_CONFIGURATIONS = frozenset({"show running-config"})


@dataclass(slots=True, kw_only=True)
class _Open:
    """The answer that is being read."""

    host: str
    command: str
    start: int
    first_line: int
    kind: str | None  # the catalogue's name, None for a command that we do not read
    banner: str = ""
    banner_lines: int = 0


@dataclass(slots=True)
class _Session:
    """What one router's prompts gave."""

    captures: list[Capture] = field(default_factory=list)
    stray: Stray = field(default_factory=Stray)


@dataclass(slots=True)
class _Reader:
    document: Document
    known: frozenset[str]
    sessions: dict[str, _Session] = field(default_factory=dict)
    open: _Open | None = None
    host: str = ""

    def session(self, host: str) -> _Session:
        return self.sessions.setdefault(device_name(host), _Session())

    def close(
        self,
        end: int | None,
        complete: bool,  # noqa: FBT001 - private
        note: str,
        *,
        typed: str = "",
        bare: bool = False,
    ) -> None:
        """End the answer at hand. typed: what stands behind the prompt that ends it. bare: no prompt ends it."""
        if self.open is None:
            return
        opened, self.open = self.open, None
        capture = self.document.capture(
            opened.command, opened.start, end, first_line=opened.first_line, complete=complete, bare=bare, note=note
        )
        if _completed(opened.command, typed) and not any(line.strip() for line in capture.lines()):
            return  # no answer: Tab completed the line, and the router showed it anew
        if note == CUT and opened.kind in _CONFIGURATIONS:
            capture = _as_whole_as_it_says(capture)
        captures = self.session(opened.host).captures
        if techsupport.is_typed(opened.command):
            captures.extend(techsupport.sections_of(capture))
        elif not complete and note == CUT:
            captures.append(_without_prose(capture))
        else:
            captures.append(capture)


def sessions(document: Document, known: frozenset[str]) -> dict[str, tuple[Capture, ...]]:
    """Device name -> its captures in order, stray log messages among them. `known`: the hosts of prompts.hosts."""
    reader = _Reader(document=document, known=known)
    waiting: tuple[int, int, str] | None = None  # a line that may yet be the rest of a wrapped echo
    previous = ""
    for number, (place, following, line) in enumerate(document.lines(), 1):
        banner = _in_banner(reader.open, line)
        if not banner and is_fence(line):  # the block of code ends, and with it the answer, as whole as a bare file
            reader.close(place, complete=True, note="", bare=True)
        found = None if banner else prompt(line, known)
        if found is not None:
            _prompted(reader, found, number, (place, following))
            waiting, previous = (number, place, found.typed) if found.typed else None, line
            continue
        if waiting is not None and waiting[0] == number - 1 and (whole := joined(waiting[2], previous, line)):
            _asked(reader, whole, number + 1, following)
            waiting = None
            continue
        waiting = None
        _answered(reader, number, line)
    reader.close(None, complete=False, note=CUT)
    return {
        name: tuple(session.stray.among(session.captures, document.source)) for name, session in reader.sessions.items()
    }


def _prompted(reader: _Reader, found: Prompt, number: int, places: tuple[int, int]) -> None:
    same = reader.open is None or reader.open.host == found.host
    reader.close(places[0], complete=same, note="" if same else _OTHER, typed=found.typed if same else "")
    if not reader.host and reader.sessions.get("") is not None:
        reader.sessions = {device_name(found.host): reader.sessions[""]}
    reader.host = found.host
    session = reader.session(found.host)
    session.stray.stop()
    session.stray.look(number, found.typed)
    _asked(reader, found.typed, number + 1, places[1])


def _asked(reader: _Reader, typed: str, first_line: int, start: int) -> None:
    command = shown(typed)
    if command is None:
        return
    known = recognise(command)
    reader.open = _Open(
        host=reader.host,
        command=command,
        start=start,
        first_line=first_line,
        kind=known.command.name if known else None,
    )


def _answered(reader: _Reader, number: int, line: str) -> None:
    kind = reader.open.kind if reader.open else None
    if kind in _LOGS or kind in _CONFIGURATIONS:
        return
    stray = reader.session(reader.host).stray if reader.host else reader.sessions.setdefault("", _Session()).stray
    stray.look(number, line)


def _in_banner(opened: _Open | None, line: str) -> bool:
    """True within the text of a banner of a configuration: what looks like a prompt there is none."""
    if opened is None or opened.kind not in _CONFIGURATIONS:
        return False
    if opened.banner:
        opened.banner_lines += 1
        if opened.banner in line or opened.banner_lines > _BANNER_LINES or line == "end":
            opened.banner = ""
        return True
    match = _BANNER.match(line)
    if match and match[1] not in line[match.end() :]:
        opened.banner, opened.banner_lines = match[1], 0
    return False


def _completed(before: str, typed: str) -> bool:
    """Whether `typed` goes on with the words that stood at the prompt before."""
    return len(typed) > len(before) and typed.startswith(before)


def _as_whole_as_it_says(capture: Capture) -> Capture:
    """A configuration at the end of the text: its own closing `end` proves what the next prompt would prove."""
    whole = replace(capture, complete=True, note="")
    reading = read_capture(whole) if recognise(capture.command) else None
    if reading is None or reading.status is not CaptureStatus.PARSED:
        return capture
    return whole if all(isinstance(one, ConfigText) and one.filtered is None for one in reading.records) else capture


def _without_prose(capture: Capture) -> Capture:
    """`capture` without the prose of a document that goes on behind it: cut where that costs no record."""
    reading = read_capture(capture) if capture.path is None else None
    if reading is None or not reading.records:
        return capture
    prose = next((item.line for item in reading.unparsed if len(_WORDS.findall(item.text)) > 5), None)
    if prose is None:
        return capture
    shorter = Capture(
        command=capture.command,
        text="".join(capture.text.splitlines(keepends=True)[: prose - 1]),
        complete=False,
        note="the text of a document follows, no prompt",
        source=capture.source,
        first_line=capture.first_line,
    )
    again = read_capture(shorter)
    return shorter if again is not None and again.records == reading.records else capture
