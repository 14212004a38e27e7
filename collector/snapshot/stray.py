"""Log messages that stand outside of a log: between prompts, amid another answer, in the prose of a document.

They become a capture of `show logging` of their own. Blank lines stand for what is left out, so that a line number in
it is one of the file (deep in a large file: less a constant, `first_line`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from collector.commands import recognise
from collector.model import GATHERED, Capture
from collector.parse import redact

MNEMONIC = re.compile(r"%[A-Z][A-Z0-9_]*-(?:[A-Z0-9_]+-){0,2}[0-7]-[A-Z0-9_]+ ?:")
_MEANT = re.compile(r"INV_SPI ?:")
_WHOLE = re.compile(r"srcaddr ?= ?\S")
_GOES_ON = re.compile(
    r"\s*(?:[\d.:/,]|input interface|srcaddr|src_addr|dest_?addr|destaddr|prot ?=|spi ?=|has invalid spi|connection id)"
)
_BLANKS = 3  # blank lines that a mail or a PDF puts into one message
_PADDED = 100_000  # lines; beyond, the text begins with its first message
_PIECES = 5  # lines that one message may be wrapped into


@dataclass(slots=True)
class Stray:
    """Collects the log lines of one device."""

    lines: list[tuple[int, str]] = field(default_factory=list)
    _message: str = ""
    _blank: int = 0
    _pieces: int = 0

    def look(self, number: int, line: str) -> None:
        """Keep `line` where it is, or goes on with, a log message."""
        if "%" in line and MNEMONIC.search(line):
            self.lines.append((number, line))
            self._message, self._blank, self._pieces = line[line.rfind("%") :], 0, 0
        elif self._message:
            self._follow(number, line)

    def stop(self) -> None:
        """A prompt came: what follows goes on with nothing."""
        self._message = ""

    def _follow(self, number: int, line: str) -> None:
        if not line.strip():
            self._blank += 1
            if self._blank > _BLANKS:
                self._message = ""
            return
        goes_on = _GOES_ON.match(line) or (_MEANT.search(self._message) and not _WHOLE.search(self._message))
        if not goes_on or self._pieces >= _PIECES:
            self._message = ""
            return
        self.lines.append((number, line))
        self._message += " " + line.strip()
        self._blank = 0
        self._pieces += 1

    def capture(self, source: str, note: str = "") -> Capture | None:
        """What was collected, as an answer to `show logging`; `None` where there was nothing."""
        if not self.lines:
            return None
        first = 1 if self.lines[-1][0] <= _PADDED else self.lines[0][0]
        text: list[str] = []
        for number, line in self.lines:
            text.extend([""] * (number - first - len(text)))
            text.append(line)
        return Capture(
            command="show logging",
            text=redact("\n".join(text) + "\n"),
            note=note,
            source=source,
            first_line=first,
        )

    def among(self, captures: Sequence[Capture], source: str) -> list[Capture]:
        """`captures` with what was collected: before the first real log, which stays the last word.

        Else where its first line stands: a clock that was typed after that is not the time of these lines.
        """
        gathered = self.capture(source, GATHERED)
        if gathered is None:
            return list(captures)
        first = self.lines[0][0]
        places = (at for at, one in enumerate(captures) if is_log(one.command) or one.first_line > first)
        place = next(places, len(captures))
        return [*captures[:place], gathered, *captures[place:]]


def is_log(command: str) -> bool:
    """True for `show logging` as typed."""
    typed = recognise(command)
    return typed is not None and typed.command.name == "show logging"
