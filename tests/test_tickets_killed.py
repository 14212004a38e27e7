"""`tickets apply` is killed at any point, also between the tracker's answer and the note of it: nothing lost, nothing doubled."""

from __future__ import annotations

import json
import random
import re
import sqlite3
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from servers import jira, nursery, roundup, stub
from servers.stub import Reply, Told
from test_tickets import entry, finding, write
from test_tickets_batches import Alertmanager
from test_tickets_life import run_ended

from collector.cli import pipeline
from collector.history import open_ledger, outbox
from collector.sinks.delivery import key_of

Answer = Callable[[Told], Reply]
FATES = ("before", "taken", "answered")  # when the client dies: before the tracker took it, before or after the answer
TOLD = re.compile(r"(?m)^(create|update|reopen|close) +([0-9a-f]{16}) .*\[")
COUNT = 5


class Deadly:
    """A tracker whose client is killed at some of its requests. plan: how many requests from now on, and which fate."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.runs: nursery.Nursery | None = None
        self.plan: tuple[int, str, float] | None = None
        self.lock = threading.Lock()

    def __call__(self, told: Told) -> Reply:
        assert self.runs is not None
        child = self.runs.current()
        fate, late = self._fate()
        if fate == "before":
            self.runs.kill(child)
            return Reply(503)
        reply = self.answer(told)
        if fate == "taken":
            self.runs.kill(child)
        if fate == "answered":
            threading.Timer(late, self.runs.kill, [child]).start()
        return reply

    def _fate(self) -> tuple[str, float]:
        with self.lock:
            if self.plan is None:
                return "", 0.0
            left, fate, late = self.plan
            self.plan = (left - 1, fate, late) if left else None
            return ("", 0.0) if left else (fate, late)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    with nursery.nursery(tmp_path_factory.mktemp("runs")) as started:
        yield started


@contextmanager
def desk(folder: Path, answer: Answer, sink: str, runs: nursery.Nursery) -> Iterator[tuple[Deadly, tuple[str, ...]]]:
    """The tracker behind a deadly door, and the words of `tickets apply`, for runs to be killed."""
    folder.joinpath("state").mkdir(mode=0o700, exist_ok=True)
    door = Deadly(answer)
    runs.out = folder / "said.txt"
    with stub.http(door) as server:
        door.runs = runs
        file = folder / "inventory.yaml"
        file.write_text(f"hosts: {{a: {{}}}}\nsinks: {{desk: {{url: '{server.url}', parent_from: 99, {sink}}}}}\n")
        yield door, ("tickets", "apply", "--sink", "desk", "-i", str(file), "--state", str(folder / "state"))


# what becomes of each finding, run by run; "changed": another rule speaks
STORIES = (("new",) * COUNT, ("resolved",) * 3 + ("changed",) * 2, ("reopened",) * 2 + ("resolved",) * 3)


def assert_whole(state: Path, said: str) -> None:
    """The ledger opens, is sound, and knows everything that was told as done.

    said: since the findings were last changed; a later act may be done and its run killed before it is told.
    """
    with open_ledger(state) as ledger:
        assert ledger.connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        known = outbox.tickets_of(ledger, "desk")
    last = {identity: act for act, identity in TOLD.findall(said)}
    for identity, act in last.items():
        assert known[identity].reference, identity
        if act == "close":
            assert known[identity].state == "closed"


def killed_again_and_again(
    folder: Path, answer: Answer, sink: str, runs: nursery.Nursery, *, kills: int, seed: int, among: int = 4
) -> None:
    """Each phase of the findings' lives is applied by runs that die, and then by one that may live.

    among: at which of so many first requests.
    """
    rng = random.Random(seed)
    state = folder / "state"
    with desk(folder, answer, sink, runs) as (door, words):
        died = 0
        for phase in STORIES:
            stored = [
                entry(place, state="ongoing", rule="SPI004") if word == "changed" else entry(place, state=word)
                for place, word in enumerate(phase, 1)
            ]
            write(state, *stored)
            run_ended(state, pipeline.now())
            before = len(runs.out.read_text()) if runs.out.exists() else 0
            for _ in range(kills):
                door.plan = (rng.randrange(among), rng.choice(FATES), rng.uniform(0, 0.03))
                code = runs.run(*words)
                assert code in {0, -9}, runs.out.read_text()
                assert_whole(state, runs.out.read_text()[before:])
                died += code == -9
                if code == 0:  # nothing was left that its fate could wait for
                    break
            door.plan = None
            assert runs.run(*words) == 0, runs.out.read_text()
            assert_whole(state, runs.out.read_text()[before:])
        assert died  # how many, depends on the pace: one that was answered may have ended before its kill
        assert runs.run(*words) == 0
    with sqlite3.connect(state / "ledger.sqlite3") as db:
        assert db.execute("SELECT count(*) FROM outbox WHERE state <> 'done'").fetchone() == (0,)
    db.close()


JIRA = "type: http, preset: jira, variables: " + json.dumps(jira.VARIABLES)


def jira_is_right(tracker: jira.Jira) -> None:
    labels = Counter(issue["fields"]["labels"][0] for issue in tracker.issues.values())
    assert labels == {key_of(finding(number)): 1 for number in range(1, COUNT + 1)}
    for issue in tracker.issues.values():
        number = int(issue["fields"]["labels"][0][-1])
        marks = [re.search(r"spi-collector-\w+\.[0-9a-f]{12}", text)[0] for text in issue["comments"]]
        assert len(marks) == len(set(marks)), (number, marks)
        lives = {1: 2, 2: 2, 3: 1, 4: 2, 5: 2}  # closed and reopened; closed; changed and closed
        assert len(marks) == lives[number], (number, issue["comments"])
        assert issue["transitions"] == ([jira.DONE, jira.REOPENED] if number < 3 else [jira.DONE])


def test_killed_between_any_two_steps_a_ticket_is_made_once_and_told_once(tmp_path, runs):
    tracker = jira.Jira()
    killed_again_and_again(tmp_path, tracker, JIRA, runs, kills=4, seed=1)
    jira_is_right(tracker)


def test_killed_while_many_alerts_go_together_each_is_told_at_last(tmp_path, runs):
    manager = Alertmanager()
    killed_again_and_again(tmp_path, manager, "type: alertmanager", runs, kills=4, seed=3, among=1)
    ended = {key for key, alert in manager.alerts.items() if "Gone, with proof" in alert["annotations"]["description"]}
    assert set(manager.alerts) == {finding(number).id for number in range(1, COUNT + 1)}
    assert ended == {finding(number).id for number in (3, 4, 5)}


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_killed_many_times(tmp_path, runs, seed):
    tracker = jira.Jira()
    killed_again_and_again(tmp_path, tracker, JIRA, runs, kills=12, seed=100 + seed)
    jira_is_right(tracker)


def through(url: str) -> Answer:
    """What the tracker at `url` answers."""

    def answer(told: Told) -> Reply:
        headers = {key: value for key, value in told.headers.items() if key not in {"Host", "Content-Length"}}
        request = urllib.request.Request(
            url + told.path, data=told.body.encode() or None, headers=headers, method=told.method
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return Reply(reply.status, json.loads(reply.read() or b"{}"))
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, {"error": error.read().decode()[:300]})

    return answer


@pytest.mark.soak
def test_roundup_has_one_issue_a_finding_and_each_message_once(tmp_path, runs):
    password = tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text(roundup.PASSWORD)
    tracker = roundup.install(tmp_path)
    tracker.start()
    try:
        sink = (
            f"type: http, preset: roundup, variables: {{origin: '{tracker.url}'}}, "
            f"auth: {{user: admin, password: {{file: '{password}'}}}}"
        )
        killed_again_and_again(tmp_path, through(tracker.url), sink, runs, kills=25, seed=7)
        issues = tracker.issues()
        messages = tracker.get("/rest/data/msg?@fields=messageid")["collection"]
    finally:
        tracker.stop()
    assert len(issues) == COUNT
    assert sorted(re.search(r"spi-collector-\w+", issue["title"])[0] for issue in issues) == [
        key_of(finding(number)) for number in range(1, COUNT + 1)
    ]
    assert sorted((issue["status"], issue["messages"]) for issue in issues) == [
        ("resolved", 2),
        ("resolved", 3),
        ("resolved", 3),
        ("unread", 3),
        ("unread", 3),
    ]
    marks = [message["messageid"] for message in messages]
    assert len(marks) == len(set(marks))


def test_the_helper_kills_what_it_says(tmp_path, runs):
    """The door itself: a client that dies before the tracker took it left nothing there."""
    tracker = jira.Jira()
    write(tmp_path / "state", entry(1), replace(entry(2)))
    with desk(tmp_path, tracker, JIRA, runs) as (door, words):
        door.plan = (1, "before", 0.0)
        assert runs.run(*words) == -9
        assert tracker.issues == {}
        door.plan = (1, "taken", 0.0)
        assert runs.run(*words) == -9
        assert len(tracker.issues) == 1
        with open_ledger(tmp_path / "state") as ledger:
            assert outbox.tickets_of(ledger, "desk") == {}
        assert runs.run(*words) == 0
    assert len(tracker.issues) == 2
