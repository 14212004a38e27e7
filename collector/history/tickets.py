"""What a tracker should be told: create, update, reopen, close, nothing. Pure; `outbox` keeps what is decided.

One finding is one ticket in one sink. A hub-wide event has one parent ticket; what exceeds the cap of a run goes
into one summary.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from collector.history.ends import tunnels
from collector.history.life import Entry
from collector.history.proof import COUNTER_RULE
from collector.model import Finding, Level, Verdict

PARENT_RULE = "SPI000"
UNSEEN = "not seen in the last run: no ticket is opened on an old look"


class Act(StrEnum):
    """What to do with one ticket."""

    CREATE = "create"
    UPDATE = "update"
    REOPEN = "reopen"
    CLOSE = "close"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What the ledger knows of one ticket. parent: the finding id of the ticket that speaks for it."""

    finding: str
    reference: str | None
    state: str  # "open" | "closed"
    digest: str
    parent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One decision. children: findings that this ticket speaks for. at: the run whose word it is, None: not known.

    decided_at: the run that first decided it, which stays when a later one decides it again. tries: how often it was
    sent before, perhaps with success, although no answer was noted.
    """

    act: Act
    finding: Finding
    why: str
    reference: str | None = None
    digest: str = ""
    children: tuple[str, ...] = ()
    number: int = 0  # of the outbox, 0 while only planned
    at: datetime | None = None
    decided_at: datetime | None = None
    tries: int = 0

    @property
    def mark(self) -> str:
        """12 hex digits, the same at each try of this act and at no other act: what is told twice can be known by it."""
        decided = self.decided_at or self.at
        told = [self.finding.id, self.act.value, self.digest, decided.isoformat() if decided else ""]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When tickets are opened. parent_from: so many new tunnels of one device in one run are one event.

    refresh: the target forgets what it is not told again (Alertmanager): each run tells every open ticket anew.
    """

    min_level: Level = Level.ERROR
    cap: int = 25
    parent_from: int = 5
    open_runs: int = 1
    refresh: bool = False


def digest_of(finding: Finding) -> str:
    """Changes when a ticket's reader should be told: rule, level, verdict, what to type. No SPI, counter or time."""
    told = [finding.rule, finding.level.value, finding.verdict.value, finding.title]
    told += [f"{action.on}/{action.side}" for action in finding.actions]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def plan(
    entries: Iterable[Entry],
    tickets: Mapping[str, Ticket],
    limits: Limits,
    *,
    muted: frozenset[str] = frozenset(),
    unseen: frozenset[str] = frozenset(),
) -> tuple[Step, ...]:
    """Steps for one sink, in the order of severity. `entries` are all findings of the ledger.

    unseen: findings that the last run did not see where it looked, and that nothing proves gone: these open nothing.
    """
    ordered = sorted(entries, key=lambda entry: (entry.finding.level.rank, entry.finding.id))
    by_id = {entry.finding.id: entry for entry in ordered}
    steps = [_step(entry, tickets.get(entry.finding.id), limits, muted) for entry in ordered]
    steps = [
        replace(step, act=Act.NOTHING, why=UNSEEN)
        if step.finding.id in unseen and step.act in {Act.CREATE, Act.REOPEN}
        else step
        for step in steps
    ]
    if not limits.refresh:  # where alerts are states, each end has its own
        steps = _counted(_both_ends(steps, tickets), tickets)
    steps = _parents(steps, tickets, by_id, limits)
    return tuple(_capped(steps, limits))


def _step(entry: Entry, ticket: Ticket | None, limits: Limits, muted: frozenset[str]) -> Step:
    finding = entry.finding
    digest = digest_of(finding)
    act, why = _act(entry, ticket, limits, digest, finding.id in muted)
    return Step(act=act, finding=finding, why=why, reference=ticket.reference if ticket else None, digest=digest)


