"""`analyze --remember`: captures of any age, pasted in part, and what they may do to the ledger."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from printed import (
    CLOCK,
    CONFIG,
    DATAPATH,
    IPSEC,
    ISAKMP,
    LOG,
    NOW,
    PRIVILEGE,
    SPI,
    STATIC,
    VERSION,
    R,
    S,
    clock,
    config,
    datapath,
    flow,
    isakmp,
    line,
    log,
    other,
    snapshot,
    version,
)

from collector.cli import _run, handed, pipeline
from collector.cli.dated import AHEAD_OF_US, FORGOTTEN, KNOWN, MIXED, OLDER, UNDATED, Bounds, Refusal, Taken, dated
from collector.facts import build
from collector.history import (
    Wanted,
    entries,
    entry_of,
    far_ends_of,
    history_of,
    keep_snapshots,
    last_run,
    last_visits,
    not_seen_last,
    open_ledger,
    remember,
    run_lock,
    snapshots,
)
from collector.history.codec import snapshot_blob
from collector.history.ledger import FILE
from collector.history.runs import KEPT_COVERAGE
from collector.model import Capture, Level, Policy, Snapshot, Spi, Verdict, to_address
from collector.session import Trust
from collector.sinks.document import device_status
from collector.snapshot import read_paths, write

LEVEL = "Current privilege level is 15\n"
WEEK = timedelta(days=7)
MINUTE = timedelta(minutes=1)


def logged(at: datetime, *ages: float, oldest: float = 86400) -> str:
    """A log that has wrapped and reaches back `oldest` seconds, with INV_SPI lines of these ages."""
    return log(other(oldest, now=at), *(line(age, now=at) for age in ages), logged=500)


def whole(at: datetime, *ages: float, **changes: str) -> list[tuple[str, str]]:
    """All that a person should paste, clock first."""
    printed = {
        CLOCK: clock(at),
        LOG: logged(at, *ages),
        CONFIG: config(),
        VERSION: version(),
        ISAKMP: isakmp(),
        IPSEC: flow(),
        PRIVILEGE: LEVEL,
    }
    return [(command, text) for command, text in {**printed, **changes}.items() if text]


BROKEN = (100, 40)


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(tmp_path / "state") as opened:
        yield opened


@pytest.fixture
def desk(ledger, tmp_path, capsys):
    return Desk(ledger, tmp_path, capsys)


class Desk:
    """A ledger, sweeps that fill it, and captures that are handed over beside."""

    def __init__(self, ledger, folder, capsys):
        self.ledger = ledger
        self.folder = folder
        self.capsys = capsys

    def paste(self, printed, name: str = "hub", file: str = "hub.txt") -> str:
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{name}#{command}\n{text}" for command, text in printed) + f"{name}#\n")
        return str(path)

    def saved(self, printed, at: datetime, name: str = "hub", folder: str = "archive") -> str:
        write(replace(snapshot(*printed, name=name, at=at), started_at=at, finished_at=at), self.folder / folder)
        return str(self.folder / folder)

    def sweep(self, printed, at: datetime, name: str = "hub"):
        """A visit as a sweep remembers it."""
        seen = snapshot(*printed, name=name, at=at)
        made = pipeline.conclude([build(seen, Policy(), history_of(self.ledger, name))], mode="sweep", started_at=at)
        made = replace(made, run=replace(made.run, started_at=at, finished_at=at + timedelta(seconds=5)))
        made = remember(self.ledger, made, exit_code=0, status_of=device_status)
        keep_snapshots(self.ledger, made.run.id, [(name, snapshot_blob(seen))])
        return made

    def hand(self, *paths: str, now: datetime = NOW + timedelta(days=1), policy: Policy = Policy()):
        """(report, exit code, what stderr said) of `analyze PATHS --remember`."""
        self.capsys.readouterr()
        report, code = handed.judged(read_paths(paths), policy, self.ledger, fail_on=Level.ERROR, started_at=now)
        return report, code, self.capsys.readouterr().err

    def dump(self) -> list[str]:
        return list(self.ledger.connection.iterdump())

    def rows(self, query: str) -> list[tuple]:
        return [tuple(row) for row in self.ledger.connection.execute(query)]

    def states(self) -> dict[str, str]:
        return {entry.finding.rule: entry.finding.state for entry in entries(self.ledger, device="hub")}

    def tunnel(self):
        """The entry of the tunnel's one finding."""
        (found,) = (e for e in entries(self.ledger, device="hub") if e.finding.rule in {"SPI001", "SPI002", "SPI005"})
        return found


