"""The ledger: the life of a finding over runs, closed only on proof; counters and resets; locks and crashes."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from builders import FAR, NOW, blind, counter, facts, incident, key, peer

from collector.cli import pipeline
from collector.errors import LockedError, StateError
from collector.history import (
    entries,
    entry_of,
    history_of,
    keep_snapshots,
    last_visits,
    not_seen_last,
    open_ledger,
    remember,
    run_lock,
    snapshots,
    transaction,
)
from collector.history.codec import finding_text, snapshot_blob
from collector.history.ledger import FILE
from collector.history.runs import KEPT_COVERAGE
from collector.history.schema import MIGRATIONS
from collector.model import Capture, CaptureNote, CaptureStatus, Device, Report, Snapshot, Spi, State
from collector.sinks.document import device_status


def report(*devices, minutes: int = 0) -> Report:
    shifted = [replace(one, collected_at=NOW + timedelta(minutes=minutes)) for one in devices]
    started = NOW + timedelta(minutes=minutes)
    made = pipeline.conclude(shifted, mode="sweep", started_at=started)
    return replace(made, run=replace(made.run, finished_at=started + timedelta(seconds=5)))


def keep(ledger, made: Report) -> Report:
    return remember(ledger, made, exit_code=0, status_of=device_status, policy=made.devices[0].policy)


def broken():
    far = peer()
    return facts(incident(far), peers=(far,))


def well(**changes):
    far = peer()
    return facts(peers=(far,), **changes)


def states(made: Report, rule: str = "SPI001") -> list[str]:
    return [f"{finding.state} {finding.runs_seen}" for finding in made.findings if finding.rule == rule]


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(tmp_path / "state") as opened:
        yield opened


def test_new_ongoing_resolved_after_three_clean_runs_and_reopened(ledger):
    assert states(keep(ledger, report(broken()))) == ["new 1"]
    assert states(keep(ledger, report(broken(), minutes=15))) == ["ongoing 2"]
    assert states(keep(ledger, report(well(), minutes=30))) == []
    assert states(keep(ledger, report(well(), minutes=45))) == []
    assert states(keep(ledger, report(well(), minutes=60))) == ["resolved 2"]
    assert states(keep(ledger, report(well(), minutes=75))) == []
    assert states(keep(ledger, report(broken(), minutes=90))) == ["reopened 3"]
    assert states(keep(ledger, report(broken(), minutes=105))) == ["ongoing 4"]


NOT_READ = CaptureNote(command="show logging", status=CaptureStatus.REFUSED, rows=0, unparsed_lines=0)


@pytest.mark.parametrize(
    ("later", "word"),
    [
        ("nothing", "not in this run"),
        (well(captures=(NOT_READ,), log=None, incidents=None, sightings=None), "not read"),
        (well(log=None), "log was not read"),
        (well(log=replace(well().log, covers_since=None)), "silence proves nothing"),
        (well(log=replace(well().log, covers_since=NOW + timedelta(hours=9))), "silence proves nothing"),
        (facts(incident(peer(), state=State.PENDING, keys=(key(state=State.PENDING, ages=(20,)),))), "still pending"),
        (facts(incident(peer(), state=State.INSUFFICIENT_DATA, keys=())), "still insufficient-data"),
        (well(counters=(counter(delta=5000),)), "rose by 5000"),
        (well(counters=(counter(delta=None),)), "no earlier sample"),
    ],
)
def test_what_is_no_proof_never_closes(ledger, later, word):
    first = keep(ledger, report(broken()))
    identity = next(finding.id for finding in first.findings if finding.rule == "SPI001")
    other = replace(well(), device=Device(name="hub2", host="192.0.2.2"))
    for run in range(1, 8):
        keep(ledger, report(other if later == "nothing" else later, minutes=15 * run))
    found = entry_of(ledger, identity)
    assert found is not None
    assert found[0].finding.state != "resolved"
    assert found[0].clean_runs == 0
    if "still" not in word:
        assert word in found[0].note


def test_a_clean_run_is_not_undone_by_one_that_could_not_look(ledger):
    keep(ledger, report(broken()))
    keep(ledger, report(well(), minutes=15))
    keep(ledger, report(well(log=None), minutes=30))
    keep(ledger, report(well(), minutes=45))
    assert states(keep(ledger, report(well(), minutes=60))) == ["resolved 1"]


@pytest.mark.parametrize(
    "again",
    [
        well(counters=(counter(delta=5000),)),
        facts(incident(peer(), state=State.PENDING, keys=(key(state=State.PENDING, ages=(20,)),)), peers=(peer(),)),
    ],
)
def test_a_run_that_saw_drops_or_a_line_again_starts_the_count_anew(ledger, again):
    keep(ledger, report(broken()))
    keep(ledger, report(well(), minutes=15))
    keep(ledger, report(well(), minutes=30))
    keep(ledger, report(again, minutes=45))
    assert states(keep(ledger, report(well(), minutes=60))) == []
    assert states(keep(ledger, report(well(), minutes=75))) == []
    assert [state.split()[0] for state in states(keep(ledger, report(well(), minutes=90)))] == ["resolved"]


@pytest.mark.parametrize(("behind", "closes"), [(0, True), (7, False), (-11, True)])
def test_a_clock_that_is_off_proves_no_silence_that_the_log_does_not_reach(ledger, behind, closes):
    """The log reaches back 16 minutes by its router's clock, and 16 minus `behind` in truth; looks are 15 minutes apart."""

    def short(minutes):
        router = NOW + timedelta(minutes=minutes - behind)
        log = replace(well().log, covers_since=router - timedelta(minutes=16 - max(0, behind)))
        return replace(well(), log=log, device_time=router)

    keep(ledger, report(broken()))
    for minutes in (15, 30):
        keep(ledger, report(short(minutes), minutes=minutes))
    assert bool(states(keep(ledger, report(short(45), minutes=45)))) is closes


