"""Mutation testing of rules and classifier, a sample of the mutants (all of them: `python tests/mutate.py rules`)."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

MUTATE = Path(__file__).parent / "mutate.py"


@pytest.mark.soak
@pytest.mark.parametrize(("room", "every", "share"), [("rules", 10, 0.9), ("config", 20, 0.8)])
def test_most_mutants_are_noticed(room, every, share):
    done = subprocess.run(
        [sys.executable, str(MUTATE), room, str(every)],
        capture_output=True,
        text=True,
        check=False,
        cwd=MUTATE.parent.parent,
    )
    score = re.search(r"(\d+) of (\d+) mutants killed", done.stdout)
    assert score, done.stderr
    killed, tried = map(int, score.groups())
    assert tried > 20
    assert killed >= share * tried, done.stdout