def _act(entry: Entry, ticket: Ticket | None, limits: Limits, digest: str, muted: bool) -> tuple[Act, str]:  # noqa: FBT001, PLR0911 - private; a table of cases
    finding = entry.finding
    if ticket is not None and ticket.parent is not None:
        return Act.NOTHING, f"spoken for by {ticket.parent}"
    if finding.state == "resolved":
        if ticket is None or ticket.state == "closed":
            return Act.NOTHING, "resolved"
        return Act.CLOSE, entry.note or "resolved"
    if muted:
        return Act.NOTHING, "muted"
    if ticket is None:
        return _birth(finding, limits)
    if ticket.state == "closed":
        why = _too_little(finding, limits)
        return (Act.NOTHING, why) if why else (Act.REOPEN, "it is back")
    if ticket.digest != digest and finding.verdict is Verdict.FAIL:
        return Act.UPDATE, "rule, level or what to do has changed"
    if limits.refresh:
        return Act.UPDATE, "told again until the next run"
    return Act.NOTHING, "the ticket says it already"


def _too_little(finding: Finding, limits: Limits) -> str:
    """Why a finding opens no ticket, be it the first time or again; "" where it does."""
    if finding.verdict is not Verdict.FAIL:
        return "cannot tell yet: no ticket is opened on `unknown`"
    if finding.level.rank > limits.min_level.rank:
        return f"below {limits.min_level.value}"
    alone = finding.first_seen is not None and finding.first_seen == finding.last_seen
    if alone and finding.state in {"new", "reopened"}:
        return "one log line: IKE may be about to repair it, the next run tells"
    return ""


def _birth(finding: Finding, limits: Limits) -> tuple[Act, str]:
    if why := _too_little(finding, limits):
        return Act.NOTHING, why
    if finding.runs_seen < limits.open_runs:
        return Act.NOTHING, f"seen in {finding.runs_seen} of {limits.open_runs} runs"
    return Act.CREATE, "a new finding"


def _both_ends(steps: Sequence[Step], tickets: Mapping[str, Ticket]) -> list[Step]:
    """A tunnel that is broken in both directions is one ticket: the end with more to say speaks for the other.

    A ticket that speaks for others is closed when all that it speaks for is resolved.
    """
    result = {step.finding.id: step for step in steps}
    births: dict[str, int] = {}
    for step in steps:
        if step.act is Act.CREATE:
            births[step.finding.device] = births.get(step.finding.device, 0) + 1
    for ends in tunnels(step.finding for step in steps):
        group = [result[finding.id] for finding in ends]
        told = [step for step in group if _stands(step, tickets) and tickets[step.finding.id].parent is None]
        back = [step for step in group if step.act is Act.REOPEN]
        born = [*back, *(step for step in group if step.act is Act.CREATE)]
        if not born or len({step.finding.device for step in (*told, *born)}) < 2:
            continue
        lead = min(told or back or born, key=lambda step: (-births.get(step.finding.device, 0), step.finding.id))
        others = [step for step in born if step is not lead]
        for step in others:
            result[step.finding.id] = replace(step, act=Act.NOTHING, why=f"spoken for by {lead.finding.id}")
        if others:
            result[lead.finding.id] = replace(
                lead,
                act=Act.UPDATE if lead.act is Act.NOTHING else lead.act,
                why=f"both ends: {', '.join(step.finding.id for step in others)} too",
                finding=_with_others(lead.finding, [step.finding for step in others]),
                children=tuple(step.finding.id for step in others),
            )
    spoken_for = _children(tickets)
    return [_held(step, spoken_for.get(step.finding.id, ()), result) for step in result.values()]


