"""What a tracker has been told and what it is still to be told, in the ledger.

Decisions are written down before anything is sent, and fall away when the tracker has them: at least once, and the sink
looks for its own key before it creates, so that twice does no harm.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime

from collector.history.codec import finding_of, finding_text, time_of
from collector.history.ledger import Ledger, transaction
from collector.history.tickets import Act, Step, Ticket
from collector.model import Verdict


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
    """Write the decisions to the outbox; a finding with a step still waiting keeps its place and gets the newer word.

    What waits and was not decided again falls away, unless it may be half done. at: the run whose word this is.
    """
    decided = {step.finding.id: step for step in steps}
    wanted = [step for step in decided.values() if step.act is not Act.NOTHING]
    with transaction(ledger) as db:
        db.execute("DELETE FROM outbox WHERE state = 'done'")  # an earlier version kept what was told
        rows = db.execute(
            "SELECT number, finding, action, tries FROM outbox WHERE sink = ? AND state <> 'done'", (sink,)
        )
        waits = {row["finding"]: row for row in rows.fetchall()}
        for step in wanted:
            row = waits.pop(step.finding.id, None)
            told = finding_text(step.finding)
            values = (step.digest, told, json.dumps(step.children), at.isoformat(), step.why)
            if row is None:
                db.execute(
                    "INSERT INTO outbox (action, digest, body, children, created_at, why, decided_at, sink, finding, "
                    "state, tries, error) VALUES (?,?,?,?,?,?,?,?,?,'waiting',0,'')",
                    (step.act.value, *values, at.isoformat(), sink, step.finding.id),
                )
            else:
                db.execute(
                    "UPDATE outbox SET action = ?, digest = ?, body = ?, children = ?, created_at = ?, why = ? "
                    "WHERE number = ?",
                    (step.act.value, *values, row["number"]),
                )
        for finding, row in waits.items():
            act = _instead(Act(row["action"]), row["tries"], decided.get(finding))
            if act is None:
                db.execute("DELETE FROM outbox WHERE number = ?", (row["number"],))
            else:
                db.execute("UPDATE outbox SET action = ? WHERE number = ?", (act.value, row["number"]))
    return len(wanted)


def _instead(waits: Act, tries: int, step: Step | None) -> Act | None:
    """What becomes of an act that waits in the outbox and was not decided again. None: nothing is to be sent.

    What was tried may have reached the tracker although no answer came: then its opposite is sent.
    """
    if not tries or step is None:
        return None
    if waits is Act.CLOSE:
        return Act.REOPEN
    if (
        waits in {Act.CREATE, Act.REOPEN}
        and step.finding.state != "resolved"
        and step.finding.verdict is not Verdict.FAIL
    ):
        return waits  # this run could not tell; the one that decided could
    return Act.CLOSE if waits in {Act.CREATE, Act.REOPEN} else None


def decided(ledger: Ledger, sink: str) -> frozenset[str]:
    """Findings with a step that waits: it was decided on what a run saw."""
    rows = ledger.connection.execute("SELECT finding FROM outbox WHERE sink = ? AND state <> 'done'", (sink,))
    return frozenset(row["finding"] for row in rows)


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
        finding=finding_of(row["body"]),
        why=row["why"],
        reference=row["reference"],
        digest=row["digest"],
        children=tuple(json.loads(row["children"])),
        number=row["number"],
        at=time_of(row["created_at"]),
        decided_at=time_of(row["decided_at"]),
        tries=row["tries"],
    )


def sending(ledger: Ledger, *steps: Step) -> None:
    """Noted before the request leaves: after a crash the sink looks for its key before it creates again."""
    with transaction(ledger) as db:
        db.executemany(
            "UPDATE outbox SET state = 'sending', tries = tries + 1 WHERE number = ?",
            [(step.number,) for step in steps],
        )


def done(ledger: Ledger, sink: str, step: Step, reference: str | None, *, at: datetime) -> None:
    """The tracker has it."""
    done_all(ledger, sink, [(step, reference)], at=at)


def done_all(ledger: Ledger, sink: str, told: Sequence[tuple[Step, str | None]], *, at: datetime) -> None:
    """The tracker has all of these: each with its reference, in one write. What was said is not kept a second time."""
    with transaction(ledger) as db:
        for step, reference in told:
            db.execute("DELETE FROM outbox WHERE number = ?", (step.number,))
            _done(db, sink, step, reference, at)


def _done(db: sqlite3.Connection, sink: str, step: Step, reference: str | None, at: datetime) -> None:
    state = "closed" if step.act is Act.CLOSE else "open"
    spoken_for = db.execute(
        "SELECT 1 FROM tickets WHERE sink = ? AND finding = ? AND parent IS NOT NULL", (sink, step.finding.id)
    ).fetchone()
    if spoken_for is None:
        _ticket(db, sink, step.finding.id, reference or step.reference, state, step.digest, None, at)
    for child in step.children:
        if state == "closed":
            db.execute("DELETE FROM tickets WHERE sink = ? AND finding = ? AND reference IS NULL", (sink, child))
            db.execute(
                "UPDATE tickets SET state = 'closed', parent = NULL WHERE sink = ? AND finding = ?", (sink, child)
            )
        else:
            _ticket(db, sink, child, None, state, "", step.finding.id, at)


def failed(ledger: Ledger, *steps: Step, error: str, not_before: datetime) -> None:
    """The tracker did not take them; tried again after `not_before`."""
    with transaction(ledger) as db:
        db.executemany(
            "UPDATE outbox SET state = 'waiting', error = ?, not_before = ? WHERE number = ?",
            [(error[:500], not_before.isoformat(), step.number) for step in steps],
        )


def postpone(ledger: Ledger, sink: str, *, not_before: datetime) -> None:
    """Nothing of this sink is sent before `not_before`: its server asked for it."""
    with transaction(ledger) as db:
        db.execute(
            "UPDATE outbox SET not_before = max(coalesce(not_before, ''), ?) WHERE sink = ? AND state <> 'done'",
            (not_before.isoformat(), sink),
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
