"""Beyond the devices that stay in memory facts lie on disk: each is read once a pass, and there are three passes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from collector.cli import fleet, sweep
from collector.cli.spool import Spool
from collector.collect import Outcome
from collector.history import open_ledger
from collector.model import Device, Policy
from collector.sinks import FORMATS
from collector.sinks.document import covered
from collector.snapshot import read

CASES = Path(__file__).parent / "cases"
DEVICES = [Device(name=f"r{number}", host=f"198.51.100.{number}") for number in range(6)]


@pytest.fixture
def order(tmp_path):
    """A run over routers that all said the same, without a network."""
    said = read(next((CASES / "SPI001" / "pass_one_line_of_a_rekey").glob("*/snapshot.json")).parent)

    def visits(devices, _settings, on_snapshot, _on_progress):
        for device in devices:
            on_snapshot(replace(said, device=device))
        return Outcome(rows=len(devices), complete=len(devices), partial=0, failed=0, logins=0)

    (tmp_path / "spool").mkdir()
    return fleet.Order(
        devices=DEVICES, policy=Policy(), mode="sweep", spool=tmp_path / "spool", visits=visits, far_ends=False
    )


def test_the_ledger_and_the_document_take_one_pass_each(order, tmp_path, monkeypatch):
    reads = Counter()
    real = Spool.get

    def get(self, name):
        reads[name] += 1
        return real(self, name)

    with open_ledger(tmp_path / "state") as ledger:
        held, code = sweep.once(order, ledger, None)
    monkeypatch.setattr(Spool, "get", get)
    monkeypatch.setattr(fleet, "Spool", partial(Spool, held=0))
    (tmp_path / "spool2").mkdir()
    with open_ledger(tmp_path / "state2") as ledger:
        spooled, again = sweep.once(replace(order, spool=tmp_path / "spool2"), ledger, None)
        judged = Counter(reads)
        document = "".join(FORMATS["json"](spooled.report, version="1"))
    joined = 1  # an incident concerns each of them: both ends are joined once
    assert judged == Counter(dict.fromkeys((device.name for device in DEVICES), joined + 2))
    assert reads == Counter(dict.fromkeys((device.name for device in DEVICES), joined + 3))
    assert code == again
    assert len(list((tmp_path / "spool2").glob("*.facts"))) == 6
    run = replace(held.report, run=spooled.report.run)
    assert document == "".join(FORMATS["json"](run, version="1"))
    assert spooled.paths.keys() == {finding.id for finding in (*spooled.report.findings, *spooled.report.muted)}


def test_what_was_counted_in_passing_is_what_a_count_would_say(order):
    report = fleet.run(order).report
    assert report.counted is not None
    assert report.counted == covered(replace(report, counted=None))
    assert report.counted["devices"]["total"] == 6
