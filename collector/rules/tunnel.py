"""What the seven rules of the cascade have in common: one judgement a persistent flow, and one for the quiet rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from collector.model import (
    Action,
    Evidence,
    Facts,
    Incident,
    Join,
    Judgement,
    Level,
    Outcome,
    State,
    Verdict,
)
from collector.rules.ends import far_name, tunnel_ends
from collector.rules.persistent import HIGH_SPI, Decision, persistent, stopped
from collector.rules.sight import unseen
from collector.rules.words import (
    evidence_of,
    flow_subject,
    flow_text,
    incident_evidence,
    lasting,
    lines_text,
    listed,
    moment,
    peer_text,
    sentences,
    shortened,
    spi_text,
    spis_of,
    standing,
    twins,
    unique,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What one rule adds to a flow that it took: the heading, one sentence on the cure, reasons, what to type."""

    title: str
    cure: str
    why: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()


Tell = Callable[[Facts, Incident, Decision], Telling]


def speak(facts: Facts, rule: str, tell: Tell) -> Iterator[Judgement]:
    """The judgements of one rule of the cascade: its own flows, the flows that another row took, and the quiet rest."""
    taken = False
    doubled = twins(facts)
    for incident, decision in persistent(facts):
        if decision.rule == rule:
            taken = True
            subject = flow_subject(incident, doubled)
            yield _judgement(facts, incident, decision, tell(facts, incident, decision), subject)
        else:
            yield Judgement(
                verdict=Verdict.NOT_APPLICABLE,
                subject=flow_subject(incident, doubled),
                message=f"{flow_text(incident)}: taken by {decision.rule} (row {decision.row})",
                why=stopped(facts, incident, rule),
                evidence=incident_evidence(incident),
                peer=incident.peer.address if incident.peer else None,
            )
    if not taken:
        yield quiet(facts)


def quiet(facts: Facts) -> Judgement:
    """The device's own judgement where a rule took no flow: `pass` only where silence was proven."""
    hidden = unseen(facts)
    waiting = [incident for incident in facts.incidents or () if incident.state is State.PENDING]
    if hidden or waiting:
        later = lasting(facts.policy.thresholds.relook_after)
        need, text = hidden or (
            "a second look",
            f"{flow_text(waiting[0])} was logged moments ago; look again after {later}",
        )
        return Judgement(
            verdict=Verdict.UNKNOWN,
            subject=("device",),
            message="no persistent flow of this kind was seen, and that proves nothing",
            why=text,
            evidence=(),
            missing=need,
        )
    return Judgement(
        verdict=Verdict.PASS,
        subject=("device",),
        message="no persistent flow of this kind",
        why=f"the log covers everything since {moment(facts.log.covers_since if facts.log else None)}",
        evidence=(),
    )


def _judgement(
    facts: Facts, incident: Incident, decision: Decision, told: Telling, subject: tuple[str, ...]
) -> Judgement:
    peer, hole = incident.peer, standing(incident)
    certain = decision.verdict is Verdict.FAIL
    return Judgement(
        verdict=decision.verdict,
        subject=subject,
        title=told.title,
        message=f"{facts.device.name} drops what comes from {_far(incident)} to "
        f"{incident.destination or incident.destination_text} under {spi_text(hole)}: {lines_text(hole)}. "
        f"{told.cure}",
        why=sentences(
            decision.reason, *(doubt.advice for doubt in decision.doubts), *told.why, *_circumstances(incident)
        ),
        evidence=_evidence(facts, incident),
        peer=peer.address if peer else None,
        actions=told.actions if certain else (),
        level=_level(facts, incident),
        first_seen=hole.first_seen,
        last_seen=hole.last_seen,
        spis=spis_of(hole),
        missing=decision.missing,
        event=not decision.quiet,
        far_device=far_name(incident),
        ends=tunnel_ends(incident),
    )


def _far(incident: Incident) -> str:
    source = str(incident.source or incident.source_text or "an unknown source")
    if far := far_name(incident):
        return f"{source} ({far})"
    peer = incident.peer
    name = peer_text(peer) if peer else source
    return source if name == source else f"{source} (peer {name})"


