"""Looks: captures read by their commands, in the order taken.

The same command twice is two looks: the last is the state, the difference the delta. A look says whether it proves
absence: a filtered or restricted listing (`| include 192.0.2.1`, `vrf X`) proves only what it shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from collector.commands import Reading, Typed, read_capture, recognise, unused
from collector.model import (
    Address,
    Capture,
    CaptureNote,
    CaptureStatus,
    ConfigText,
    DmvpnSession,
    DropTable,
    Evidence,
    Failure,
    IpsecFlow,
    Log,
    Session,
    Snapshot,
    to_address,
)

# words that change the form of an answer, not its extent
_TELLING = ("current_peer", "Session status:", "Crypto Session Status:")
_FORMS = ("detailed", "all", "brief", "detail")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One capture, read.

    name: the command's canonical name. order: place among the snapshot's captures. extent: "all" (absence is
    proven), "peer" (of `peer` alone), "part" (proves only what it shows). texts: the lines behind the records. telling:
    where a block begins -> its line that says most (`current_peer ...`, `Session status: ...`).
    """

    device: str
    name: str
    capture: Capture
    reading: Reading[object]
    order: int
    extent: str
    peer: Address | None = None
    texts: dict[int, str] = field(default_factory=dict)
    telling: dict[int, int] = field(default_factory=dict)

    @property
    def parsed(self) -> bool:
        """Whole, every line understood."""
        return self.reading.status is CaptureStatus.PARSED

    @property
    def taken_at(self) -> datetime | None:
        """The collector's time."""
        return self.capture.taken_at

    def evidence(self, line: int, text: str = "") -> Evidence:
        """The router's own line `line` of this capture; of a block, the line that says most."""
        line = self.telling.get(line, line)
        numbers = self.capture.numbers
        return Evidence(
            device=self.device,
            command=self.capture.command,
            line=numbers[line - 1] if 0 < line <= len(numbers) else line,
            text=text or self.texts.get(line, ""),
            taken_at=self.capture.taken_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """All looks of one snapshot."""

    device: str
    all: tuple[Look, ...]
    unread: tuple[Capture, ...] = ()  # captures of commands that we do not read

    def of(self, *names: str) -> tuple[Look, ...]:
        """The looks of the named commands, in the order taken."""
        return tuple(look for look in self.all if look.name in names)

    def last(self, *names: str) -> Look | None:
        """The state: the last look, whatever became of it."""
        looks = self.of(*names)
        return looks[-1] if looks else None


def read(snapshot: Snapshot) -> Looks:
    """Every capture of `snapshot`, read once."""
    device = snapshot.device.name
    looks: list[Look] = []
    unread: list[Capture] = []
    for order, capture in enumerate(snapshot.captures):
        typed = recognise(capture.command)
        reading = read_capture(capture) if typed is not None else None
        if typed is None or reading is None or _not_used(capture, reading):
            unread.append(capture)
            continue
        extent, peer = _extent(capture.command, typed)
        texts, telling = _texts(capture, reading.records)
        looks.append(
            Look(
                device=device,
                name=typed.command.name,
                capture=capture,
                reading=reading,
                order=order,
                extent=extent,
                peer=peer,
                texts=texts,
                telling=telling,
            )
        )
    return Looks(device=device, all=tuple(looks), unread=tuple(unread))


def _not_used(capture: Capture, reading: Reading[object]) -> bool:
    """Of a form whose layout is not established what could not be read is no gap: it was read where it fits."""
    return reading.status is CaptureStatus.INCOMPLETE and unused(capture.command) is not None


def _extent(command: str, typed: Typed) -> tuple[str, Address | None]:
    if typed.filtered is not None and typed.filtered not in {*_filters(typed), *typed.command.whole_filters}:
        return "part", None
    words = command.partition("|")[0].split()[len(typed.command.name.split()) :]
    rest = [word for word in words if not any(form.startswith(word.lower()) for form in _FORMS)]
    if not rest:
        return "all", None
    peer = next((found for word in rest if (found := to_address(word))), None)
    return ("peer", peer) if peer is not None else ("part", None)


def _filters(typed: Typed) -> Iterator[str]:
    yield from (line.partition("|")[2].strip() for line in typed.command.lines)


def _texts(capture: Capture, records: tuple[object, ...]) -> tuple[dict[int, str], dict[int, int]]:
    """The lines that stand behind the records: one pass, so that a large capture is not held."""
    wanted = {line for record in records for line in _lines(record)}
    blocks = {record.line for record in records if isinstance(record, IpsecFlow | Session | DmvpnSession)}
    texts: dict[int, str] = {}
    telling: dict[int, int] = {}
    if not wanted:
        return texts, telling
    block, left = 0, len(wanted)
    for number, text in enumerate(capture.lines(), 1):
        if number in blocks:
            block = number
        if number in wanted:
            texts[number] = text.rstrip()
            left -= 1
        if block and text.lstrip().startswith(_TELLING):
            telling[block], texts[number], block = number, text.rstrip(), 0
        if not left and not block:
            break
    return texts, telling


def _lines(record: object) -> Iterator[int]:
    match record:
        case ConfigText():
            return
        case Log():
            if record.header is not None:
                yield record.header.line
            yield from (message.line for message in record.messages if message.event is not None)
        case IpsecFlow():
            yield record.line
            yield from (sa.line for sa in (*record.inbound, *record.outbound))
        case Session() | DmvpnSession():
            yield record.line
            yield from (row.line for row in record.ike)
        case DropTable():
            yield record.line
            yield from (counter.line for counter in record.counters)
        case _:
            line = getattr(record, "line", None)
            if isinstance(line, int):
                yield line


def notes(looks: Looks, failures: Iterable[Failure]) -> tuple[CaptureNote, ...]:
    """How each capture was read; a command that a failure names and no capture holds is missing."""
    result = [
        CaptureNote(
            command=look.capture.command,
            status=look.reading.status,
            rows=len(look.reading.records),
            unparsed_lines=len(look.reading.unparsed),
            reason=look.reading.reason,
            taken_at=look.taken_at,
        )
        for look in looks.all
    ]
    asked = {look.capture.command for look in looks.all} | {capture.command for capture in looks.unread}
    for failure in failures:
        if failure.command and failure.command not in asked:
            asked.add(failure.command)
            result.append(
                CaptureNote(
                    command=failure.command,
                    status=CaptureStatus.MISSING,
                    rows=0,
                    unparsed_lines=0,
                    reason=failure.message,
                )
            )
    return tuple(result)
