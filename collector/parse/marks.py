"""Marks of people who paste or publish: `IpsecInput 0 0 <======`, and the bare addresses that a PDF puts between rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_LINK = re.compile(r"\s*https?://\S+\s*$")
_MARK = re.compile(r"(?:[ \t]|^)(?:<(?:[=-]{2,}|<{2,}|-(?=\s))|\u2190).*$")


def unmarked(lines: Iterable[str]) -> Iterator[str]:
    """`lines` without such marks, as many as went in."""
    for line in lines:
        if "<" in line:
            yield _MARK.sub("", line)
        else:
            yield "" if "://" in line and _LINK.match(line) else line
