"""What follows `|`: include, exclude, begin, section, count, with IOS regular expressions."""

from __future__ import annotations

import re
from collections.abc import Callable

KEYWORDS = ("append", "begin", "count", "exclude", "format", "include", "redirect", "section", "tee")
_DELIMITER = r"(?:^|$|[ ,(){}_])"


def keyword(text: str) -> str | None:
    """The pipe keyword behind a prefix; `None` when there is none or more than one."""
    found = [word for word in KEYWORDS if word.startswith(text.lower())] if text else []
    return found[0] if len(found) == 1 else None


def pattern(text: str) -> re.Pattern[str] | None:
    """An IOS regular expression as Python's; `None` when it is malformed.

    `_` is a delimiter (and, as people filter for names with it, itself), backslash takes any character literally, and the shorthands of Python mean nothing to IOS.
    """
    out = []
    index = 0
    in_class = False
    while index < len(text):
        char = text[index]
        if char == "\\" and index + 1 < len(text):
            index += 1
            out.append(re.escape(text[index]))
        elif in_class:
            in_class = char != "]"
            out.append("\\[" if char == "[" else char)
        elif char == "[":
            in_class = True
            out.append(char)
        elif char == "_":
            out.append(_DELIMITER)
        elif char in "{}":
            out.append("\\" + char)
        else:
            out.append("(?:" if char == "(" else char)
        index += 1
    try:
        return re.compile("".join(out))
    except re.error:
        return None


def include(lines: list[str], wanted: re.Pattern[str]) -> list[str]:
    """The lines that match."""
    return [line for line in lines if wanted.search(line)]


def exclude(lines: list[str], unwanted: re.Pattern[str]) -> list[str]:
    """The lines that do not match."""
    return [line for line in lines if not unwanted.search(line)]


def begin(lines: list[str], wanted: re.Pattern[str]) -> list[str]:
    """From the first line that matches."""
    for index, line in enumerate(lines):
        if wanted.search(line):
            return lines[index:]
    return []


def section(lines: list[str], wanted: re.Pattern[str]) -> list[str]:
    """Each line that matches, with the deeper indented lines below it. A child that matches comes without its parent."""
    kept = []
    depth: int | None = None
    for line in lines:
        indent = len(line) - len(line.lstrip(" "))
        if depth is not None and indent > depth and line.strip():
            kept.append(line)
            continue
        depth = None
        if wanted.search(line):
            kept.append(line)
            depth = indent
    return kept


def count(lines: list[str], wanted: re.Pattern[str]) -> list[str]:
    """How many lines match."""
    return [f"Number of lines which match regexp = {len(include(lines, wanted))}"]


FILTERS: dict[str, Callable[[list[str], re.Pattern[str]], list[str]]] = {
    "include": include,
    "exclude": exclude,
    "begin": begin,
    "section": section,
    "count": count,
}
