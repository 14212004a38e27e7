"""`crypto isakmp invalid-spi-recovery` is absent on a router with peers that it would help: hygiene, asked for by policy.

## What it flags

Without any event, and only where the policy names this rule: the command is absent and at least one peer is of a
configuration with a Yes. Unasked, and as a warning: such a peer was black-holed within the last day and is well again;
the command would have shortened it.

## Why it matters

After a reload of this router its senders keep their SAs for up to a lifetime. The command ends that in seconds, for
these peers only.

## When it stays quiet

The command is on; no peer has a Yes; a flow is persistent right now (SPI001 speaks). It is opt-in because the command
is off by default for a reason: each forged ESP packet may make the router start IKE.

## What to do

Enable it, after ESP is let in from known peers only.

## References

Cisco IOS configuration guide, Invalid Security Parameter Index Recovery; Cisco TAC 115801.
"""

from __future__ import annotations

from collections.abc import Iterator

from collector.model import Evidence, Facts, Incident, Judgement, Level, Peer, Recovery, Rule, State, Verdict
from collector.rules.actions import recover
from collector.rules.persistent import persistent, recovery_of
from collector.rules.sources import GUIDE_RECOVERY, TAC_115801
from collector.rules.words import flow_text, incident_evidence, listed, moment, peer_text, unique

RULE = Rule(
    id="SPI013",
    name="recovery-missing",
    title="Invalid SPI recovery is absent where it would help",
    level=Level.NOTE,
    needs=("peers", "recovery_configured", "incidents"),
    references=(GUIDE_RECOVERY, TAC_115801),
    opt_in=True,
)


def judge(facts: Facts) -> Iterator[Judgement]:
    """One judgement for the device: the command is global."""
    helped = [peer for peer in facts.peers or () if peer.recovery is Recovery.YES]
    if facts.recovery_configured or not helped:
        yield Judgement(
            verdict=Verdict.PASS if helped else Verdict.NOT_APPLICABLE,
            subject=("device",),
            message="the command is on" if helped else "no peer here would be helped by the command",
            why="`crypto isakmp invalid-spi-recovery` is configured" if helped else "no peer is of a type with a Yes",
            evidence=(),
        )
        return
    if any(decision.rule == "SPI001" for _, decision in persistent(facts)):
        yield Judgement(
            verdict=Verdict.NOT_APPLICABLE,
            subject=("device",),
            message="a flow is persistent now: SPI001 speaks",
            why="one finding for one command",
            evidence=(),
        )
        return
    yield _missing(facts, helped)


def _missing(facts: Facts, helped: list[Peer]) -> Judgement:
    over = [flow for flow in facts.incidents or () if _lately_over(facts, flow)]
    rest = [peer_text(peer) for peer in facts.peers or () if peer.recovery is not Recovery.YES]
    evidence = _evidence(helped, over)
    exposed = any(flow.state in {State.SCAN, State.UNKNOWN_SOURCE} for flow in facts.incidents or ())
    lately = "".join(
        f" It would have shortened {flow_text(flow)}, black-holed until {moment(flow.last_seen)}." for flow in over[:3]
    )
    return Judgement(
        verdict=Verdict.FAIL if evidence else Verdict.UNKNOWN,
        subject=("recovery",),
        message=f"`crypto isakmp invalid-spi-recovery` is absent on {facts.device.name}. It would help with "
        f"{listed(map(peer_text, helped))}.{lately}" + (f" It does nothing proven for {listed(rest)}." if rest else ""),
        why="The configuration was read and does not have the line.",
        evidence=evidence,
        peer=helped[0].address if len(helped) == 1 else None,
        level=Level.WARNING if over else None,
        actions=(recover(facts, after_acl=exposed),),
        first_seen=min((flow.first_seen for flow in over if flow.first_seen), default=None),
        last_seen=max((flow.last_seen for flow in over if flow.last_seen), default=None),
        missing="" if evidence else "the configuration lines of these peers",
        event=bool(over),
    )


def _lately_over(facts: Facts, flow: Incident) -> bool:
    """Persistent once, over now, first seen so, and not long ago."""
    known = any(address == flow.source for address, _, _ in facts.history.persistent_before)
    return (
        flow.state in {State.RESOLVED, State.HEALED}
        and recovery_of(flow) is Recovery.YES
        and not known
        and flow.last_age is not None
        and flow.last_age < facts.policy.thresholds.resolved_max_age
    )


def _evidence(helped: list[Peer], over: list[Incident]) -> tuple[Evidence, ...]:
    return unique(
        (
            *(line for flow in over[:3] for line in incident_evidence(flow)),
            *(line for peer in helped[:5] for line in peer.evidence),
        )
    )
