"""Who speaks in a file of a syslog relay: every router's first and last message, whatever they say.

Only the heads of lines are looked at; what bears on INV_SPI is for `excerpts`. Memory: two lines a router.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from collector.parse.log.files import DATE, name_of

_PIECE = 1 << 20
_MARK = rb"%[A-Z][A-Z0-9_]*-(?:[A-Z0-9_]+-){0,2}[0-7]-[A-Z0-9_]+ ?:"
# the host that the relay wrote, where the head is the usual one; else nothing, and the grammar reads the head
_HEAD = re.compile(
    rb"\n(?:(?:<\d{1,3}>)?(?:" + DATE + rb"|\d{4}-\d\d-\d\dT[\d:.,]{8,18}(?:Z|[+-]\d\d:?\d\d)?) ([\w.\-:]{1,64}) "
    rb"(?:<\d{1,3}>)?(?:\d{1,10}: ){0,2}[*.]?(?:" + DATE + rb"(?:\.\d{1,6})?(?: ?[A-Z]{2,5})?: )?(?=%[A-Z][A-Z0-9_]*-)"
    rb"|(?=[^\n%]*%[^\n]))"
)
_NOBODY = re.compile(rb"(?:\d{1,10}: ){0,2}[*.]?" + DATE + rb"(?:\.\d{1,6})?(?: ?[A-Z]{2,5})?: (?=%)")
_MESSAGE = re.compile(_MARK)


@dataclass(slots=True)
class Ends:
    """A router's first and last message: (line number, line)."""

    first: tuple[int, bytes]
    last: tuple[int, bytes]


def census(path: Path) -> dict[str | None, tuple[tuple[int, str], tuple[int, str]]]:
    """Router -> (line number, line) of its first and its last message; named, and in the order, as `excerpts` does."""
    ends: dict[bytes, Ends] = {}
    number = 0  # lines gone by
    for piece in _pieces(path):
        firsts: dict[bytes, int] = {}
        lasts: dict[bytes, int] = {}
        for match in _HEAD.finditer(piece):
            start = match.start()
            name = match[1]
            if name is None:
                name = _unusual(piece, start + 1)
                if name is None:
                    continue
            lasts[name] = start
            if name not in ends:
                firsts.setdefault(name, start)
        for name, line in _numbered(piece, firsts, number):
            ends[name] = Ends(line, line)
        for name, line in _numbered(piece, lasts, number):
            ends[name].last = line
        number += piece.count(b"\n") - 1
    return {
        name.decode("utf-8", "backslashreplace") or None: (_text(each.first), _text(each.last))
        for name, each in sorted(ends.items())
    }


def _pieces(path: Path) -> Iterator[bytes]:
    """The file in pieces of whole lines, a line end before the first; of a line longer than a piece only its head."""
    rest = b"\n"
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_PIECE):
            data = rest + chunk
            end = data.rfind(b"\n", len(rest))
            if end < 0:
                rest = data[:_PIECE]
                continue
            yield data[: end + 1]
            rest = b"\n" + data[end + 1 :]
    if len(rest) > 1:
        yield rest + b"\n"


def _unusual(piece: bytes, start: int) -> bytes | None:
    """Who wrote a line with an unusual head; `None` where it holds no message."""
    if _NOBODY.match(piece, start):
        return b""
    line = piece[start : min(piece.find(b"\n", start), start + 4096)]
    found = _MESSAGE.search(line)
    return name_of(line if line.lstrip()[:1] == b"{" else line[: found.start() + 1]) if found else None


def _numbered(piece: bytes, starts: dict[bytes, int], before: int) -> Iterator[tuple[bytes, tuple[int, bytes]]]:
    """Name -> (line number, line) for line ends at `starts`; `before` lines stand before the piece."""
    at, number = 0, before
    for name, start in sorted(starts.items(), key=lambda item: item[1]):
        number += piece.count(b"\n", at, start)
        at = start
        yield name, (number + 1, piece[start + 1 : piece.find(b"\n", start + 1)])


def _text(found: tuple[int, bytes]) -> tuple[int, str]:
    number, line = found
    return number, line.decode("utf-8", "backslashreplace").rstrip("\r")
