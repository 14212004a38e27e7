"""Rekeys: those that a flow's lines show (row 10 of DOMAIN 7.2), and one after its last line that SAs show (row 4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from collector.facts.log_flows import Flow
from collector.facts.peers import Ground
from collector.facts.states import lifetime_of
from collector.facts.tables import Seen, Table
from collector.model import IpsecFlow, Sighting, Spi, Thresholds


def recurring(
    lines: dict[Spi | int | None, tuple[Sighting, ...]], earlier: list[Sighting], ground: Ground, limits: Thresholds
) -> dict[Spi | int | None, str]:
    """Row 10: different SPIs of one flow, one line each, a lifetime apart; the sentence by SPI."""
    single: list[tuple[datetime, Spi | int | None]] = [
        (seen[0].at, spi) for spi, seen in lines.items() if len(seen) == 1 and seen[0].at is not None
    ]
    single += [(s.at, s.event.spi) for s in earlier if s.at is not None and s.event.spi not in lines]
    single.sort(key=lambda pair: pair[0])
    configured = ground.config.lifetime if ground.config is not None else None
    lifetime = lifetime_of(ground.config)
    slack = lifetime * limits.lifetime_tolerance
    runs: list[list[tuple[datetime, Spi | int | None]]] = [single[:1]]
    for sooner, later in pairwise(single):
        if abs(later[0] - sooner[0] - lifetime) <= slack:
            runs[-1].append(later)
        else:
            runs.append([later])
    found: dict[Spi | int | None, str] = {}
    for run in runs:
        if len({spi for _, spi in run}) < limits.recurring_min:
            continue
        gaps = [round((later[0] - sooner[0]).total_seconds()) for sooner, later in pairwise(run)]
        text = (
            f"{len(run)} SPIs of this flow, one line each, {min(gaps)} to {max(gaps)} s apart: one at each rekey "
            f"(lifetime {round(lifetime.total_seconds())} s{'' if configured else ', the default'})"
        )
        found.update({spi: text for _, spi in run})
    return found


def reborn(flow: Flow, seen: tuple[Sighting, ...], ground: Ground) -> str:
    """Row 4: an inbound SA of that peer, born after the last line, that carries traffic."""
    tables, config = ground.tables, ground.config
    last = max((s.at for s in seen if s.at is not None), default=None)
    if last is None or flow.source is None or config is None or config.readable != "full":
        return ""
    lifetime = lifetime_of(config)
    for now in _flows_of(tables.flows, flow):
        at = ground.clock.at(now.look)
        births = [_birth(sa.remaining, lifetime, at) for sa in now.record.inbound]
        if at is None or None in births or not any(birth is not None and birth > last for birth in births):
            continue
        before = next((b for b in _flows_of(tables.flows_before, flow) if _same(b.record, now.record)), None)
        earlier = ground.clock.at(before.look) if before is not None else None
        decaps = now.record.decaps
        if before is not None and earlier is not None and earlier > last and before.look.order != now.look.order:
            if decaps is not None and before.record.decaps is not None and decaps > before.record.decaps:
                return f"a younger inbound SA whose decaps rose from {before.record.decaps} to {decaps}"
        elif decaps and all(birth is not None and birth > last for birth in births):
            return f"a younger inbound SA that has taken {decaps} packets, and no older one beside it"
    return ""


def _birth(remaining: timedelta | None, lifetime: timedelta, at: datetime | None) -> datetime | None:
    if remaining is None or at is None or remaining > lifetime:
        return None
    return at - (lifetime - remaining)


def _flows_of(table: Table[IpsecFlow], flow: Flow) -> Iterator[Seen[IpsecFlow]]:
    for seen in table.of(flow.source):
        record = seen.record
        if record.peer == flow.source and flow.destination in {record.local_address, record.local_endpoint}:
            yield seen


def _same(one: IpsecFlow, other: IpsecFlow) -> bool:
    return (one.interface, one.local_ident, one.remote_ident) == (
        other.interface,
        other.local_ident,
        other.remote_ident,
    )
