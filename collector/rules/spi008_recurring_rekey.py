"""At every rekey a packet or so is lost: single lines, ever new SPIs, spaced by the SA lifetime.

## What it flags

One flow that logged several different SPIs, one line each, at a distance of the SA lifetime: a note, and a warning
when it happens more often a day than the policy allows.

## Why it matters

It is no black hole: the sender uses its new SA a moment before this router has installed it, or the old one a moment
longer. A few packets a rekey; recovery has nothing to repair. As an everyday companion it hides the lines that matter.

## When it stays quiet

Fewer different SPIs than the policy asks for, lines that return for the same SPI (persistent), spacing that does not fit
the lifetime.

## What to do

Align the lifetimes of both ends, and lengthen them where policy permits. The known defects below make the window
larger; whether a release fixes them for you is a question for TAC.

## References

Cisco TAC 115801; Cisco bugs CSCsl68327, CSCtr14840, CSCty30063, CSCvn31824.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from collector.model import Facts, Incident, Judgement, Level, Rule, State, Verdict
from collector.rules.sources import REKEY_BUGS, TAC_115801
from collector.rules.tunnel import quiet
from collector.rules.words import flow_subject, flow_text, incident_evidence, lines_text, spis_of, twins

RULE = Rule(
    id="SPI008",
    name="recurring-rekey",
    title="Packets are lost at every rekey of this tunnel",
    level=Level.NOTE,
    needs=("incidents",),
    references=(TAC_115801, *REKEY_BUGS),
)

_DAY = timedelta(days=1)


def judge(facts: Facts) -> Iterator[Judgement]:
    """One judgement a flow that recurs, else one for the device."""
    flows = [item for item in facts.incidents or () if item.state is State.RECURRING_REKEY]
    doubled = twins(facts)
    yield from (_flow(facts, flow, doubled) for flow in flows)
    if not flows:
        yield quiet(facts)


def _flow(facts: Facts, flow: Incident, doubled: frozenset[str]) -> Judgement:
    often = _in_a_day(flow)
    return Judgement(
        verdict=Verdict.FAIL,
        subject=flow_subject(flow, doubled),
        message=f"{flow_text(flow)}: {len(spis_of(flow))} SPIs, one line each, {often} of them within a day: "
        f"{lines_text(flow)}. Align the SA lifetimes of both ends; recovery has nothing to repair here.",
        why=flow.why,
        evidence=incident_evidence(flow),
        peer=flow.peer.address if flow.peer else None,
        level=Level.WARNING if often > facts.policy.thresholds.recurring_warn else None,
        first_seen=flow.first_seen,
        last_seen=flow.last_seen,
        spis=spis_of(flow),
        event=True,
    )


def _in_a_day(flow: Incident) -> int:
    """How many of the flow's SPIs were logged in the last day that it was logged in."""
    times = [key.sightings[-1].at for key in flow.keys if key.sightings]
    known = [at for at in times if at is not None]
    return sum(max(known) - at < _DAY for at in known) if known else 0