# -- when captures were taken -----------------------------------------------------------------------------------------


def of_paste(*parts: tuple[str, str, str]) -> Snapshot:
    """A paste from (file, command, text)."""
    captures = tuple(Capture(command=command, text=text, source=file) for file, command, text in parts)
    return replace(snapshot(name="hub", at=None, origin="paste"), captures=captures)


def date(seen: Snapshot, look: datetime | None = None, now: datetime = NOW + timedelta(hours=1)):
    return dated(seen, Bounds(now=now, retention=timedelta(days=90)), look)


@pytest.mark.parametrize("zone", ["UTC", "CET", "EST"])
def test_a_paste_is_dated_by_its_clock_in_the_time_that_all_share(zone):
    ahead = {"UTC": 0, "CET": 1, "EST": -5}[zone]
    found = date(of_paste(("a", CLOCK, clock(NOW + timedelta(hours=ahead), zone)), ("a", LOG, logged(NOW))))
    assert found == Taken(first=NOW, last=NOW)


@pytest.mark.parametrize(
    ("parts", "kind", "words"),
    [
        ([("a", LOG, logged(NOW))], UNDATED, "`show logging` of a has no `show clock` before it"),
        ([("a", IPSEC, flow()), ("a", CLOCK, clock())], UNDATED, "`show crypto ipsec sa` of a has no `show clock`"),
        ([("a", CONFIG, config())], UNDATED, "`show running-config` of a has no"),
        ([("a", CLOCK, clock()), ("b", ISAKMP, isakmp())], UNDATED, "of b has no `show clock`"),
        ([("a", CLOCK, clock()), ("b", CONFIG, config())], UNDATED, "of b has no `show clock`"),
        ([("a", CLOCK, clock(mark="*"))], UNDATED, "no time server"),
        ([("a", CLOCK, clock(mark="."))], UNDATED, "no time server"),
        ([("a", CLOCK, clock(zone="CST"))], UNDATED, "zone CST"),
        ([("a", CLOCK, "12:00\n")], UNDATED, "was not read whole"),
        ([], UNDATED, "nothing of it was read"),
        ([("a", CLOCK, clock()), ("b", CLOCK, clock(NOW - MINUTE))], MIXED, "not in the order of time"),
        (
            [("a", CLOCK, clock(NOW - timedelta(hours=3))), ("a", CLOCK, clock())],
            MIXED,
            "from 2026-03-09 09:00:00 UTC to",
        ),
        ([("a", CLOCK, clock(NOW + timedelta(hours=2)))], AHEAD_OF_US, "captures of 2026-03-09 14:00:00 UTC"),
        ([("a", CLOCK, clock(NOW - timedelta(days=91)))], FORGOTTEN, "it keeps 90 days"),
    ],
)
def test_what_has_no_time_that_can_be_trusted_is_refused(parts, kind, words):
    found = date(of_paste(*parts))
    assert isinstance(found, Refusal)
    assert found.kind == kind
    assert words in found.detail


def test_what_stands_still_may_come_before_the_clock_of_its_file():
    parts = [("a", PRIVILEGE, LEVEL), ("a", VERSION, version()), ("a", CONFIG, config()), ("a", CLOCK, clock())]
    assert date(of_paste(*parts, ("a", LOG, logged(NOW)))) == Taken(first=NOW, last=NOW)


