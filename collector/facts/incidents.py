"""Incidents: sightings grouped into flows and keys, bound to peers, each key with its state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from collector.facts.binding import Binder
from collector.facts.counters import CounterFacts
from collector.facts.log import LogFacts
from collector.facts.log_flows import Flow, logged
from collector.facts.peers import Ground
from collector.facts.rekeys import reborn, recurring
from collector.facts.scans import scans
from collector.facts.states import Key, Scene, active_window, decide, flow_state, lifetime_of
from collector.model import (
    UNKNOWN_SPI,
    Evidence,
    History,
    Incident,
    Peer,
    Related,
    Sighting,
    Spi,
    SpiState,
    State,
    Thresholds,
)

_CAUSES = frozenset({"restart", "switchover", "hsrp"})
_SAME = timedelta(seconds=2)
_RELATED = 20  # messages kept beside one incident


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """Where an SPI stands among this router's own."""

    text: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """What all incidents of a device look things up in."""

    scene: Scene
    log: LogFacts
    ground: Ground
    scans: dict[object, str]
    held: dict[Spi, _Held]
    past: dict[object, list[Sighting]]
    causes: tuple[Related, ...]
    beside: dict[object, list[Related]]


def build(
    log: LogFacts, peers: tuple[Peer, ...], ground: Ground, counters: CounterFacts, *, limits: Thresholds, past: History
) -> tuple[Incident, ...] | None:
    """All incidents, in the order of their first lines; `None` where neither a log nor counters were read."""
    if log.sightings is None:
        return tuple(_counter_only(counters, log, limits.active_window)) or None
    binder = Binder(ground, peers, log.related)
    flows = logged(log.sightings, binder)
    shared = _Shared(
        scene=_scene(log, ground, counters, limits, flows),
        log=log,
        ground=ground,
        scans=scans(flows, limits) if binder.full else {},
        held=_held(ground, {spi for flow in flows for spi in flow.keys if isinstance(spi, Spi)}),
        past=_past(past),
        causes=tuple(r for r in log.related if r.event.kind in _CAUSES and r.at is not None and _is_cause(r)),
        beside=_index(log.related),
    )
    return (*(_incident(flow, shared) for flow in flows), *_counter_only(counters, log, shared.scene.active))


def _scene(log: LogFacts, ground: Ground, counters: CounterFacts, limits: Thresholds, flows: list[Flow]) -> Scene:
    read_at = log.view.read_at if log.view is not None else None
    flows_at = ground.tables.flows_at
    return Scene(
        limits=limits,
        active=active_window((flow.last_age for flow in flows), limits),
        covers=log.view.covers if log.view is not None else None,
        flows_age=read_at - flows_at if read_at is not None and flows_at is not None else None,
        trend=counters.trend,
        clockless=log.view is not None and log.view.clockless,
        cut=log.look is not None and not log.look.parsed,
        hidden=log.hidden,
        lifetime=lifetime_of(ground.config),
        after=counters.trend_from is not None and flows_at is not None and counters.trend_from >= flows_at,
    )


def _held(ground: Ground, wanted: set[Spi]) -> dict[Spi, _Held]:
    """The logged SPIs that this router itself holds: inbound SAs, and the control plane's active and transient table."""
    found: dict[Spi, _Held] = {}
    for seen in ground.tables.lookup.rows:
        if seen.record.spi in wanted:
            where = f"{seen.record.table} SPI table"
            found[seen.record.spi] = _Held(text=where, evidence=(seen.look.evidence(seen.record.line),))
    for flow in ground.tables.flows.rows:
        for sa in flow.record.inbound:
            if sa.spi in wanted:
                where = f"inbound SA of {flow.record.interface or flow.record.map_tag or 'a flow'}"
                found[sa.spi] = _Held(text=where, evidence=(flow.look.evidence(sa.line),))
    return found


def _past(history: History) -> dict[object, list[Sighting]]:
    """What earlier runs saw, by flow."""
    found: dict[object, list[Sighting]] = {}
    for sighting in history.sightings:
        event = sighting.event
        found.setdefault((event.source, event.destination), []).append(sighting)
    return found


def _incident(flow: Flow, shared: _Shared) -> Incident:
    states = _states(flow, shared)
    leading = flow_state(states)
    times = [s.at for state in states for s in state.sightings if s.at is not None]
    installed = next((s.spi for s in [leading, *states] if s.spi is not None and s.spi in shared.held), None)
    first = min(times, default=None)
    return Incident(
        source=flow.source,
        destination=flow.destination,
        source_text=flow.source_text,
        destination_text=flow.destination_text,
        protocol=flow.protocol,
        vrf=flow.vrf,
        interface=flow.interface,
        keys=tuple(states),
        state=leading.state,
        why=leading.why,
        first_seen=first,
        last_seen=max(times, default=None),
        last_age=flow.last_age,
        messages=sum(len(seen) for seen in flow.keys.values()),
        peer=flow.bound.peer,
        bound=flow.bound.how,
        installed=installed,
        preceded_by=_cause(shared.causes, first, shared.scene.limits),
        related=_beside(flow, shared.beside),
        evidence=shared.held[installed].evidence if installed is not None else (),
    )


