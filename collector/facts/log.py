"""The log of one device: its INV_SPI lines and their neighbours placed in time, and how far back its silence proves something."""

from __future__ import annotations

from dataclasses import dataclass

from collector.facts import losses, silence
from collector.facts.clock import DeviceClock
from collector.facts.log_pages import Page, merged, read
from collector.facts.looks import Look, Looks
from collector.model import BlindSpot, CryptoConfig, History, LogView, Related, Sighting, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFacts:
    """What the log gave: `None` fields where no log was read. hidden: why it proves less silence than it might, or ""."""

    view: LogView | None = None
    sightings: tuple[Sighting, ...] | None = None
    related: tuple[Related, ...] = ()
    blind: tuple[BlindSpot, ...] = ()
    look: Look | None = None
    hidden: str = ""


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
    pages = read(looks, clock, stamps=config.stamps if config is not None else None, version=version)
    if not pages:
        return LogFacts(blind=tuple(silence.unread(looks)))
    last = pages[-1]
    sightings, related = merged(pages)
    lost = _losses(last, pages[-2] if len(pages) > 1 else None, history)
    as_before = silence.missing_since(last, history)
    blind = [*silence.blind(last, lost, clock, as_before), *silence.unread(looks)]
    timed, read_at = clock.at(last.look) is not None, last.places.read_at
    reach = silence.covers(pages, blind, history, sightings, visit=origin == "visit", timed=timed)
    covers = silence.after_losses(reach, lost, last, as_before)
    view = LogView(
        header=last.log.header,
        covers_since=None if covers is None or read_at is None or last.gathered else read_at - covers,
        newest=last.last.at,
        total=last.log.total,
        inv_spi_seen=last.log.inv_spi_seen,
        inv_spi_unparsed=sum(page.log.inv_spi_unparsed for page in pages),
        wrapped=last.wrapped,
        read_at=read_at,
        covers=covers,
        clockless=not timed and not last.since_boot,
        lost_until=lost.until if lost is not None else None,
        missing=last.missing,
    )
    blind += silence.short(last, reach)
    return LogFacts(
        view=view,
        sightings=sightings,
        related=related,
        blind=tuple(blind),
        look=last.look,
        hidden=silence.hidden(blind, lost if covers != reach else None),
    )


def _losses(page: Page, before: Page | None, history: History) -> losses.Losses | None:
    header = page.log.header
    if header is None:
        return None
    earlier = before.log.header if before is not None else None
    return losses.of(header, before=earlier, past=history.log, taken_at=page.look.taken_at, uptime=page.uptime)
