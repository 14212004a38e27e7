"""What benchmarks/_ledger.py writes at once is what the runs would have left."""

from __future__ import annotations

import importlib.util
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from test_docs_tickets import TICKETS_PAGE, table

from collector.history import open_ledger
from collector.history.ledger import Ledger

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def fleet():
    spec = importlib.util.spec_from_file_location("_ledger", ROOT / "benchmarks" / "_ledger.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["_ledger"] = module
    spec.loader.exec_module(module)
    return module


def rows(ledger: Ledger) -> dict[str, list[tuple]]:
    db = ledger.connection
    names = [
        row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    ]
    return {name: sorted(map(repr, map(tuple, db.execute(f"SELECT * FROM {name}")))) for name in names}


def test_what_is_written_at_once_is_what_the_runs_leave(fleet, tmp_path):
    story = fleet.Story(devices=12, days=1, minutes=15, open=3, closed=12, rekeys=40, blob=200, seed=5)
    with open_ledger(tmp_path / "quick") as quick, open_ledger(tmp_path / "slow") as slow:
        fleet.filled(quick, story)
        fleet.lived(slow, story, 0, story.runs)
        ours, theirs = rows(quick), rows(slow)
    for name in theirs:
        assert ours[name] == theirs[name], name
    assert len(theirs["findings"]) == 15
    assert len(theirs["spis"]) == 55
    assert len(theirs["runs"]) == 96


def test_the_bytes_of_the_page_are_those_of_a_ledger(fleet, tmp_path):
    """A small one, so loosely: a table of few rows does not fill its pages."""
    story = fleet.Story(devices=300, days=2, open=30, closed=200, rekeys=600)
    with open_ledger(tmp_path) as ledger:
        fleet.filled(ledger, story)
        db = ledger.connection
        try:
            pages = db.execute(
                "SELECT s.tbl_name, sum(d.pgsize) FROM dbstat d JOIN sqlite_master s ON s.name = d.name GROUP BY 1"
            ).fetchall()
        except sqlite3.OperationalError:
            pytest.skip("this SQLite counts no bytes by table")
        told = {row[0].strip("`"): int(row[2].replace(",", "")) for row in table(TICKETS_PAGE, "bytes")}
        seen = set()
        for name, size in pages:
            (count,) = db.execute(f"SELECT count(*) FROM {name}").fetchone()
            if size > 60_000:
                seen.add(name)
                assert told[name] / 1.6 < size / count < told[name] * 1.6, (name, size / count, told[name])
    assert seen >= {"snapshots", "findings", "coverage", "spis", "far_ends"}


def test_findings_loads_nothing_of_what_a_sweep_needs(tmp_path):
    """Half of the second that a large ledger may take would go into it."""
    program = (
        "import sys\nfrom collector.cli import _run\n"
        f"assert _run(['findings', '--state', {str(tmp_path)!r}]) == 0\n"
        "print([m for m in ('yaml', 'textfsm', 'jinja2', 'urllib3', 'collector.facts', 'collector.config',"
        " 'collector.commands', 'collector.inventory', 'collector.session') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
