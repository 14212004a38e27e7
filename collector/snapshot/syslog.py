"""Files of a syslog server: one pass, told apart by router, only what bears on IPsec kept.

A router is named by its origin-id, else by the host that the relay wrote, else the file is one router's. Its first and
last line are kept whatever they say: they are the window in which silence means something. A small file of one router's
messages and nothing else is handed on as it is; of a large one (`LARGE`) only what `excerpts` keeps is decoded, and
each line carries its number in the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from collector.model import Capture
from collector.parse import redact_lines
from collector.parse.log import census, excerpts
from collector.parse.log.header import REACH, json_host, read_header
from collector.snapshot.stray import MNEMONIC
from collector.snapshot.text import Document

_KEPT = re.compile(
    r"INV_SPI|%(?:CRYPTO|IPSEC|GDOI|IKEV2|ISAKMP|HSRP|STANDBY|SYS-\d|REDUNDANCY|RF-|PLATFORM|OIR|IOSXE|PARSER|CPPHA|DMVPN|NHRP)"
)
_REPEATED = "message repeated"
_DATE = r"[A-Z][a-z]{2} [ \d]\d"
# what nearly every line of a relay looks like: the host, then nothing but counts and the router's stamp
_USUAL = re.compile(
    rf"(?:<\d{{1,3}}>)?(?:{_DATE} (?:\d{{4}} )?\d\d:\d\d:\d\d|\d{{4}}-\d\d-\d\dT\S{{8,24}}) ([\w.\-]{{1,64}}|[0-9A-Fa-f:.]{{3,45}})"
    rf"(?: (?:\d{{1,10}}: ){{0,2}}[*.]?{_DATE} (?:\d{{4}} )?\d\d:\d\d:\d\d(?:\.\d{{1,6}})?(?: [A-Z]{{2,5}})?: )?$"
)
_STAMPED = re.compile(rf"(?:<\d{{1,3}}>(?:1 )?)?[*.]?(?:{_DATE}[ ,]|\d{{4}}-\d\d-\d\d[T ]\d\d:\d\d:)")
_BLANKS = re.compile(r"\s+")


@dataclass(slots=True)
class _Router:
    """The lines of one router that are kept: (line number, line)."""

    kept: list[tuple[int, str]] = field(default_factory=list)
    first: tuple[int, str] | None = None
    last: tuple[int, str] = (0, "")


def is_log(head: str) -> bool:
    """True where most lines hold a router's message or begin as a relay's lines do (servers' among them)."""
    lines = [line for line in head.split("\n") if line.strip()]
    return sum(bool(_STAMPED.match(line) or MNEMONIC.search(line)) for line in lines) * 2 >= max(1, len(lines))


def routers(document: Document) -> dict[str, Capture]:
    """Router -> its log lines as an answer to `show logging`. "" where no line names one; empty without a message."""
    if document.path is not None and document.text is None:
        return _of_file(document, document.path)
    found: dict[str, _Router] = {}
    name = ""
    kept = others = False
    for number, (_, _, line) in enumerate(document.lines(), 1):
        match = MNEMONIC.search(line) if "%" in line else None
        if match is None:
            others = others or _STAMPED.match(line) is not None
            if kept and line.strip() and (line[:1].isspace() or (_REPEATED in line and name in line)):
                found[name].kept.append((number, line))
            continue
        who = _who(line[: match.start()]) or json_host(line)
        name = who or ""
        router = found.setdefault(name, _Router())
        router.first = router.first or (number, line)
        router.last = (number, line)
        kept = _KEPT.search(line, match.start()) is not None
        if kept:
            router.kept.append((number, line))
    if len(found) == 1 and not others:
        return {name: document.capture("show logging", 0, None, first_line=1) for name in found}
    return {name: _capture(router, document) for name, router in found.items()}


def _who(head: str) -> str | None:
    """Who wrote a message, by what stands before its `%`."""
    usual = _USUAL.match(head)
    if usual:
        return usual[1]
    header = read_header(_BLANKS.sub(" ", head[-REACH:]))
    return (header.origin or header.relay_host) if header else None


def _of_file(document: Document, path: Path) -> dict[str, Capture]:
    """The same of a file that is too large to be held: read twice, at a few searches a line."""
    said = excerpts(path)
    return {
        name or "": _selection(dict(sorted({*said.get(name, ()), *ends})), document)
        for name, ends in census(path).items()
    }


def _selection(lines: dict[int, str], document: Document) -> Capture:
    return Capture(
        command="show logging",
        text="\n".join(redact_lines(iter(lines.values()))) + "\n",
        source=document.source,
        first_line=next(iter(lines)),
        numbers=tuple(lines),
        note="only what bears on IPsec, and the first and last message of this router",
    )


def _capture(router: _Router, document: Document) -> Capture:
    assert router.first is not None
    text: list[str] = []
    for number, line in sorted({*router.kept, router.first, router.last}):
        text.extend([""] * (number - 1 - len(text)))  # others' lines are blank here: line numbers are the file's
        text.append(line)
    return Capture(command="show logging", text="\n".join(redact_lines(text)) + "\n", source=document.source)
