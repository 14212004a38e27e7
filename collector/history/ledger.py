"""The ledger: one SQLite file under the state folder that remembers runs, SPIs, counters, findings and tickets."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from collector.errors import StateError
from collector.history import codec, life, pictures
from collector.history.proof import absence
from collector.history.schema import migrate
from collector.model import (
    Address,
    Counter,
    Evidence,
    Facts,
    FarEnd,
    History,
    InvalidSpi,
    PastLog,
    PastSample,
    Policy,
    Report,
    Sighting,
    Snapshot,
    Spi,
    State,
    log_read_at,
    plain,
    taken_at,
    to_address,
)

FILE = "ledger.sqlite3"
BUSY_SECONDS = 30
KEPT_SIGHTINGS = 500
KEPT_COVERAGE = 30  # runs whose coverage is kept device by device; what lasts stands in `looks` and `samples`
HANDED_OVER = "analyze"  # the mode of runs over captures that a person hands over: of any age, of a few routers


@dataclass(frozen=True, slots=True)
class Ledger:
    """An open ledger. All functions of this module take it first; nothing else touches the connection."""

    connection: sqlite3.Connection
    folder: Path


@contextmanager
def open_ledger(folder: Path) -> Iterator[Ledger]:
    """Open (or create, mode 0600) the ledger in `folder`. Raises StateError with what to do."""
    path = folder / FILE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA journal_size_limit=67108864;"
        )
        migrate(connection)
    except (OSError, sqlite3.Error) as error:
        raise StateError(f"the ledger {path} cannot be used: {error}") from None
    try:
        yield Ledger(connection, folder)
    finally:
        connection.close()


@contextmanager
def transaction(ledger: Ledger) -> Iterator[sqlite3.Connection]:
    """One write, whole or not at all; what is written inside another is part of it. Raises StateError (disk full, locked)."""
    if ledger.connection.in_transaction:
        yield ledger.connection
        return
    try:
        ledger.connection.execute("BEGIN IMMEDIATE")
        try:
            yield ledger.connection
        except BaseException:
            ledger.connection.execute("ROLLBACK")
            raise
        ledger.connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise StateError(f"the ledger could not be written: {error}; what stood there before is untouched") from None


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
        _run(db, report, exit_code)
        known = _entries(db, {f.id for f in (*report.findings, *report.muted)})
        alive = {f.id: life.seen(known.get(f.id), f, report.run.id) for f in (*report.findings, *report.muted)}
        missed: dict[str, list[life.Entry]] = {}
        for identity, entry in known.items():
            if identity not in alive:
                missed.setdefault(entry.finding.device, []).append(entry)
        gone: dict[str, life.Entry] = {}

        def look(entries: Iterable[life.Entry], facts: Facts | None, before: datetime | None) -> None:
            for entry in entries:
                said = absence(entry.finding, facts, looked_before=before)
                at = taken_at(facts) if facts is not None and report.run.mode == HANDED_OVER else None
                gone[entry.finding.id] = life.unseen(
                    entry, said, close_runs=thresholds.close_runs, at=at or report.run.finished_at
                )

        for facts in report.devices:  # one pass, one device's facts at a time: they may come from disk
            name = facts.device.name
            before = _log_read_before(db, name)
            _visit(db, facts, report, status_of(facts))
            look(missed.pop(name, ()), facts, before)
        for entries_left in () if report.run.mode == HANDED_OVER else missed.values():
            look(entries_left, None, None)
        for entry in (*alive.values(), *gone.values()):
            _write(db, entry, (paths or {}).get(entry.finding.id))
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


def keep_snapshots(ledger: Ledger, run: str, blobs: Iterable[tuple[str, bytes]]) -> None:
    """Keep what the routers said in a run that was remembered, so that it can be judged again with newer rules.

    blobs: device name and `codec.snapshot_blob`. Of runs before the last one only what first and last showed a finding
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
        yield codec.snapshot_of(row["body"])


def history_of(ledger: Ledger, device: str) -> History:
    """What earlier runs saw of a device: last counter samples, sightings, how often counters rose in a row."""
    db = ledger.connection
    latest = db.execute("SELECT * FROM samples WHERE device = ? ORDER BY name", (device,)).fetchall()
    rows = db.execute(
        "SELECT * FROM spis WHERE device = ? ORDER BY last_seen DESC LIMIT ?", (device, KEPT_SIGHTINGS)
    ).fetchall()
    return History(
        counters=tuple(
            PastSample(
                name=row["name"],
                packets=row["packets"],
                at=datetime.fromisoformat(row["at"]),
                uptime=timedelta(seconds=row["uptime"]) if row["uptime"] is not None else None,
                last_clearing=row["last_clearing"],
            )
            for row in latest
        ),
        sightings=tuple(_sighting(row) for row in rows if row["last_seen"]),
        rising_runs={row["name"]: row["rising"] for row in latest},
        persistent_before=tuple(
            (address, Spi(row["spi"]), datetime.fromisoformat(row["last_seen"]))
            for row in rows
            if row["ever_persistent"] and row["last_seen"] and (address := to_address(row["source"])) is not None
        ),
        log=_past_log(db.execute("SELECT * FROM log_losses WHERE device = ?", (device,)).fetchone()),
    )


