"""The findings of the ledger, each with its life and its decision path."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from collector.history.codec import finding_of, finding_text, small, time_of, utc_text, whole
from collector.history.ledger import Ledger
from collector.history.life import Entry
from collector.model import plain


def entry_of(ledger: Ledger, identity: str) -> tuple[Entry, str] | None:
    """One finding of the ledger and its decision path, or None."""
    row = ledger.connection.execute("SELECT * FROM findings WHERE id = ?", (identity,)).fetchone()
    return (_entry(row), whole(row["path"])) if row else None


def entries(
    ledger: Ledger,
    *,
    device: str | None = None,
    rule: str | None = None,
    state: str | None = None,
    peer: str | None = None,
    sink: str | None = None,
    brief: bool = False,
) -> Iterator[Entry]:
    """Findings of the ledger, the latest first. state: one of a finding's states, or "open" for all but resolved.

    sink: those that may ask something of a tracker: the open ones, and those with an open ticket or an act that waits.
    brief: without evidence and actions, in half the time.
    """
    where, values = ["1 = 1"], []
    if sink is not None:
        where.append(
            "(state <> 'resolved' OR id IN (SELECT finding FROM tickets WHERE sink = ? AND state = 'open') "
            "OR id IN (SELECT finding FROM outbox WHERE sink = ? AND state <> 'done'))"
        )
        values += [sink, sink]
    for column, value in (("device", device), ("rule", rule), ("peer", peer)):
        if value is not None:
            where.append(f"{column} = ?")
            values.append(value)
    if state == "open":
        where.append("state <> 'resolved'")
    elif state is not None:
        where.append("state = ?")
        values.append(state)
    query = f"SELECT * FROM findings WHERE {' AND '.join(where)} ORDER BY last_seen DESC, id"  # noqa: S608 - columns are ours
    for row in ledger.connection.execute(query, values):
        yield _entry(row, brief=brief)


def known(db: sqlite3.Connection, wanted: set[str]) -> dict[str, Entry]:
    """What the ledger has of the findings of this run, and every open finding of any device."""
    found = {}
    for row in db.execute("SELECT * FROM findings WHERE state <> 'resolved'"):
        found[row["id"]] = _entry(row)
    for identity in wanted - found.keys():
        row = db.execute("SELECT * FROM findings WHERE id = ?", (identity,)).fetchone()
        if row is not None:
            found[identity] = _entry(row)
    return found


def _entry(row: sqlite3.Row, *, brief: bool = False) -> Entry:
    return Entry(
        finding=finding_of(whole(row["body"]), brief=brief),
        clean_runs=row["clean_runs"],
        opened_run=row["opened_run"],
        last_run=row["last_run"],
        resolved_at=time_of(row["resolved_at"]),
        note=row["note"],
    )


def write(db: sqlite3.Connection, entry: Entry, path: str | None) -> None:
    """The finding as it stands now. path: its decision path, `None`: as it was."""
    finding = entry.finding
    db.execute(
        "INSERT INTO findings VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET "
        "rule=excluded.rule, level=excluded.level, verdict=excluded.verdict, peer=excluded.peer, state=excluded.state, "
        "first_seen=excluded.first_seen, last_seen=excluded.last_seen, runs_seen=excluded.runs_seen, "
        "clean_runs=excluded.clean_runs, opened_run=excluded.opened_run, last_run=excluded.last_run, "
        "resolved_at=excluded.resolved_at, note=excluded.note, body=excluded.body, "
        "path=CASE excluded.path WHEN '' THEN path ELSE excluded.path END",
        (
            finding.id,
            finding.rule,
            finding.level.value,
            finding.verdict.value,
            finding.device,
            plain(finding.peer),
            finding.state,
            utc_text(finding.first_seen) if finding.first_seen else None,
            utc_text(finding.last_seen) if finding.last_seen else None,
            finding.runs_seen,
            entry.clean_runs,
            entry.opened_run,
            entry.last_run,
            plain(entry.resolved_at),
            entry.note,
            small(finding_text(finding)),
            small(path) if path else "",
        ),
    )
