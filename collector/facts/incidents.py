"""Incidents: sightings grouped into flows and keys, bound to peers, each key with its state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

from collector.facts.binding import Binder, Bound
from collector.facts.counters import CounterFacts
from collector.facts.log import LogFacts
from collector.facts.peers import Ground
from collector.facts.states import Key, Scene, active_window, decide, flow_state, lifetime_of
from collector.facts.tables import Seen, Table
from collector.model import (
    UNKNOWN_SPI,
    Address,
    Evidence,
    History,
    Incident,
    IpsecFlow,
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
class _Flow:
    vrf: str | None
    source: Address | None
    destination: Address | None
    source_text: str
    destination_text: str
    protocol: str
    interface: str | None
    keys: dict[Spi | int | None, list[Sighting]]
    bound: Bound = field(default_factory=Bound)

    @property
    def last_age(self) -> timedelta | None:
        ages = [s.age for lines in self.keys.values() for s in lines if s.age is not None]
        return min(ages, default=None)


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
    flows = [_bound(flow, binder) for flow in _flows(log.sightings, binder)]
    shared = _Shared(
        scene=_scene(log, ground, counters, limits, flows),
        log=log,
        ground=ground,
        scans=_scans(flows, limits) if binder.full else {},
        held=_held(ground, {spi for flow in flows for spi in flow.keys if isinstance(spi, Spi)}),
        past=_past(past),
        causes=tuple(r for r in log.related if r.event.kind in _CAUSES and r.at is not None and _is_cause(r)),
        beside=_index(log.related),
    )
    return (*(_incident(flow, shared) for flow in flows), *_counter_only(counters, log, shared.scene.active))


def _flows(sightings: Iterable[Sighting], binder: Binder) -> list[_Flow]:
    found: dict[object, _Flow] = {}
    for sighting in sightings:
        event = sighting.event
        vrf = binder.vrf(event.interface)[1]
        source, destination = event.source or event.source_text, event.destination or event.destination_text
        name = (vrf, source, destination, event.protocol)
        flow = found.get(name)
        if flow is None:
            flow = found[name] = _Flow(
                vrf=vrf,
                source=event.source,
                destination=event.destination,
                source_text=event.source_text,
                destination_text=event.destination_text,
                protocol=event.protocol,
                interface=event.interface,
                keys={},
            )
        elif flow.interface is None and event.interface is not None:
            flow = found[name] = replace(flow, interface=event.interface)
        flow.keys.setdefault(event.spi if event.spi is not None else event.spi_decimal, []).append(sighting)
    return list(found.values())


def _bound(flow: _Flow, binder: Binder) -> _Flow:
    return replace(flow, bound=binder.bind(flow.source, flow.destination, flow.interface))


def _scene(log: LogFacts, ground: Ground, counters: CounterFacts, limits: Thresholds, flows: list[_Flow]) -> Scene:
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


def _scans(flows: list[_Flow], limits: Thresholds) -> dict[object, str]:
    """Keys that look like a scan (row 5), by (source, SPI): only of unbound sources, with the configuration read.

    A sender that keeps one SPI over the time towards a destination that takes dynamic peers is a tunnel, no scan: a hub
    after a reload keeps no trace of its spokes.
    """
    unbound = [f for f in flows if f.source is not None and f.bound.peer is None and not f.bound.group]
    shared = _shared_spis(flows, limits)
    sources = {flow.source for flow in unbound if not (flow.bound.accepting and _keeps(flow, limits))}
    many = len(sources) >= limits.scan_sources
    found: dict[object, str] = {}
    for flow in unbound:
        for spi in flow.keys:
            if not isinstance(spi, Spi):
                continue
            if spi in shared:
                found[flow.source, spi] = (
                    f"SPI {spi} came from several sources within minutes, {flow.source} is no peer"
                )
            elif spi & 0xFFFF == 0:
                found[flow.source, spi] = (
                    f"the low half of SPI {spi} is zero, as scanners set it; {flow.source} is no peer"
                )
            elif many and flow.source in sources:
                found[flow.source, spi] = f"one of {len(sources)} sources that are no peers of this router"
    return found


def _shared_spis(flows: list[_Flow], limits: Thresholds) -> set[Spi]:
    seen: dict[Spi, list[tuple[timedelta, Address]]] = {}
    for flow in flows:
        for spi, lines in flow.keys.items():
            if isinstance(spi, Spi) and flow.source is not None:
                seen.setdefault(spi, []).extend((s.age, flow.source) for s in lines if s.age is not None)
    return {spi for spi, where in seen.items() if _spread_over(where, limits)}


def _spread_over(where: list[tuple[timedelta, Address]], limits: Thresholds) -> bool:
    """Whether enough different sources used one SPI within the window."""
    if len({source for _, source in where}) < limits.scan_same_spi_sources:
        return False
    ordered = sorted(where, key=lambda pair: pair[0])
    start, counts = 0, dict[Address, int]()
    for age, source in ordered:
        counts[source] = counts.get(source, 0) + 1
        while age - ordered[start][0] > limits.scan_same_spi_window:
            leaving = ordered[start][1]
            counts[leaving] -= 1
            if not counts[leaving]:
                del counts[leaving]
            start += 1
        if len(counts) >= limits.scan_same_spi_sources:
            return True
    return False


def _keeps(flow: _Flow, limits: Thresholds) -> bool:
    for lines in flow.keys.values():
        span = Key(spi=None, sightings=tuple(lines)).span
        if len(lines) > 1 and span is not None and span >= limits.persistent_span:
            return True
    return False


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


def _incident(flow: _Flow, shared: _Shared) -> Incident:
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


def _states(flow: _Flow, shared: _Shared) -> list[SpiState]:
    earlier = shared.past.get((flow.source, flow.destination), [])
    read_at = shared.log.view.read_at if shared.log.view is not None else None
    lines = {spi: _with_past(spi, seen, earlier, read_at) for spi, seen in flow.keys.items()}
    recurring = _recurring(lines, earlier, shared.ground, shared.scene.limits)
    states: list[SpiState] = []
    for spi, seen in lines.items():
        own = spi if isinstance(spi, Spi) else None
        key = Key(
            spi=own,
            sightings=seen,
            installed=shared.held[own].text if own is not None and own in shared.held else "",
            reborn=_reborn(flow, seen, shared.ground),
            scan=shared.scans.get((flow.source, own), ""),
            stranger=_stranger(flow, shared.ground),
            recurring=recurring.get(spi, ""),
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


def _stranger(flow: _Flow, ground: Ground) -> str:
    """Row 6: the configuration was read, the source is no peer and the destination takes none."""
    full = ground.config is not None and ground.config.readable == "full"
    bound = flow.bound
    if not full or flow.source is None or flow.destination is None or bound.peer or bound.group or bound.accepting:
        return ""
    return f"{flow.source} is no peer in the configuration, and {flow.destination} takes no dynamic peers"


def _recurring(
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


def _reborn(flow: _Flow, seen: tuple[Sighting, ...], ground: Ground) -> str:
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


def _flows_of(table: Table[IpsecFlow], flow: _Flow) -> Iterator[Seen[IpsecFlow]]:
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


def _beside(flow: _Flow, index: dict[object, list[Related]]) -> tuple[Related, ...]:
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
