"""Alertmanager is told many alerts in one POST; each finding is noted by itself all the same."""

from __future__ import annotations

import json
from pathlib import Path

from servers import stub
from servers.stub import Reply
from test_tickets import entry, finding, write

from collector.cli import _run
from collector.history import open_ledger, outbox, tickets
from collector.session.secrets import Secrets
from collector.sinks import ticket_sink
from collector.sinks.alertmanager import BATCH_ALERTS, BATCH_BYTES

MANY = 2 * BATCH_ALERTS + 7


class Alertmanager:
    """Takes what is well, says 400 where one alert is not: as the real one does."""

    def __init__(self, bad: str = "", status: int = 0) -> None:
        self.bad, self.status = bad, status
        self.alerts: dict[str, dict] = {}

    def __call__(self, told: stub.Told) -> Reply:
        if self.status:
            return Reply(self.status, {"message": "later"}, {"Retry-After": "60"})
        fine = {one["labels"]["finding"]: one for one in told.json if one["labels"]["finding"] != self.bad}
        self.alerts |= fine
        return Reply(200 if len(fine) == len(told.json) else 400, {})


def words(folder: Path, url: str, verb: str = "apply") -> list[str]:
    file = folder / "inventory.yaml"
    file.write_text(f"hosts: {{a: {{}}}}\nsinks: {{noc: {{type: alertmanager, url: '{url}'}}}}\n")
    return ["tickets", verb, "--sink", "noc", "-i", str(file), "--state", str(folder / "state")]


def fill(folder: Path, count: int = MANY, **changes) -> None:
    write(folder / "state", *(entry(1, id=f"{number:016x}", **changes) for number in range(count)))


def waiting(folder: Path) -> list[str]:
    with open_ledger(folder / "state") as ledger:
        return [row["finding"] for row in ledger.connection.execute("SELECT finding FROM outbox WHERE state <> 'done'")]


def test_many_alerts_go_together_and_each_is_noted(tmp_path, capsys):
    fill(tmp_path)
    manager = Alertmanager()
    with stub.http(manager) as server:
        assert _run(words(tmp_path, server.url)) == 0
        assert [len(told.json) for told in server.told] == [BATCH_ALERTS, BATCH_ALERTS, 7]
        assert capsys.readouterr().out.count("create") == MANY
        assert len(manager.alerts) == MANY
        assert waiting(tmp_path) == []
        with open_ledger(tmp_path / "state") as ledger:
            assert len(outbox.tickets_of(ledger, "noc")) == MANY
        fill(tmp_path, 3, state="resolved")
        assert _run(words(tmp_path, server.url)) == 0  # three end, the others are told again
        assert len(server.told) == 6
    ended = [key for key, alert in manager.alerts.items() if "Gone, with proof" in alert["annotations"]["description"]]
    assert sorted(ended) == [f"{number:016x}" for number in range(3)]


def test_one_bad_alert_holds_no_other_back(tmp_path, capsys):
    fill(tmp_path, 12)
    bad = f"{5:016x}"
    manager = Alertmanager(bad)
    with stub.http(manager) as server:
        assert _run(words(tmp_path, server.url)) == 3
        assert [len(told.json) for told in server.told] == [12] + [1] * 12
    assert len(manager.alerts) == 11
    assert waiting(tmp_path) == [bad]
    assert f"create {bad}" in capsys.readouterr().err


def test_a_manager_that_is_full_leaves_all_waiting(tmp_path, capsys):
    fill(tmp_path)
    manager = Alertmanager(status=503)
    with stub.http(manager) as server:
        assert _run(words(tmp_path, server.url)) == 3
        assert len(server.told) == 1
        said = capsys.readouterr().err
        assert f"{BATCH_ALERTS - 1} more" in said
        assert f"{MANY - BATCH_ALERTS} more wait" in said
        assert len(waiting(tmp_path)) == MANY
        manager.status = 0
        assert _run(words(tmp_path, server.url)) == 0  # asked to wait a minute: nothing is due
        assert len(server.told) == 1


def test_a_plan_shows_the_arrays_as_they_will_be_sent(tmp_path, capsys):
    fill(tmp_path, 3)
    assert _run(words(tmp_path, "http://127.0.0.1:9", "plan")) == 0
    said = capsys.readouterr().out
    assert said.count("POST http://127.0.0.1:9/api/v2/alerts") == 1
    (body,) = [json.loads(line) for line in said.splitlines() if line.startswith("      [")]
    assert len(body) == 3


def test_a_post_stays_below_what_proxies_take():
    target = ticket_sink("noc", {"type": "alertmanager", "url": "http://127.0.0.1:9"}, Secrets({}))[0]
    big = [tickets.Step(act=tickets.Act.CREATE, finding=finding(1, why="x" * 50_000), why="") for _ in range(40)]
    groups = list(target.batches(big))
    assert sum(map(len, groups)) == 40
    assert len(groups) > 1
    assert all(len(target.batch_request(group).body) < 1.2 * BATCH_BYTES for group in groups)
    huge = tickets.Step(act=tickets.Act.CREATE, finding=finding(1, why="x" * 2 * BATCH_BYTES), why="")
    assert [len(group) for group in target.batches([huge, huge])] == [1, 1]
    assert list(target.batches([])) == []
