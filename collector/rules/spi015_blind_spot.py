"""Something that could hide a black hole was not seen, or a fact that another rule needs is missing.

## What it flags

A command that was refused or cut short, a log that is off, wrapped or too low in level, a clock that cannot be trusted,
a configuration hidden by privilege, a router that counts but does not log; and each flow that could not be judged for
want of a fact. One finding a device, with every blind spot in it.

## Why it matters

"No errors" on a router where we were not allowed to look is not good news. Every other rule answers `unknown` rather
than `pass` for such a device.

## When it stays quiet

Everything that the rules need was read. A command that nobody pasted into an offline file, and that no flow waits for,
makes the verdict `unknown` and no finding.

## What to do

What fits the gap, and only that: the privilege or the AAA rule for a refused command, a larger buffer for a log that is
off, low or wrapped, dates and zones where stamps lack them, NTP for a clock that cannot be trusted, the command itself
where it was not asked. A router that was not reached is told nothing to type.

## References

Cisco tech note 00800949d5 (below privilege 15 the running configuration shows nearly nothing, by design).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from collector.model import BlindSpot, Evidence, Facts, Judgement, Level, Rule, State, Verdict
from collector.rules.cures import cures
from collector.rules.persistent import persistent
from collector.rules.sight import FACT, unseen
from collector.rules.sources import PRIVILEGE
from collector.rules.words import flow_text, incident_evidence, shortened, unique

RULE = Rule(
    id="SPI015",
    name="blind-spot",
    title="Not everything that could hide trouble was seen",
    level=Level.WARNING,
    needs=(),
    references=(PRIVILEGE,),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gap:
    """One thing not seen. grave: it takes something away now. code: what kind of thing, for its cure."""

    need: str
    text: str
    grave: bool
    code: str
    evidence: tuple[Evidence, ...] = ()


def judge(facts: Facts) -> Iterator[Judgement]:
    """One judgement for the device."""
    gaps = [*_spots(facts), *_flows(facts), *_fields(facts)]
    hidden = unseen(facts)
    if not gaps and hidden:
        yield Judgement(
            verdict=Verdict.UNKNOWN,
            subject=("device",),
            message=f"{facts.device.name} was not seen whole: {hidden[1]}",
            why="nothing that was asked is missing, yet what was read does not prove that all is well",
            evidence=(),
            missing=hidden[0],
        )
        return
    if not gaps:
        yield Judgement(
            verdict=Verdict.PASS,
            subject=("device",),
            message="everything that the rules need was read",
            why="no blind spot",
            evidence=(),
        )
        return
    texts = list(dict.fromkeys(gap.text.rstrip(".") for gap in gaps))
    grave = any(gap.grave for gap in gaps)
    yield Judgement(
        verdict=Verdict.FAIL if grave else Verdict.UNKNOWN,
        subject=("device",),
        message=f"{facts.device.name} was not seen whole: {'; '.join(texts)}.",
        why="What was not seen may hide a black hole; rules that need it answer `unknown`.",
        evidence=shortened(unique(line for gap in gaps for line in gap.evidence)) or (_nothing_read(facts, texts[0]),),
        actions=cures(facts, tuple((gap.code, gap.need) for gap in gaps)),
        missing=gaps[0].need,
        event=grave,
    )


def _nothing_read(facts: Facts, text: str) -> Evidence:
    """Where there is no line to show, that is the evidence: what was asked for, and what became of it."""
    note = next((note for note in facts.captures if note.reason and f"`{note.command}`" in text), None)
    return Evidence(
        device=facts.device.name,
        command=note.command if note else "",
        line=0,
        text=note.reason if note else text,
        taken_at=note.taken_at if note else facts.collected_at,
    )


def _spots(facts: Facts) -> Iterator[_Gap]:
    spot: BlindSpot
    for spot in facts.blind_spots:
        if spot.blocking:
            yield _Gap(
                need=spot.need or spot.code, text=spot.message, grave=True, code=spot.code, evidence=spot.evidence
            )


def _flows(facts: Facts) -> Iterator[_Gap]:
    """Flows that wait for a fact."""
    for flow, decision in persistent(facts):
        if decision.verdict is Verdict.UNKNOWN and not decision.quiet and decision.row != "e":  # nobody can read that
            yield _Gap(
                need=decision.missing,
                text=f"{flow_text(flow)} is persistent and cannot be judged: {decision.reason}",
                grave=True,
                code="not-read",
                evidence=incident_evidence(flow),
            )
    for flow in facts.incidents or ():
        if flow.state is State.INSUFFICIENT_DATA:
            yield _Gap(
                need="log",
                text=f"{flow_text(flow)} cannot be judged: {flow.why}",
                grave=True,
                code="flow-unclear",
                evidence=incident_evidence(flow),
            )


def _fields(facts: Facts) -> Iterator[_Gap]:
    """Facts that are not there at all, and that no blind spot speaks of."""
    told = {spot.need for spot in facts.blind_spots if spot.blocking}
    if "config" in told:
        told |= {"peers", "recovery_configured"}
    wanted = ["incidents", "peers"]
    if facts.peers is not None:
        wanted.append("recovery_configured")
    if facts.software is not None and facts.software.family == "ios-xe":
        wanted.append("counters")
    if facts.log is not None and facts.log.inv_spi_unparsed:
        yield _Gap(
            need="sightings",
            text=f"{facts.log.inv_spi_unparsed} INV_SPI messages could not be read",
            grave=True,
            code="log-unparsed",
        )
    refused = any(note.status != "parsed" for note in facts.captures) or bool(facts.failures)
    for name in wanted:
        if getattr(facts, name) is None and name not in told:
            yield _Gap(need=name, text=f"not read: {FACT[name]}", grave=refused, code="not-read")
