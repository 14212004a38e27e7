"""The log of one device: its INV_SPI lines and their neighbours placed in time, and what it cannot show.

Silence proves something only where the log would have shown a line: level, discriminator, drops, wraps, filters and
lines that were not understood all take that away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from collector.facts import losses
from collector.facts.clock import DeviceClock
from collector.facts.looks import Look, Looks
from collector.facts.place import Frame, Placed, Places, place
from collector.model import (
    GATHERED,
    NO_YEAR,
    BlindSpot,
    CryptoConfig,
    Evidence,
    History,
    InvalidSpi,
    Log,
    LogHeader,
    LogMessage,
    LogView,
    Related,
    RelatedEvent,
    Sighting,
    Version,
)

LOGGING = "show logging"
_BLIND_LEVELS = frozenset({"disabled", "emergencies", "alerts", "critical", "errors"})
_SHORT = timedelta(minutes=30)  # a log that reaches less far back hides more than it shows
_HEADER_TEXT = 120
_DATED = re.compile(r"[*.]?\b[A-Z][a-z]{2} {1,2}\d{1,2} [^%=]{1,60}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFacts:
    """What the log gave: `None` fields where no log was read. hidden: why it proves less silence than it might, or ""."""

    view: LogView | None = None
    sightings: tuple[Sighting, ...] | None = None
    related: tuple[Related, ...] = ()
    blind: tuple[BlindSpot, ...] = ()
    look: Look | None = None
    hidden: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """One reading of the log, placed in time."""

    look: Look
    log: Log
    places: Places
    first: Placed
    last: Placed
    kept: tuple[tuple[LogMessage, Placed], ...]
    uptime: timedelta | None = None


def build(
    looks: Looks,
    clock: DeviceClock,
    *,
    config: CryptoConfig | None,
    version: tuple[Version, Look] | None,
    history: History,
    origin: str,
) -> LogFacts:
    """The log behind `looks`; `origin` as in Snapshot: texts of other origin may lack the head of `show logging`."""
    stamps = config.stamps if config is not None else None
    pages = [
        _page(look, record, _frame(look, clock, stamps, version))
        for look in looks.of(LOGGING)
        for record in look.reading.records
        if isinstance(record, Log)
    ]
    if not pages:
        return LogFacts(blind=tuple(_unread(looks)))
    last = pages[-1]
    sightings, related = _merged(pages, last.places.read_at)
    lost = _losses(last, _earlier(pages), history)
    as_before = _missing_since(last, history)
    blind = [*_blind(last, lost, clock, as_before), *_unread(looks)]
    timed, read_at = clock.at(last.look) is not None, last.places.read_at
    reach = _covers(pages, blind, history, sightings, visit=origin == "visit", timed=timed)
    covers = _after_losses(reach, lost, last, as_before)
    view = LogView(
        header=last.log.header,
        covers_since=None if covers is None or read_at is None or _gathered(last) else read_at - covers,
        newest=last.last.at,
        total=last.log.total,
        inv_spi_seen=last.log.inv_spi_seen,
        inv_spi_unparsed=sum(page.log.inv_spi_unparsed for page in pages),
        wrapped=_wrapped(last),
        read_at=read_at,
        covers=covers,
        clockless=not timed and not _since_boot(last),
        lost_until=lost.until if lost is not None else None,
        missing=_missing(last),
    )
    if reach is not None and view.wrapped and reach < _SHORT:
        blind.append(
            BlindSpot(
                code="log-buffer-wrapped",
                message=f"the log buffer has wrapped and reaches back {_span(reach)} only",
                need="log",
                evidence=_head(last),
            )
        )
    return LogFacts(
        view=view,
        sightings=sightings,
        related=related,
        blind=tuple(blind),
        look=last.look,
        hidden=_hidden(blind, lost if covers != reach else None),
    )


def _losses(page: _Page, before: _Page | None, history: History) -> losses.Losses | None:
    header = page.log.header
    if header is None:
        return None
    earlier = before.log.header if before is not None else None
    return losses.of(header, before=earlier, past=history.log, taken_at=page.look.taken_at, uptime=page.uptime)


def _after_losses(
    covers: timedelta | None, lost: losses.Losses | None, page: _Page, as_before: datetime | None
) -> timedelta | None:
    """Silence proves nothing for the time in which messages were lost: only what came after counts."""
    ends = [end for end in (lost.until if lost is not None else None, as_before) if end is not None]
    if covers is None or not ends or page.look.taken_at is None:
        return covers
    return min(covers, max(page.look.taken_at - max(ends), timedelta()))


def _missing(page: _Page) -> int | None:
    """Messages that were logged and do not stand here; `None` where that says nothing."""
    header = page.log.header
    if header is None or header.messages_logged is None or _wrapped(page) is None:
        return None
    return header.messages_logged - page.log.total


def _missing_since(page: _Page, history: History) -> datetime | None:
    """The last visit, where lines that are missing here were missing then already: nothing was lost since.

    A log that was cleared lacks what it lacked then, visit after visit, until it is full again.
    """
    past, header, taken = history.log, page.log.header, page.look.taken_at
    if past is None or header is None or taken is None or past.at >= taken or not _lines_lost(page, header):
        return None
    return past.at if past.missing is not None and past.missing == _missing(page) else None


def _hidden(blind: list[BlindSpot], lost: losses.Losses | None) -> str:
    if lost is not None:
        return lost.text
    return next((spot.message for spot in blind if spot.blocking and spot.need == "log"), "")


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


def _page(look: Look, log: Log, frame: Frame) -> _Page:
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
    return _Page(
        look=look,
        log=log,
        places=places,
        first=places.placed[0] if ends[0] else Placed(),
        last=places.placed[-1] if ends[1] else Placed(),
        kept=tuple(zip(kept, placed, strict=True)),
        uptime=frame.uptime,
    )


def _merged(pages: list[_Page], read_at: datetime | None) -> tuple[tuple[Sighting, ...], tuple[Related, ...]]:
    """Each line once, however often it was read: the same sequence, or stamp, and the same body (DOMAIN 2.2)."""
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


def _gathered(page: _Page) -> bool:
    """Whether nobody typed `show logging`: the lines stood elsewhere, and what stood between them is not known."""
    return page.look.capture.note == GATHERED


def _since_boot(page: _Page) -> bool:
    """Whether the uptime tells the age of every INV_SPI line: all their stamps count from boot."""
    kinds = {message.stamp.kind for message, _ in page.kept if isinstance(message.event, InvalidSpi)}
    return page.uptime is not None and kinds == {"uptime"}


def _earlier(pages: list[_Page]) -> _Page | None:
    return pages[-2] if len(pages) > 1 else None


def _wrapped(page: _Page) -> bool | None:
    header = page.log.header
    if header is None or header.messages_logged is None or page.look.extent != "all" or _filtered(page):
        return None
    return page.log.total < header.messages_logged


def _filtered(page: _Page) -> bool:
    return "|" in page.look.capture.command


def _head(page: _Page) -> tuple[Evidence, ...]:
    header = page.log.header
    return (page.look.evidence(header.line),) if header is not None else ()


def _unread(looks: Looks) -> Iterator[BlindSpot]:
    look = looks.last(LOGGING)
    if look is not None and not look.parsed:
        yield BlindSpot(
            code="log-not-read",
            message=f"{look.capture.command}: {look.reading.reason or look.reading.status}",
            need="log",
        )


def _blind(
    page: _Page, lost: losses.Losses | None, clock: DeviceClock, as_before: datetime | None
) -> Iterator[BlindSpot]:
    header, evidence = page.log.header, _head(page)
    if header is not None:
        yield from _blind_header(header, evidence)
        if lost is not None and lost.count:
            yield BlindSpot(code="log-dropped", message=lost.text, need="log", evidence=evidence, blocking=lost.blind)
        if _lines_lost(page, header):
            yield BlindSpot(
                code="log-lines-missing",
                message=f"{header.messages_logged} messages were logged, {page.log.total} stand here, and the buffer of "
                f"{header.buffer_bytes} bytes could hold more: it was cleared, or lines are missing"
                + (", as many as at the last visit" if as_before is not None else ""),
                need="log",
                evidence=evidence,
                blocking=as_before is None,
            )
    if page.log.inv_spi_unparsed:
        yield BlindSpot(
            code="log-unparsed",
            message=f"{page.log.inv_spi_unparsed} message(s) about an invalid SPI could not be read",
            need="log",
        )
    if page.places.note:
        yield BlindSpot(code="log-zone", message=page.places.note, blocking=False)
    yield from _unplaced(page, clock)


def _unplaced(page: _Page, clock: DeviceClock) -> Iterator[BlindSpot]:
    """INV_SPI lines without an age, told apart by what would cure it: dates in the stamps, or the clock."""
    lacking = [m.stamp.kind for m, p in page.kept if isinstance(m.event, InvalidSpi) and p.age is None]
    undated = sum(kind != "datetime" for kind in lacking)
    if undated:
        yield BlindSpot(
            code="log-stamps",
            message=f"{undated} message(s) have no usable age: their stamps bear no date",
            need="device_time",
        )
    if len(lacking) > undated:
        why = "the router's clock was not read" if clock.mark is None else "the clock was set later"
        yield BlindSpot(
            code="log-clock",
            message=f"{len(lacking) - undated} message(s) have no usable age: {why}",
            need="device_time",
        )


def _blind_header(header: LogHeader, evidence: tuple[Evidence, ...]) -> Iterator[BlindSpot]:
    if header.buffer_level in _BLIND_LEVELS or header.syslog_enabled is False:
        off = header.buffer_level == "disabled" or header.syslog_enabled is False
        yield BlindSpot(
            code="log-buffer-disabled" if off else "log-level-low",
            message="the log buffer is off"
            if off
            else f"the log buffer takes {header.buffer_level} only, the messages are warnings",
            need="log",
            evidence=evidence,
        )
    if header.discriminator:
        yield BlindSpot(
            code="log-discriminator",
            message=f"the discriminator {header.discriminator} filters the log buffer",
            need="log",
            evidence=evidence,
        )


def _lines_lost(page: _Page, header: LogHeader) -> bool:
    """Most messages that were logged stand here, not all, and the buffer is not even half full.

    Far fewer than were logged: an older part was cleared, or left out of a paste; what stands here is whole from its
    first line on.
    """
    logged = header.messages_logged or 0
    if not _wrapped(page) or header.buffer_bytes is None or logged > 2 * page.log.total:
        return False
    capture = page.look.capture
    size = capture.span[1] - capture.span[0] if capture.span is not None else len(capture.text)
    return bool(size) and size * 2 < header.buffer_bytes


def _covers(
    pages: list[_Page],
    blind: list[BlindSpot],
    history: History,
    sightings: tuple[Sighting, ...],
    *,
    visit: bool,
    timed: bool,
) -> timedelta | None:
    """How far back from its reading silence is proven; earlier readings that overlap the last reach further back."""
    last = pages[-1]
    if any(spot.blocking for spot in blind) or not last.look.parsed or (_gathered(last) and timed):
        return None  # gathered lines stand for each other's silence, not for that until the clock was read
    header = last.log.header
    if _filtered(last):
        return _seen_again(history, sightings)
    if (header is None and visit) or (header is not None and header.buffer_level is None):
        return None
    reach = _oldest(last)
    for page in reversed(pages[:-1]):
        behind, oldest, newest = _behind(page, last), _oldest(page), page.last.age
        overlaps = None not in {reach, behind, oldest, newest}
        if not overlaps or not page.look.parsed:
            break
        assert reach is not None and behind is not None and oldest is not None and newest is not None  # noqa: PT018 - one fact
        if newest + behind > reach:
            break
        reach = max(reach, oldest + behind)
    return reach


def _behind(page: _Page, last: _Page) -> timedelta | None:
    if page.places.read_at is None or last.places.read_at is None:
        return None
    return last.places.read_at - page.places.read_at


def _oldest(page: _Page) -> timedelta | None:
    """The buffer is without gaps from its first line on: the age of the oldest line that can be placed.

    A buffer that never wrapped holds everything since the router came up.
    """
    ages = [placed.age for placed in (page.first, *(p for _, p in page.kept)) if placed.age is not None]
    if _wrapped(page) is False and page.uptime is not None:
        ages.append(page.uptime)
    return max(ages, default=None)


def _seen_again(history: History, sightings: tuple[Sighting, ...]) -> timedelta | None:
    """A filtered log shows its wrap only by what it still holds of the last visit."""
    known = max((sighting.at for sighting in history.sightings if sighting.at is not None), default=None)
    if known is None:
        return None
    again = (s.age for s in sightings if s.at is not None and abs(s.at - known) < timedelta(seconds=2))
    return max((age for age in again if age is not None), default=None)


def _span(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
