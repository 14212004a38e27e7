"""`show tech-support`: many answers in one, each under a title `------------------ show version ------------------`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from collector.commands import recognise, unused
from collector.model import Capture
from collector.snapshot.stray import Stray
from collector.snapshot.text import Document

_TITLE = re.compile(r"\s{0,8}-{4,80} ?(sho?w? [^-\s].{0,200}?) ?-{4,80}\s*$", re.IGNORECASE)
_QUIET = frozenset({"show logging", "show running-config"})


def is_typed(command: str) -> bool:
    """True for `show tech-support` in any abbreviation and with any argument."""
    words = command.lower().split()
    if len(words) > 2 and len(words[1]) > 1 and "crypto".startswith(words[1]):
        words.pop(1)  # `show crypto tech-support`
    return len(words) > 1 and len(words[1]) > 1 and ("tech-support".startswith(words[1]) or words[1].startswith("tech"))


def title(line: str) -> str | None:
    """The command that a section's title names."""
    if "----" not in line or "show" not in line.lower():
        return None
    match = _TITLE.match(line)
    return match[1].strip() if match else None


def has_titles(head: str) -> bool:
    """True where the beginning of a file holds a section's title."""
    return any(title(line) for line in head.split("\n"))


def sections(document: Document) -> list[Capture]:
    """The sections that hold a command of the catalogue, in order, and stray log messages of the others."""
    captures: list[Capture] = []
    stray = Stray()
    opened: tuple[str, int, int] | None = None
    quiet = False
    for number, (place, following, line) in enumerate(document.lines(), 1):
        command = title(line)
        if command is None:
            if not quiet:
                stray.look(number, line)
            continue
        if opened is not None:
            captures.append(document.capture(opened[0], opened[1], place, first_line=opened[2]))
        known = recognise(command)
        quiet = known is not None and known.command.name in _QUIET
        opened = (command, following, number + 1) if known or unused(command) else None
        stray.stop()
    if opened is not None:
        captures.append(document.capture(opened[0], opened[1], None, first_line=opened[2]))
    return stray.among(captures, document.source)


def sections_of(capture: Capture) -> Iterator[Capture]:
    """The sections of a `show tech-support` that stands in a session; the last one is as whole as the session is."""
    if capture.path is not None:
        document = Document(source=capture.source, path=None, text="\n".join(capture.lines()))
    else:
        document = Document(source=capture.source, path=None, text=capture.text)
    found = sections(document)
    for place, section in enumerate(found, 1):
        last = place == len(found) and not capture.complete
        yield Capture(
            command=section.command,
            text=section.text,
            complete=not last,
            note=capture.note if last else section.note,
            source=section.source,
            first_line=section.first_line + capture.first_line - 1,
        )