def test_a_saved_visit_bears_the_collectors_time_and_nothing_else_may_stand_beside_it():
    visit = snapshot((CLOCK, clock(mark="*")), (LOG, logged(NOW)), at=NOW, step=3)
    assert date(visit) == Taken(first=NOW, last=NOW + timedelta(seconds=3))
    beside = replace(visit, captures=(*visit.captures, Capture(command=IPSEC, text=flow(), source="b.txt")))
    found = date(beside)
    assert isinstance(found, Refusal)
    assert (found.kind, found.detail) == (UNDATED, f"`{IPSEC}` of b.txt beside a saved visit")


@pytest.mark.parametrize(
    ("look", "kind"),
    [
        (NOW - MINUTE, None),
        (NOW + timedelta(seconds=3), KNOWN),
        (NOW, OLDER),  # begun before the ledger's look, and ended after it
        (NOW + MINUTE, OLDER),
    ],
)
def test_only_what_is_newer_than_the_ledgers_look_is_taken(look, kind):
    found = date(snapshot((CLOCK, clock()), (LOG, logged(NOW)), at=NOW, step=3), look)
    assert (found.kind if isinstance(found, Refusal) else None) == kind


# -- newer captures ---------------------------------------------------------------------------------------------------


def test_a_paste_is_remembered_under_its_own_time_and_once(desk):
    path = desk.paste(whole(NOW, *BROKEN))
    report, code, err = desk.hand(path)
    assert (code, err) == (1, "")
    assert [f.state for f in report.findings if f.rule == "SPI001"] == ["new"]
    assert report.run.started_at == NOW + timedelta(days=1)  # the report is of today
    assert desk.rows("SELECT mode, started_at, finished_at, exit_code, devices FROM runs") == [
        ("analyze", NOW.isoformat(), NOW.isoformat(), 1, 1)
    ]
    assert last_visits(desk.ledger) == {"hub": NOW}
    found = desk.tunnel()
    assert found.finding.last_seen == NOW - timedelta(seconds=40)
    path_text = entry_of(desk.ledger, found.finding.id)
    assert path_text is not None
    assert "SPI001" in path_text[1]
    before = desk.dump()
    report, code, err = desk.hand(path)
    assert code == 1
    assert err == "not remembered, in the ledger already: hub (captures of 2026-03-09 12:00:00 UTC)\n"
    assert desk.dump() == before
    later = desk.paste(whole(NOW + 15 * MINUTE, *BROKEN))
    report, _, _ = desk.hand(later)
    assert [(f.state, f.runs_seen) for f in report.findings if f.rule == "SPI001"] == [("ongoing", 2)]


def test_captures_go_on_where_a_sweep_left_off_and_close_by_its_rules(desk):
    desk.sweep(whole(NOW, *BROKEN), NOW)
    for run in (1, 2, 3):
        at = NOW + run * 15 * MINUTE
        report, code, err = desk.hand(desk.paste(whole(at)))
        assert err == ""
    assert [(f.rule, f.state) for f in report.findings if f.rule == "SPI001"] == [("SPI001", "resolved")]
    assert code == 0
    assert desk.tunnel().resolved_at == at
    report, _, _ = desk.hand(desk.paste(whole(NOW + 60 * MINUTE, *BROKEN)))
    assert [f.state for f in report.findings if f.rule == "SPI001"] == ["reopened"]


def test_a_saved_visit_counts_as_the_visit_that_it_was(desk, tmp_path):
    xe = {CONFIG: config(), DATAPATH: datapath(500)}
    desk.sweep(whole(NOW, **{DATAPATH: datapath(100)}), NOW)
    desk.hand(desk.saved(whole(NOW + 15 * MINUTE, **xe), NOW + 15 * MINUTE))
    past = history_of(desk.ledger, "hub")
    assert {(one.packets, one.at) for one in past.counters if one.packets} == {(500, NOW + 15 * MINUTE)}
    assert past.rising_runs["IN_US_V4_PKT_SA_NOT_FOUND_SPI"] == 1  # the rise since the sweep, by the ledger's sample
    assert past.log is not None
    assert past.log.at == NOW + 15 * MINUTE


