"""Prompts and what was typed at them, in pasted text of any router.

A word before `#` or `>` is a prompt only where the same word had a show command typed at it somewhere in the file:
tables, banners and licence texts hold plenty of other `#`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from collector.commands import CATALOGUE, recognise
from collector.snapshot.text import Document

_CHUNK = 1 << 20
_HOST = r"[A-Za-z0-9][\w.\-/:@~+]{0,62}"
_MODE = r"\([\w.:/ \-]{1,60}\)"
_SHOW = r"(?:do[ \t]+)?(?:sho?w?[ \t]+\S|more[ \t]+(?:system|nvram):|wr(?:ite?)?[ \t]+t(?:erm(?:inal)?)?[ \t]*$)"
_TYPED = rf"^[ \t]{{0,16}}({_HOST})(?:{_MODE})?[#>][ \t]{{0,16}}{_SHOW}"
_ASKED = re.compile(_TYPED, re.IGNORECASE | re.MULTILINE)
_ASKED_RAW = re.compile(_TYPED.encode("ascii"), re.IGNORECASE | re.MULTILINE)
_PROMPT = re.compile(rf"[ \t]{{0,16}}({_HOST})(?:{_MODE})?[#>][ \t]{{0,16}}(.*)$")
_DO = re.compile(r"do\s+", re.IGNORECASE)
_WRITE = re.compile(r"wr(?:i|it|ite)? t(?:e|er|erm|ermi|ermin|termina|erminal)?")
_FILES = {
    "more system:running-config": "show running-config",
    "more nvram:startup-config": "show startup-config",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A prompt line. typed: what stands behind the prompt, without `do`."""

    host: str
    typed: str


def hosts(document: Document) -> frozenset[str]:
    """The words at which a show command was typed, as they stand before `#`."""
    if document.text is not None:
        return frozenset(match[1] for match in _ASKED.finditer(document.text))
    return frozenset(match[1].decode("ascii") for chunk in _chunks(document) for match in _ASKED_RAW.finditer(chunk))


def _chunks(document: Document) -> Iterator[bytes]:
    """The octets of a streamed document in pieces that end at line ends."""
    assert document.path is not None
    with document.path.open("rb") as file:
        rest = b""
        while chunk := file.read(_CHUNK):
            whole, end, rest = (rest + chunk).rpartition(b"\n")
            yield whole + end
            rest = rest[-_CHUNK:]
        yield rest


def prompt(line: str, known: frozenset[str]) -> Prompt | None:
    """The prompt that `line` begins with, of one of the `known` hosts."""
    head = line[:160]
    if "#" not in head and ">" not in head:
        return None
    match = _PROMPT.match(line)
    if match is None or match[1] not in known:
        return None
    return Prompt(
        host=match[1],
        typed=_DO.sub("", match[2].strip(), count=1) if match[2][:2].lower() == "do" else match[2].strip(),
    )


def device_name(host: str) -> str:
    """`R1` for the prompt word `RP/0/RSP0/CPU0:R1` or `admin@R1`."""
    return re.split(r"[:@]", host)[-1].rstrip("~") or host


def shown(typed: str) -> str | None:
    """The show command that was typed, else `None`. Files that are configurations count as the command for them."""
    words = typed.split()
    if not words or "?" in typed:
        return None
    plain = " ".join(words[:2]).lower()
    if _WRITE.fullmatch(plain) and len(words) == 2:
        return "show running-config"
    if plain in _FILES:
        return _FILES[plain] + typed[typed.find("|") - 1 :] if "|" in typed else _FILES[plain]
    if typed.startswith("$"):
        return scrolled(typed)
    return typed if len(words) > 1 and 2 <= len(words[0]) <= 4 and "show".startswith(words[0].lower()) else None


def scrolled(typed: str) -> str | None:
    """The catalogue's line whose end is left of a line that scrolled under `$` on a narrow terminal."""
    command, pipe, behind = typed[1:].partition("|")
    end = command.strip().lower()
    if len(end) < 8:
        return None
    for entry in CATALOGUE:
        for spelling in (*entry.lines, *entry.spellings):
            if spelling.partition("|")[0].strip().endswith(end):
                return spelling.partition("|")[0].strip() + (f" |{behind}" if pipe else "")
    return None


def joined(typed: str, line: str, following: str) -> str | None:
    """What was typed where the echo wrapped: `line` fills the screen and `following` goes on; else `None`."""
    if len(line) < 60 or not following.strip() or len(following) > 200:
        return None
    for glue in ("", " "):
        whole = f"{typed}{glue}{following.strip()}"
        if recognise(typed) is None and shown(whole) and recognise(whole) is not None:
            return whole
    return None