def test_what_the_newest_run_did_not_see_where_it_looked(ledger):
    first = keep(ledger, report(broken()))
    assert not_seen_last(ledger) == frozenset()
    unread = well(captures=(NOT_READ,), log=None, incidents=None, sightings=None)
    keep(ledger, report(unread, minutes=15))
    assert not_seen_last(ledger) >= {f.id for f in first.findings if f.rule == "SPI001"}
    other = replace(well(), device=Device(name="hub2", host="192.0.2.2"))
    keep(ledger, report(other, minutes=30))
    assert not_seen_last(ledger) == frozenset()  # nobody looked at hub1


def test_trouble_in_between_starts_the_count_anew(ledger):
    keep(ledger, report(broken()))
    keep(ledger, report(well(), minutes=15))
    keep(ledger, report(well(), minutes=30))
    keep(ledger, report(broken(), minutes=45))
    keep(ledger, report(well(), minutes=60))
    keep(ledger, report(well(), minutes=75))
    assert states(keep(ledger, report(well(), minutes=90))) == ["resolved 2"]


def test_history_gives_counters_and_rising_runs_and_past_spis(ledger):
    for run, delta in enumerate((None, 400, 500)):
        keep(ledger, report(replace(broken(), counters=(counter(packets=1000 + run, delta=delta),)), minutes=15 * run))
    past = history_of(ledger, "hub1")
    assert [(sample.packets, sample.at) for sample in past.counters] == [(1002, NOW + timedelta(minutes=30))]
    assert past.rising_runs == {"IN_US_V4_PKT_SA_NOT_FOUND_SPI": 2}
    assert [(address, str(spi)) for address, spi, _ in past.persistent_before] == [(FAR, "0x1DB73BBB")]
    assert history_of(ledger, "hub2").counters == ()


def test_a_run_whose_rise_is_noise_ends_the_row_of_rising_runs(ledger):
    """Three packets of one rekey in a quarter of an hour are 12 an hour at most; the noise is 10."""
    for run, (delta, rising) in enumerate(((400, 1), (500, 2), (2, 0), (400, 1), (3, 2), (0, 0))):
        made = replace(broken(), counters=(counter(packets=1000 + run, delta=delta),))
        keep(ledger, report(made, minutes=15 * run))
        assert history_of(ledger, "hub1").rising_runs == {"IN_US_V4_PKT_SA_NOT_FOUND_SPI": rising}, run


