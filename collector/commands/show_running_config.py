"""show running-config and its kin: one ConfigText of numbered lines, for the classifier to read as a tree.

What the session types is filtered on the device, so that keys stay there; other forms are read from pastes and files.
`whole`: `hostname` and a closing `end` were seen in an unfiltered text. Below privilege 15, and for one interface,
`hostname` is missing: then an absent line proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from collector.commands.command import Command, Reading
from collector.errors import ErrorCode
from collector.model import CaptureStatus, ConfigText
from collector.parse import is_fence
from collector.parse.interruption import interrupts

INCLUDE = (
    "show running-config | include ^hostname|^! Last config|invalid-spi-recovery|^crypto isakmp keepalive|"
    "^crypto ikev2 dpd|^logging|^service timestamps"
)
SECTION = (
    "show running-config | section ^crypto (map|dynamic-map|isakmp (profile|inv|keep)|ipsec profile|ikev2 profile|"
    "gdoi group)|^interface"
)
_HEAD = re.compile(r"Building configuration|Current configuration|Using \d+ out of \d+ bytes|Derived configuration")
_BANNER = re.compile(r"\s*banner \S+ (\^C|\S)")


def read(lines: Iterable[str], filtered: str | None) -> Reading[ConfigText]:
    """One record. An unfiltered text without its `end` is cut; an empty answer to a filter is an honest none."""
    kept = _kept(lines)
    if not kept and filtered is None:
        return Reading(command=COMMAND.name, status=CaptureStatus.MISSING, records=(), reason="the answer is empty")
    ended = _ended(kept)
    whole = ended and filtered is None and any(line.startswith("hostname ") for _, line in _outside_banners(kept))
    record = ConfigText(line=kept[0][0] if kept else 1, lines=kept, whole=whole, filtered=filtered)
    if filtered is None and not ended:
        return Reading(
            command=COMMAND.name,
            status=CaptureStatus.INCOMPLETE,
            records=(record,),
            reason="the configuration's closing `end` was not seen",
            code=ErrorCode.PARSE,
        )
    return Reading(command=COMMAND.name, status=CaptureStatus.PARSED, records=(record,))


def _kept(lines: Iterable[str]) -> tuple[tuple[int, str], ...]:
    """The numbered lines without blank ones, the heading, and what the terminal mixed in."""
    kept: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or is_fence(line):
            continue
        if not interrupts(line, first=not kept) and not _HEAD.match(line.lstrip()):
            kept.append((number, line.rstrip()))
    return tuple(kept)


def _ended(kept: tuple[tuple[int, str], ...]) -> bool:
    for _, line in reversed(kept):
        if not line.lstrip().startswith("!"):
            return line.strip() == "end"
    return False


def _outside_banners(kept: tuple[tuple[int, str], ...]) -> Iterator[tuple[int, str]]:
    """The lines that are no banner text: a banner ends where its delimiter comes again."""
    delimiter = ""
    for number, line in kept:
        if delimiter:
            delimiter = "" if delimiter in line else delimiter
            continue
        banner = _BANNER.match(line)
        if banner and banner[1] not in line[banner.end() :]:
            delimiter = banner[1]
        yield number, line


COMMAND: Command[ConfigText] = Command(
    name="show running-config",
    lines=(INCLUDE, SECTION),
    spellings=(
        "show running-config",
        "show running-config all",
        "show running-config brief",
        "show running-config full",
        "show running-config view full",
        "show running-config interface <name>",
        "show running-config interface <type> <number>",
        "show running-config partition <part>",
        "show running-config vrf <vrf>",
        "show startup-config",
        "show derived-config",
        "show derived-config interface <name>",
        "show configuration",
    ),
    privilege=15,
    read=read,
    about="is the command on, DPD, log size; what type each peer is",
)