# -- old captures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ages", [(), BROKEN])
@pytest.mark.parametrize("kind", ["paste", "saved"])
def test_captures_of_last_week_change_nothing(desk, kind, ages):
    desk.sweep(whole(NOW, *BROKEN, **{IPSEC: flow(outbound=[(0x77, 3000)])}), NOW)
    before = desk.dump()
    at = NOW - WEEK
    printed = whole(at, *ages, **{IPSEC: flow(outbound=[(0x99, 3000)])})
    path = desk.paste(printed) if kind == "paste" else desk.saved(printed, at)
    report, code, err = desk.hand(path)
    assert err == (
        "not remembered, older than what the ledger knows: hub (captures of 2026-03-02 12:00:00 UTC, the ledger has "
        "2026-03-09 12:00:00 UTC)\n"
    )
    assert desk.dump() == before
    plain = pipeline.report_of(read_paths([path]), Policy(), mode="analyze", started_at=NOW)
    assert (report.findings, code) == (plain.findings, pipeline.exit_code(plain, Level.ERROR))


def test_an_old_capture_reopens_nothing_that_was_resolved_since(desk):
    desk.sweep(whole(NOW, *BROKEN), NOW)
    for run in (1, 2, 3):
        desk.sweep(whole(NOW + run * 15 * MINUTE), NOW + run * 15 * MINUTE)
    assert desk.tunnel().finding.state == "resolved"
    before = desk.dump()
    _, code, err = desk.hand(desk.paste(whole(NOW + 5 * MINUTE, *BROKEN)))
    assert OLDER in err
    assert code == 1
    assert desk.dump() == before


def test_of_a_folder_only_the_routers_with_newer_captures_are_remembered(desk):
    desk.sweep(whole(NOW), NOW)
    desk.sweep(whole(NOW, *BROKEN), NOW, name="left-out")
    note = [entry.note for entry in entries(desk.ledger, device="left-out")]
    desk.paste(whole(NOW - WEEK, *BROKEN), file="fleet/hub.txt")
    for name in ("young", "never-seen"):
        desk.paste(whole(NOW + MINUTE, *BROKEN), name=name, file=f"fleet/{name}.txt")
    desk.paste(whole(NOW, **{CLOCK: ""}), name="undated", file="fleet/undated.txt")
    report, code, err = desk.hand(str(desk.folder / "fleet"))
    assert code == 1
    old, undated = sorted(err.splitlines(), reverse=True)
    assert old.startswith("not remembered, older than what the ledger knows: hub (captures of 2026-03-02 12:00:00 UTC")
    assert undated == (
        f"not remembered, no time of their own: undated (`show logging` of {desk.folder}/fleet/undated.txt has no "
        "`show clock` before it: paste that first)"
    )
    assert {device.device.name for device in report.devices} == {"hub", "young", "never-seen", "undated"}
    assert set(last_visits(desk.ledger)) == {"hub", "left-out", "young", "never-seen"}
    assert desk.rows("SELECT devices FROM runs WHERE mode = 'analyze'") == [(2,)]
    assert desk.states().get("SPI001") is None
    assert [entry.note for entry in entries(desk.ledger, device="left-out")] == note  # nobody spoke of it


def test_many_refused_devices_are_one_line(desk):
    for number in range(12):
        desk.paste(whole(NOW, **{CLOCK: ""}), name=f"r{number:02d}", file=f"fleet/r{number:02d}.txt")
    _, _, err = desk.hand(str(desk.folder / "fleet"))
    assert len(err.splitlines()) == 1
    assert err.endswith(" and 4 more\n")
    assert desk.rows("SELECT count(*) FROM runs") == [(0,)]