def test_filters_and_kept_snapshots(ledger):
    made = keep(ledger, report(replace(broken(), blind_spots=(blind(),))))
    assert {entry.finding.rule for entry in entries(ledger, device="hub1")} >= {"SPI001"}
    assert list(entries(ledger, device="hub9")) == []
    assert [entry.finding.rule for entry in entries(ledger, rule="SPI001", state="open")] == ["SPI001"]
    kept = Snapshot(
        device=Device(name="hub1", host="192.0.2.1"),
        captures=(Capture(command="show clock", text="12:00\nö", taken_at=NOW),),
        hostname="hub1",
    )
    keep_snapshots(ledger, made.run.id, [("hub1", snapshot_blob(kept))])
    assert list(snapshots(ledger, made.run.id)) == [kept]


def test_old_runs_go_by_retention(ledger):
    keep(ledger, report(broken()))
    keep(ledger, report(broken(), minutes=60 * 24 * 100))
    (runs,) = ledger.connection.execute("SELECT count(*) FROM runs").fetchone()
    assert runs == 1


def test_the_ledger_is_private_and_a_broken_one_is_named(tmp_path):
    with open_ledger(tmp_path / "s"):
        pass
    assert (tmp_path / "s" / FILE).stat().st_mode & 0o777 == 0o600
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / FILE).write_bytes(b"not a database" * 100)
    with pytest.raises(StateError, match="ledger"), open_ledger(tmp_path / "bad"):
        pass


def test_a_second_run_is_refused_with_the_holders_pid(tmp_path):
    with run_lock(tmp_path), pytest.raises(LockedError, match=f"pid {os.getpid()}"), run_lock(tmp_path):
        pass
    with run_lock(tmp_path):
        pass


def test_a_killed_holder_leaves_no_stale_lock_and_a_whole_ledger(tmp_path):
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom collector.history import open_ledger, run_lock\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "with run_lock(folder), open_ledger(folder) as ledger:\n"
        "    ledger.connection.execute('BEGIN IMMEDIATE')\n"
        "    ledger.connection.execute(\"INSERT INTO runs VALUES ('x','sweep','a','b',0,0,0)\")\n"
        "    print('held', flush=True)\n    time.sleep(500)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockedError), run_lock(tmp_path):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with run_lock(tmp_path), open_ledger(tmp_path) as ledger:
        assert ledger.connection.execute("SELECT count(*) FROM runs").fetchone()[0] == 0
        assert ledger.connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_a_full_disk_leaves_what_stood_there(ledger):
    keep(ledger, report(broken()))
    (pages,) = ledger.connection.execute("PRAGMA page_count").fetchone()
    ledger.connection.execute(f"PRAGMA max_page_count = {pages}")
    many = [replace(broken(), device=Device(name=f"hub{n}", host="192.0.2.1")) for n in range(300)]
    with pytest.raises(StateError, match="untouched"):
        keep(ledger, report(*many, minutes=15))
    assert ledger.connection.execute("SELECT count(*) FROM runs").fetchone()[0] == 1


