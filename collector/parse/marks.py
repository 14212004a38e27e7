"""Marks that people write beside a line when they paste or publish it: `IpsecInput 0 0 <======`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_MARK = re.compile(r"(?:[ \t]|^)<(?:[=-]{2,}|<{2,}).*$")


def unmarked(lines: Iterable[str]) -> Iterator[str]:
    """`lines` without such marks, as many as went in."""
    for line in lines:
        yield _MARK.sub("", line) if "<" in line else line
