"""Messages that a log lost: compared with the last visit, through reloads and clears, and what a run then may prove."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from printed import CLOCK, CONFIG, LOG, NOW, VERSION, clock, codes, config, incident, line, log, other, version
from printed import facts as made_of
from printed import snapshot as printed

from collector import rules
from collector.cli import fleet
from collector.cli.sweep import once
from collector.collect import Outcome as Collected
from collector.facts import losses
from collector.history import entries, history_of, open_ledger
from collector.model import Device, Facts, History, Level, LogHeader, LogView, PastLog, Policy, State

LAST = NOW - timedelta(minutes=15)


def head(dropped: int | None = 0, limited: int = 0, overruns: int = 0, logged: int = 5000) -> LogHeader:
    return LogHeader(line=1, dropped=dropped, rate_limited=limited, overruns=overruns, messages_logged=logged)


def past(dropped: int = 0, limited: int = 0, *, at=LAST, until=None) -> PastLog:
    return PastLog(at=at, dropped=dropped, rate_limited=limited, overruns=0, lost_until=until)


UP = timedelta(days=43, minutes=6)  # "6 weeks, 1 day, 6 minutes"


@pytest.mark.parametrize(
    ("now", "then", "uptime", "found", "words"),
    [
        # fail: it grew
        (
            head(57),
            past(45),
            UP,
            (True, NOW),
            "57 log messages, 12 more than at the last visit (45 at 2026-03-09 11:45:00",
        ),
        (head(45, 3), past(45, 2), UP, (True, NOW), "1 more than at the last visit (47"),
        (head(2), past(0, until=LAST), UP, (True, NOW), "2 more"),
        # pass: it did not
        (head(45), past(45), UP, (False, None), "none since the last visit"),
        (head(0), past(0), UP, (False, None), "none since"),
        (head(45), past(45, until=LAST), UP, (False, LAST), "of which silence before 2026-03-09 11:45:00"),
        (head(3000), past(3000, until=LAST), UP, (False, LAST), "none since the last visit"),  # many, and long ago
        # a reload: from boot, as at first sight
        (head(57), past(45), timedelta(minutes=9), (False, None), "57 log messages since the count began anew"),
        (head(900), past(45), timedelta(minutes=9), (True, NOW), "900 log messages since the count began anew"),
        (head(3), past(45, until=LAST), timedelta(minutes=9), (False, None), "since the count began anew"),
        (
            head(60),
            past(45, at=NOW - timedelta(hours=3)),
            timedelta(hours=2),
            (False, None),
            "since the count began anew",
        ),
        # the count is lower, and no reload is known: what was lost before may still hide something in the buffer
        (head(3), past(45, until=LAST), UP, (False, LAST), "since the count began anew"),
        # not known: no uptime, no earlier visit, or one that is no earlier
        (head(57), past(45), None, (True, NOW), "12 more"),
        (head(45), past(45), None, (False, None), "none since"),
        (head(57), None, UP, (False, None), "57 log messages"),
        (head(900), None, UP, (True, NOW), "900 log messages"),
        (head(57), past(45, at=NOW + timedelta(minutes=1)), UP, (False, None), "57 log messages"),
        (head(None), past(0), UP, (False, None), "0 log messages"),
    ],
)
def test_the_count_beside_the_one_of_the_last_visit(now, then, uptime, found, words):
    lost = losses.of(now, past=then, taken_at=NOW, uptime=uptime)
    assert (lost.blind, lost.until) == found
    assert words in lost.text


def test_a_count_that_grows_within_a_visit_is_blind_whatever_the_last_one_said():
    found = losses.of(head(57), before=head(45), past=past(57), taken_at=NOW, uptime=UP)
    assert (found.blind, found.until) == (True, NOW)
    assert "goes on dropping: 12 within minutes" in found.text


def test_a_paste_without_times_is_not_compared():
    found = losses.of(head(57), past=past(45), uptime=UP)
    assert (found.blind, found.until, found.count) == (False, None, 57)


def seen(dropped: int, history: PastLog | None, *lines: str) -> Facts:
    text = log(*(lines or (other(7200), line(600), other(5))), dropped=dropped, logged=5000)
    captures = ((VERSION, version()), (CLOCK, clock()), (CONFIG, config()), (LOG, text))
    return made_of(*captures, history=History(log=history))


def judged(made: Facts, rule: str) -> tuple[str, str]:
    (found,) = (one for one in rules.judge(made) if one.rule == rule)
    return found.verdict.value, found.message


def test_growth_since_the_last_visit_makes_the_log_blind_with_its_figures():
    blind = seen(57, past(45))
    assert "log-dropped" in codes(blind, blocking=True)
    assert blind.log.covers is None
    assert incident(blind).state is State.INSUFFICIENT_DATA
    assert "57 log messages, 12 more than at the last visit (45 at" in incident(blind).why
    verdict, message = judged(blind, "SPI015")
    assert verdict == "fail"
    assert "12 more than at the last visit" in message


def test_the_same_count_is_a_remark_and_the_log_covers_what_it_holds():
    flat = seen(45, past(45))
    assert "log-dropped" in codes(flat, blocking=False)
    assert incident(flat).state is State.TRANSIENT
    assert flat.log.covers == timedelta(hours=2)
    assert "none since the last visit" not in judged(flat, "SPI015")[1]


def test_after_a_loss_only_what_came_later_proves_silence():
    early = seen(45, past(45, until=NOW - timedelta(minutes=5)))  # the line is 10 min old
    assert early.log.covers == timedelta(minutes=5)
    assert "log-buffer-wrapped" not in codes(early)
    assert incident(early).state is State.INSUFFICIENT_DATA
    assert "none since the last visit" in incident(early).why
    late = seen(45, past(45, until=NOW - timedelta(minutes=20)))
    assert late.log.covers == timedelta(minutes=20)
    assert incident(late).state is State.TRANSIENT
    assert late.log.lost_until == NOW - timedelta(minutes=20)


def test_without_an_earlier_visit_a_few_are_a_remark():
    assert incident(seen(45, None)).state is State.TRANSIENT


# -- through the ledger ---------------------------------------------------------------------------------------------


class Runs:
    """Runs of one inventory over minutes, as `sweep` makes them; what the routers say is given."""

    def __init__(self, folder) -> None:
        self.folder = folder

    def run(self, minutes: int, dropped: int, *lines: str, uptime: str | None = None, refused: bool = False):
        at = NOW + timedelta(minutes=minutes)
        text = log(other(7200, now=at), *lines, other(5, now=at), dropped=dropped, logged=5000)
        text = "% Invalid input detected at '^' marker.\n" if refused else text
        captures = (
            (VERSION, version(uptime=uptime or f"6 weeks, 1 day, {minutes + 6} minutes")),
            (CLOCK, clock(at)),
            (CONFIG, config()),
            (LOG, text),
        )
        said = printed(*captures, at=at)

        def visits(devices, _settings, keep, _show) -> Collected:
            for device in devices:
                keep(replace(said, device=device, started_at=at, finished_at=at))
            return Collected(rows=1, complete=1, partial=0, failed=0, logins=1)

        spool = self.folder / f"spool{minutes}"
        spool.mkdir(parents=True)
        with open_ledger(self.folder / "state") as ledger:
            order = fleet.Order(
                devices=(Device(name="hub", host="192.0.2.1"),),
                policy=Policy(),
                mode="sweep",
                spool=spool,
                state=self.folder / "state",
                visits=visits,
                now=lambda: at,
            )
            return once(order, ledger, Level.ERROR)[0].report

    def past(self) -> PastLog | None:
        with open_ledger(self.folder / "state") as ledger:
            return history_of(ledger, "hub").log

    def states(self, rule: str) -> list[str]:
        with open_ledger(self.folder / "state") as ledger:
            return [entry.finding.state for entry in entries(ledger, rule=rule)]


@pytest.fixture
def runs(tmp_path):
    return Runs(tmp_path)


def view(report) -> LogView:
    assert report.devices[0].log is not None
    return report.devices[0].log


def test_runs_remember_the_counts_and_compare_them(runs):
    assert view(runs.run(0, 45)).covers == timedelta(hours=2)
    assert (runs.past().dropped, runs.past().lost_until) == (45, None)
    grew = runs.run(15, 57)
    assert view(grew).covers is None
    told = [one for one in grew.findings if one.rule == "SPI015"]
    assert len(told) == 1
    assert "12 more than at the last visit (45 at 2026-03-09 12:00:00" in told[0].message
    assert runs.past().lost_until == NOW + timedelta(minutes=15)
    assert view(runs.run(30, 57)).covers == timedelta(minutes=15)
    assert view(runs.run(45, 57)).covers == timedelta(minutes=30)
    assert view(runs.run(60, 3, uptime="9 minutes")).covers == timedelta(hours=2)
    assert runs.past().lost_until is None


def test_no_hole_is_closed_while_the_log_loses_messages(runs):
    hole = [line(age, now=NOW) for age in (400, 300, 200, 100, 20)]
    assert any(one.rule.startswith("SPI00") for one in runs.run(0, 0, *hole).findings)
    rule = "SPI001"
    for number in range(1, 6):
        runs.run(15 * number, 10 * number)
    assert "resolved" not in runs.states(rule)
    for number in range(6, 10):
        runs.run(15 * number, 50)
    assert set(runs.states(rule)) == {"resolved"}


def test_a_run_that_could_not_read_the_log_leaves_the_counts(runs):
    runs.run(0, 45)
    assert runs.run(15, 99, refused=True).devices[0].log is None
    assert runs.past() == PastLog(at=NOW, dropped=45, rate_limited=0, overruns=0, missing=4998)
    assert view(runs.run(30, 45)).covers == timedelta(hours=2)


@pytest.mark.parametrize(("missing", "covered"), [(1, True), (0, False), (2, False), (None, False)])
def test_after_a_clear_silence_is_proven_from_the_last_visit_on_that_missed_as_many(missing, covered):
    """Three were logged, two stand: which one is missing nobody knows; as many at the last visit, and none since."""
    cleared = (LOG, log(line(1200), other(5), logged=3))
    made = made_of((CLOCK, clock()), (CONFIG, config()), cleared, history=History(log=replace(past(), missing=missing)))
    assert ("log-lines-missing" in codes(made, blocking=True)) is not covered
    assert made.log is not None
    assert made.log.missing == 1
    if covered:
        assert made.log.covers is not None
        assert timedelta(minutes=14) < made.log.covers <= timedelta(minutes=15, seconds=5)
        assert "as many as at the last visit" in " ".join(spot.message for spot in made.blind_spots)
    else:
        assert made.log.covers is None


def test_a_log_that_was_cleared_closes_what_was_over_before():
    """The line is older than the last look, and since then the log is whole: what it cannot tell of before is no matter."""
    from collector.history.proof import absence

    text = (LOG, log(line(1200), other(5), logged=3))
    made = made_of((CLOCK, clock()), (CONFIG, config()), text, history=History(log=replace(past(), missing=1)))
    assert incident(made).state is State.INSUFFICIENT_DATA
    broken = made_of((CLOCK, clock()), (CONFIG, config()), (LOG, log(line(80), line(10), logged=2)))
    (finding,) = (f for f in rules.to_findings(broken, rules.judge(broken)) if f.peer is not None and f.spis)
    assert absence(finding, made, looked_before=LAST).proven
    assert not absence(finding, made, looked_before=LAST - timedelta(minutes=6)).proven  # the line came since
