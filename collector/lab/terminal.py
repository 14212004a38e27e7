"""The terminal of a VTY: line editing with echo, folding of long lines, the pager."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

MORE = " --More-- "
UNMORE = "\x08" * 9 + " " * 8 + "\x08" * 9
LIMIT = 254  # characters that IOS takes in one line
_LEAP = 10  # a line that reaches the right margin is redrawn this far to the left


def fold(line: str, width: int) -> list[str]:
    """A line of output as the terminal shows it: cut at the width, 0 for never."""
    if not width or len(line) <= width:
        return [line]
    return [line[start : start + width] for start in range(0, len(line), width)]


@dataclass(slots=True)
class Editor:
    """The line being typed. `wants` is `?` or TAB after a key that asked for help."""

    text: str = ""
    wants: str = ""
    _after_return: bool = False
    _escape: bool = False
    _shown_from: int = 0

    def key(self, char: str, *, column: int, width: int, silent: bool) -> tuple[str, str | None]:
        """(echo, the whole line if this key ended it). column: where the line starts, after the prompt."""
        self.wants = ""
        if self._ignored(char):
            return "", None
        if char in "\r\n\x1a\x03":
            return self._ended(char)
        if char in "\x08\x7f\x15\x17":
            return self._rub(self._reach(char), silent=silent), None
        if char in "?\t" and not silent:
            self.wants = char
            return "", None
        if char < " " or len(self.text) >= LIMIT:
            return ("\x07" if len(self.text) >= LIMIT else ""), None
        self.text += char
        return ("" if silent else self._echo(char, column, width)), None

    def _ignored(self, char: str) -> bool:
        """The LF of a CR LF, and what arrow keys send."""
        after_return, self._after_return = self._after_return, char == "\r"
        if char == "\n" and after_return:
            return True
        if self._escape or char == "\x1b":
            self._escape = char in "\x1b[" or char.isdigit()
            return True
        return False

    def _ended(self, char: str) -> tuple[str, str]:
        """Return; CTRL-Z, which says `end`; CTRL-C, which drops the line."""
        if char == "\x1a":
            self.text = "end"
        elif char == "\x03":
            self.text = ""
        return ("^Z\r\n" if char == "\x1a" else "\r\n"), self._take()

    def _reach(self, char: str) -> int:
        """How much a rubbing key takes: a character, the line (CTRL-U), a word (CTRL-W)."""
        if char == "\x15":
            return len(self.text)
        if char == "\x17":
            return len(self.text) - (self.text.rstrip().rfind(" ") + 1)
        return 1

    def _take(self) -> str:
        line, self.text, self._shown_from = self.text, "", 0
        return line

    def _rub(self, count: int, *, silent: bool) -> str:
        count = min(count, len(self.text))
        self.text = self.text[: len(self.text) - count]
        return "" if silent else "\x08 \x08" * count

    def _echo(self, char: str, column: int, width: int) -> str:
        shown = len(self.text) - self._shown_from + (1 if self._shown_from else 0)
        if not width or column + shown < width - 1:
            return char
        room = max(1, width - column - _LEAP - 2)
        self._shown_from = len(self.text) - min(room, len(self.text))
        visible = "$" + self.text[self._shown_from :]
        padding = shown - len(visible)
        return "\x08" * (shown - 1) + visible + " " * padding + "\x08" * padding


class Screen:
    """What the router writes: lines folded at `width`, `--More--` after `length` lines (0: never either)."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.length = 24
        self.width = 80
        self._write = write
        self._out: list[str] = []
        self._rest: list[str] = []

    @property
    def waiting(self) -> bool:
        """Lines are left behind `--More--`."""
        return bool(self._rest)

    def put(self, text: str) -> None:
        """Text as it is."""
        self._out.append(text)

    def flush(self) -> None:
        """Send what was put."""
        if self._out:
            self._write("".join(self._out))
            self._out.clear()

    def show(self, lines: list[str], interruption: list[str]) -> None:
        """Lines of output, with log messages that arrived in the middle of it."""
        folded = [part for line in lines for part in fold(line, self.width)]
        middle = len(folded) // 2
        self._page([*folded[:middle], *interruption, *folded[middle:]])

    def key(self, char: str) -> None:
        """A key at `--More--`. SPACE: a page; ENTER: a line; anything else: enough."""
        self.put(UNMORE)
        rest, self._rest = self._rest, []
        if char == " ":
            self._page(rest)
        elif char in "\r\n":
            self.put(rest[0] + "\r\n")
            self._keep(rest[1:])

    def _page(self, lines: list[str]) -> None:
        room = max(1, self.length - 1) if self.length else len(lines)
        self.put("".join(line + "\r\n" for line in lines[:room]))
        self._keep(lines[room:])

    def _keep(self, lines: list[str]) -> None:
        self._rest = lines
        if lines:
            self.put(MORE)
