"""The way to a finding: facts used, rows tried, rules that fired and rules that did not, and what would change it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from collector.model import Evidence, Facts, Finding, Incident, Judgement, Rule, State, Verdict
from collector.rules.engine import fingerprint
from collector.rules.persistent import Decision, Step, trace
from collector.rules.sight import FACT
from collector.rules.words import flow_subject, flow_text, lasting, twins


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one rule said of the finding's subject, else of the device."""

    rule: str
    name: str
    verdict: Verdict
    reason: str
    fired: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """flow: state of the flow and why, "" for a finding without one. changes: what would change the verdict."""

    finding: str
    rule: str
    flow: str
    facts: tuple[Evidence, ...]
    steps: tuple[Step, ...]
    rules: tuple[Said, ...]
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What was said of one device, for quick finding: by (rule, fingerprint) and by (rule, subject); its flows."""

    prints: dict[tuple[str, str], Judgement]
    subjects: dict[tuple[str, tuple[str, ...]], Judgement]
    first: dict[str, Judgement]
    flows: dict[str, Incident]
    subject_of: dict[str, tuple[str, ...]]


def ways(
    facts: Facts, findings: Iterable[Finding], judgements: Iterable[Judgement], cards: tuple[Rule, ...]
) -> Iterator[Path]:
    """The way to each of the device's `findings`, from the facts and judgements of the run that made them."""
    own = [item for item in judgements if item.device == facts.device.name]
    known = _known(facts, own, cards)
    for finding in findings:
        subject = known.subject_of.get(finding.id, ())
        incident = known.flows.get(finding.id)
        steps: tuple[Step, ...] = ()
        decision: Decision | None = None
        if incident is not None and incident.state is State.PERSISTENT:
            steps, decision = trace(facts, incident)
        yield Path(
            finding=finding.id,
            rule=finding.rule,
            flow=f"{flow_text(incident)}: {incident.state}, because {incident.why}" if incident else "",
            facts=finding.evidence,
            steps=steps,
            rules=tuple(_said(finding, subject, known, card) for card in cards),
            changes=tuple(_changes(facts, finding, decision)),
        )


def _known(facts: Facts, judgements: list[Judgement], cards: tuple[Rule, ...]) -> _Known:
    by_id = {card.id: card for card in cards}
    known = _Known(prints={}, subjects={}, first={}, flows={}, subject_of={})
    for item in judgements:  # in the engine's order: a `fail` before what is less
        key = fingerprint(item, by_id.get(item.rule))
        known.prints.setdefault((item.rule, key), item)
        known.subjects.setdefault((item.rule, item.subject), item)
        known.first.setdefault(item.rule, item)
        known.subject_of.setdefault(key, item.subject)
    doubled = twins(facts)
    flows: dict[tuple[str, ...], Incident] = {}
    for incident in facts.incidents or ():
        flows.setdefault(flow_subject(incident, doubled), incident)
    for key, subject in known.subject_of.items():
        if subject in flows:
            known.flows[key] = flows[subject]
    return known


def _said(finding: Finding, subject: tuple[str, ...], known: _Known, card: Rule) -> Said:
    """The rule's own judgement of this finding, else of the same flow, else of the device, else its first."""
    found = (
        known.prints.get((card.id, finding.id))
        or known.subjects.get((card.id, subject))
        or known.subjects.get((card.id, ("device",)))
        or known.first.get(card.id)
    )
    if found is None:
        return Said(
            rule=card.id, name=card.name, verdict=Verdict.NOT_APPLICABLE, reason="it has no subject here", fired=False
        )
    return Said(
        rule=card.id,
        name=card.name,
        verdict=found.verdict,
        reason=found.why or found.message,
        fired=found.verdict is Verdict.FAIL,
    )


_ROW_CHANGES = {
    "a": ("the logged SPI gone from this router's inbound SAs: the rest of the cascade would decide",),
    "b": ("another type of IPsec behind this source: the rest of the cascade would decide",),
    "c": (
        "no IKE SA with the peer: the type of the peer and the command would decide (SPI001, SPI002, SPI003, SPI005)",
        "an IKE SA that came up after the last line: healing, no finding",
    ),
    "d": ("a further line after the IKE SA came up: SPI004",),
    "e": (
        "a peer that is configured statically and explicitly: SPI001 or SPI003",
        "an IKE SA with the peer up before the last line: SPI004",
    ),
    "f": (
        "a peer of one of the four types with a Yes, IKEv1 over IPv4, explicit by address: SPI001 or SPI003",
        "an IKE SA with the peer up before the last line: SPI004",
    ),
    "g": ("the command absent: SPI001", "an IKE SA with the peer up before the last line: SPI004"),
    "h": ("the command on: SPI003", "an IKE SA with the peer up before the last line: SPI004"),
    "i": ("command and IKE SA table read: SPI001, SPI003 or SPI004",),
}


def _changes(facts: Facts, finding: Finding, decision: Decision | None) -> Iterator[str]:
    if decision is None:
        yield f"whatever `{finding.rule}` names under 'When it stays quiet' (`explain {finding.rule}`)"
        return
    for doubt in decision.doubts:
        yield f"{doubt.commands} on {facts.device.name}: {FACT[doubt.missing]}; then it is known whether to act"
    if decision.missing and decision.missing not in {doubt.missing for doubt in decision.doubts}:
        yield f"a look at what is missing: {FACT.get(decision.missing, decision.missing)}"
    yield from _ROW_CHANGES[decision.row]
    quiet = lasting(facts.policy.thresholds.active_window)
    yield f"no further line for {quiet}, and a log that covers the silence: resolved"


def path_text(way: Path) -> str:
    """The path for a terminal: plain lines, device text as it stands (the caller renders it)."""
    lines = [f"Finding {way.finding} ({way.rule})", ""]
    if way.flow:
        lines += [f"Flow: {way.flow}", ""]
    lines.append("Facts used:")
    lines += [f"  {item.device} | {item.command or '-'} | line {item.line}: {item.text}" for item in way.facts]
    if way.steps:
        lines += ["", "Rows tried:"]
        lines += [
            f"  {step.row}. {step.question} {'yes' if step.matched else 'no'}: {step.reason}" for step in way.steps
        ]
    for heading, fired in (("Rules that fired:", True), ("Rules that did not, and why:", False)):
        lines += ["", heading]
        lines += [
            f"  {said.rule} {said.name} ({said.verdict}): {said.reason}" for said in way.rules if said.fired is fired
        ]
    lines += ["", "What would change the verdict:", *(f"  - {change}" for change in way.changes)]
    return "\n".join(lines) + "\n"
