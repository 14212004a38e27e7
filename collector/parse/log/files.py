"""Files of a syslog relay, many routers in one, of any size: only what bears on INV_SPI is decoded.

The file is read once, in pieces that stay in the processor's cache; three searches at memory speed (INV_SPI, the
mnemonics that explain it, line ends for the numbering) go over each piece. Kept are the lines that say INV_SPI or
IKMP_NO_SA, and, of the routers that say so, the nearest related messages before and behind each and the first and last
line. Other routers are left out. Memory: what is kept, and a few lines a router.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from collector.model import LogMessage
from collector.parse.log.header import REACH, json_host, read_header
from collector.parse.log.scan import begins_message, scan_numbered

_PIECE = 1 << 20
_AHEAD = 16 << 20  # bytes that the kernel is asked to have ready
_MAX_LINE = 1 << 16
_FURTHER = 12  # lines that a wrapped message may take
_ENDS = 64 << 20  # how far from either end of the file a router's first and last line are looked for

_NEAR = 8  # related lines kept before, and behind, a line that says INV_SPI

# those of `related` that explain something; a tunnel that comes up explains nothing, and is said too often
_NEEDLE = re.compile(
    rb"%(?:CRYPTO-[4-6]-(?:[IRP]|SELF)|IPSEC-|HSRP-|STANDBY-|REDUNDANCY-|IOSXE_REDUNDANCY-|SYS-5-(?:RE|CONFIG_I))"
)
_INV = b"RECVD_PKT_INV_SPI"  # a longer word is found faster
_CONFIGURED = b"%SYS-5-CONFIG_I"
_INV_REACH = 64  # from the `%` to the end of the mnemonic
_NO_SA = b"IKMP_NO_SA"
_NO_SA_AT = len("%CRYPTO-4-")
DATE = rb"[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d"
# a relay's host and a router's stamp behind it, as nearly all lines have them; else the grammar decides
_USUAL = re.compile(
    rb"(?:<\d{1,3}>)?(?:" + DATE + rb"|\d{4}-\d\d-\d\dT[\d:.,]{8,18}(?:Z|[+-]\d\d:?\d\d)?) ([\w.\-:]{1,64}) "
    rb"(?:<\d{1,3}>)?(?:\d{1,10}: ){0,2}[*.]?(?:" + DATE + rb"(?:\.\d{1,6})?(?: ?[A-Z]{2,5})?: )?%"
)


@dataclass(slots=True)
class _Router:
    """What is kept of one router: line number -> line. wanted: it said INV_SPI or IKMP_NO_SA.

    before: the last related lines, should it say so. behind: how many more are kept as they come. configured: the last
    CONFIG_I, which explains what follows it and nothing else.
    """

    wanted: bool = False
    lines: dict[int, bytes] = field(default_factory=dict)
    before: deque[tuple[int, bytes]] = field(default_factory=lambda: deque(maxlen=_NEAR))
    behind: int = 0
    configured: tuple[int, bytes] | None = None


def excerpts(path: Path) -> dict[str | None, tuple[tuple[int, str], ...]]:
    """Router -> (line number, line) in the file's order, of each router that said INV_SPI or IKMP_NO_SA.

    A router is named by its origin-id, else by the host that the relay wrote, else by nothing (`None`).
    """
    return _Excerpts(path).read()


def scan_file(path: Path) -> Iterator[tuple[str | None, LogMessage]]:
    """(router, message) of every event in the file, router by router; each message once."""
    for name, lines in excerpts(path).items():
        for message in scan_numbered(lines, every=False):
            yield name, message


class _Excerpts:
    """One file being read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.routers: dict[bytes, _Router] = {}
        self.fd = -1
        self.size = 0
        self.number = 0  # lines gone by

    def read(self) -> dict[str | None, tuple[tuple[int, str], ...]]:
        with self.path.open("rb", buffering=0) as file:
            self.fd = file.fileno()
            self._walk()
            wanted = {name: router for name, router in self.routers.items() if router.wanted}
            if wanted:
                self._first_and_last(wanted)
        return {
            name.decode("utf-8", "backslashreplace") or None: tuple(
                (number, line.decode("utf-8", "backslashreplace").rstrip("\r"))
                for number, line in sorted(router.lines.items())
            )
            for name, router in sorted(wanted.items())
        }

    def _walk(self) -> None:
        """The whole file, piece by piece; each piece ends with a line, but for a line longer than a piece."""
        offset = 0
        buffer = bytearray(_PIECE)
        view = memoryview(buffer)
        filled = asked = 0
        while True:
            if hasattr(os, "posix_fadvise") and offset + _AHEAD // 2 >= asked:
                os.posix_fadvise(self.fd, asked, _AHEAD, os.POSIX_FADV_WILLNEED)
                asked += _AHEAD
            got = os.readv(self.fd, [view[filled:]])
            filled += got
            end = buffer.rfind(b"\n", 0, filled) + 1 if got else filled
            if not end and filled == len(buffer):
                end = filled
            self._piece(buffer, end, offset)
            if not got:
                self.size = offset + end
                return
            view[: filled - end] = bytes(view[end:filled])
            filled -= end
            offset += end

    def _piece(self, buffer: bytearray, end: int, offset: int) -> None:
        """The lines with a needle among the first `end` bytes; self.number lines stand before them."""
        done, last, signs, before = 0, -1, 0, self.number
        for match in _NEEDLE.finditer(buffer, 0, end):
            at = match.start()
            start = buffer.rfind(b"\n", 0, at) + 1
            says = buffer.count(_INV, at, min(at + _INV_REACH, end))
            signs += says
            if start == last:
                continue
            last = start
            self.number += buffer.count(b"\n", done, start)
            done = start
            if says or buffer.startswith(_NO_SA, at + _NO_SA_AT):
                self._sign(offset + start, self.number + 1, _line_at(buffer, start, end))
            else:
                self._related(offset + start, self.number + 1, _line_at(buffer, start, end))
        self.number += buffer.count(b"\n", done, end)
        if signs < buffer.count(_INV, 0, end):
            self._unusual(buffer, end, offset, before)

    def _unusual(self, buffer: bytearray, end: int, offset: int, number: int) -> None:
        """Lines that say INV_SPI without a mnemonic's `%` before it."""
        done = 0
        at = buffer.find(_INV, 0, end)
        while at >= 0:
            start = buffer.rfind(b"\n", 0, at) + 1
            number += buffer.count(b"\n", done, start)
            done = start
            self._sign(offset + start, number + 1, _line_at(buffer, start, end))
            stop = buffer.find(b"\n", at, end)
            at = buffer.find(_INV, stop, end) if stop >= 0 else -1

    def _sign(self, offset: int, number: int, line: bytes) -> None:
        """A line that says INV_SPI or IKMP_NO_SA, with the lines that it may be wrapped over."""
        lines = [(number, line)]
        if not begins_message(_text(line)):
            lines = self._before(offset, number) + lines
        for further, text in enumerate(self._behind(offset + len(line) + 1), number + 1):
            lines.append((further, text))
        router = self._router(b"".join(text for _, text in lines[:3]) if len(lines) > 1 else line)
        router.wanted = True
        router.lines.update(router.before)
        router.before.clear()
        if router.configured is not None:
            router.lines.update((router.configured,))
            router.configured = None
        router.behind = _NEAR
        router.lines.update(lines)

    def _behind(self, offset: int) -> Iterator[bytes]:
        parts = os.pread(self.fd, 2048, offset).split(b"\n")[:_FURTHER]
        for part in parts:
            if part.strip() and b"message repeated" not in part and begins_message(_text(part)):
                return
            yield part

    def _before(self, offset: int, number: int) -> list[tuple[int, bytes]]:
        start = max(0, offset - 1024)
        parts = os.pread(self.fd, offset - start, start).split(b"\n")[:-1][-3:]
        begun: list[tuple[int, bytes]] = []
        for back, part in enumerate(reversed(parts), 1):
            begun.insert(0, (number - back, part))
            if begins_message(_text(part)):
                return begun if _INV not in part else []
        return []

    def _related(self, offset: int, number: int, line: bytes) -> None:
        router = self._router(line)
        if _CONFIGURED in line:
            router.configured = number, line
            return
        lines = [(number, line)]
        if b"REPLAY" in line:  # its second line names the connection
            lines += enumerate(islice(self._behind(offset + len(line) + 1), 1), number + 1)
        if router.behind:
            router.behind -= 1
            router.lines.update(lines)
        else:
            router.before.extend(lines)

    def _first_and_last(self, wanted: dict[bytes, _Router]) -> None:
        """The first and the last line of each router: the window in which silence means something."""
        size = self.size
        numbers = _LineNumbers(self.fd, (0, 1), (size, self.number + 1))
        for backwards in (False, True):
            missing = dict(wanted)
            for start in _windows(size, backwards=backwards):
                piece = os.pread(self.fd, _PIECE + _MAX_LINE, start)
                for name in list(missing):
                    if (found := _line_of(piece, name, start, size, backwards=backwards)) is not None:
                        offset, line = found
                        missing.pop(name).lines[numbers.at(offset)] = line
                if not missing:
                    break

    def _router(self, line: bytes) -> _Router:
        name = name_of(line)
        router = self.routers.get(name)
        if router is None:
            router = self.routers[name] = _Router()
        return router


