"""Against servers of the distribution, in `make integration`; skipped, with a word, where they are not installed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from servers import alertmanager, rt
from test_tickets import entry, finding, write

from collector.cli import _run
from collector.history import open_ledger
from collector.history.ledger import transaction
from collector.history.tickets import Act, Step
from collector.session.secrets import Secrets
from collector.sinks import ticket_sink
from collector.sinks.delivery import mark_of

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def manager(tmp_path_factory):
    if alertmanager.PROGRAM is None:
        pytest.skip("prometheus-alertmanager is not installed")
    server = alertmanager.install(tmp_path_factory.mktemp("alertmanager"))
    server.start()
    yield server
    server.stop()


def test_alertmanager_holds_one_alert_a_finding_over_twenty_sweeps(manager, tmp_path, capsys):
    file, state = tmp_path / "inventory.yaml", tmp_path / "state"
    file.write_text(
        "hosts: {hub1: {hostname: 192.0.2.1}}\n"
        f"sinks: {{noc: {{type: alertmanager, url: '{manager.url}', interval: 15m}}}}\n"
    )

    def apply(expected: int = 0) -> None:
        code = _run(["tickets", "apply", "--sink", "noc", "-i", str(file), "--state", str(state)])
        assert code == expected, capsys.readouterr()

    for run in range(20):
        write(state, entry(1, state="ongoing", runs_seen=run + 1), entry(2, state="ongoing", runs_seen=run + 1))
        apply()
    alerts = manager.alerts()
    assert sorted(alert["labels"]["finding"] for alert in alerts) == [finding(1).id, finding(2).id]
    assert all("0x" not in str(alert["labels"]) for alert in alerts)

    write(state, entry(1, state="resolved"))
    apply()
    assert [alert["labels"]["finding"] for alert in manager.alerts()] == [finding(2).id]

    manager.stop()
    write(state, entry(3))
    apply(expected=3)
    manager.start()  # Alertmanager keeps no alerts on disk: the next runs tell it all again
    with open_ledger(state) as ledger, transaction(ledger) as db:
        db.execute("UPDATE outbox SET not_before = NULL")
    apply()
    assert sorted(alert["labels"]["finding"] for alert in manager.alerts()) == [finding(2).id, finding(3).id]
    write(state, entry(1, state="reopened"))
    apply()
    assert len(manager.alerts()) == 3


@pytest.fixture(scope="module")
def tracker(tmp_path_factory):
    if not rt.installed():
        pytest.skip("request-tracker5 is not installed")
    server = rt.install(tmp_path_factory.mktemp("rt"))
    server.start()
    yield server
    server.stop()


def test_request_tracker_one_ticket_over_twenty_sweeps_closed_reopened_and_never_doubled(
    tracker, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("TRACKER_PASSWORD", rt.PASSWORD)
    file, state = tmp_path / "inventory.yaml", tmp_path / "state"
    file.write_text(
        "hosts: {hub1: {hostname: 192.0.2.1}}\n"
        f"sinks: {{desk: {{type: http, preset: rt, url: '{tracker.url}',"
        " auth: {user: root, password: {env: TRACKER_PASSWORD}}}}\n"
    )

    def apply(expected: int = 0) -> None:
        code = _run(["tickets", "apply", "--sink", "desk", "-i", str(file), "--state", str(state)])
        assert code == expected, capsys.readouterr()

    for run in range(20):
        write(state, entry(1, state="ongoing", runs_seen=run + 1))
        apply()
    assert [row["status"] for row in tracker.issues()] == ["new"]
    assert f"spi-collector-{finding(1).id}" in tracker.issues()[0]["title"]
    write(state, entry(1, state="resolved"))
    apply()
    assert [row["status"] for row in tracker.issues()] == ["resolved"]
    write(state, entry(1, state="reopened"))
    apply()
    assert [row["status"] for row in tracker.issues()] == ["open"]
    tracker.stop()
    write(state, entry(2))
    apply(expected=3)
    tracker.start()
    with open_ledger(state) as ledger, transaction(ledger) as db:
        db.execute("UPDATE outbox SET not_before = NULL")
    apply()
    assert len(tracker.issues()) == 2
    with open_ledger(state) as ledger, transaction(ledger) as db:
        db.execute("DELETE FROM tickets WHERE finding = ?", (finding(2).id,))
    apply()
    assert len(tracker.issues()) == 2

    # a comment that is sent again is found by its mark; a ticket that another ledger closed is reopened
    target = ticket_sink(
        "desk",
        {"type": "http", "preset": "rt", "url": tracker.url, "auth": {"user": "root", "password": {"env": "P"}}},
        Secrets({"P": rt.PASSWORD}),
    )[0]
    again = Step(act=Act.UPDATE, finding=finding(2), why="", reference=str(tracker.issues()[1]["id"]))
    for tries in range(3):
        target.deliver(replace(again, tries=tries))
    shown = tracker.get(f"/REST/2.0/ticket/{again.reference}/attachments?fields=Subject")["items"]
    assert [one["Subject"] for one in shown].count(mark_of(again)) == 1
    target.deliver(replace(again, act=Act.CLOSE))
    target.deliver(replace(again, act=Act.CREATE, reference=None))
    assert [row["status"] for row in tracker.issues()] == ["open", "open"]