def test_a_run_and_its_captures_are_written_together_or_not_at_all(ledger):
    def written() -> None:
        with transaction(ledger):
            made = keep(ledger, report(broken()))
            keep_snapshots(ledger, made.run.id, ((str(1 // 0), b"") for _ in range(1)))

    with pytest.raises(ZeroDivisionError):
        written()
    for table in ("runs", "findings", "coverage", "snapshots"):
        assert ledger.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0


def test_sqlite_is_the_only_door(tmp_path):
    with open_ledger(tmp_path) as ledger:
        assert isinstance(ledger.connection, sqlite3.Connection)
        assert ledger.connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_nothing_grows_with_the_number_of_runs(ledger):
    def rows(table: str) -> int:
        (count,) = ledger.connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        return count

    blob = snapshot_blob(Snapshot(device=Device(name="hub1", host="192.0.2.1"), captures=()))
    counts = []
    for run in range(KEPT_COVERAGE + 12):
        made = keep(ledger, report(replace(broken(), counters=(counter(),)), minutes=15 * run))
        keep_snapshots(ledger, made.run.id, [("hub1", blob), ("other", blob)])
        counts.append(
            {table: rows(table) for table in ("coverage", "samples", "looks", "snapshots", "spis", "findings")}
        )
    assert counts[-1] == counts[KEPT_COVERAGE]
    assert counts[-1]["coverage"] == KEPT_COVERAGE
    assert counts[-1]["snapshots"] == 3  # the run that opened the finding, and the last one with both devices


def test_a_ledger_of_the_first_version_is_brought_up(tmp_path):
    with sqlite3.connect(tmp_path / FILE) as db:
        db.executescript(MIGRATIONS[0] + "PRAGMA user_version = 1;")
        db.execute("INSERT INTO runs VALUES ('a','sweep','x',?,0,1,0)", (NOW.isoformat(),))
        db.execute("INSERT INTO coverage VALUES ('a','hub1','complete',?,'[]')", (NOW.isoformat(),))
        db.execute("INSERT INTO coverage VALUES ('a','hub2','failed',?,'[]')", (NOW.isoformat(),))
        db.execute("INSERT INTO counters VALUES ('hub1','a','X',7,?,NULL,NULL,3)", (NOW.isoformat(),))
    db.close()
    with open_ledger(tmp_path) as ledger:
        past = history_of(ledger, "hub1")
        assert [(one.name, one.packets, one.at) for one in past.counters] == [("X", 7, NOW)]
        assert past.rising_runs == {"X": 1}
        assert last_visits(ledger) == {"hub1": NOW}


def test_a_scan_fills_no_disk_and_pushes_out_the_oldest_first(ledger, monkeypatch):
    monkeypatch.setattr("collector.history.past.KEPT_SIGHTINGS", 20)
    for run in range(5):
        keys = tuple(key(Spi(0x5000 + 10 * run + n), ages=(60 - n,)) for n in range(10))
        moved = tuple(
            replace(one, sightings=tuple(replace(s, at=s.at + timedelta(minutes=15 * run)) for s in one.sightings))
            for one in keys
        )
        keep(ledger, report(facts(incident(peer(), keys=moved)), minutes=15 * run))
    kept = {row["spi"] for row in ledger.connection.execute("SELECT spi FROM spis")}
    assert kept == set(range(0x5000 + 30, 0x5000 + 50))


def test_what_the_routers_said_does_not_double_the_file(ledger):
    def pages() -> int:
        (count,) = ledger.connection.execute("PRAGMA page_count").fetchone()
        return count

    blobs = [(f"r{number}", bytes([number]) * 20_000) for number in range(50)]
    keep(ledger, report(broken()))
    sizes = []
    for run in range(1, 5):
        made = keep(ledger, report(broken(), minutes=15 * run))
        keep_snapshots(ledger, made.run.id, blobs)
        sizes.append(pages())
    assert sizes[-1] < sizes[0] * 1.1


def test_a_finding_kept_as_text_by_an_earlier_version_is_read_and_written_anew(ledger):
    made = keep(ledger, report(broken()))
    finding = next(one for one in made.findings if one.rule == "SPI001")
    ledger.connection.execute(
        "UPDATE findings SET body = ?, path = 'as it was' WHERE id = ?", (finding_text(finding), finding.id)
    )
    found = entry_of(ledger, finding.id)
    assert found is not None
    assert (found[0].finding, found[1]) == (finding, "as it was")
    keep(ledger, report(broken(), minutes=15))
    found = entry_of(ledger, finding.id)
    assert found is not None
    assert (found[0].finding.state, found[1]) == ("ongoing", "as it was")


def test_a_ticket_goes_when_its_finding_is_forgotten(ledger):
    keep(ledger, report(broken()))
    db = ledger.connection
    old, new = NOW.isoformat(), (NOW + timedelta(days=100)).isoformat()
    (known,) = db.execute("SELECT id FROM findings WHERE rule = 'SPI001'").fetchone()
    rows = [("gone", "closed", old), ("late", "closed", new), ("open", "open", old), (known, "closed", old)]
    db.executemany("INSERT INTO tickets VALUES ('desk', ?, '7', ?, '', NULL, ?)", rows)
    keep(ledger, report(broken(), minutes=60 * 24 * 91))
    assert {row["finding"] for row in db.execute("SELECT finding FROM tickets")} == {"late", "open", known}
