"""SAs fall out of step again and again: repair the cause, do not just mask it.

## What it flags

Several different SPIs of one peer within a day that were persistent (rekey races do not count), or several peers
black-holed on this router at once.

## Why it matters

Invalid SPI recovery and dead peer detection heal each case and hide the cause. Several peers at once point at this
router: a reload, a failover, a changed source address. One peer again and again points at that tunnel.

## When it stays quiet

Transient and recurring-rekey SPIs; fewer than the policy's counts; times that could not be read.

## What to do

Look at uptime, reload reason, failover and the tunnel source first. For one peer: debug ISAKMP and IPsec on both ends,
or leave a collecting applet behind.

## References

Cisco TAC 115801 (debug both ends, and do not just mask it); Cisco TAC 116005.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from collector.model import Action, Address, Facts, Incident, Judgement, Level, Rule, Spi, SpiState, State, Verdict
from collector.rules.actions import actions, debug, eem
from collector.rules.sight import unseen
from collector.rules.sources import TAC_115801, TAC_116005
from collector.rules.words import incident_evidence, listed, moment, shortened, spis_of, unique

RULE = Rule(
    id="SPI011",
    name="frequent-desync",
    title="SAs fall out of step again and again",
    level=Level.ERROR,
    needs=("incidents",),
    references=(TAC_115801, TAC_116005),
)

_DAY = timedelta(days=1)
_COUNTS = frozenset({State.PERSISTENT, State.RESOLVED, State.HEALED})


def judge(facts: Facts) -> Iterator[Judgement]:
    """One judgement a peer that falls out again and again, one for many at once, else one for the device."""
    limits = facts.policy.thresholds
    found = False
    for source, flows in _by_source(facts).items():
        seen = _spis(facts, source, flows)
        busiest = _busiest(seen)
        if len(busiest) >= limits.frequent_spis:
            found = True
            yield _again(facts, flows, busiest)
    down = [flow for flow in facts.incidents or () if flow.state is State.PERSISTENT]
    peers = sorted({str(flow.source or flow.source_text) for flow in down})
    if len(peers) >= limits.frequent_peers:
        found = True
        yield _at_once(facts, down, peers)
    if not found:
        hidden = unseen(facts)
        yield Judgement(
            verdict=Verdict.UNKNOWN if hidden else Verdict.PASS,
            subject=("device",),
            message="no peer fell out of step often" + (", as far as could be seen" if hidden else ""),
            why=hidden[1] if hidden else f"{len(peers)} flows are persistent now",
            evidence=(),
            missing=hidden[0] if hidden else "",
        )


def _by_source(facts: Facts) -> dict[Address, list[Incident]]:
    flows: dict[Address, list[Incident]] = defaultdict(list)
    for incident in facts.incidents or ():
        if incident.source is not None and any(key.state in _COUNTS for key in incident.keys):
            flows[incident.source].append(incident)
    return flows


def _spis(facts: Facts, source: Address, flows: list[Incident]) -> dict[Spi, datetime]:
    """The SPIs of one peer that are or were persistent, with the time each was last logged."""
    past = {spi: at for address, spi, at in facts.history.persistent_before if address == source}
    now = {
        key.spi: at
        for flow in flows
        for key in flow.keys
        if key.state in _COUNTS and key.spi is not None and (at := _last(key)) is not None
    }
    return past | now


def _last(key: SpiState) -> datetime | None:
    return max((sighting.at for sighting in key.sightings if sighting.at is not None), default=None)


def _busiest(seen: dict[Spi, datetime]) -> list[Spi]:
    """The largest set of SPIs within one day, the latest such day: a window slid over the times."""
    ordered = sorted(seen.items(), key=lambda item: (item[1], item[0]))
    best: list[Spi] = []
    start = 0
    for end, (_, at) in enumerate(ordered):
        while at - ordered[start][1] >= _DAY:
            start += 1
        if end + 1 - start >= len(best):
            best = [spi for spi, _ in ordered[start : end + 1]]
    return best


def _again(facts: Facts, flows: list[Incident], spis: list[Spi]) -> Judgement:
    flow = flows[-1]
    return Judgement(
        verdict=Verdict.FAIL,
        subject=("again", str(flow.source)),
        message=f"SAs from {flow.source} to {facts.device.name} fell out of step {len(spis)} times within a day "
        f"({listed(map(str, spis))}). Find the cause, do not just mask it: debug both ends while it happens.",
        why=f"{len(spis)} different SPIs of this source were persistent within 24 hours.",
        evidence=shortened(unique(line for item in flows for line in incident_evidence(item))),
        peer=flow.peer.address if flow.peer else None,
        actions=actions(facts, flow, debug, eem),
        first_seen=min((item.first_seen for item in flows if item.first_seen), default=None),
        last_seen=max((item.last_seen for item in flows if item.last_seen), default=None),
        spis=tuple(spis),
        event=True,
    )


def _at_once(facts: Facts, flows: list[Incident], peers: list[str]) -> Judgement:
    before = sorted(
        {f"{item.preceded_by.event.kind} at {moment(item.preceded_by.at)}" for item in flows if item.preceded_by}
    )
    cause = f"Before it: {listed(before)}." if before else "No reload or failover was seen before it."
    look = Action(
        on=facts.device.name,
        side="receiver",
        commands=("show version | include uptime|reason|restarted", "show redundancy", "show standby brief"),
        note="What do these peers share: a reload or failover here, the tunnel source, a path, a change?",
    )
    return Judgement(
        verdict=Verdict.FAIL,
        subject=("at-once",),
        title="Several peers are black-holed at once: look at this router",
        message=f"{len(peers)} peers of {facts.device.name} are black-holed at once: {listed(peers)}. {cause} "
        "Find the cause, do not just mask it.",
        why="several peers out of step at the same time have this router in common.",
        evidence=shortened(unique(line for item in flows for line in incident_evidence(item))),
        actions=(look,),
        first_seen=min((item.first_seen for item in flows if item.first_seen), default=None),
        last_seen=max((item.last_seen for item in flows if item.last_seen), default=None),
        spis=tuple(sorted({spi for item in flows for spi in spis_of(item)})),
        event=True,
    )