def _past_log(row: sqlite3.Row | None) -> PastLog | None:
    if row is None:
        return None
    return PastLog(
        at=datetime.fromisoformat(row["at"]),
        dropped=row["dropped"],
        rate_limited=row["rate_limited"],
        overruns=row["overruns"],
        lost_until=codec.time_of(row["lost_until"]),
        missing=row["missing"],
    )


def far_ends_of(ledger: Ledger, wanted: pictures.Wanted) -> tuple[FarEnd, ...]:
    """Routers as earlier runs saw them that may be the far end of an incident; only what it asks of them."""
    return tuple(pictures.far_ends(ledger.connection, wanted)) if wanted.sources or wanted.spis else ()


def devices_at(ledger: Ledger, address: Address) -> tuple[str, ...]:
    """Which devices were last seen with `address` as an end of their own, the first of many."""
    return pictures.owners(ledger.connection, address)


def entry_of(ledger: Ledger, identity: str) -> tuple[life.Entry, str] | None:
    """One finding of the ledger and its decision path, or None."""
    row = ledger.connection.execute("SELECT * FROM findings WHERE id = ?", (identity,)).fetchone()
    return (_entry(row), codec.whole(row["path"])) if row else None


def entries(
    ledger: Ledger,
    *,
    device: str | None = None,
    rule: str | None = None,
    state: str | None = None,
    peer: str | None = None,
    sink: str | None = None,
    brief: bool = False,
) -> Iterator[life.Entry]:
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
        (run["id"], run["id"], run["finished_at"], HANDED_OVER, _utc(since) if since is not None else ""),
    )
    return frozenset(row["id"] for row in rows)


def last_visits(ledger: Ledger) -> dict[str, datetime]:
    """When each device was last read: the longest unvisited go first when time is short."""
    rows = ledger.connection.execute("SELECT device, collected_at FROM looks")
    return {row["device"]: datetime.fromisoformat(row["collected_at"]) for row in rows}


def _log_read_before(db: sqlite3.Connection, device: str) -> datetime | None:
    """Up to when earlier runs saw the log of a device."""
    row = db.execute("SELECT log_at FROM looks WHERE device = ?", (device,)).fetchone()
    return codec.time_of(row["log_at"]) if row else None


def _run(db: sqlite3.Connection, report: Report, exit_code: int) -> None:
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
            (device, _utc(at), _utc(log_at) if log_at is not None else None),
        )
    _spis(db, facts, run)
    if facts.collected_at is not None:  # the counters of a paste have no earlier sample, nor are they one
        _samples(db, facts, facts.collected_at)
    pictures.keep(db, facts, run, _utc(at or report.run.finished_at))
    _losses(db, facts)


def _spis(db: sqlite3.Connection, facts: Facts, run: str) -> None:
    for incident in facts.incidents or ():
        for key in incident.keys:
            if key.spi is None or incident.source is None:
                continue
            times = sorted(sighting.at for sighting in key.sightings if sighting.at)
            db.execute(
                "INSERT INTO spis VALUES (?,?,?,?,?,?,?,?,?,?,1,?,?) ON CONFLICT DO UPDATE SET state = excluded.state, "
                "first_seen = min(coalesce(first_seen, excluded.first_seen), coalesce(excluded.first_seen, first_seen)), "
                "last_seen = max(coalesce(last_seen, excluded.last_seen), coalesce(excluded.last_seen, last_seen)), "
                "messages = max(messages, excluded.messages), runs_seen = runs_seen + (last_run <> excluded.last_run), "
                "ever_persistent = max(ever_persistent, excluded.ever_persistent), last_run = excluded.last_run",
                (
                    facts.device.name,
                    incident.vrf or "",
                    str(incident.source),
                    str(incident.destination or ""),
                    incident.protocol or "",
                    int(key.spi),
                    key.state.value,
                    _utc(times[0]) if times else None,
                    _utc(times[-1]) if times else None,
                    len(key.sightings),
                    int(key.state is State.PERSISTENT),
                    run,
                ),
            )
    if facts.incidents:  # whoever sends what he likes fills no disk
        db.execute(
            "DELETE FROM spis WHERE rowid IN (SELECT rowid FROM spis WHERE device = ? "
            "ORDER BY last_seen DESC LIMIT -1 OFFSET ?)",
            (facts.device.name, KEPT_SIGHTINGS),
        )


def _utc(time: datetime) -> str:
    """Texts that sort as times do."""
    return (time - (time.utcoffset() or timedelta())).replace(tzinfo=None).isoformat() + "+00:00"