def _counted(steps: Sequence[Step], tickets: Mapping[str, Ticket]) -> list[Step]:
    """Drops that only a counter tells of are those of a tunnel of that router that has a ticket, for all anyone can tell.

    While a tunnel's ticket is open the counter opens none; a tunnel that shows itself while the counter's is open joins it.
    A tunnel is not resolved before the counter is flat, so that nothing is lost behind an open ticket.
    """
    result = {step.finding.id: step for step in steps}
    for counter in [step for step in steps if step.finding.rule == COUNTER_RULE]:
        same = [s for s in steps if s.finding.device == counter.finding.device and s.finding.peer is not None]
        known = tickets.get(counter.finding.id)
        born = [step for step in same if step.act is Act.CREATE]
        if counter.act in {Act.CREATE, Act.REOPEN}:
            telling = [step for step in same if step.act in {Act.CREATE, Act.REOPEN} or _stands(step, tickets)]
            if telling:
                why = f"the drops may be those of {telling[0].finding.id}, which has a ticket"
                result[counter.finding.id] = replace(counter, act=Act.NOTHING, why=why)
        elif (
            known is not None
            and known.state == "open"
            and known.parent is None
            and counter.act is not Act.CLOSE
            and born
        ):
            joining = born[0]
            result[joining.finding.id] = replace(joining, act=Act.NOTHING, why=f"spoken for by {counter.finding.id}")
            result[counter.finding.id] = replace(
                counter,
                act=Act.UPDATE,
                why=f"the tunnel shows itself: {joining.finding.id}",
                finding=_with_tunnel(counter.finding, joining.finding),
                children=(*joining.children, joining.finding.id),
            )
    return list(result.values())


def _stands(step: Step, tickets: Mapping[str, Ticket]) -> bool:
    ticket = tickets.get(step.finding.id)
    return ticket is not None and ticket.state == "open" and step.act is not Act.CLOSE


def _with_tunnel(finding: Finding, tunnel: Finding) -> Finding:
    return replace(
        finding,
        message=f"{finding.message} The tunnel is known now: {tunnel.rule} {tunnel.device} <- {tunnel.peer}. {tunnel.message}",
        evidence=(*tunnel.evidence, *finding.evidence),
        actions=tunnel.actions or finding.actions,
    )


def _with_others(finding: Finding, others: Sequence[Finding]) -> Finding:
    told = "; ".join(f"{one.rule} {one.device} <- {one.peer or ''}".strip() for one in others)
    return replace(finding, message=f"{finding.message} The other direction is broken too: {told}.")


def _children(tickets: Mapping[str, Ticket]) -> dict[str, list[str]]:
    """What each ticket speaks for."""
    found: dict[str, list[str]] = {}
    for ticket in tickets.values():
        if ticket.parent is not None:
            found.setdefault(ticket.parent, []).append(ticket.finding)
    return found


def _held(step: Step, children: Sequence[str], steps: Mapping[str, Step]) -> Step:
    """No ticket is closed while something that it speaks for is open."""
    if step.act is not Act.CLOSE:
        return step
    still = [child for child in children if child in steps and steps[child].finding.state != "resolved"]
    if still:
        return replace(step, act=Act.NOTHING, why=f"its other end is still open: {', '.join(sorted(still))}")
    return replace(step, children=tuple(sorted(children)))


def _all_of(steps: Sequence[Step]) -> tuple[str, ...]:
    """The findings of some steps and of those that they speak for; events that never got a ticket fall away."""
    own = {step.finding.id for step in steps if step.finding.rule != PARENT_RULE}
    return tuple(sorted(own | {child for step in steps for child in step.children}))


