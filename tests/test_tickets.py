"""One tunnel, one ticket: the plan as a table, the outbox, and a real Roundup on loopback."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from servers import roundup

from collector.cli import _run
from collector.history import Entry, open_ledger, tickets
from collector.history.findings import write as write_finding
from collector.history.ledger import transaction
from collector.history.tickets import Act, Limits, Ticket
from collector.model import Action, Evidence, Finding, Level, Verdict

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def finding(number: int = 1, **changes) -> Finding:
    base = Finding(
        id=f"{number:016x}",
        rule="SPI002",
        level=Level.ERROR,
        verdict=Verdict.FAIL,
        device="hub1",
        peer=ip_address(f"198.51.100.{number}"),
        title="A black-holed tunnel",
        message="hub1 drops what 198.51.100.1 sends",
        why="two lines",
        evidence=(Evidence(device="hub1", command="show logging", line=3, text="%CRYPTO-4-RECVD_PKT_INV_SPI: <b>&"),),
        actions=(Action(on="br1", side="sender", commands=("clear crypto sa peer 192.0.2.1",)),),
        references=("Cisco TAC 115801",),
        first_seen=NOW - timedelta(minutes=5),
        last_seen=NOW,
    )
    return replace(base, **changes)


def entry(number: int = 1, **changes) -> Entry:
    return Entry(finding=finding(number, **changes))


def ticket(number: int = 1, state: str = "open", digest: str | None = None, **changes) -> Ticket:
    same = tickets.digest_of(finding(number))
    return Ticket(finding=f"{number:016x}", reference="7", state=state, digest=digest or same, **changes)


@pytest.mark.parametrize(
    ("stored", "known", "act"),
    [
        (entry(), None, Act.CREATE),
        (entry(), ticket(), Act.NOTHING),
        (entry(state="ongoing", runs_seen=20), ticket(), Act.NOTHING),
        (entry(rule="SPI004"), ticket(), Act.UPDATE),
        (entry(state="resolved"), ticket(), Act.CLOSE),
        (entry(state="resolved"), ticket(state="closed"), Act.NOTHING),
        (entry(state="resolved"), None, Act.NOTHING),
        (entry(state="reopened"), ticket(state="closed"), Act.REOPEN),
        (entry(verdict=Verdict.UNKNOWN, level=Level.WARNING), None, Act.NOTHING),
        (entry(verdict=Verdict.UNKNOWN, level=Level.WARNING), ticket(), Act.NOTHING),
        (entry(verdict=Verdict.UNKNOWN, state="reopened"), ticket(state="closed"), Act.NOTHING),
        (entry(level=Level.WARNING), None, Act.NOTHING),
        (entry(), ticket(parent="feedfeedfeedfeed"), Act.NOTHING),
    ],
)
def test_the_plan_of_one_finding(stored, known, act):
    (step,) = tickets.plan([stored], {known.finding: known} if known else {}, Limits(cap=99))
    assert step.act is act, step.why


def test_a_muted_finding_opens_no_ticket_but_its_resolution_closes_one():
    muted = frozenset({finding().id})
    assert tickets.plan([entry()], {}, Limits(), muted=muted)[0].act is Act.NOTHING
    known = {ticket().finding: ticket()}
    assert tickets.plan([entry(state="resolved")], known, Limits(), muted=muted)[0].act is Act.CLOSE


def test_a_hub_wide_event_has_one_parent_that_closes_with_its_last_child():
    entries = [entry(number) for number in range(1, 8)]
    steps = [step for step in tickets.plan(entries, {}, Limits()) if step.act is not Act.NOTHING]
    assert [(step.act, step.finding.rule, len(step.children)) for step in steps] == [(Act.CREATE, "SPI000", 7)]
    parent = steps[0]
    known = {
        parent.finding.id: Ticket(finding=parent.finding.id, reference="9", state="open", digest=parent.digest),
        **{f"{n:016x}": ticket(n, parent=parent.finding.id, digest="x") for n in range(1, 8)},
    }
    assert all(step.act is Act.NOTHING for step in tickets.plan(entries, known, Limits()))
    some = [*entries[:6], entry(7, state="resolved")]
    assert all(step.act is Act.NOTHING for step in tickets.plan(some, known, Limits()))
    over = [replace(one, finding=replace(one.finding, state="resolved")) for one in entries]
    closing = [step for step in tickets.plan(over, known, Limits()) if step.act is not Act.NOTHING]
    assert [(step.act, step.finding.id) for step in closing] == [(Act.CLOSE, parent.finding.id)]


def test_a_storm_becomes_one_summary():
    entries = [entry(n, device=f"r{n}") for n in range(1, 101)]
    steps = [step for step in tickets.plan(entries, {}, Limits(cap=10)) if step.act is not Act.NOTHING]
    assert len(steps) == 10
    assert len(steps[-1].children) == 91
    assert "91 further findings" in steps[-1].finding.title


def test_a_digest_knows_no_spi_counter_or_time():
    one = finding()
    assert tickets.digest_of(one) == tickets.digest_of(
        replace(one, last_seen=NOW + timedelta(hours=1), runs_seen=9, message="other", spis=())
    )


def write(state: Path, *stored: Entry) -> None:
    with open_ledger(state) as ledger, transaction(ledger) as db:
        for one in stored:
            write_finding(db, one, None)


def inventory_file(folder: Path, url: str) -> Path:
    file = folder / "inventory.yaml"
    file.write_text(
        "hosts: {hub1: {hostname: 192.0.2.1}}\n"
        f"sinks: {{desk: {{type: http, preset: roundup, url: '{url}', variables: {{origin: '{url}'}},"
        " auth: {user: admin, password: {env: TRACKER_PASSWORD}}}}\n",
        encoding="utf-8",
    )
    return file


@pytest.fixture(scope="module")
def tracker(tmp_path_factory):
    server = roundup.install(tmp_path_factory.mktemp("roundup"))
    server.start()
    yield server
    server.stop()


def test_roundup_twenty_sweeps_one_ticket_closed_reopened_and_a_killed_tracker(tracker, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TRACKER_PASSWORD", roundup.PASSWORD)
    file, state = inventory_file(tmp_path, tracker.url), tmp_path / "state"

    def apply(expected: int = 0) -> None:
        code = _run(["tickets", "apply", "--sink", "desk", "-i", str(file), "--state", str(state)])
        assert code == expected, capsys.readouterr()

    write(state, entry(1), entry(2))
    assert _run(["tickets", "plan", "--sink", "desk", "-i", str(file), "--state", str(state)]) == 0
    shown = capsys.readouterr().out
    assert "create" in shown
    assert roundup.PASSWORD not in shown
    assert tracker.issues() == []
    for run in range(20):
        write(state, entry(1, state="ongoing", runs_seen=run + 1), entry(2, state="ongoing", runs_seen=run + 1))
        apply()
    assert [(i["status"], i["messages"]) for i in tracker.issues()] == [("unread", 1), ("unread", 1)]
    assert all("spi-collector-" in issue["title"] for issue in tracker.issues())

    write(state, entry(1, state="resolved"))
    apply()
    assert [i["status"] for i in tracker.issues()] == ["resolved", "unread"]
    write(state, entry(1, state="reopened"))
    apply()
    assert [(i["status"], i["messages"]) for i in tracker.issues()] == [("unread", 3), ("unread", 1)]

    tracker.stop()
    write(state, entry(3))
    apply(expected=3)
    tracker.start()
    with open_ledger(state) as ledger, transaction(ledger) as db:
        db.execute("UPDATE outbox SET not_before = NULL")
    apply()
    assert len(tracker.issues()) == 3

    # killed after the tracker took it and before that was noted: found by its key, not doubled
    with open_ledger(state) as ledger, transaction(ledger) as db:
        db.execute("DELETE FROM tickets WHERE finding = ?", (finding(3).id,))
    apply()
    assert len(tracker.issues()) == 3


def test_shadow_decides_and_sends_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TRACKER_PASSWORD", "x")
    file, state = inventory_file(tmp_path, "http://127.0.0.1:9"), tmp_path / "state"
    write(state, entry(1))
    command = ["tickets", "apply", "--sink", "desk", "-i", str(file), "--state", str(state)]
    assert _run([*command, "--shadow"]) == 0
    assert "create" in capsys.readouterr().out
    assert _run([*command, "--shadow"]) == 0
    assert "create" not in capsys.readouterr().out
    assert _run(command) == 3
    assert "tried again" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("sinks", "words"),
    [
        ("{desk: {type: http, preset: roundupp, url: 'http://127.0.0.1'}}", ["sinks.desk.preset", "roundup"]),
        ("{desk: {type: http, preset: jira, url: 'http://127.0.0.1'}}", ["sinks.desk.variables", "missing"]),
        ("{desk: {type: http, preset: webhook, url: 'ftp://x'}}", ["sinks.desk.url"]),
        ("{desk: {type: htp}}", ["sinks.desk.type", "http"]),
        ("{desk: {url: x}}", ["sinks.desk", "type"]),
        ("{help: {type: command, command: cat}}", ["no sink 'desk'"]),
        ("{desk: {type: command, command: cat, cap: 0}}", ["sinks.desk.cap"]),
    ],
)
def test_a_sink_that_is_off_is_named_with_its_place(tmp_path, capsys, sinks, words):
    file = tmp_path / "inventory.yaml"
    file.write_text(f"hosts: {{a: {{}}}}\nsinks: {sinks}\n", encoding="utf-8")
    write(tmp_path / "state", entry(1))
    assert _run(["tickets", "plan", "--sink", "desk", "-i", str(file), "--state", str(tmp_path / "state")]) == 2
    said = capsys.readouterr().err
    for word in words:
        assert word in said