def _line_at(buffer: bytearray, start: int, end: int) -> bytes:
    stop = buffer.find(b"\n", start, min(end, start + _MAX_LINE))
    return bytes(buffer[start : stop if stop >= 0 else min(end, start + _MAX_LINE)])


def name_of(line: bytes) -> bytes:
    """Who wrote a message: its origin-id, else the relay's host, else nothing."""
    if (usual := _USUAL.match(line)) is not None:
        return usual[1]
    text = _text(line)
    header = read_header(text[: text.find("%")][-REACH:]) if "%" in text else None
    return ((header and (header.origin or header.relay_host)) or json_host(text) or "").encode()


def _text(line: bytes) -> str:
    return " ".join(line[:4096].decode("utf-8", "backslashreplace").split())


def _windows(size: int, *, backwards: bool) -> Iterator[int]:
    if backwards:
        start = size
        while start > max(0, size - _ENDS):
            start = max(0, start - _PIECE)
            yield start
    else:
        yield from range(0, min(size, _ENDS), _PIECE)


def _line_of(piece: bytes, name: bytes, start: int, size: int, *, backwards: bool) -> tuple[int, bytes] | None:
    """(offset, line) of a message of router `name` in the piece: the first, or the last."""
    begin, end = 0, len(piece)
    for _ in range(64):  # lines that only mention the name
        at = piece.rfind(name, begin, end) if backwards else piece.find(name, begin, end)
        if at < 0:
            return None
        first = piece.rfind(b"\n", 0, at) + 1
        last = piece.find(b"\n", at)
        last = last if last >= 0 else len(piece)
        whole = (first > 0 or start == 0) and (last < len(piece) or start + len(piece) >= size)
        if whole and name_of(piece[first:last]) == name and b"%" in piece[first:last]:
            return start + first, piece[first:last]
        begin, end = (begin, first) if backwards else (last, end)
        if begin >= end:
            return None
    return None


class _LineNumbers:
    """Offset -> line number, by counting from the nearest place that is known."""

    def __init__(self, fd: int, *known: tuple[int, int]) -> None:
        self.fd = fd
        self.known: list[tuple[int, int]] = list(known)  # (offset, number of the line that begins there)

    def at(self, offset: int) -> int:
        """The number of the line that begins at `offset`."""
        base, number = min(self.known, key=lambda pair: abs(pair[0] - offset))
        low, high = sorted((base, offset))
        between = 0
        while low < high and (piece := os.pread(self.fd, min(_PIECE, high - low), low)):
            between += piece.count(b"\n")
            low += len(piece)
        number += between if offset >= base else -between
        self.known.append((offset, number))
        return number
