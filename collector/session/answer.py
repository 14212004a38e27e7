"""From the bytes behind one typed line to its answer: the echo proves whose answer it is, the prompt where it ends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from collector.session.words import Prompt, is_log, without_steering

_SKIPPED = frozenset("\r\n\b \x00")  # what wraps, redraws and time-stamping terminals put between echoed characters
_LINES_BEFORE_ECHO = 60
_LINES_AFTER = 20
_ENDS = re.compile(r"\r*\n|\r+")


class Proof(Enum):
    """Whether the echo of our line stands before the answer."""

    PROVEN = auto()
    PENDING = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One command's answer. text: one line feed a line, no echo, no prompt. notes: what was done to it, in words."""

    text: str
    notes: tuple[str, ...] = ()


def prove(text: str, line: str, prompt: str) -> tuple[Proof, int]:
    """Look for the echo of `line` at the top of `text`; with PROVEN, the index where the answer begins.

    Blank lines, log lines and reprinted prompts may stand before it; anything else means that this is not our answer.
    Wraps, backspaces and the `$` of a scrolled line are tolerated.
    """
    start = 0
    for _ in range(_LINES_BEFORE_ECHO):
        for offset in (0, len(prompt)) if text.startswith(prompt, start) else (0,):
            proof, end = _echo(text, start + offset, line)
            if proof is Proof.PROVEN:
                return proof, end
            if proof is Proof.PENDING and offset == 0:
                return proof, 0
        newline = text.find("\n", start)
        if newline < 0:
            return Proof.PENDING, 0
        before = text[start:newline].strip()
        if before and before != prompt and not is_log(before) and not _broken_off(before, prompt, line):
            return Proof.FAILED, 0
        start = newline + 1
    return Proof.FAILED, 0


def before(head: str, prompt: str) -> str:
    """The log messages that stand in `head`, what came before an answer, above the first of its echo.

    They may be the end of the answer before.
    """
    kept: list[str] = []
    for row in head.split("\n"):
        line = row.strip()
        if is_log(line):
            kept.append(f"{line}\n")
        elif line and line != prompt:
            break  # the echo, or its beginning: a message below it is of this moment
    return "".join(kept)


def _broken_off(before: str, prompt: str, line: str) -> bool:
    """An echo that a log line cut: what stood typed so far; the router prints it again below."""
    typed = before.removeprefix(prompt).strip()
    return bool(typed) and line.startswith(typed) and len(typed) < len(line)


def _echo(text: str, start: int, line: str) -> tuple[Proof, int]:
    matched = len(line) if text.startswith(line, start) else 0
    at = start + matched
    while matched < len(line):
        if at >= len(text):
            return Proof.PENDING, 0
        if text[at] == line[matched]:
            matched += 1
        elif text[at] not in _SKIPPED:
            return _scrolled(text, start, line)
        at += 1
    newline = text.find("\n", at)
    if newline < 0:
        return (Proof.PENDING, 0) if not text[at:].strip() else (Proof.FAILED, 0)
    return (Proof.PROVEN, newline + 1) if not text[at:newline].strip(" \r\b\x00") else (Proof.FAILED, 0)


def _scrolled(text: str, start: int, line: str) -> tuple[Proof, int]:
    """A narrow terminal scrolls a long line: what remains on screen is `$` and the line's end."""
    newline = text.find("\n", start)
    piece = text[start : newline if newline >= 0 else start + 4096]
    head = piece.partition("\b")[0].rstrip("$ ")
    if "$" not in piece or "\b" not in piece or len(head) < 8 or not line.startswith(head):
        return Proof.FAILED, 0
    if newline < 0:
        return Proof.PENDING, 0
    cells: list[str] = []
    cursor = 0
    for character in piece:
        if character == "\b":
            cursor = max(0, cursor - 1)
        elif character == "\r":
            cursor = 0
        else:
            cells[cursor : cursor + 1] = [character]
            cursor += 1
    screen = "".join(cells).strip()
    end = screen.rpartition("$")[2].strip()
    return (Proof.PROVEN, newline + 1) if len(end) >= 8 and line.endswith(end) else (Proof.FAILED, 0)


def decode(raw: bytes) -> tuple[str, tuple[str, ...]]:
    r"""The bytes as text, decoded once: invalid ones stand as `\\xNN`; terminal steering is taken out and counted."""
    notes: list[str] = []
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "backslashreplace")
        bad = sum("\udc80" <= character <= "\udcff" for character in raw.decode("utf-8", "surrogateescape"))
        notes.append(f"{bad} byte(s) are not UTF-8 and stand as \\xNN")
    text, steering = without_steering(text)
    if steering:
        notes.append(f"{steering} terminal control sequence(s) taken out")
    return text, tuple(notes)


def cut(text: str, prompt: Prompt, *, whole: bool = False) -> Answer:
    """The answer in `text` (echo already gone), without the prompt that ends it.

    Log messages that were printed behind that prompt are no part of the answer: they stand in the notes. whole: they
    are left in it, as in a log that may hold a line that is the prompt.
    """
    lines = body(text).split("\n")
    shown = prompt.text
    notes: list[str] = []
    if lines[0].startswith(shown) and lines[0].strip() != shown and not is_log(lines[0]):
        lines[0] = lines[0].removeprefix(shown)
        notes.append("a prompt stood before the answer")
    _strip_end(lines, shown)
    if whole:
        return Answer(text="\n".join(lines) + "\n" if lines else "", notes=tuple(notes))
    near = range(len(lines) - 1, max(-1, len(lines) - 1 - _LINES_AFTER), -1)
    over = next((index for index in near if _is_covered(lines[index].strip(), shown)), None)
    if over is None and lines and shown.endswith(end := lines[-1].strip()) and end:  # a log line split the prompt
        begin = shown[: -len(end)]
        over = next((index for index in near if begin and lines[index].strip() == begin), None)
        if over is not None:
            lines.pop()
    if over is not None and all(not line.strip() or is_log(line) for line in lines[over + 1 :]):
        said = [lines[over].strip().removeprefix(shown), *lines[over + 1 :]]
        notes += [f"a log message came after the answer: {line.strip()[:200]}" for line in said if is_log(line)]
        del lines[over:]
        _strip_end(lines, shown)
    return Answer(text="\n".join(lines) + "\n" if lines else "", notes=tuple(notes))


def _is_covered(line: str, prompt: str) -> bool:
    """The prompt alone, or with a log message printed right behind it."""
    return line.startswith(prompt) and (line == prompt or is_log(line[len(prompt) :]))


def _strip_end(lines: list[str], prompt: str) -> None:
    while lines and lines[-1].strip() in {"", prompt}:
        lines.pop()


def body(text: str) -> str:
    """Text with one kind of line end."""
    text = text.replace("\r\n", "\n")
    return _ENDS.sub("\n", text) if "\r" in text else text
