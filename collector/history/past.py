"""What earlier runs saw of a device, as the next one compares with it: SPIs, counters, what its log lost."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta

from collector.history.codec import time_of, utc_text
from collector.history.ledger import Ledger
from collector.model import (
    Counter,
    Evidence,
    Facts,
    History,
    InvalidSpi,
    PastLog,
    PastSample,
    Sighting,
    Spi,
    State,
    to_address,
)

KEPT_SIGHTINGS = 500


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
        lost_until=time_of(row["lost_until"]),
        missing=row["missing"],
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


def keep(db: sqlite3.Connection, facts: Facts, run: str) -> None:
    """What this run saw of a device, as later runs will ask for it."""
    keep_spis(db, facts, run)
    if facts.collected_at is not None:  # the counters of a paste have no earlier sample, nor are they one
        keep_samples(db, facts, facts.collected_at)
    _keep_losses(db, facts)


def forget(db: sqlite3.Connection, before: str) -> None:
    """Drop what no run has seen since."""
    db.execute("DELETE FROM samples WHERE at < ?", (before,))
    db.execute("DELETE FROM log_losses WHERE at < ?", (before,))
    db.execute("DELETE FROM spis WHERE last_seen < ?", (before,))


def keep_spis(db: sqlite3.Connection, facts: Facts, run: str) -> None:
    """The SPIs of its incidents, the latest KEPT_SIGHTINGS."""
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
                    utc_text(times[0]) if times else None,
                    utc_text(times[-1]) if times else None,
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


def keep_samples(db: sqlite3.Connection, facts: Facts, at: datetime) -> None:
    """Its counters, the last sample of each, and for how many runs it has risen."""
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
                utc_text(at),
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


def _keep_losses(db: sqlite3.Connection, facts: Facts) -> None:
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
        (facts.device.name, utc_text(at), *counts, utc_text(until) if until is not None else None, facts.log.missing),
    )
