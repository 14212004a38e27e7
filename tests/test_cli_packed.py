"""Records on disk: what comes back is what went in."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from collector import facts as facts_room
from collector.cli.packed import pack, unpack
from collector.model import Policy
from collector.snapshot import read_paths

CASES = sorted((Path(__file__).parent / "cases").glob("*/*"))


@pytest.mark.parametrize("case", CASES[::6], ids=lambda case: case.name)
def test_facts_come_back_whole(case):
    facts = facts_room.settle([facts_room.build(snapshot, Policy()) for snapshot in read_paths([str(case)])])
    for one in facts:
        again = unpack(pack(one))
        assert again == one
        assert repr(again) == repr(one)
        assert type(again) is type(one)


def test_it_asks_no_record_for_its_fields():
    data = pack(Policy())
    assert b"_rebuilt" in data
    assert pickle.loads(data) == Policy()
