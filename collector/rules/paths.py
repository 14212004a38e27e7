"""The way to a finding: facts used, rows tried, rules that fired and rules that did not, and what would change it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from collector.model import Evidence, Facts, Finding, Incident, Judgement, Rule, State, Verdict
from collector.rules.engine import fingerprint
from collector.rules.persistent import Decision, Step, trace
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


def path(facts: Facts, finding: Finding, judgements: tuple[Judgement, ...], cards: tuple[Rule, ...]) -> Path:
    """The way to `finding`, from the facts and judgements of the run that made it."""
    incident = _incident(facts, finding, cards)
    steps: tuple[Step, ...] = ()
    decision: Decision | None = None
    if incident is not None and incident.state is State.PERSISTENT:
        steps, decision = trace(facts, incident)
    subject = flow_subject(incident, twins(facts)) if incident else None
    return Path(
        finding=finding.id,
        rule=finding.rule,
        flow=f"{flow_text(incident)}: {incident.state}, because {incident.why}" if incident else "",
        facts=finding.evidence,
        steps=steps,
        rules=tuple(_said(finding, subject, judgements, card) for card in cards),
        changes=tuple(_changes(facts, finding, decision)),
    )


def _incident(facts: Facts, finding: Finding, cards: tuple[Rule, ...]) -> Incident | None:
    """The flow whose fingerprint the finding bears."""
    card = next((card for card in cards if card.id == finding.rule), None)
    doubled = twins(facts)
    for incident in facts.incidents or ():
        probe = Judgement(
            verdict=Verdict.FAIL,
            subject=flow_subject(incident, doubled),
            message="",
            why="",
            evidence=(),
            rule=finding.rule,
            device=finding.device,
        )
        if fingerprint(probe, card) == finding.id:
            return incident
    return None


def _said(finding: Finding, subject: tuple[str, ...] | None, judgements: tuple[Judgement, ...], card: Rule) -> Said:
    """The rule's own judgement of this finding, else of the same flow, else of the device, else silence."""
    own = [item for item in judgements if item.rule == card.id]
    found = (
        next((item for item in own if fingerprint(item, card) == finding.id), None)
        or next((item for item in own if subject is not None and item.subject == subject), None)
        or next((item for item in own if item.subject == ("device",)), None)
        or (own[0] if own else None)
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
    if decision.missing:
        yield f"a look at what is missing: {decision.missing}"
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
