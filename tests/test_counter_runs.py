"""A pasted session as a visit every quarter of an hour, through the ledger: a counter that rises run after run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from test_sessions import ROOT

from collector.cli import pipeline
from collector.history import history_of, open_ledger, remember
from collector.model import Policy, Snapshot
from collector.sinks.document import device_status
from collector.snapshot import read_paths

FIRST = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
APART = timedelta(minutes=15)


def visited(run: int, packets: int) -> Snapshot:
    """The session of an IOS XE router whose counter rises and whose log is silent, as run number `run` saw it."""
    (paste,) = read_paths([str(ROOT / "c34_counter_without_line" / "x.txt")])
    at = FIRST + run * APART
    captures = tuple(
        replace(
            capture,
            taken_at=at + timedelta(seconds=place),
            text=capture.text.replace("64574", str(packets)).replace("12:00:00.123", f"{at:%H:%M:%S}.123"),
        )
        for place, capture in enumerate(paste.captures)
    )
    return replace(paste, captures=captures, origin="visit", started_at=at, finished_at=at + timedelta(minutes=1))


def levels(folder, packets, policy: Policy) -> list[str]:
    """Level and verdict of SPI007 in each run, "-" where it says nothing."""
    found = []
    with open_ledger(folder) as ledger:
        for run, value in enumerate(packets):
            at = FIRST + run * APART
            made = pipeline.report_of(
                [visited(run, value)],
                policy,
                mode="sweep",
                started_at=at,
                history_of=lambda device: history_of(ledger, device),
            )
            made = replace(made, run=replace(made.run, finished_at=at + timedelta(minutes=1)))
            kept = remember(ledger, made, exit_code=0, status_of=device_status, policy=policy)
            said = [f"{one.level} {one.verdict}" for one in kept.findings if one.rule == "SPI007"]
            found.append(said[0] if said else "-")
    return found


@pytest.mark.parametrize(
    ("runs", "packets", "expected"),
    [
        (3, (1000, 2000, 3000, 4000), ["warning fail", "warning fail", "warning fail", "error fail"]),
        (2, (1000, 2000, 3000), ["warning fail", "warning fail", "error fail"]),
        # flat in between: the count begins anew
        (2, (1000, 2000, 2000, 3000, 4000), ["warning fail", "warning fail", "-", "warning fail", "error fail"]),
        # cleared in between: no rise that would count, only what stands there since
        (2, (64574, 65574, 200, 1200, 2200), [*["warning fail"] * 4, "error fail"]),
    ],
)
def test_a_counter_that_rises_in_so_many_runs_is_an_error(tmp_path, runs, packets, expected):
    policy = Policy(thresholds=replace(Policy().thresholds, counter_runs=runs))
    assert levels(tmp_path / "state", packets, policy) == expected