def _evidence(facts: Facts, incident: Incident) -> tuple[Evidence, ...]:
    peer, join = incident.peer, incident.join
    return unique(
        (
            *incident_evidence(standing(incident)),
            *shortened(incident.evidence),
            *(peer.evidence if peer else ()),
            *(peer.ike_evidence if peer else ()),
            *(evidence_of(facts, facts.config.recovery_evidence) if facts.config else ()),
            *((incident.preceded_by.evidence,) if incident.preceded_by else ()),
            *(join.evidence if join else ()),
        )
    )


def _circumstances(incident: Incident) -> Iterator[str]:
    """What else stands around the flow: events before it, messages beside it, the other end."""
    before = incident.preceded_by
    if before is not None:
        yield f"preceded by {before.event.kind} at {moment(before.at)}: {before.event.detail or before.evidence.text}"
    if any(
        related.event.kind == "ikmp-no-sa" and related.event.source == incident.source for related in incident.related
    ):
        yield "the far end still talks under an IKE SA that this router no longer has (IKMP_NO_SA)"
    if any(spi >= HIGH_SPI for spi in spis_of(incident)) and incident.installed is None:
        yield (
            "the SPI begins with 0xFF (CSCvp16730 drops such packets); as it is not among the inbound SAs here, "
            "and one SPI in 256 begins so, this proves nothing"
        )
    peer = incident.peer
    if peer is not None and peer.session_status == "UP-NO-IKE":
        yield "the session is UP-NO-IKE: SAs without an IKE SA"
    if incident.join is not None:
        yield _other_end(incident.join)


_OUTCOMES = {
    Outcome.STALE_CONFIRMED: "{device} still sends with this SPI: confirmed at both ends",
    Outcome.DRAINING: "{device} has this SPI, but no longer as its current one",
    Outcome.HEALED: "{device} no longer has this SPI",
    Outcome.OTHER_SENDER: "{device} does not have this SPI and the lines go on: a third device, NAT or forged packets",
    Outcome.REKEY_RACE: "the SPI is now installed here: a rekey race",
    Outcome.FORWARDING_PLANE: "the SPI is installed here and packets are dropped all the same: the forwarding plane",
    Outcome.WRONG_ENDPOINT: "the SPI is installed here for another local address, VRF or interface",
    Outcome.FAR_END_UNKNOWN: "the far end is not in the inventory, or was not read",
    Outcome.LOOK_AGAIN: "both ends need a second look: the captures are too far apart, or a rekey is near",
    Outcome.AMBIGUOUS: "several senders fit ({candidates}): none is confirmed",
}


def _other_end(join: Join) -> str:
    text = _OUTCOMES[join.outcome].format(
        device=f"the sender {join.device}" if join.device else "the far end", candidates=listed(join.candidates)
    )
    text += f" ({join.why.rstrip('.')})" if join.why else ""
    if join.grade == "spi-only" and join.chance is not None:
        text += f" (matched by SPI alone; chance of an accident {join.chance:.1g})"
    if join.sa_remaining is not None:
        text += f"; its SA has {lasting(join.sa_remaining)} left"
    return text


def heals(incident: Incident) -> str:
    """When it ends by itself: an upper bound from the other end, else the rule of thumb."""
    join = incident.join
    if join is not None and join.heals_at_latest is not None:
        zone = incident.last_seen.tzinfo if incident.last_seen else None  # the router's own, as in its log
        return f"Left alone it ends by {moment(join.heals_at_latest.astimezone(zone))} at the latest."
    return (
        "Left alone it ends when the sender's SA expires or its DPD tears it down "
        "(default lifetime 3600 s, 86400 s is common)."
    )


def _level(facts: Facts, incident: Incident) -> Level | None:
    """One lower only while a reload or failover is fresh: minutes of events are expected then."""
    before = incident.preceded_by
    if before is None or before.at is None or facts.device_time is None:
        return None
    limits = facts.policy.thresholds
    age = facts.device_time - before.at
    fresh = timedelta(0) <= age < limits.failover_window + limits.active_window
    return Level.WARNING if fresh else None
