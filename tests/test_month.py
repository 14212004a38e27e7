"""A simulated month (`make soak`) and two days of it: what the tracker was told, against the truth."""

from __future__ import annotations

import sys
from datetime import timedelta

import pytest
from month import network, script
from month.__main__ import EPOCH, live

KINDS = {
    "busy log",
    "clock off",
    "counters cleared",
    "log cleared",
    "maintenance",
    "no run",
    "rekey with one late packet",
    "reload",
    "scan",
    "storm of rekeys",
    "tracker away",
    "unknown source",
    "unreachable",
}
SHORT = {"days": 2, "runs": 120, "seed": 10, "density": 4, "only": network.SMALL}


@pytest.mark.timeout(600)  # some eight seconds of one idle core
def test_two_days_with_every_kind_of_event():
    written, _, verdict, table = live(**SHORT)
    assert set(written.counts) >= KINDS, KINDS - set(written.counts)
    assert verdict.due >= 5, table
    assert verdict.sound, table
    assert (verdict.recall, verdict.precision) == (1.0, 1.0), table


def test_a_script_is_the_same_twice_and_another_with_another_seed():
    def written(seed):
        return script.write(network.build(EPOCH, seed=seed), EPOCH + timedelta(days=3), seed=seed)

    assert written(1).network == written(1).network
    assert written(1).holes != written(2).holes


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_month():
    _, _, verdict, table = live(told=True)
    sys.stdout.write(table)
    assert verdict.sound, table