# -- a paste of one command -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "part",
    [
        [ISAKMP],
        [VERSION],
        [CONFIG],
        [IPSEC, ISAKMP],
        [],
    ],
)
def test_what_was_not_looked_at_closes_nothing(desk, part):
    desk.sweep(
        whole(NOW, *BROKEN, **{LOG: logged(NOW, *BROKEN).replace("(0 messages dropped", "(900 messages dropped")}), NOW
    )
    open_ = {rule for rule, state in desk.states().items() if state != "resolved"}
    assert {"SPI001", "SPI012", "SPI015"} <= open_
    for run in range(1, 6):
        at = NOW + run * 15 * MINUTE
        printed = [(command, text) for command, text in whole(at) if command in {CLOCK, *part}]
        _, _, err = desk.hand(desk.paste(printed))
        assert err == ""
    assert {rule for rule, state in desk.states().items() if state != "resolved"} == open_
    assert desk.tunnel().clean_runs == 0
    assert len(desk.rows("SELECT 1 FROM runs WHERE mode = 'analyze'")) == 5


def test_a_paste_without_the_log_does_not_spare_the_next_run_the_time_before_it(desk):
    """The sweeps' log reaches back to the paste only: of the quarter of an hour before that nobody knows."""
    desk.sweep(whole(NOW, *BROKEN), NOW)
    at = NOW + 14 * MINUTE
    desk.hand(desk.paste([(CLOCK, clock(at)), (ISAKMP, isakmp())]))
    assert last_visits(desk.ledger) == {"hub": at}
    later = NOW + 15 * MINUTE
    desk.sweep(whole(later, **{LOG: logged(later, oldest=120)}), later)
    assert desk.tunnel().clean_runs == 0
    assert "does not reach back" in desk.tunnel().note
    desk.sweep(whole(later + MINUTE), later + MINUTE)
    assert desk.tunnel().clean_runs == 1


def test_an_unknown_of_a_paste_in_part_takes_no_verdict_away(desk):
    desk.sweep(whole(NOW, *BROKEN), NOW)
    before = desk.tunnel()
    path = entry_of(desk.ledger, before.finding.id)
    at = NOW + 15 * MINUTE
    report, _, _ = desk.hand(desk.paste([(CLOCK, clock(at)), (LOG, logged(at, *BROKEN))]))
    assert [(f.verdict, f.state, f.runs_seen) for f in report.findings if f.id == before.finding.id] == [
        (Verdict.UNKNOWN, "ongoing", 2)
    ]
    after = desk.tunnel()
    assert (after.finding.rule, after.finding.verdict) == ("SPI001", Verdict.FAIL)
    assert after.finding.actions == before.finding.actions
    assert after.finding.last_seen == at - timedelta(seconds=40)
    found = entry_of(desk.ledger, before.finding.id)
    assert path is not None
    assert found is not None
    assert found[1] == path[1]
    later = at + 15 * MINUTE
    desk.hand(desk.paste(whole(later, *BROKEN, **{ISAKMP: isakmp((R, S, "QM_IDLE", "ACTIVE"))})))  # the whole picture
    (entry,) = (one for one in entries(desk.ledger, device="hub") if one.finding.id == before.finding.id)
    assert (entry.finding.rule, entry.finding.actions) != ("SPI001", before.finding.actions)


def test_a_log_that_was_gathered_from_between_the_answers_proves_no_silence(desk):
    desk.sweep(whole(NOW, *BROKEN), NOW)
    at = NOW + 15 * MINUTE
    stray = f"*{other(60, now=at)}\n"
    printed = [(CLOCK, clock(at)), ("show users", stray), *whole(at, **{CLOCK: "", LOG: ""})]
    desk.hand(desk.paste(printed))
    assert desk.tunnel().clean_runs == 0
    assert desk.rows("SELECT log_at FROM looks") == [(NOW.isoformat(),)]


