"""What a tracker should be told: create, update, reopen, close, nothing. Pure, but for the outbox at the end.

One finding is one ticket in one sink. A hub-wide event has one parent ticket; what exceeds the cap of a run goes
into one summary. Decisions are written to the outbox before anything is sent, and marked done after: at least once,
and the sink looks for its own key before it creates, so that twice does no harm.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from collector.history import codec
from collector.history.ledger import Ledger, transaction
from collector.history.life import Entry
from collector.model import Finding, Level, Verdict

PARENT_RULE = "SPI000"


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
    """One decision. children: findings that this ticket speaks for."""

    act: Act
    finding: Finding
    why: str
    reference: str | None = None
    digest: str = ""
    children: tuple[str, ...] = ()
    number: int = 0  # of the outbox, 0 while only planned


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
    entries: Iterable[Entry], tickets: Mapping[str, Ticket], limits: Limits, *, muted: frozenset[str] = frozenset()
) -> tuple[Step, ...]:
    """Steps for one sink, in the order of severity. `entries` are all findings of the ledger."""
    ordered = sorted(entries, key=lambda entry: (entry.finding.level.rank, entry.finding.id))
    by_id = {entry.finding.id: entry for entry in ordered}
    steps = [_step(entry, tickets.get(entry.finding.id), limits, muted) for entry in ordered]
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
        if finding.verdict is not Verdict.FAIL:
            return Act.NOTHING, "cannot tell yet: no ticket is reopened on `unknown`"
        return Act.REOPEN, "it is back"
    if ticket.digest != digest and finding.verdict is Verdict.FAIL:
        return Act.UPDATE, "rule, level or what to do has changed"
    if limits.refresh:
        return Act.UPDATE, "told again until the next run"
    return Act.NOTHING, "the ticket says it already"


def _birth(finding: Finding, limits: Limits) -> tuple[Act, str]:
    if finding.verdict is not Verdict.FAIL:
        return Act.NOTHING, "cannot tell yet: no ticket is opened on `unknown`"
    if finding.level.rank > limits.min_level.rank:
        return Act.NOTHING, f"below {limits.min_level.value}"
    if finding.runs_seen < limits.open_runs:
        return Act.NOTHING, f"seen in {finding.runs_seen} of {limits.open_runs} runs"
    return Act.CREATE, "a new finding"


def _parents(
    steps: Sequence[Step], tickets: Mapping[str, Ticket], by_id: Mapping[str, Entry], limits: Limits
) -> list[Step]:
    """Many new tunnels of one device become one parent; a parent closes when all its children have."""
    result = list(steps)
    for device in sorted({step.finding.device for step in steps if step.act is Act.CREATE}):
        births = [step for step in result if step.act is Act.CREATE and step.finding.device == device]
        if len(births) >= limits.parent_from:
            parent = _parent(device, births)
            known = tickets.get(parent.id)
            act = Act.CREATE if known is None else Act.REOPEN if known.state == "closed" else Act.UPDATE
            born = {step.finding.id for step in births}
            result = [
                replace(step, act=Act.NOTHING, why=f"spoken for by {parent.id}") if step.finding.id in born else step
                for step in result
            ]
            result.append(
                Step(
                    act=act,
                    finding=parent,
                    why=f"{len(births)} tunnels of {device} at once",
                    reference=known.reference if known else None,
                    digest=digest_of(parent),
                    children=tuple(sorted(born)),
                )
            )
    acting = {step.finding.id for step in result if step.act is not Act.NOTHING}
    for ticket in tickets.values():
        children = [child for child in tickets.values() if child.parent == ticket.finding]
        if not children or ticket.state != "open" or ticket.finding in acting:
            continue
        if all(child.finding in by_id and by_id[child.finding].finding.state == "resolved" for child in children):
            parent = _closing(ticket, by_id[children[0].finding].finding)
            result.append(
                Step(
                    act=Act.CLOSE,
                    finding=parent,
                    why=f"all {len(children)} tunnels are resolved",
                    reference=ticket.reference,
                    digest=ticket.digest,
                    children=tuple(child.finding for child in children),
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
            children=tuple(sorted({child for step in rest for child in (step.finding.id, *step.children)})),
        ),
    ]


def tickets_of(ledger: Ledger, sink: str) -> dict[str, Ticket]:
    """All tickets of a sink, by finding id."""
    rows = ledger.connection.execute("SELECT * FROM tickets WHERE sink = ?", (sink,))
    return {
        row["finding"]: Ticket(
            finding=row["finding"],
            reference=row["reference"],
            state=row["state"],
            digest=row["digest"],
            parent=row["parent"],
        )
        for row in rows
    }


def enqueue(ledger: Ledger, sink: str, steps: Iterable[Step], *, at: datetime) -> int:
    """Write the decisions to the outbox; a finding with a step still waiting keeps its place and gets the newer word."""
    count = 0
    with transaction(ledger) as db:
        for step in steps:
            if step.act is Act.NOTHING:
                continue
            count += 1
            values = (step.act.value, step.digest, codec.finding_text(step.finding), json.dumps(step.children))
            waiting = db.execute(
                "SELECT number, action FROM outbox WHERE sink = ? AND finding = ? AND state <> 'done'",
                (sink, step.finding.id),
            ).fetchone()
            if waiting is None:
                db.execute(
                    "INSERT INTO outbox (action, digest, body, children, sink, finding, state, tries, created_at, error) "
                    "VALUES (?,?,?,?,?,?,'waiting',0,?,'')",
                    (*values, sink, step.finding.id, at.isoformat()),
                )
            elif waiting["action"] == Act.CREATE.value and step.act is Act.CLOSE:
                db.execute("DELETE FROM outbox WHERE number = ?", (waiting["number"],))  # never sent, already over
            else:
                action = waiting["action"] if waiting["action"] == Act.CREATE.value else step.act.value
                db.execute(
                    "UPDATE outbox SET action = ?, digest = ?, body = ?, children = ? WHERE number = ?",
                    (action, *values[1:], waiting["number"]),
                )
    return count


def waiting(ledger: Ledger, sink: str, *, at: datetime) -> tuple[Step, ...]:
    """Steps that are due, oldest first."""
    rows = ledger.connection.execute(
        "SELECT o.*, t.reference FROM outbox o LEFT JOIN tickets t ON t.sink = o.sink AND t.finding = o.finding "
        "WHERE o.sink = ? AND o.state <> 'done' AND (o.not_before IS NULL OR o.not_before <= ?) ORDER BY o.number",
        (sink, at.isoformat()),
    ).fetchall()
    return tuple(_waiting_step(row) for row in rows)


def _waiting_step(row: sqlite3.Row) -> Step:
    return Step(
        act=Act(row["action"]),
        finding=codec.finding_of(row["body"]),
        why=f"try {row['tries'] + 1}" if row["tries"] else "",
        reference=row["reference"],
        digest=row["digest"],
        children=tuple(json.loads(row["children"])),
        number=row["number"],
    )


def sending(ledger: Ledger, step: Step) -> None:
    """Noted before the request leaves: after a crash the sink looks for its key before it creates again."""
    with transaction(ledger) as db:
        db.execute("UPDATE outbox SET state = 'sending', tries = tries + 1 WHERE number = ?", (step.number,))


def done(ledger: Ledger, sink: str, step: Step, reference: str | None, *, at: datetime) -> None:
    """The tracker has it."""
    state = "closed" if step.act is Act.CLOSE else "open"
    with transaction(ledger) as db:
        db.execute("UPDATE outbox SET state = 'done', error = '' WHERE number = ?", (step.number,))
        _ticket(db, sink, step.finding.id, reference or step.reference, state, step.digest, None, at)
        for child in step.children:
            if state == "closed":
                db.execute("DELETE FROM tickets WHERE sink = ? AND finding = ?", (sink, child))
            else:
                _ticket(db, sink, child, None, state, "", step.finding.id, at)
        db.execute("DELETE FROM outbox WHERE state = 'done' AND number < ? - 10000", (step.number,))


def failed(ledger: Ledger, step: Step, error: str, *, not_before: datetime) -> None:
    """The tracker did not take it; tried again after `not_before`."""
    with transaction(ledger) as db:
        db.execute(
            "UPDATE outbox SET state = 'waiting', error = ?, not_before = ? WHERE number = ?",
            (error[:500], not_before.isoformat(), step.number),
        )


def _ticket(  # noqa: PLR0917 - a row of the table
    db: sqlite3.Connection,
    sink: str,
    finding: str,
    reference: str | None,
    state: str,
    digest: str,
    parent: str | None,
    at: datetime,
) -> None:
    db.execute(
        "INSERT INTO tickets VALUES (?,?,?,?,?,?,?) ON CONFLICT(sink, finding) DO UPDATE SET "
        "reference = coalesce(excluded.reference, reference), state = excluded.state, digest = excluded.digest, "
        "parent = excluded.parent, updated_at = excluded.updated_at",
        (sink, finding, reference, state, digest, parent, at.isoformat()),
    )
