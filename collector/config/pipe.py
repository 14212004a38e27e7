"""What a pipe would have shown: `| include PATTERN`, `| section PATTERN`.

An IOS pattern is not run as it stands (a hostile one could run for hours): its groups are spelled out into plain
alternatives, and a pattern that cannot be spelled out proves nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from collector.model import Capture, ConfigText

_PIPE = re.compile(r"\|\s*(include|section|begin|exclude|count|inc|sec|beg|exc|[isbe])\s", re.IGNORECASE)
_COMMENTS = frozenset({"!", "^!", "^!$", "!$"})  # to leave these out is to leave nothing out
_LONGEST = 500
_MOST = 200
_UNSAFE = re.compile(r"[+?{}\[\]\\]|(?<!\.)\*")


@dataclass(frozen=True, slots=True)
class Filter:
    """What stood behind the pipe. kind: include, section, begin (whole from some line on), other (`exclude`: lines are
    missing somewhere).
    """

    kind: str
    patterns: tuple[re.Pattern[str], ...]

    def shows(self, line: str) -> bool:
        """True when the pattern surely matches `line`."""
        return any(pattern.search(line) for pattern in self.patterns)


def to_filter(capture: Capture, text: ConfigText) -> Filter | None:
    """The filter of a capture; `None` for the whole running-config."""
    piped = capture.command[:4000]
    match = _PIPE.search(piped)
    if match is None and text.filtered:
        piped = "| " + text.filtered[:4000].lstrip("| ")
        match = _PIPE.search(piped)
    if match is None:
        return Filter("other", ()) if text.filtered or "|" in piped else None
    word = match.group(1).lower()
    kind = next((name for name in ("include", "section", "begin") if name.startswith(word)), "other")
    pattern = piped[match.end() :].strip()
    if kind == "other" and "exclude".startswith(word) and pattern in _COMMENTS:
        return None
    if kind in {"begin", "other"}:
        return Filter(kind, ())
    if kind == "section" and pattern.startswith(("include ", "exclude ")):
        if pattern.startswith("exclude"):
            return Filter("other", ())
        pattern = pattern[8:].strip()
    return Filter(kind, tuple(map(_compile, _alternatives(pattern))))


def _compile(plain: str) -> re.Pattern[str]:
    anchored = plain.startswith("^")
    body = plain.lstrip("^")
    tail = body.endswith("$")
    pieces = [re.escape(piece).replace(r"\.", ".") for piece in body.rstrip("$").split(".*")]
    return re.compile(("^" if anchored else "") + ".*?".join(pieces) + ("$" if tail else ""))


def _alternatives(pattern: str) -> list[str]:
    """All plain texts that the groups of `pattern` stand for; none where it is too long or repeats."""
    if not pattern or len(pattern) > _LONGEST or _UNSAFE.search(pattern) or pattern.count(".*") > 6 or ")*" in pattern:
        return []
    found, rest = _either(pattern, 0)
    if rest != len(pattern) or len(found) > _MOST or any(text.count(".*") > 3 for text in found):
        return []
    return found


def _either(pattern: str, at: int, depth: int = 0) -> tuple[list[str], int]:
    """One level of `a|b(c|d)`, up to its closing parenthesis or the end. Gives too many rather than looping on."""
    done: list[str] = []
    current = [""]
    while at < len(pattern) and pattern[at] != ")":
        if pattern[at] == "|":
            done += current
            current = [""]
            at += 1
        elif pattern[at] == "(":
            if depth > 8:
                return done, -1
            inner, at = _either(pattern, at + 1, depth + 1)
            if at < 0 or at >= len(pattern):
                return done, -1
            at += 1
            current = [head + tail for head in current for tail in inner][: _MOST + 1]
        else:
            current = [head + pattern[at] for head in current]
            at += 1
        if len(done) + len(current) > _MOST:
            return done, -1
    return done + current, at
