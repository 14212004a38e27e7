"""Token bucket and breakers, on their own clock."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.collect.bucket import Bucket
from collector.collect.gate import PAUSE, SILENCES, Gate, Word
from collector.errors import ErrorCode


@given(st.floats(0.2, 50), st.lists(st.floats(0, 2), min_size=1, max_size=60))
def test_in_any_window_no_more_than_rate_and_one_seconds_worth(rate, steps):
    clock = [0.0]
    bucket = Bucket(rate, now=lambda: clock[0])
    taken = []
    for step in steps:
        clock[0] += step
        while bucket.take():
            taken.append(clock[0])
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            assert last - first + 1 <= rate * (taken[last] - taken[first]) + max(1.0, rate) + 1e-6


def test_reserving_spreads_a_burst():
    clock = [0.0]
    bucket = Bucket(5, now=lambda: clock[0])
    waits = [bucket.reserve() for _ in range(10)]
    assert waits[:5] == [0.0] * 5
    assert [round(wait, 6) for wait in waits[5:]] == [0.2, 0.4, 0.6, 0.8, 1.0]


def drive(gate, verdicts, workers=20):
    """Start as many as the gate lets, end them in the order of `verdicts`; how many logins were tried."""
    tried, running, verdicts = 0, [], list(verdicts)
    while verdicts or running:
        while verdicts and len(running) < workers and gate.word(0.0) is Word.GO:
            gate.begins()
            running.append((f"r{tried}", verdicts.pop(0)))
            tried += 1
        if not running:
            break
        name, verdict = running.pop(0)
        gate.ended(name, verdict, 0.0)
    return tried


def test_at_most_three_before_the_first_success():
    assert drive(Gate(), [ErrorCode.AUTH_REJECTED] * 100) == 3
    assert drive(Gate(canaries=1), [ErrorCode.AUTH_REJECTED] * 100) == 1
    unreachable = [ErrorCode.TIMEOUT_CONNECT] * 40
    assert drive(Gate(), unreachable + [ErrorCode.AUTH_REJECTED] * 100) == 43
    assert drive(Gate(), [None] * 100) == 100


def test_mid_run_at_most_three_and_those_in_flight():
    rng = random.Random(3)
    for _ in range(50):
        good = rng.randint(1, 30)
        tried = drive(Gate(), [None] * good + [ErrorCode.AUTH_REJECTED] * 200, workers=20)
        assert tried - good <= 3 + 20


@pytest.mark.parametrize("code", [ErrorCode.DEADLINE, ErrorCode.PASSWORD_CHANGE, ErrorCode.AUTH_METHOD])
def test_a_visit_that_may_have_ended_before_its_login_proves_no_password(code):
    """A silent router in a fleet with a short `timeout.device` must not open the gate to a wrong password."""
    gate = Gate()
    gate.begins()
    gate.ended("r0", code, 0.0)
    assert not gate.proven
    assert drive(Gate(), [ErrorCode.AUTH_REJECTED, code, ErrorCode.AUTH_REJECTED, code] * 50, workers=20) <= 3 + 3
    gate.begins()
    gate.ended("r1", code, 0.0, captured=True)
    assert gate.proven


def test_a_success_in_between_resets():
    gate = Gate()
    assert drive(gate, [None, ErrorCode.AUTH_REJECTED, ErrorCode.AUTH_REJECTED, None] * 20, workers=1) == 80
    assert gate.stopped == ""


def test_the_same_device_twice_is_one_rejection():
    gate = Gate()
    for _ in range(5):
        gate.begins()
        gate.ended("r1", ErrorCode.AUTH_REJECTED, 0.0)
    assert gate.stopped == ""


def test_silent_aaa_pauses_then_one_canary_then_stops():
    gate = Gate(proven=True)
    for number in range(SILENCES):
        gate.begins()
        gate.ended(f"r{number}", ErrorCode.AUTH_TIMEOUT, 10.0)
    assert gate.word(11.0) is Word.WAIT
    assert gate.word(10.0 + PAUSE) is Word.GO
    gate.begins()
    assert gate.word(10.0 + PAUSE) is Word.WAIT  # one canary
    gate.ended("r9", ErrorCode.AUTH_TIMEOUT, 10.0 + PAUSE + 15)
    assert gate.word(1e9) is Word.SKIP
    healed = Gate(proven=True, silent=SILENCES, paused_until=50.0)
    healed.begins()
    healed.ended("r9", None, 60.0)
    assert healed.word(61.0) is Word.GO