def _states(flow: Flow, shared: _Shared) -> list[SpiState]:
    earlier = shared.past.get((flow.source, flow.destination), [])
    read_at = shared.log.view.read_at if shared.log.view is not None else None
    lines = {spi: _with_past(spi, seen, earlier, read_at) for spi, seen in flow.keys.items()}
    rekeyed = recurring(lines, earlier, shared.ground, shared.scene.limits)
    states: list[SpiState] = []
    for spi, seen in lines.items():
        own = spi if isinstance(spi, Spi) else None
        key = Key(
            spi=own,
            sightings=seen,
            installed=shared.held[own].text if own is not None and own in shared.held else "",
            reborn=reborn(flow, seen, shared.ground),
            scan=shared.scans.get((flow.source, own), ""),
            stranger=_stranger(flow, shared.ground),
            recurring=rekeyed.get(spi, ""),
        )
        states.append(decide(key, shared.scene))
    return states


def _with_past(
    spi: Spi | int | None, seen: list[Sighting], earlier: list[Sighting], read_at: datetime | None
) -> tuple[Sighting, ...]:
    """The key's lines, with those that earlier runs saw and this log no longer holds."""
    times = [s.at for s in seen if s.at is not None]
    if len(times) < len(seen):
        return tuple(seen)  # without times of their own they cannot be compared
    older = [
        replace(s, age=read_at - s.at)
        for s in earlier
        if s.event.spi == spi and s.at is not None and read_at is not None and s.at < min(times) - _SAME
    ]
    return (*older, *seen)


def _stranger(flow: Flow, ground: Ground) -> str:
    """Row 6: the configuration was read, the source is no peer and the destination takes none."""
    full = ground.config is not None and ground.config.readable == "full"
    bound = flow.bound
    if not full or flow.source is None or flow.destination is None or bound.peer or bound.group or bound.accepting:
        return ""
    return f"{flow.source} is no peer in the configuration, and {flow.destination} takes no dynamic peers"


def _is_cause(related: Related) -> bool:
    """A restart, a switchover, or HSRP going active here."""
    text = related.event.detail or related.evidence.text
    return related.event.kind != "hsrp" or "active" in text.rpartition("->")[2].lower()


def _cause(causes: Iterable[Related], first: datetime | None, limits: Thresholds) -> Related | None:
    """The reload, failover or switchover right before the first line, the latest of them."""
    if first is None:
        return None
    found = [r for r in causes if r.at is not None and timedelta() <= first - r.at <= limits.failover_window]
    return max(found, key=lambda r: (r.at, r.evidence.line), default=None)


def _index(related: Iterable[Related]) -> dict[object, list[Related]]:
    """Messages by the far end and by the SPI that they name."""
    found: dict[object, list[Related]] = {}
    for one in related:
        for name in (one.event.source, one.event.spi):
            if name is not None:
                found.setdefault(name, []).append(one)
    return found


def _beside(flow: Flow, index: dict[object, list[Related]]) -> tuple[Related, ...]:
    """Messages about the same far end, or the same SPI, in the order of the log."""
    found: dict[int, Related] = {}
    for name in (flow.source, *flow.keys):
        for one in index.get(name, ())[-_RELATED:]:
            found[id(one)] = one
    return tuple(sorted(found.values(), key=lambda r: r.evidence.line)[-_RELATED:])


def _counter_only(counters: CounterFacts, log: LogFacts, active: timedelta) -> Iterator[Incident]:
    """Row 12: no line, and an unknown-SPI counter rose; at first sight a value above zero counts."""
    for counter in counters.counters or ():
        if counter.name not in UNKNOWN_SPI:
            continue
        first_sight = counter.delta is None
        rise = counter.packets if first_sight else counter.delta
        if not rise or _explained(log, counter.delta_seconds, active):
            continue
        rate = (counters.rates or {}).get(counter.name)
        hourly = f", {rate:.1f} an hour" if rate is not None else ""
        text = (
            f"{counter.name} stands at {counter.packets}{hourly}, and no line was logged"
            if first_sight
            else f"{counter.name} rose by {rise} in {round(counter.delta_seconds or 0)} s{hourly}, and no line was logged"
        )
        if log.sightings is None:
            text = text.replace("no line was logged", "the log was not read")
        yield Incident(
            source=None,
            destination=None,
            protocol=None,
            keys=(SpiState(spi=None, sightings=(), state=State.COUNTER_ONLY, why=text, row=12),),
            state=State.COUNTER_ONLY,
            why=text,
            first_seen=None,
            last_seen=None,
            messages=0,
            counter=counter.name,
            counter_packets=rise,
            rate_per_hour=rate,
            evidence=counter.evidence,
        )


def _explained(log: LogFacts, seconds: float | None, active: timedelta) -> bool:
    """Whether lines stand beside the drops: any at first sight, else one within the time of the delta.

    The limiter (a line a minute, perhaps shared by flows) may hold every line back between two looks: a line stands for
    its flow for the active window.
    """
    for sighting in log.sightings or ():
        if seconds is None or sighting.age is None or sighting.age <= timedelta(seconds=seconds) + active:
            return True
    return False
