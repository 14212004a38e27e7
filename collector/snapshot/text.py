"""Bytes of any origin -> a document: decoded, free of what a terminal does to text, its lines numbered.

A large file that is plain already is never held: its lines are streamed and its captures are spans of it. Refused with
a UsageError that names the file: what cannot be opened, what is empty, what is no text.
"""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import takewhile
from pathlib import Path

from collector.errors import UsageError
from collector.model import Capture
from collector.parse import redact

LARGE = 1 << 20  # octets; below, a text is simply held
_CHUNK = 1 << 20
_LONGEST_LINE = 1 << 16
_UNZIPPED = 1 << 29  # a small archive may unfold without end
_MAGIC = {
    b"PK\x03\x04": "a zip archive",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\x7fELF": "a program",
    b"SQLite format 3": "a database",
    b"\xd4\xc3\xb2\xa1": "a packet capture",
    b"\x0a\x0d\x0d\x0a": "a packet capture",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a rar archive",
}
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UNPLAIN = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|--More--|\r(?!\n)|\xc2\x85|\xe2\x80[\x8b-\x8d\xa8\xa9]|\xe2\x81\xa0"
)
# what terminals and telnet clients leave in an honest log: NUL, BEL, BS, FF, SO, SI, XON, XOFF, SUB, ESC, DEL
_HARMLESS = frozenset(b"\x00\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x11\x13\x1a\x1b\x7f")
_CONTROLS = bytes(code for code in range(32) if code not in _HARMLESS)

_ESCAPES = re.compile(
    r"\x1b\[[0-9;:<=>?]{0,64}[ -/]{0,8}[@-~]"  # CSI: colour, cursor, erase
    r"|\x1b[\]PX^_][^\x07\x1b\n]{0,512}(?:\x07|\x1b\\)?"  # OSC (window title), DCS, APC
    r"|\x1b[ -/]{0,4}[0-~]"
)
_PAGER = re.compile(r"[ ]?(?:--More--|<--- More --->)(?:(?: *[\x08\r]+(?!\n))+|[ ]{9}|[ ]?)")
_DROPPED = {code: None for code in (*range(9), *range(11, 32), 127) if code not in {8, 13}} | {
    0x85: " ",
    0x2028: " ",
    0x2029: " ",
    0xFEFF: None,
    **dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060)),  # what web pages and chats put between words
}
# what mail programs and terminal programs put before each line
_PREFIXES = tuple(
    re.compile(prefix)
    for prefix in (
        r"[ \t]{0,8}(?:>[ \t]?){1,8}",
        r"\[[\d\-/. T:,]{5,30}\][ \t]?",
        r"(?:\d{4}[\-/.]\d\d[\-/.]\d\d[ T_])?\d\d:\d\d:\d\d(?:[.,]\d{1,6})?[ \t:]{1,2}",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file (or stdin). source: its name, for messages and evidence. text: None where the file is streamed."""

    source: str
    path: Path | None
    text: str | None

    @property
    def stem(self) -> str:
        """What a device is called when nothing in the text names it."""
        return Path(self.source).name.split(".")[0] or self.source

    def lines(self) -> Iterator[tuple[int, int, str]]:
        """(where it begins, where the next begins, line without its end); places are what `capture` cuts by."""
        if self.text is not None:
            place = 0
            for line in self.text.split("\n"):
                yield place, place + len(line) + 1, line
                place += len(line) + 1
            return
        assert self.path is not None
        with self.path.open("rb") as file:
            place = 0
            while raw := file.readline(_LONGEST_LINE):
                yield place, place + len(raw), raw.decode("utf-8", "backslashreplace").rstrip("\r\n")
                place += len(raw)

    def head(self) -> str:
        """The first 64 Ki characters or so."""
        if self.text is not None:
            return self.text[: 1 << 16]
        assert self.path is not None
        with self.path.open("rb") as file:
            return file.read(1 << 16).decode("utf-8", "replace").replace("\r\n", "\n")

    def capture(
        self,
        command: str,
        start: int,
        end: int | None,
        *,
        first_line: int,
        complete: bool = True,
        bare: bool = False,
        note: str = "",
    ) -> Capture:
        """The text between two places, redacted; a large one stays in its file."""
        if self.text is not None:
            text = redact(self.text[start:end])
            return Capture(
                command=command,
                text=text,
                complete=complete,
                bare=bare,
                note=note,
                source=self.source,
                first_line=first_line,
            )
        assert self.path is not None
        end = self.path.stat().st_size if end is None else end
        if end - start > LARGE:
            return Capture(
                command=command,
                text="",
                complete=complete,
                bare=bare,
                note=note,
                source=self.source,
                first_line=first_line,
                path=self.path,
                span=(start, end),
            )
        with self.path.open("rb") as file:
            file.seek(start)
            text = file.read(end - start).decode("utf-8", "backslashreplace").replace("\r\n", "\n")
        return Capture(
            command=command,
            text=redact(text),
            complete=complete,
            bare=bare,
            note=note,
            source=self.source,
            first_line=first_line,
        )


def unprefixed(item: Document) -> Document | None:
    """`item` without what stands before nearly each of its lines: marks of a quotation, a terminal program's clock."""
    if item.text is None:
        return None
    lines = item.text.split("\n")
    said = [line for line in lines if line.strip()]
    for prefix in _PREFIXES:
        if len(said) >= 3 and sum(prefix.match(line) is not None for line in said) * 10 >= len(said) * 9:
            return Document(
                source=item.source, path=None, text="\n".join(prefix.sub("", line, count=1) for line in lines)
            )
    return None


def outdented(item: Document) -> Document:
    """`item` without the blanks that stand before all of its lines: a ticket's way to show a screen."""
    if item.text is None:
        return item
    lines = item.text.split("\n")
    said = [line for line in lines if line.strip()]
    pairs = zip(min(said, default=""), max(said, default=""), strict=False)  # what these two share all lines share
    wide = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1] and pair[0] in " \t", pairs))
    if not wide:
        return item
    return Document(source=item.source, path=None, text="\n".join(line[wide:] for line in lines))


