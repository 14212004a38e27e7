"""From the text of a capture to configuration lines: banners, comments, prompts and page heads are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from collector.config.line import LONGEST, Line, to_line
from collector.model import Capture, ConfigText

_CONTROL = re.compile(r"[\x00-\x02\x04-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff]")  # 03 is a banner's delimiter
_PROMPT = re.compile(r"[A-Za-z0-9._/:@-]{1,63}\([A-Za-z][A-Za-z0-9._/-]{0,31}\)#\s*")
_BANNER = re.compile(r"\s*banner\s+[a-z-]+\s?(.*)", re.IGNORECASE | re.DOTALL)
_CHANGED = re.compile(r"!\s*(Last configuration change .{1,200})", re.IGNORECASE)
_HEADS = (
    "building configuration", "current configuration", "derived configuration", "load for five secs",
    "time source is", "using ", "show running-config", "uncompressed configuration", "crypto pki certificate chain",
)  # fmt: skip
_PAGER = "--More--"
_ETX = "^C"  # how IOS prints the control character that usually delimits a banner


@dataclass(slots=True)
class Cleaned:
    """The lines of one capture. closed: every banner ends. too_long: lines set aside."""

    lines: list[Line] = field(default_factory=list)
    last_change: str | None = None
    closed: bool = True
    too_long: int = 0


def clean(capture: Capture, text: ConfigText) -> Cleaned:
    """The configuration lines of one capture, in order, with their numbers. One pass."""
    result = Cleaned()
    numbered = iter(text.lines)
    for number, raw in numbered:
        if len(raw) > LONGEST:
            result.too_long += 1
            continue
        if _PAGER in raw:
            raw = _after_pager(raw)  # noqa: PLW2901 - what the pager left of the line
        line = _CONTROL.sub("", raw.rstrip("\r\n")).replace("\x03", _ETX)
        if (match := _CHANGED.match(line.strip())) is not None:
            result.last_change = match.group(1)
        if (ends := _banner_end(line)) is not None:
            result.closed = _skip(numbered, ends)
            continue
        if prompt := _PROMPT.match(line):
            line = line[prompt.end() :]
        if line.strip().lower().startswith(_HEADS):
            continue
        if (made := to_line(number, line, capture.command)) is not None:
            result.lines.append(made)
    return result


def _banner_end(line: str) -> str | None:
    """What ends the banner that begins on this line: its delimiter, "" where a tool lost it; `None`: no banner left open.

    Menus, `aaa authentication banner` and their like are delimited by ^C too.
    """
    if match := _BANNER.match(line):
        body = match.group(1).lstrip()
        if not body:
            return ""
        delimiter = _ETX if body.startswith(_ETX) else body[0]
        return None if delimiter in body[len(delimiter) :] else delimiter
    return _ETX if line.count(_ETX) % 2 and not line.lstrip().startswith(("description", "remark")) else None


def _after_pager(raw: str) -> str:
    """The line as it stood before `--More--` was printed and erased: behind the last backspace or carriage return."""
    rest = raw[raw.rindex(_PAGER) + len(_PAGER) :].rstrip("\r\n")
    return rest[max(rest.rfind("\b"), rest.rfind("\r")) + 1 :]


def _skip(numbered: Iterator[tuple[int, str]], delimiter: str) -> bool:
    """Past the banner's last line; False when the text ends first."""
    for _, raw in numbered:
        line = raw.replace("\x03", _ETX)
        if (delimiter and delimiter in line) or (not delimiter and line.strip() == "!"):
            return True
    return False
