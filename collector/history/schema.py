"""The ledger's tables, as numbered steps: a step is never changed once released, only followed by another."""

from __future__ import annotations

import sqlite3

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE runs (
        id TEXT PRIMARY KEY, mode TEXT NOT NULL, started_at TEXT NOT NULL, finished_at TEXT NOT NULL,
        exit_code INTEGER NOT NULL, devices INTEGER NOT NULL, findings INTEGER NOT NULL
    );
    CREATE TABLE coverage (
        run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE, device TEXT NOT NULL, status TEXT NOT NULL,
        collected_at TEXT, codes TEXT NOT NULL, PRIMARY KEY (run_id, device)
    );
    CREATE INDEX coverage_device ON coverage(device, collected_at);
    CREATE TABLE spis (
        device TEXT NOT NULL, vrf TEXT NOT NULL, source TEXT NOT NULL, destination TEXT NOT NULL,
        protocol TEXT NOT NULL, spi INTEGER NOT NULL, state TEXT NOT NULL, first_seen TEXT, last_seen TEXT,
        messages INTEGER NOT NULL, runs_seen INTEGER NOT NULL, ever_persistent INTEGER NOT NULL, last_run TEXT NOT NULL,
        PRIMARY KEY (device, vrf, source, destination, protocol, spi)
    );
    CREATE TABLE counters (
        device TEXT NOT NULL, run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE, name TEXT NOT NULL,
        packets INTEGER NOT NULL, at TEXT NOT NULL, uptime REAL, last_clearing TEXT, delta INTEGER,
        PRIMARY KEY (device, name, run_id)
    );
    CREATE INDEX counters_latest ON counters(device, at);
    CREATE TABLE findings (
        id TEXT PRIMARY KEY, rule TEXT NOT NULL, level TEXT NOT NULL, verdict TEXT NOT NULL, device TEXT NOT NULL,
        peer TEXT, state TEXT NOT NULL, first_seen TEXT, last_seen TEXT, runs_seen INTEGER NOT NULL,
        clean_runs INTEGER NOT NULL, opened_run TEXT NOT NULL, last_run TEXT NOT NULL, resolved_at TEXT,
        note TEXT NOT NULL, body TEXT NOT NULL, path TEXT NOT NULL
    );
    CREATE INDEX findings_state ON findings(state, device);
    CREATE TABLE snapshots (
        run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE, device TEXT NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (run_id, device)
    );
    CREATE TABLE tickets (
        sink TEXT NOT NULL, finding TEXT NOT NULL, reference TEXT, state TEXT NOT NULL, digest TEXT NOT NULL,
        parent TEXT, updated_at TEXT NOT NULL, PRIMARY KEY (sink, finding)
    );
    CREATE TABLE outbox (
        number INTEGER PRIMARY KEY AUTOINCREMENT, sink TEXT NOT NULL, finding TEXT NOT NULL, action TEXT NOT NULL,
        digest TEXT NOT NULL, body TEXT NOT NULL, children TEXT NOT NULL, state TEXT NOT NULL, tries INTEGER NOT NULL,
        created_at TEXT NOT NULL, not_before TEXT, error TEXT NOT NULL
    );
    CREATE UNIQUE INDEX outbox_waiting ON outbox(sink, finding) WHERE state <> 'done';
    """,
    # what lasts apart from what is kept for some runs: no query and no table grows with the number of runs
    """
    CREATE TABLE looks (device TEXT PRIMARY KEY, collected_at TEXT NOT NULL) WITHOUT ROWID;
    INSERT INTO looks SELECT device, max(collected_at) FROM coverage
        WHERE status <> 'failed' AND collected_at IS NOT NULL GROUP BY device;
    CREATE TABLE samples (
        device TEXT NOT NULL, name TEXT NOT NULL, packets INTEGER NOT NULL, at TEXT NOT NULL, uptime REAL,
        last_clearing TEXT, rising INTEGER NOT NULL, PRIMARY KEY (device, name)
    ) WITHOUT ROWID;
    INSERT INTO samples SELECT device, name, packets, max(at), uptime, last_clearing, coalesce(delta, 0) > 0
        FROM counters GROUP BY device, name;
    DROP TABLE counters;
    DROP INDEX coverage_device;
    CREATE INDEX spis_latest ON spis(device, last_seen);
    CREATE INDEX spis_old ON spis(last_seen);
    CREATE INDEX findings_open ON findings(device) WHERE state <> 'resolved';
    """,
    # of what is sent again it must be told that it is the same: the run that first decided it
    "ALTER TABLE outbox ADD COLUMN decided_at TEXT NOT NULL DEFAULT '';",
    # the proof with which a ticket is closed stands in the ticket
    "ALTER TABLE outbox ADD COLUMN why TEXT NOT NULL DEFAULT '';",
    # what a later run may ask of a router that it does not visit: the far ends of joins, and the losses of its log
    """
    CREATE TABLE far_ends (
        number INTEGER PRIMARY KEY, device TEXT NOT NULL UNIQUE, run_id TEXT NOT NULL, taken_at TEXT NOT NULL,
        body BLOB NOT NULL, sas_run_id TEXT, sas_taken_at TEXT, sas BLOB
    );
    CREATE TABLE far_addresses (
        address TEXT NOT NULL, number INTEGER NOT NULL REFERENCES far_ends(number) ON DELETE CASCADE,
        PRIMARY KEY (address, number)
    ) WITHOUT ROWID;
    CREATE INDEX far_addresses_of ON far_addresses(number);
    CREATE TABLE far_spis (
        spi INTEGER NOT NULL, number INTEGER NOT NULL REFERENCES far_ends(number) ON DELETE CASCADE,
        PRIMARY KEY (spi, number)
    ) WITHOUT ROWID;
    CREATE INDEX far_spis_of ON far_spis(number);
    CREATE TABLE log_losses (
        device TEXT PRIMARY KEY, at TEXT NOT NULL, dropped INTEGER, rate_limited INTEGER, overruns INTEGER,
        lost_until TEXT
    ) WITHOUT ROWID;
    """,
    # whether more messages are missing from a log than at the last visit: after `clear logging` they are as many for long
    "ALTER TABLE log_losses ADD COLUMN missing INTEGER;",
    # a look that did not read the log says nothing of the time in which a line may have come
    "ALTER TABLE looks ADD COLUMN log_at TEXT; UPDATE looks SET log_at = collected_at;",
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a ledger of any earlier version to this one, each step whole or not at all."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for number, step in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(f"BEGIN IMMEDIATE;\n{step}\nPRAGMA user_version = {number};\nCOMMIT;")