def _parents(
    steps: Sequence[Step], tickets: Mapping[str, Ticket], by_id: Mapping[str, Entry], limits: Limits
) -> list[Step]:
    """Many new tunnels of one device become one parent; a parent closes when all its children have."""
    births: dict[str, list[Step]] = {}
    for step in steps:
        if step.act is Act.CREATE:
            births.setdefault(step.finding.device, []).append(step)
    parents: list[Step] = []
    parent_of: dict[str, str] = {}
    for device, born in sorted(births.items()):
        if len(born) >= limits.parent_from:
            parent = _parent(device, born)
            known = tickets.get(parent.id)
            act = Act.CREATE if known is None else Act.REOPEN if known.state == "closed" else Act.UPDATE
            parent_of |= {step.finding.id: parent.id for step in born}
            parents.append(
                Step(
                    act=act,
                    finding=parent,
                    why=f"{len(born)} tunnels of {device} at once",
                    reference=known.reference if known else None,
                    digest=digest_of(parent),
                    children=_all_of(born),
                )
            )
    result = [
        replace(step, act=Act.NOTHING, why=f"spoken for by {parent_of[step.finding.id]}")
        if step.finding.id in parent_of
        else step
        for step in steps
    ]
    result += parents
    acting = {step.finding.id for step in result if step.act is not Act.NOTHING}
    for number, children in _children(tickets).items():
        ticket = tickets.get(number)
        if ticket is None or ticket.state != "open" or ticket.finding in acting:
            continue
        if ticket.finding in by_id:
            continue  # one of both ends speaks for the other, see `_both_ends`
        known_children = [by_id[child].finding for child in children if child in by_id]
        if known_children and all(child.state == "resolved" for child in known_children):  # others went by retention
            parent = _closing(ticket, known_children[0])
            result.append(
                Step(
                    act=Act.CLOSE,
                    finding=parent,
                    why=f"all {len(children)} tunnels are resolved",
                    reference=ticket.reference,
                    digest=ticket.digest,
                    children=tuple(children),
                )
            )
    return result


def _parent(device: str, births: Sequence[Step]) -> Finding:
    first = births[0].finding
    peers = [str(step.finding.peer) for step in births if step.finding.peer is not None]
    return replace(
        first,
        id=hashlib.sha256(f"parent|{device}".encode()).hexdigest()[:16],
        rule=PARENT_RULE,
        peer=None,
        far_device=None,
        ends=None,
        title=f"{len(births)} tunnels of {device} at once: one event, look for its cause on {device} first",
        message="; ".join(f"{step.finding.rule} {step.finding.peer or ''}".strip() for step in births[:50]),
        why=f"peers: {', '.join(peers[:50])}" + (f" and {len(peers) - 50} more" if len(peers) > 50 else ""),
        evidence=tuple(evidence for step in births[:10] for evidence in step.finding.evidence[:1]),
        actions=(),
    )


def _closing(ticket: Ticket, child: Finding) -> Finding:
    return replace(
        child,
        id=ticket.finding,
        rule=PARENT_RULE,
        peer=None,
        far_device=None,
        ends=None,
        title=f"the event on {child.device} is over",
        message="all its tunnels are resolved",
        why="",
        evidence=(),
        actions=(),
    )


def _capped(steps: Sequence[Step], limits: Limits) -> list[Step]:
    births = [step for step in steps if step.act is Act.CREATE]
    if len(births) <= limits.cap:
        return list(steps)
    kept = {step.finding.id for step in births[: limits.cap - 1]}
    rest = [step for step in births if step.finding.id not in kept]
    summary = replace(
        rest[0].finding,
        id=hashlib.sha256("|".join(["summary", *sorted(s.finding.id for s in rest)]).encode()).hexdigest()[:16],
        rule=PARENT_RULE,
        device="fleet",
        peer=None,
        far_device=None,
        ends=None,
        title=f"{len(rest)} further findings in one run: a storm, not {len(births)} tickets",
        message="; ".join(f"{s.finding.rule} {s.finding.device} {s.finding.peer or ''}".strip() for s in rest[:50]),
        why=f"more than {limits.cap} new tickets in one run; see `findings` for all",
        actions=(),
    )
    gone = {step.finding.id for step in rest}
    result = [
        replace(step, act=Act.NOTHING, why=f"spoken for by {summary.id}") if step.finding.id in gone else step
        for step in steps
    ]
    return [
        *result,
        Step(
            act=Act.CREATE,
            finding=summary,
            why=f"the cap of {limits.cap} tickets a run",
            digest=digest_of(summary),
            children=_all_of(rest),
        ),
    ]