def test_counters_that_sweeps_read_and_a_paste_did_not_are_not_flat(desk):
    desk.sweep(whole(NOW, *BROKEN, **{DATAPATH: datapath(100)}), NOW)
    kept = desk.rows("SELECT * FROM samples"), desk.rows("SELECT * FROM log_losses")
    for run in range(1, 5):
        desk.hand(desk.paste(whole(NOW + run * 15 * MINUTE)))
    assert desk.tunnel().finding.state == "ongoing" or desk.tunnel().finding.state == "new"
    assert "drop counters" in desk.tunnel().note
    for run in range(5, 9):
        desk.hand(desk.paste(whole(NOW + run * 15 * MINUTE, **{DATAPATH: datapath(100)})))
    assert "no earlier sample" in desk.tunnel().note  # a paste is not compared
    assert (desk.rows("SELECT * FROM samples"), desk.rows("SELECT * FROM log_losses")) == kept
    for run in (9, 10, 11):
        at = NOW + run * 15 * MINUTE
        desk.sweep(whole(at, **{DATAPATH: datapath(100)}), at)
    assert desk.tunnel().finding.state == "resolved"


def test_drops_that_only_a_counter_told_of_need_the_counter(desk):
    asr = {VERSION: version("15.4(3)S1", hardware="ASR1001")}
    desk.sweep(whole(NOW, **asr, **{DATAPATH: datapath(100)}), NOW)
    desk.sweep(whole(NOW + 15 * MINUTE, **asr, **{DATAPATH: datapath(9000)}), NOW + 15 * MINUTE)
    assert desk.states()["SPI007"] in {"new", "ongoing"}
    desk.ledger.connection.execute("DELETE FROM samples")
    for run in range(2, 7):
        desk.hand(desk.paste(whole(NOW + run * 15 * MINUTE, **asr)))
    assert desk.states()["SPI007"] in {"new", "ongoing"}


def test_what_was_hidden_and_not_looked_at_again_stays_hidden(desk):
    desk.sweep(whole(NOW, **{IPSEC: "Command authorization failed.\n"}), NOW)
    assert desk.states()["SPI015"] == "new"
    for run in range(1, 5):
        desk.hand(desk.paste(whole(NOW + run * 15 * MINUTE, **{IPSEC: ""})))
    assert desk.states()["SPI015"] == "new"
    for run in range(5, 8):
        desk.hand(desk.paste(whole(NOW + run * 15 * MINUTE)))
    assert desk.states()["SPI015"] == "resolved"


# -- pictures ---------------------------------------------------------------------------------------------------------


def picture(ledger):
    (end,) = far_ends_of(ledger, Wanted(sources=frozenset({to_address(R)}), spis=frozenset({Spi(SPI)})))
    return end


def test_a_picture_is_as_old_as_its_capture(desk):
    early = [(CLOCK, clock(NOW)), (IPSEC, flow(outbound=[(SPI, 3000)])), (CONFIG, config())]
    late = [(CLOCK, clock(NOW + 90 * MINUTE)), (ISAKMP, isakmp())]
    desk.hand(desk.paste([*early, *late]))
    assert picture(desk.ledger).flows_at == NOW
    assert last_visits(desk.ledger) == {"hub": NOW + 90 * MINUTE}


def test_a_picture_of_sas_that_nobody_can_date_is_none(desk):
    """Whatever lets such captures in: `dated` refuses them before."""
    seen = build(snapshot((IPSEC, flow(outbound=[(SPI, 3000)])), (CLOCK, clock()), at=None, origin="paste"), Policy())
    made = pipeline.conclude([seen], mode="analyze", started_at=NOW, now=lambda: NOW)
    remember(desk.ledger, made, exit_code=0, status_of=device_status)
    assert desk.rows("SELECT sas, sas_taken_at FROM far_ends") == [(None, None)]