def open_document(path: Path, source: str | None = None) -> Document:
    """The document in `path`."""
    source = source or str(path)
    try:
        size = path.stat().st_size
        if size > LARGE and _is_plain(path):
            return Document(source=source, path=path, text=None)
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{source}: cannot be read: {error.strerror or error}") from None
    return document(data, source)


def document(data: bytes, source: str) -> Document:
    """The document that `data` is."""
    if data[:2] == b"\x1f\x8b":
        data = _unzipped(data, source)
    text = clean(decode(data, source))
    if not text.strip():
        raise UsageError(f"{source}: the file is empty")
    return Document(source=source, path=None, text=text)


def _is_plain(path: Path) -> bool:
    """True where the file needs no decoding and no cleaning: UTF-8, LF or CRLF, no control characters."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    tail = b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if chunk[-1:] == b"\r":
                chunk += file.read(1)
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                return False
            if _UNPLAIN.search(tail + chunk) or chunk.startswith((codecs.BOM_UTF8, b"\x1f\x8b")):
                return False
            tail = chunk[-7:].rstrip(b"\r")
    return True


def _unzipped(data: bytes, source: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=BytesIO(data)) as file:
            out = file.read(_UNZIPPED + 1)
    except (OSError, EOFError, zlib.error):
        raise UsageError(f"{source}: the gzip archive is damaged") from None
    if len(out) > _UNZIPPED:
        raise UsageError(f"{source}: unpacks to more than {_UNZIPPED >> 20} MiB: unpack it first")
    return out


def decode(data: bytes, source: str) -> str:
    """`data` as text: byte order mark, UTF-16 without one, UTF-8, else Windows-1252. UsageError where it is no text."""
    for magic, what in _MAGIC.items():
        if data.startswith(magic):
            raise UsageError(f"{source}: {what}, no router's text")
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    wide = _wide(data)
    if wide:
        return data.decode(wide, "replace")
    if _is_binary(data):
        raise UsageError(f"{source}: a binary file, no router's text")
    return _narrow(data)


def _wide(data: bytes) -> str | None:
    """UTF-16 without a mark: in router text every other octet is NUL."""
    sample = data[: 1 << 16]
    half = len(sample) // 2
    if half < 2:
        return None
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > half * 0.6 and even < half * 0.1:
        return "utf-16-le"
    if even > half * 0.6 and odd < half * 0.1:
        return "utf-16-be"
    return None


def _is_binary(data: bytes) -> bool:
    sample = data[: 1 << 20]
    odd = len(sample) - len(sample.translate(None, _CONTROLS))
    return odd * 100 > len(sample) or sample.count(0) * 10 > len(sample)


def _narrow(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(data) - error.start <= 3:  # cut within a character
            return data.decode("utf-8", "backslashreplace")
    if any(ord(one) > 127 for one in data.decode("utf-8", "ignore")):
        return data.decode("utf-8", "backslashreplace")  # UTF-8 with a few bad octets
    return data.decode("cp1252", "backslashreplace")


def clean(text: str) -> str:
    r"""`text` as the screen would show it, lines ended by `\n`: escapes, pager remains and corrections undone.

    A CR that ends no line starts a new one here: nothing is overwritten, so nothing is lost.
    """
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    if "More" in text:
        text = _PAGER.sub("", text)
    if "\r" in text:
        text = text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\n\r", "\n").replace("\r", "\n")
    text = text.translate(_DROPPED) if _needs_translation(text) else text
    if "\x08" in text:
        text = "\n".join(_typed_over(line) if "\x08" in line else line for line in text.split("\n"))
    return text


_ODD = re.compile("[\x00-\x07\x0b\x0c\x0e-\x1f\x7f\x85\u200b-\u200d\u2028\u2029\u2060\ufeff]")


def _needs_translation(text: str) -> bool:
    return _ODD.search(text) is not None


def _typed_over(line: str) -> str:
    """A line with backspaces as the screen shows it: the cursor goes back, what follows stands over what was there."""
    shown: list[str] = []
    cursor = 0
    for one in line:
        if one == "\x08":
            cursor = max(0, cursor - 1)
        elif cursor < len(shown):
            shown[cursor] = one
            cursor += 1
        else:
            shown.append(one)
            cursor += 1
    return "".join(shown).rstrip(" ") if shown else ""
