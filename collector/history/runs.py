"""Runs written down: what one reports, each finding with its life; and what is kept of it for the next."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from collector.history import findings, life, past, pictures
from collector.history.codec import snapshot_of, time_of, utc_text
from collector.history.ledger import Ledger, transaction
from collector.history.life import Entry
from collector.history.proof import absence
from collector.model import Facts, Policy, Report, Snapshot, log_read_at, plain, taken_at

KEPT_COVERAGE = 30  # runs whose coverage is kept device by device; what lasts stands in `looks` and `samples`
HANDED_OVER = "analyze"  # the mode of runs over captures that a person hands over: of any age, of a few routers


def remember(
    ledger: Ledger,
    report: Report,
    *,
    exit_code: int,
    status_of: Callable[[Facts], str],
    paths: Mapping[str, str] | None = None,
    policy: Policy | None = None,
) -> Report:
    """Write a run down; the report comes back with each finding's life: state, first_seen, runs_seen.

    Findings that this run proved gone come back too, as `resolved`. paths: finding id -> its decision path, as text.
    Captures that a person hands over (mode `analyze`) say nothing of routers that are not among them.
    """
    thresholds = (policy or Policy()).thresholds
    with transaction(ledger) as db:
        write_run(db, report, exit_code)
        known = findings.known(db, {f.id for f in (*report.findings, *report.muted)})
        said, parts = {f.id: f for f in (*report.findings, *report.muted)}, _in_part(report)
        alive = {
            identity: life.seen(known.get(identity), finding, report.run.id, in_part=finding.device in parts)
            for identity, finding in said.items()
        }
        missed: dict[str, list[Entry]] = {}
        for identity, entry in known.items():
            if identity not in alive:
                missed.setdefault(entry.finding.device, []).append(entry)
        gone: dict[str, Entry] = {}

        def look(entries: Iterable[Entry], facts: Facts | None, before: datetime | None) -> None:
            for entry in entries:
                proof = absence(entry.finding, facts, looked_before=before)
                at = taken_at(facts) if facts is not None and report.run.mode == HANDED_OVER else None
                gone[entry.finding.id] = life.unseen(
                    entry, proof, close_runs=thresholds.close_runs, at=at or report.run.finished_at
                )

        for facts in report.devices:  # one pass, one device's facts at a time: they may come from disk
            name = facts.device.name
            before = _log_read_before(db, name)
            _visit(db, facts, report, status_of(facts))
            look(missed.pop(name, ()), facts, before)
        for entries_left in () if report.run.mode == HANDED_OVER else missed.values():
            look(entries_left, None, None)
        for identity, entry in (alive | gone).items():
            as_before = identity in said and entry.finding.verdict is not said[identity].verdict
            findings.write(db, entry, None if as_before else (paths or {}).get(identity))
        _forget(db, report.run.finished_at - thresholds.retention)
    resolved = [
        entry.finding
        for identity, entry in gone.items()
        if entry.finding.state == "resolved" and known[identity].finding.state != "resolved"
    ]
    return replace(
        report,
        findings=(*(alive[f.id].finding for f in report.findings), *sorted(resolved, key=lambda f: f.id)),
        muted=tuple(alive[f.id].finding for f in report.muted),
    )


def _in_part(report: Report) -> frozenset[str]:
    """Routers of which a person handed over less than the configuration, the SAs and the IKE SAs."""
    if report.run.mode != HANDED_OVER:
        return frozenset()
    return frozenset(
        facts.device.name
        for facts in report.devices
        if facts.config is None
        or facts.flows is None
        or (facts.isakmp_sas is None and facts.ikev2_sas is None and facts.sessions is None)
    )


def keep_snapshots(ledger: Ledger, run: str, blobs: Iterable[tuple[str, bytes]]) -> None:
    """Keep what the routers said in a run that was remembered, so that it can be judged again with newer rules.

    blobs: device name and `snapshot_blob`. Of runs before the last one only what first and last showed a finding
    that is still open stays; the same of captures that were handed over, beside a run that visited routers.
    """
    with transaction(ledger) as db:
        newest = last_run(ledger)
        last = newest["id"] if newest is not None else run
        _drop_snapshots(db, last, run)  # what goes makes room for what comes: the file does not double
        db.executemany(
            "INSERT OR REPLACE INTO snapshots VALUES (?,?,?)", ((run, device, blob) for device, blob in blobs)
        )
        if db.execute("SELECT 1 FROM runs WHERE id = ? AND mode = ?", (run, HANDED_OVER)).fetchone():
            _drop_snapshots(db, last, last)


def _drop_snapshots(db: sqlite3.Connection, last: str, run: str) -> None:
    """All but those of the last run and of this one, and what proves open findings."""
    db.execute(
        "DELETE FROM snapshots WHERE run_id NOT IN (?, ?) AND NOT EXISTS (SELECT 1 FROM findings f WHERE "
        "f.device = snapshots.device AND f.state <> 'resolved' AND snapshots.run_id IN (f.opened_run, f.last_run))",
        (last, run),
    )


def snapshots(ledger: Ledger, run: str) -> Iterator[Snapshot]:
    """The kept snapshots of a run, by device name."""
    for row in ledger.connection.execute("SELECT body FROM snapshots WHERE run_id = ? ORDER BY device", (run,)):
        yield snapshot_of(row["body"])


def last_run(ledger: Ledger) -> sqlite3.Row | None:
    """The newest run that visited routers; where none ever did, the newest over captures that were handed over."""
    row: sqlite3.Row | None = ledger.connection.execute(
        "SELECT * FROM runs ORDER BY mode = ?, finished_at DESC LIMIT 1", (HANDED_OVER,)
    ).fetchone()
    return row


def not_seen_last(ledger: Ledger, *, since: datetime | None = None) -> frozenset[str]:
    """Open findings that the newest run did not see, although it went to their router, or tried.

    What newer captures show was seen. since: findings of captures that are older are of an old look, whoever handed
    them over when.
    """
    run = last_run(ledger)
    if run is None:
        return frozenset()
    rows = ledger.connection.execute(
        "SELECT f.id FROM findings f JOIN coverage c ON c.device = f.device AND c.run_id = ? "
        "LEFT JOIN runs r ON r.id = f.last_run "
        "WHERE f.state <> 'resolved' AND f.last_run <> ? AND coalesce(r.finished_at, '') <= ? "
        "UNION SELECT f.id FROM findings f JOIN runs r ON r.id = f.last_run JOIN looks l ON l.device = f.device "
        "WHERE f.state <> 'resolved' AND r.mode = ? AND l.collected_at < ?",
        (run["id"], run["id"], run["finished_at"], HANDED_OVER, utc_text(since) if since is not None else ""),
    )
    return frozenset(row["id"] for row in rows)


def last_visits(ledger: Ledger) -> dict[str, datetime]:
    """When each device was last read: the longest unvisited go first when time is short."""
    rows = ledger.connection.execute("SELECT device, collected_at FROM looks")
    return {row["device"]: datetime.fromisoformat(row["collected_at"]) for row in rows}


def _log_read_before(db: sqlite3.Connection, device: str) -> datetime | None:
    """Up to when earlier runs saw the log of a device."""
    row = db.execute("SELECT log_at FROM looks WHERE device = ?", (device,)).fetchone()
    return time_of(row["log_at"]) if row else None


def write_run(db: sqlite3.Connection, report: Report, exit_code: int) -> None:
    """That it was, when, and how it ended."""
    run = report.run
    db.execute(
        "INSERT INTO runs VALUES (?,?,?,?,?,?,?)",
        (
            run.id,
            run.mode,
            run.started_at.isoformat(),
            run.finished_at.isoformat(),
            exit_code,
            len(report.devices),
            len(report.findings),
        ),
    )


def _visit(db: sqlite3.Connection, facts: Facts, report: Report, status: str) -> None:
    """One device of a run: how much was read, its SPIs, its counters."""
    device, run = facts.device.name, report.run.id
    codes = json.dumps(sorted({failure.code.value for failure in facts.failures}))
    at, log_at = taken_at(facts), log_read_at(facts)
    db.execute("INSERT INTO coverage VALUES (?,?,?,?,?)", (run, device, status, plain(at), codes))
    if status != "failed" and at is not None:
        db.execute(
            "INSERT INTO looks VALUES (?,?,?) ON CONFLICT(device) DO UPDATE SET collected_at = excluded.collected_at, "
            "log_at = coalesce(excluded.log_at, log_at)",
            (device, utc_text(at), utc_text(log_at) if log_at is not None else None),
        )
    past.keep(db, facts, run)
    pictures.keep(db, facts, run, utc_text(at or report.run.finished_at))


def _forget(db: sqlite3.Connection, before: datetime) -> None:
    db.execute("DELETE FROM runs WHERE finished_at < ?", (before.isoformat(),))
    for same in ("=", "<>"):
        db.execute(
            f"DELETE FROM coverage WHERE run_id IN (SELECT id FROM runs WHERE mode {same} ? "  # noqa: S608 - ours
            "ORDER BY finished_at DESC LIMIT -1 OFFSET ?)",
            (HANDED_OVER, KEPT_COVERAGE),
        )
    past.forget(db, utc_text(before))
    pictures.forget(db, utc_text(before))
    db.execute("DELETE FROM findings WHERE state = 'resolved' AND resolved_at < ?", (before.isoformat(),))
    db.execute(
        "DELETE FROM tickets WHERE state = 'closed' AND updated_at < ? AND finding NOT IN (SELECT id FROM findings)",
        (before.isoformat(),),
    )