def test_last_weeks_picture_takes_no_newer_ones_place(desk):
    desk.sweep(whole(NOW, **{IPSEC: flow(outbound=[(SPI, 3000)])}), NOW)
    desk.hand(desk.paste(whole(NOW - WEEK, **{IPSEC: flow(outbound=[(0x77, 3000)])})))
    end = picture(desk.ledger)
    assert (end.flows_at, [sa.spi for one in end.flows for sa in one.outbound]) == (NOW, [Spi(SPI)])


# -- what else the ledger is for --------------------------------------------------------------------------------------


def test_the_last_run_stays_the_one_that_visited_routers(desk):
    swept = desk.sweep(whole(NOW), NOW).run.id
    desk.hand(desk.paste(whole(NOW + MINUTE, *BROKEN), name="other"))
    assert last_run(desk.ledger)["id"] == swept
    assert [one.device.name for one in snapshots(desk.ledger, swept)] == ["hub"]
    kept = {name for (name,) in desk.rows("SELECT device FROM snapshots")}
    assert kept == {"hub", "other"}  # that of an open finding
    desk.hand(desk.paste(whole(NOW + 2 * MINUTE, **{IPSEC: "", CONFIG: "", ISAKMP: ""}), name="third"))
    assert [device for (device,) in desk.rows("SELECT device FROM snapshots ORDER BY 1")] == ["hub", "other"]


def test_a_ledger_of_captures_alone_has_a_last_run_too(desk):
    desk.hand(desk.paste(whole(NOW, *BROKEN)))
    run = last_run(desk.ledger)
    assert run["mode"] == "analyze"
    assert [one.device.name for one in snapshots(desk.ledger, run["id"])] == ["hub"]


def test_an_old_look_opens_no_ticket_and_a_young_one_does(desk):
    desk.sweep(whole(NOW), NOW, name="elsewhere")
    desk.hand(desk.paste(whole(NOW + MINUTE, *BROKEN)))
    identity = desk.tunnel().finding.id
    assert desk.tunnel().finding.verdict is Verdict.FAIL
    assert identity not in not_seen_last(desk.ledger, since=NOW - timedelta(days=1))
    assert identity in not_seen_last(desk.ledger, since=NOW + timedelta(days=1))
    desk.sweep(whole(NOW + timedelta(days=2)), NOW + timedelta(days=2))  # it was visited since, and not seen
    assert identity in not_seen_last(desk.ledger, since=NOW)


def test_what_newer_captures_saw_was_seen(desk):
    desk.sweep(whole(NOW), NOW)
    desk.hand(desk.paste(whole(NOW + MINUTE, *BROKEN)))
    assert desk.tunnel().finding.id not in not_seen_last(desk.ledger, since=NOW)


def test_what_one_router_proves_gone_is_gone_since_its_own_captures(desk):
    desk.sweep(whole(NOW, *BROKEN), NOW)
    for run in (1, 2, 3):
        at = NOW + run * 15 * MINUTE
        desk.paste(whole(at), file="fleet/hub.txt")
        desk.paste(whole(at + 300 * MINUTE), name="young", file="fleet/young.txt")
        desk.hand(str(desk.folder / "fleet"))
    assert (desk.tunnel().finding.state, desk.tunnel().resolved_at) == ("resolved", at)


def test_a_young_finding_of_an_old_router_in_a_mixed_folder_opens_nothing(desk):
    desk.paste(whole(NOW - WEEK, *BROKEN), file="fleet/hub.txt")
    desk.paste(whole(NOW, *BROKEN), name="young", file="fleet/young.txt")
    desk.hand(str(desk.folder / "fleet"))
    unseen = not_seen_last(desk.ledger, since=NOW - timedelta(days=1))
    assert desk.tunnel().finding.id in unseen
    assert not unseen & {entry.finding.id for entry in entries(desk.ledger, device="young")}


