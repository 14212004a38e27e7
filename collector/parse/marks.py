"""Marks of people who paste or publish: `IpsecInput 0 0 <======`, and the bare addresses that a PDF puts between rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_FENCE = re.compile(
    r"\s{0,8}(?:`{3,40}|~{3,40}) ?[\w+\-]{0,20}\s*$|\s{0,8}(?:\[/?code\]|</?(?:pre|code)>)\s*$", re.IGNORECASE
)
_LINK = re.compile(r"\s*https?://\S+\s*$")
_MARK = re.compile(r"(?:[ \t]|^)(?:<(?:[=-]{2,}|<{2,}|-(?=\s))|\u2190).*$")


def is_fence(line: str) -> bool:
    """True for a line that only opens or closes a block of code in a page (Markdown, BBCode, HTML)."""
    return line.lstrip()[:1] in {"`", "~", "[", "<"} and _FENCE.match(line) is not None


def unmarked(lines: Iterable[str]) -> Iterator[str]:
    """`lines` without such marks, as many as went in."""
    for line in lines:
        if is_fence(line):
            yield ""
        elif "<" in line:
            yield _MARK.sub("", line)
        else:
            yield "" if "://" in line and _LINK.match(line) else line