def _samples(db: sqlite3.Connection, facts: Facts, at: datetime) -> None:
    clearing = next((table.last_clearing for table in (facts.global_drops, facts.datapath_drops) if table), None)
    uptime = facts.uptime.total_seconds() if facts.uptime is not None else None
    db.executemany(
        "INSERT INTO samples VALUES (?,?,?,?,?,?,?) ON CONFLICT(device, name) DO UPDATE SET packets = excluded.packets, "
        "at = excluded.at, uptime = excluded.uptime, last_clearing = excluded.last_clearing, "
        "rising = CASE excluded.rising WHEN 0 THEN 0 ELSE min(rising + 1, 1000) END",
        [
            (
                facts.device.name,
                counter.name,
                counter.packets,
                _utc(at),
                uptime,
                clearing,
                int(_rose(counter, facts.policy.thresholds.counter_noise)),
            )
            for counter in facts.counters or ()
        ],
    )


def _rose(counter: Counter, noise: float) -> bool:
    """Whether it rose by more than a rekey or two drop: below the noise (packets an hour) nothing is counted as a run."""
    if not counter.delta:
        return False
    return counter.delta_seconds is None or counter.delta > noise * counter.delta_seconds / 3600


def _losses(db: sqlite3.Connection, facts: Facts) -> None:
    """What the head of the log said of lost messages, where it was read and said so."""
    header, at = facts.log.header if facts.log is not None else None, facts.collected_at
    if header is None or at is None or facts.log is None:
        return
    counts = (header.dropped, header.rate_limited, header.overruns)
    if all(count is None for count in counts):
        return
    until = facts.log.lost_until
    db.execute(
        "INSERT OR REPLACE INTO log_losses VALUES (?,?,?,?,?,?,?)",
        (facts.device.name, _utc(at), *counts, _utc(until) if until is not None else None, facts.log.missing),
    )


def _sighting(row: sqlite3.Row) -> Sighting:
    source, destination = to_address(row["source"]), to_address(row["destination"])
    return Sighting(
        event=InvalidSpi(
            destination=destination,
            destination_text=row["destination"],
            source=source,
            source_text=row["source"],
            protocol=row["protocol"],
            spi=Spi(row["spi"]),
            spi_decimal=row["spi"],
            interface=None,
        ),
        at=datetime.fromisoformat(row["last_seen"]),
        age=None,
        evidence=Evidence(device=row["device"], command="ledger", line=0, text=f"seen in {row['runs_seen']} runs"),
    )


def _entries(db: sqlite3.Connection, wanted: set[str]) -> dict[str, life.Entry]:
    """What the ledger has of the findings of this run, and every open finding of any device."""
    found = {}
    for row in db.execute("SELECT * FROM findings WHERE state <> 'resolved'"):
        found[row["id"]] = _entry(row)
    for identity in wanted - found.keys():
        row = db.execute("SELECT * FROM findings WHERE id = ?", (identity,)).fetchone()
        if row is not None:
            found[identity] = _entry(row)
    return found


def _entry(row: sqlite3.Row, *, brief: bool = False) -> life.Entry:
    return life.Entry(
        finding=codec.finding_of(codec.whole(row["body"]), brief=brief),
        clean_runs=row["clean_runs"],
        opened_run=row["opened_run"],
        last_run=row["last_run"],
        resolved_at=codec.time_of(row["resolved_at"]),
        note=row["note"],
    )


def _write(db: sqlite3.Connection, entry: life.Entry, path: str | None) -> None:
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
            _utc(finding.first_seen) if finding.first_seen else None,
            _utc(finding.last_seen) if finding.last_seen else None,
            finding.runs_seen,
            entry.clean_runs,
            entry.opened_run,
            entry.last_run,
            plain(entry.resolved_at),
            entry.note,
            codec.small(codec.finding_text(finding)),
            codec.small(path) if path else "",
        ),
    )


def _forget(db: sqlite3.Connection, before: datetime) -> None:
    db.execute("DELETE FROM runs WHERE finished_at < ?", (before.isoformat(),))
    for same in ("=", "<>"):
        db.execute(
            f"DELETE FROM coverage WHERE run_id IN (SELECT id FROM runs WHERE mode {same} ? "  # noqa: S608 - ours
            "ORDER BY finished_at DESC LIMIT -1 OFFSET ?)",
            (HANDED_OVER, KEPT_COVERAGE),
        )
    db.execute("DELETE FROM samples WHERE at < ?", (_utc(before),))
    db.execute("DELETE FROM log_losses WHERE at < ?", (_utc(before),))
    pictures.forget(db, _utc(before))
    db.execute("DELETE FROM spis WHERE last_seen < ?", (_utc(before),))
    db.execute("DELETE FROM findings WHERE state = 'resolved' AND resolved_at < ?", (before.isoformat(),))
    db.execute(
        "DELETE FROM tickets WHERE state = 'closed' AND updated_at < ? AND finding NOT IN (SELECT id FROM findings)",
        (before.isoformat(),),
    )