def test_captures_push_no_visits_out_and_go_by_the_same_retention(desk):
    swept = desk.sweep(whole(NOW), NOW).run.id
    for number in range(KEPT_COVERAGE + 3):
        desk.hand(desk.paste(whole(NOW + number * MINUTE, **{LOG: "", CONFIG: "", IPSEC: "", ISAKMP: ""}), name="x"))
    assert desk.rows(f"SELECT device FROM coverage WHERE run_id = '{swept}'") == [("hub",)]
    assert desk.rows("SELECT count(*) FROM coverage") == [(1 + KEPT_COVERAGE,)]
    far = NOW + timedelta(days=91)
    desk.hand(desk.paste(whole(far)), now=far)
    assert desk.rows("SELECT mode, finished_at FROM runs") == [("analyze", far.isoformat())]


def test_keys_of_a_large_paste_are_masked_in_the_ledger_too(desk):
    secret = "Canary8Horse"
    body = STATIC + f"crypto isakmp key {secret} address {S}\n" + "! padding of a long configuration\n" * 40_000
    desk.hand(desk.paste(whole(NOW, *BROKEN, **{CONFIG: config(body)})))
    kept = next(snapshots(desk.ledger, last_run(desk.ledger)["id"]))
    texts = "".join(one.text for one in kept.captures)
    assert "crypto isakmp key" in texts
    assert secret not in texts


def test_a_paste_is_of_the_router_that_the_inventory_calls_otherwise(desk):
    """Two names for one router would be two far ends, and no join could tell them apart."""
    trust = Trust(desk.ledger.folder)
    trust.identify("hub.example.net", hostname="HUB", serial="FTX1")
    trust.identify("one", hostname="twin", serial=None)
    trust.identify("two", hostname="twin", serial=None)
    desk.sweep(whole(NOW, *BROKEN), NOW, name="hub.example.net")
    report, _, err = desk.hand(desk.paste(whole(NOW + 15 * MINUTE, *BROKEN)))
    assert err == ""
    assert {finding.device for finding in report.findings} == {"hub.example.net"}
    assert [f.state for f in report.findings if f.rule == "SPI001"] == ["ongoing"]
    desk.hand(desk.paste(whole(NOW), name="twin"))
    assert set(last_visits(desk.ledger)) == {"hub.example.net", "twin"}


# -- the verb ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def today():
    """Some minutes ago: the verb dates captures by the clock on the wall."""
    return (pipeline.now() - 10 * MINUTE).replace(microsecond=0)


def test_the_verb_remembers_only_when_told(desk, today, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SPI_STATE", str(tmp_path / "own"))
    path = desk.paste(whole(today, *BROKEN))
    assert _run(["analyze", path, "--format", "json"]) == 1
    assert [one["state"] for one in json.loads(capsys.readouterr().out)["findings"] if one["rule"] == "SPI001"] == [
        "new"
    ]
    assert not (tmp_path / "own").exists()
    assert _run(["analyze", path, "--format", "json", "--remember"]) == 1
    with open_ledger(tmp_path / "own") as ledger:
        assert last_visits(ledger) == {"hub": today}
    assert _run(["analyze", path, "--format", "json", "--remember"]) == 1
    assert re.search("not remembered, in the ledger already: hub", capsys.readouterr().err)


def test_the_verb_holds_the_lock_of_a_sweep(desk, today, tmp_path, capsys):
    path, state = desk.paste(whole(today)), tmp_path / "own"
    state.mkdir()
    with run_lock(state):
        assert _run(["analyze", path, "--remember", "--state", str(state)]) == 75
    assert "another run holds the lock" in capsys.readouterr().err
    assert not (state / FILE).exists()
    assert _run(["analyze", path, "--remember", "--state", str(state)]) == 0
    assert (state / FILE).stat().st_mode & 0o777 == 0o600
