"""ESP with unknown SPIs comes from addresses that are no peer of this router: a scan, forged packets or a stray sender.

## What it flags

Flows whose source is bound to no configured or learnt peer, on an address that accepts no unnamed peers: the same SPI
from several sources, several such sources at once, an SPI whose low 16 bits are zero (all three: a scan), or a lone
unknown source. Where this router's IPsec SAs were not read the verdict is `unknown`: they show a peer behind NAT.

## Why it matters

No tunnel is down. But the log looks exactly like one, and with invalid SPI recovery on each such packet may make this
router start IKE: that is why the command is off by default.

## When it stays quiet

The source is a peer (also behind NAT, also a host behind a GETVPN member), or the address accepts dynamic peers: then
the flow is judged as a tunnel. Without a readable configuration nobody can say who is no peer.

## What to do

Let ESP in only from known peers (ACL on the outside), unicast RPF, and a control plane policy. Never enable recovery
for it. A lone source that you know: a peer that was moved or removed here still sends.

## References

Cisco IOS configuration guide, Invalid Security Parameter Index Recovery (the denial-of-service caution).
"""

from __future__ import annotations

from collections.abc import Iterator

from collector.model import Facts, Incident, Judgement, Level, Rule, State, Verdict
from collector.rules.persistent import config_read
from collector.rules.sight import unseen
from collector.rules.sources import GUIDE_RECOVERY
from collector.rules.words import (
    flow_subject,
    flow_text,
    incident_evidence,
    lines_text,
    listed,
    sentences,
    shortened,
    spi_text,
    spis_of,
    twins,
    unique,
)

RULE = Rule(
    id="SPI006",
    name="scan-or-unknown-source",
    title="ESP with unknown SPIs from addresses that are no peer",
    level=Level.WARNING,
    needs=("incidents", "config"),
    references=(GUIDE_RECOVERY,),
)

CURE = (
    "No tunnel is down. Let ESP in only from known peers (ACL on the outside), with unicast RPF and a control plane "
    "policy; invalid SPI recovery would only make this router answer forged packets."
)


UNSURE = "Whether a tunnel is down is not known: look at `show crypto ipsec sa`."


def judge(facts: Facts) -> Iterator[Judgement]:
    """One judgement for all scanning together, one a lone source, else one for the device."""
    incidents = facts.incidents or ()
    scan = [item for item in incidents if item.state is State.SCAN]
    lone = [item for item in incidents if item.state is State.UNKNOWN_SOURCE]
    if scan:
        yield _scan(facts, scan)
    doubled = twins(facts)
    yield from (_source(facts, item, doubled) for item in lone)
    if not scan and not lone:
        hidden = (
            unseen(facts) if config_read(facts) else ("config", "without the configuration nobody is known as no peer")
        )
        yield Judgement(
            verdict=Verdict.UNKNOWN if hidden else Verdict.PASS,
            subject=("device",),
            message="no unknown source was seen" + (", and that proves nothing" if hidden else ""),
            why=hidden[1] if hidden else "every source in the log is a peer",
            evidence=(),
            missing=hidden[0] if hidden else "",
        )


_HIDDEN = "this router's IPsec SAs were not read (`show crypto ipsec sa`), and a known peer may stand behind NAT with such an address"


def _hidden(facts: Facts, flows: list[Incident]) -> bool:
    """Whether a source may be a peer's address behind NAT that only the SAs would show."""
    return any(not facts.sas_read(flow.source) for flow in flows)


def _scan(facts: Facts, flows: list[Incident]) -> Judgement:
    sources = sorted({str(item.source or item.source_text) for item in flows})
    first = [item.first_seen for item in flows if item.first_seen]
    last = [item.last_seen for item in flows if item.last_seen]
    many, hidden = len(sources) != 1, _hidden(facts, flows)
    return Judgement(
        verdict=Verdict.UNKNOWN if hidden else Verdict.FAIL,
        subject=("scan",),
        title="Looks like a scan: ESP with unknown SPIs from addresses that are no peer",
        message=f"{facts.device.name} was sent ESP by {len(sources)} address{'es' if many else ''} that "
        f"{'are' if many else 'is'} no peer: {listed(sources)}. {UNSURE if hidden else CURE}",
        why=sentences(*dict.fromkeys(item.why for item in flows[:5]), _HIDDEN if hidden else ""),
        evidence=shortened(unique(line for item in flows for line in incident_evidence(item))),
        event=True,
        missing="flows" if hidden else "",
        first_seen=min(first, default=None),
        last_seen=max(last, default=None),
        spis=tuple(sorted({spi for item in flows for spi in spis_of(item)})),
    )


def _source(facts: Facts, flow: Incident, doubled: frozenset[str]) -> Judgement:
    hidden = _hidden(facts, [flow])
    return Judgement(
        verdict=Verdict.UNKNOWN if hidden else Verdict.FAIL,
        subject=flow_subject(flow, doubled),
        message=f"{flow_text(flow)} under {spi_text(flow)}, and the source is no peer of {facts.device.name}: "
        f"{lines_text(flow)}. {UNSURE if hidden else CURE} If you know the source: a peer that was moved or removed here still sends.",
        why=sentences(flow.why, _HIDDEN if hidden else ""),
        evidence=incident_evidence(flow),
        event=True,
        missing="flows" if hidden else "",
        first_seen=flow.first_seen,
        last_seen=flow.last_seen,
        spis=spis_of(flow),
    )
