"""Readings of one log placed in time, and what one of them is: whole, wrapped, filtered, gathered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from collector.facts.clock import DeviceClock
from collector.facts.looks import Look, Looks
from collector.facts.place import Frame, Placed, Places, place
from collector.model import (
    GATHERED,
    NO_YEAR,
    Evidence,
    InvalidSpi,
    Log,
    LogMessage,
    Related,
    RelatedEvent,
    Sighting,
    Version,
)

LOGGING = "show logging"
_HEADER_TEXT = 120
_DATED = re.compile(r"[*.]?\b[A-Z][a-z]{2} {1,2}\d{1,2} [^%=]{1,60}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One reading of the log, placed in time."""

    look: Look
    log: Log
    places: Places
    first: Placed
    last: Placed
    kept: tuple[tuple[LogMessage, Placed], ...]
    uptime: timedelta | None = None

    @property
    def gathered(self) -> bool:
        """Whether nobody typed `show logging`: the lines stood elsewhere, and what stood between them is not known."""
        return self.look.capture.note == GATHERED

    @property
    def since_boot(self) -> bool:
        """Whether the uptime tells the age of every INV_SPI line: all their stamps count from boot."""
        kinds = {message.stamp.kind for message, _ in self.kept if isinstance(message.event, InvalidSpi)}
        return self.uptime is not None and kinds == {"uptime"}

    @property
    def wrapped(self) -> bool | None:
        """Whether lines that were logged do not stand here any more; `None` where that cannot be told."""
        header = self.log.header
        if header is None or header.messages_logged is None or self.look.extent != "all" or self.filtered:
            return None
        return self.log.total < header.messages_logged

    @property
    def filtered(self) -> bool:
        """Whether it was typed with a filter."""
        return "|" in self.look.capture.command

    @property
    def head(self) -> tuple[Evidence, ...]:
        """The line of its head, as evidence."""
        header = self.log.header
        return (self.look.evidence(header.line),) if header is not None else ()

    @property
    def missing(self) -> int | None:
        """Messages that were logged and do not stand here; `None` where that says nothing."""
        header = self.log.header
        if header is None or header.messages_logged is None or self.wrapped is None:
            return None
        return header.messages_logged - self.log.total

    @property
    def lines_lost(self) -> bool:
        """Most messages that were logged stand here, not all, and the buffer is not even half full.

        Far fewer than were logged: an older part was cleared, or left out of a paste; what stands here is whole from its
        first line on.
        """
        header = self.log.header
        logged = (header.messages_logged or 0) if header is not None else 0
        if not self.wrapped or header is None or header.buffer_bytes is None or logged > 2 * self.log.total:
            return False
        capture = self.look.capture
        size = capture.span[1] - capture.span[0] if capture.span is not None else len(capture.text)
        return bool(size) and size * 2 < header.buffer_bytes

    @property
    def oldest(self) -> timedelta | None:
        """The buffer is without gaps from its first line on: the age of the oldest line that can be placed.

        A buffer that never wrapped holds everything since the router came up.
        """
        ages = [placed.age for placed in (self.first, *(p for _, p in self.kept)) if placed.age is not None]
        if self.wrapped is False and self.uptime is not None:
            ages.append(self.uptime)
        return max(ages, default=None)


def read(
    looks: Looks, clock: DeviceClock, *, stamps: str | None, version: tuple[Version, Look] | None
) -> tuple[Page, ...]:
    """Every reading of the log, in the order of the visit. stamps: the configuration's `service timestamps log ...`."""
    return tuple(
        _page(look, record, _frame(look, clock, stamps, version))
        for look in looks.of(LOGGING)
        for record in look.reading.records
        if isinstance(record, Log)
    )


def _frame(look: Look, clock: DeviceClock, stamps: str | None, version: tuple[Version, Look] | None) -> Frame:
    uptime = None
    if version is not None and version[0].uptime is not None:
        uptime, at = version[0].uptime, version[1].taken_at
        if at is not None and look.taken_at is not None:
            uptime += look.taken_at - at
    taken = look.taken_at
    return Frame(
        clock=clock,
        now=clock.local_at(look.order, taken),
        last_is_now=taken is None,
        uptime=uptime,
        stamps=stamps,
        reference=None if taken is None else (taken - (taken.utcoffset() or timedelta())).replace(tzinfo=None),
    )


def _page(look: Look, log: Log, frame: Frame) -> Page:
    if frame.now is None and frame.reference is None:
        relayed = [  # RFC 3164 has no year: such a time dates nothing
            m.relay_time for m in log.messages if m.relay_time is not None and m.relay_time.year != NO_YEAR
        ]
        if relayed:
            frame = replace(frame, reference=relayed[-1].replace(tzinfo=None))
    kept = tuple(message for message in log.messages if message.event is not None)
    stamps = [message.stamp for message in kept]
    ends = ([log.first] if log.first else [], [log.last] if log.last else [])
    places = place([*ends[0], *stamps, *ends[1]], frame)
    placed = places.placed[len(ends[0]) : len(ends[0]) + len(stamps)]
    return Page(
        look=look,
        log=log,
        places=places,
        first=places.placed[0] if ends[0] else Placed(),
        last=places.placed[-1] if ends[1] else Placed(),
        kept=tuple(zip(kept, placed, strict=True)),
        uptime=frame.uptime,
    )


def merged(pages: Sequence[Page]) -> tuple[tuple[Sighting, ...], tuple[Related, ...]]:
    """Each line once, however often it was read: the same sequence, or stamp, and the same body (DOMAIN 2.2)."""
    read_at = pages[-1].places.read_at
    sightings: dict[object, Sighting] = {}
    related: dict[object, Related] = {}
    for page in pages:
        behind = read_at - page.places.read_at if read_at and page.places.read_at else timedelta()
        times: dict[object, int] = {}
        for message, placed in page.kept:
            key = _key(message)
            times[key] = times.get(key, 0) + 1
            full = (key, times[key] if _coarse(message) else 0)
            evidence = _line(page.look, message)
            if isinstance(message.event, InvalidSpi):
                age = None if placed.age is None else placed.age + behind
                sightings[full] = Sighting(
                    event=message.event, at=placed.at, age=age, evidence=evidence, sequence=message.sequence
                )
            elif isinstance(message.event, RelatedEvent):
                related[full] = Related(event=message.event, at=placed.at, evidence=evidence)
    return tuple(sightings.values()), tuple(related.values())


def _coarse(message: LogMessage) -> bool:
    """Whether several messages of one log may well look the same: no stamp, or one of hours (`3d05h`), and no number."""
    stamp = message.stamp
    if message.sequence is not None:
        return False
    return stamp.kind == "none" or (stamp.kind == "uptime" and (stamp.resolution or timedelta()) > timedelta(seconds=1))


def _key(message: LogMessage) -> object:
    if message.sequence is not None:
        return message.sequence, message.text
    stamp = message.stamp
    return stamp.kind, stamp.time, stamp.since_boot, message.text


def _line(look: Look, message: LogMessage) -> Evidence:
    """The message with its own stamp before it, wraps undone."""
    raw = look.texts.get(message.line, "")
    at = raw.find(message.text[:24]) if message.text else -1
    head = raw[max(0, at - _HEADER_TEXT) : at] if at > 0 else ""
    if "=" in head:  # glued to the message before: only the stamp is this one's
        dated = _DATED.findall(head)
        head = dated[-1] if dated else ""
    return look.evidence(message.line, head + message.text)
