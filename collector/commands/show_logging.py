"""show logging: the log itself, and what it can not show.

Every line of the head must be known; a message's text is free and always taken. What says INV_SPI and cannot be read
is kept and makes the capture incomplete. Sources: Cisco TAC 115801, 116005, 221607, public captures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from collector.commands.command import Command, Reading
from collector.commands.logging_head import Head
from collector.errors import ErrorCode
from collector.model import CaptureStatus, Log
from collector.parse import Unparsed
from collector.parse.log import Tally, begins_message, scan

FILTER = r"logging:|Log Buffer|Discriminator|%CRYPTO-|%IPSEC-|%GDOI-|%SYS-5-|%HSRP-5-|REDUNDANCY"


def read(lines: Iterable[str], filtered: str | None) -> Reading[Log]:
    """One Log with the messages that hold an event, each once; memory does not grow with the text."""
    return _read(lines, filtered, every=False)


def read_every(lines: Iterable[str], filtered: str | None) -> Reading[Log]:
    """One Log with all messages, duplicates included."""
    return _read(lines, filtered, every=True)


@dataclass(slots=True)
class _Text:
    """The lines, the head taken off; what of it was not understood."""

    head: Head = field(default_factory=Head)
    unparsed: list[Unparsed] = field(default_factory=list)
    any: bool = False
    in_buffer: bool = False
    first: int = 1

    def behind_head(self, lines: Iterable[str]) -> Iterator[str]:
        """The lines of the buffer; `first` is the number of the first of them."""
        numbered = enumerate(lines, 1)
        for number, line in numbered:
            text = " ".join(line.split())
            if not text:
                continue
            self.any = True
            kind = self.head.take(number, text)
            if kind == "head":
                continue
            if kind == "buffer":
                self.in_buffer = True
                self.first = number + 1
                break
            if begins_message(text):
                self.first = number
                yield line
                break
            self.unparsed.append(Unparsed(line=number, text=line))
        for _, line in numbered:
            yield line


def _read(lines: Iterable[str], filtered: str | None, *, every: bool) -> Reading[Log]:
    text, tally = _Text(), Tally()
    buffer = text.behind_head(lines)
    first = next(buffer, None)
    rest = buffer if first is None else _chain(first, buffer)
    messages = tuple(scan(rest, every=every, tally=tally, start=text.first))
    header = text.head.record()
    log = Log(
        line=header.line if header else text.first,
        header=header,
        messages=messages,
        total=tally.total,
        inv_spi_seen=tally.seen,
        inv_spi_events=tally.events,
        inv_spi_duplicates=tally.duplicates,
        inv_spi_unparsed=tally.unparsed,
        first=tally.first,
        last=tally.last,
    )
    if not text.any and filtered is None:
        return Reading(command=COMMAND.name, status=CaptureStatus.MISSING, records=(), reason="the answer is empty")
    reason = _complaint(text, log, filtered)
    return Reading(
        command=COMMAND.name,
        status=CaptureStatus.INCOMPLETE if reason else CaptureStatus.PARSED,
        records=(log,),
        unparsed=tuple(text.unparsed) + _unread(log),
        reason=reason,
        code=ErrorCode.PARSE if reason else None,
    )


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _unread(log: Log) -> tuple[Unparsed, ...]:
    """INV_SPI messages that could not be read; in a listing of everything only their number is known."""
    if not log.inv_spi_unparsed:
        return ()
    return tuple(Unparsed(line=message.line, text=message.text) for message in log.messages if message.unread)


def _complaint(text: _Text, log: Log, filtered: str | None) -> str:
    if text.unparsed:
        first = text.unparsed[0]
        return (
            f"{len(text.unparsed)} line(s) not understood, the first is line {first.line}: {first.text.strip()[:120]!r}"
        )
    if log.inv_spi_unparsed:
        return f"{log.inv_spi_unparsed} of {log.inv_spi_seen} INV_SPI message(s) could not be read whole"
    head = text.head
    if filtered is not None:
        return ""
    if head.line and head.syslog_enabled is None:
        return "the head begins in its middle: `Syslog logging:` is not there"
    if head.line and not text.in_buffer and head.buffer_level != "disabled" and not log.total:
        return "the log is cut before `Log Buffer`"
    if not head.line and not log.total:
        return "neither the head of a log nor a message stands in the text"
    return ""


COMMAND: Command[Log] = Command(
    name="show logging",
    lines=("show logging", f"show logging | include {FILTER}"),
    read=read,
    read_every=read_every,
    spellings=("show log",),
    about="INV_SPI and its neighbours, and how far back the log proves silence",
)
