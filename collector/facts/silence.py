"""What a log's silence proves, and how far back: where it would have shown a line.

Level, discriminator, drops, wraps, filters and lines that were not understood all take that away, each as a blind spot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from collector.facts import losses
from collector.facts.clock import DeviceClock
from collector.facts.log_pages import LOGGING, Page
from collector.facts.looks import Looks
from collector.model import BlindSpot, Evidence, History, InvalidSpi, LogHeader, Sighting

_BLIND_LEVELS = frozenset({"disabled", "emergencies", "alerts", "critical", "errors"})
_SHORT = timedelta(minutes=30)  # a log that reaches less far back hides more than it shows


def unread(looks: Looks) -> Iterator[BlindSpot]:
    """The last look at the log, where it was refused, cut or not understood."""
    look = looks.last(LOGGING)
    if look is not None and not look.parsed:
        yield BlindSpot(
            code="log-not-read",
            message=f"{look.capture.command}: {look.reading.reason or look.reading.status}",
            need="log",
        )


def blind(
    page: Page, lost: losses.Losses | None, clock: DeviceClock, as_before: datetime | None
) -> Iterator[BlindSpot]:
    """What the last page cannot show, whatever it shows. as_before: as `missing_since` tells."""
    header, evidence = page.log.header, page.head
    if header is not None:
        yield from _by_head(header, evidence)
        if lost is not None and lost.count:
            yield BlindSpot(code="log-dropped", message=lost.text, need="log", evidence=evidence, blocking=lost.blind)
        if page.lines_lost:
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


def _unplaced(page: Page, clock: DeviceClock) -> Iterator[BlindSpot]:
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


def _by_head(header: LogHeader, evidence: tuple[Evidence, ...]) -> Iterator[BlindSpot]:
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


def short(page: Page, reach: timedelta | None) -> Iterator[BlindSpot]:
    """A buffer that has wrapped and reaches less far back than it should."""
    if reach is not None and page.wrapped and reach < _SHORT:
        yield BlindSpot(
            code="log-buffer-wrapped",
            message=f"the log buffer has wrapped and reaches back {_span(reach)} only",
            need="log",
            evidence=page.head,
        )


def covers(
    pages: Sequence[Page],
    spots: Sequence[BlindSpot],
    history: History,
    sightings: tuple[Sighting, ...],
    *,
    visit: bool,
    timed: bool,
) -> timedelta | None:
    """How far back from its reading silence is proven; earlier readings that overlap the last reach further back."""
    last = pages[-1]
    if any(spot.blocking for spot in spots) or not last.look.parsed or (last.gathered and timed):
        return None  # gathered lines stand for each other's silence, not for that until the clock was read
    header = last.log.header
    if last.filtered:
        return _seen_again(history, sightings)
    if (header is None and visit) or (header is not None and header.buffer_level is None):
        return None
    reach = last.oldest
    for page in reversed(pages[:-1]):
        behind, oldest, newest = _behind(page, last), page.oldest, page.last.age
        overlaps = None not in {reach, behind, oldest, newest}
        if not overlaps or not page.look.parsed:
            break
        assert reach is not None and behind is not None and oldest is not None and newest is not None  # noqa: PT018 - one fact
        if newest + behind > reach:
            break
        reach = max(reach, oldest + behind)
    return reach


def _behind(page: Page, last: Page) -> timedelta | None:
    if page.places.read_at is None or last.places.read_at is None:
        return None
    return last.places.read_at - page.places.read_at


def _seen_again(history: History, sightings: tuple[Sighting, ...]) -> timedelta | None:
    """A filtered log shows its wrap only by what it still holds of the last visit."""
    known = max((sighting.at for sighting in history.sightings if sighting.at is not None), default=None)
    if known is None:
        return None
    again = (s.age for s in sightings if s.at is not None and abs(s.at - known) < timedelta(seconds=2))
    return max((age for age in again if age is not None), default=None)


def after_losses(
    covers: timedelta | None, lost: losses.Losses | None, page: Page, as_before: datetime | None
) -> timedelta | None:
    """Silence proves nothing for the time in which messages were lost: only what came after counts."""
    ends = [end for end in (lost.until if lost is not None else None, as_before) if end is not None]
    if covers is None or not ends or page.look.taken_at is None:
        return covers
    return min(covers, max(page.look.taken_at - max(ends), timedelta()))


def missing_since(page: Page, history: History) -> datetime | None:
    """The last visit, where lines that are missing here were missing then already: nothing was lost since.

    A log that was cleared lacks what it lacked then, visit after visit, until it is full again.
    """
    past, header, taken = history.log, page.log.header, page.look.taken_at
    if past is None or header is None or taken is None or past.at >= taken or not page.lines_lost:
        return None
    return past.at if past.missing is not None and past.missing == page.missing else None


def hidden(spots: Sequence[BlindSpot], lost: losses.Losses | None) -> str:
    """Why the log proves less silence than it might, with its figures, or ""."""
    if lost is not None:
        return lost.text
    return next((spot.message for spot in spots if spot.blocking and spot.need == "log"), "")


def _span(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
