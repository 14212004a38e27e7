"""The life of tickets over runs: both ends of a tunnel, what waits in the outbox, old ledgers, shadow to real; a state machine."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from servers import stub
from servers.stub import Reply
from test_tickets import NOW, entry, finding, ticket, write

from collector.cli import _run, pipeline
from collector.history import open_ledger, outbox, tickets
from collector.history.ledger import Ledger, transaction
from collector.history.tickets import Act, Limits, Ticket
from collector.model import Level, Verdict


def both(state: str = "new", other: str = "new"):
    """A tunnel that is broken in both directions."""
    return [
        entry(1, device="hub1", far_device="br1", peer=ip_address("198.51.100.1"), state=state),
        entry(2, device="br1", far_device="hub1", peer=ip_address("192.0.2.1"), state=other),
    ]


def acting(entries, known=None, limits=None):
    steps = tickets.plan(entries, known or {}, limits or Limits(cap=99))
    return {step.finding.id: step for step in steps if step.act is not Act.NOTHING}


ONE, TWO = finding(1).id, finding(2).id


def test_both_ends_of_a_tunnel_are_one_ticket():
    (step,) = acting(both()).values()
    assert (step.act, step.finding.id, step.children) == (Act.CREATE, ONE, (TWO,))
    assert "br1 <- 192.0.2.1" in step.finding.message
    assert len(acting(both(), limits=Limits(refresh=True))) == 2  # alerts are states: each end has its own


def test_the_other_end_joins_an_open_ticket_and_holds_it_open():
    open_ = {ONE: ticket(1)}
    (step,) = acting(both("ongoing"), open_).values()
    assert (step.act, step.finding.id, step.children) == (Act.UPDATE, ONE, (TWO,))
    known = {**open_, TWO: Ticket(finding=TWO, reference=None, state="open", digest="", parent=ONE)}
    assert acting(both("ongoing", "ongoing"), known) == {}
    assert acting(both("resolved", "ongoing"), known) == {}
    assert acting(both("ongoing", "resolved"), known) == {}
    (closing,) = acting(both("resolved", "resolved"), known).values()
    assert (closing.act, closing.finding.id, closing.children) == (Act.CLOSE, ONE, (TWO,))


def test_a_closed_ticket_of_both_ends_is_reopened_as_one():
    known = {ONE: ticket(1, state="closed")}
    (step,) = acting(both("reopened", "reopened"), known).values()
    assert (step.act, step.finding.id, step.children) == (Act.REOPEN, ONE, (TWO,))


def test_ends_that_once_had_a_ticket_each_are_reopened_as_one():
    known = {ONE: ticket(1, state="closed"), TWO: ticket(2, state="closed")}
    (step,) = acting(both("reopened", "reopened"), known).values()
    assert (step.act, step.finding.id, step.children) == (Act.REOPEN, ONE, (TWO,))
    (step,) = acting(both("ongoing", "reopened"), known | {ONE: ticket(1)}).values()
    assert (step.act, step.finding.id, step.children) == (Act.UPDATE, ONE, (TWO,))


def test_an_end_that_had_a_ticket_of_its_own_finds_it_again(ledger):
    for one in (entry(1), entry(2)):
        (create,) = decide(ledger, one)
        outbox.done(ledger, "desk", create, f"T{create.finding.id}", at=NOW)
        (close,) = decide(ledger, replace(one, finding=replace(one.finding, state="resolved")))
        outbox.done(ledger, "desk", close, None, at=NOW)
    (reopen,) = decide(ledger, *both("reopened", "reopened"))
    outbox.done(ledger, "desk", reopen, None, at=NOW)
    assert decide(ledger, *both("ongoing", "ongoing")) == ()
    (close,) = decide(ledger, *both("resolved", "resolved"))
    outbox.done(ledger, "desk", close, None, at=NOW)
    (back,) = decide(ledger, both("resolved", "reopened")[1])
    assert (back.act, back.finding.id, back.reference) == (Act.REOPEN, TWO, f"T{TWO}")


def test_no_ticket_is_reopened_by_what_would_open_none():
    known = {ONE: ticket(1, state="closed")}
    assert acting([entry(1, state="reopened", level=Level.WARNING)], known) == {}
    assert acting([entry(1, state="reopened", verdict=Verdict.UNKNOWN)], known) == {}
    (step,) = acting([entry(1, state="ongoing", level=Level.ERROR)], known).values()
    assert step.act is Act.REOPEN


def test_one_log_line_opens_no_ticket_before_the_next_run_has_seen_it_too():
    alone = {"first_seen": NOW, "last_seen": NOW}
    assert acting([entry(1, **alone)]) == {}
    assert acting([entry(1, state="reopened", **alone)], {ONE: ticket(1, state="closed")}) == {}
    (step,) = acting([entry(1, state="ongoing", **alone)]).values()
    assert step.act is Act.CREATE
    (step,) = acting([entry(1, first_seen=None, last_seen=None)]).values()  # a counter has no lines
    assert step.act is Act.CREATE


def test_what_the_last_run_did_not_see_opens_nothing_and_takes_nothing_back(ledger):
    stale = frozenset({ONE})
    assert not [s for s in tickets.plan([entry(1)], {}, Limits(), unseen=stale) if s.act is not Act.NOTHING]
    known = {ONE: ticket(1, state="closed")}
    back = [entry(1, state="reopened")]
    assert [s.act for s in tickets.plan(back, known, Limits(), unseen=stale)] == [Act.NOTHING]
    over = [entry(1, state="resolved")]
    assert [s.act for s in tickets.plan(over, {ONE: ticket(1)}, Limits(), unseen=stale)] == [Act.CLOSE]
    decide(ledger, entry(1))
    assert outbox.decided(ledger, "desk") == {ONE}


def test_a_reopening_that_waits_is_not_taken_back_by_a_run_that_cannot_tell(ledger):
    (create,) = decide(ledger, entry(1))
    outbox.done(ledger, "desk", create, "7", at=NOW)
    (close,) = decide(ledger, entry(1, state="resolved"))
    outbox.done(ledger, "desk", close, "7", at=NOW)
    (reopen,) = decide(ledger, entry(1, state="reopened"))
    tried(ledger, reopen)
    assert [step.act for step in decide(ledger, entry(1, state="ongoing", verdict=Verdict.UNKNOWN))] == [Act.REOPEN]
    assert [step.act for step in decide(ledger, entry(1, state="resolved"))] == [Act.CLOSE]


COUNTER = {"rule": "SPI007", "peer": None}


@pytest.mark.parametrize("known", [{}, {ONE: ticket(1)}])
def test_a_counter_that_rises_beside_a_tunnel_with_a_ticket_opens_none(known):
    entries = [entry(1, state="ongoing" if known else "new"), entry(2, **COUNTER)]
    assert {step.finding.id for step in acting(entries, known).values()} == ({ONE} if not known else set())
    over = [entry(1, state="resolved"), entry(2, state="ongoing", **COUNTER)]
    assert {key: step.act for key, step in acting(over, {ONE: ticket(1)}).items()} == {ONE: Act.CLOSE, TWO: Act.CREATE}
    elsewhere = [entry(1, device="hub2"), entry(2, **COUNTER)]
    assert len(acting(elsewhere)) == 2


def test_a_tunnel_that_shows_itself_joins_the_ticket_of_the_counter():
    counter = entry(2, state="ongoing", **COUNTER)
    known = {TWO: ticket(2)}
    (step,) = acting([entry(1), counter], known).values()
    assert (step.act, step.finding.id, step.children) == (Act.UPDATE, TWO, (ONE,))
    assert "SPI002 hub1 <- 198.51.100.1" in step.finding.message
    known[ONE] = Ticket(finding=ONE, reference=None, state="open", digest="", parent=TWO)
    gone = entry(2, state="resolved", **COUNTER)
    assert acting([entry(1, state="ongoing"), gone], known) == {}
    (close,) = acting([entry(1, state="resolved"), gone], known).values()
    assert (close.act, close.finding.id, close.children) == (Act.CLOSE, TWO, (ONE,))


def test_a_hub_with_many_broken_tunnels_in_both_directions_has_one_parent():
    entries = []
    for n in range(1, 8):
        entries += [
            entry(n, device="hub1", far_device=f"br{n}"),
            entry(100 + n, device=f"br{n}", far_device="hub1", peer=ip_address("192.0.2.1")),
        ]
    (parent,) = acting(entries).values()
    assert (parent.act, parent.finding.rule, len(parent.children)) == (Act.CREATE, "SPI000", 14)


def test_a_summary_of_a_storm_of_hubs_closes_when_its_tunnels_have():
    entries = [
        entry(16 * h + n, device=f"hub{h}", peer=ip_address(f"198.51.100.{16 * h + n}"))
        for h in range(1, 5)
        for n in range(1, 7)
    ]
    steps = list(acting(entries, limits=Limits(cap=2)).values())
    known: dict[str, Ticket] = {}
    for step in steps:
        known[step.finding.id] = Ticket(finding=step.finding.id, reference="9", state="open", digest=step.digest)
        for child in step.children:
            known[child] = Ticket(finding=child, reference=None, state="open", digest="", parent=step.finding.id)
    assert acting(entries, known, Limits(cap=2)) == {}
    over = [replace(one, finding=replace(one.finding, state="resolved")) for one in entries]
    closing = acting(over, known, Limits(cap=2))
    assert {step.act for step in closing.values()} == {Act.CLOSE}
    assert set(closing) == {step.finding.id for step in steps}
    forgotten = acting(over[:-1], known, Limits(cap=2))  # one child went by retention
    assert set(forgotten) == set(closing)


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(tmp_path / "state") as opened:
        yield opened


def decide(ledger, *entries, at=NOW):
    steps = tickets.plan(entries, outbox.tickets_of(ledger, "desk"), Limits(cap=99))
    outbox.enqueue(ledger, "desk", steps, at=at)
    return outbox.waiting(ledger, "desk", at=NOW + timedelta(days=9))


def tried(ledger, step):
    outbox.sending(ledger, step)
    outbox.failed(ledger, step, error="away", not_before=NOW)


def test_a_close_that_waits_is_taken_back_when_the_trouble_returns(ledger):
    (create,) = decide(ledger, entry(1))
    outbox.done(ledger, "desk", create, "7", at=NOW)
    (close,) = decide(ledger, entry(1, state="resolved"))
    assert close.act is Act.CLOSE
    assert decide(ledger, entry(1, state="reopened")) == ()  # the tracker never heard of it
    (close,) = decide(ledger, entry(1, state="resolved"))
    tried(ledger, close)
    (instead,) = decide(ledger, entry(1, state="reopened"))
    assert instead.act is Act.REOPEN  # it may have heard


def test_a_create_that_waits_falls_away_or_is_closed_when_the_trouble_ends(ledger):
    (create,) = decide(ledger, entry(1))
    assert decide(ledger, entry(1, state="resolved")) == ()
    (create,) = decide(ledger, entry(1))
    tried(ledger, create)
    (instead,) = decide(ledger, entry(1, state="resolved"))
    assert instead.act is Act.CLOSE
    (still,) = decide(ledger, entry(2), entry(1, state="resolved"))[1:]
    tried(ledger, still)
    assert [step.act for step in decide(ledger, entry(2, verdict=Verdict.UNKNOWN), entry(1, state="resolved"))] == [
        Act.CLOSE,
        Act.CREATE,
    ]


def test_the_word_of_a_step_is_dated_by_its_run(ledger):
    (create,) = decide(ledger, entry(1), at=NOW - timedelta(hours=3))
    assert create.at == NOW - timedelta(hours=3)
    (again,) = decide(ledger, entry(1), at=NOW)
    assert again.at == NOW


def hook(folder: Path, url: str) -> Path:
    file = folder / "inventory.yaml"
    file.write_text(f"hosts: {{a: {{}}}}\nsinks: {{hook: {{type: http, url: '{url}'}}}}\n")
    return file


def run_ended(state: Path, at: datetime) -> None:
    with open_ledger(state) as ledger, transaction(ledger) as db:
        db.execute("INSERT INTO runs VALUES (?,?,?,?,?,?,?)", (at.isoformat(), "sweep", "x", at.isoformat(), 0, 1, 1))


def test_an_old_ledger_opens_and_closes_nothing(tmp_path, capsys):
    state = tmp_path / "state"
    write(state, entry(1))
    run_ended(state, pipeline.now() - timedelta(days=3))
    with stub.http(lambda _: Reply(200, {})) as server:
        words = ["--sink", "hook", "-i", str(hook(tmp_path, server.url)), "--state", str(state)]
        assert _run(["tickets", "apply", *words]) == 2
        assert "nothing is sent" in capsys.readouterr().err
        assert _run(["tickets", "plan", *words]) == 0
        assert "`apply` would refuse" in capsys.readouterr().err
        assert server.told == []
        assert _run(["tickets", "apply", *words, "--max-age", "4d"]) == 0
        assert len(server.told) == 1
        run_ended(state, pipeline.now())
        assert _run(["tickets", "apply", *words]) == 0
        assert _run(["tickets", "apply", *words, "--max-age", "soon"]) == 2


def test_from_shadow_to_real_what_is_open_is_opened_once(tmp_path, capsys):
    state = tmp_path / "state"
    write(state, entry(1), entry(2), entry(3, state="resolved"))
    with stub.http(lambda _: Reply(200, {})) as server:
        words = ["tickets", "apply", "--sink", "hook", "-i", str(hook(tmp_path, server.url)), "--state", str(state)]
        for _ in range(2):
            assert _run([*words, "--shadow"]) == 0
        assert server.told == []
        for _ in range(3):
            assert _run(words) == 0
        assert sorted(told.json["key"][-1] for told in server.told) == ["1", "2"]
    capsys.readouterr()


def test_a_mute_holds_a_birth_back_until_its_window_is_over(tmp_path, capsys):
    state = tmp_path / "state"
    write(state, entry(1))
    with stub.http(lambda _: Reply(200, {})) as server:
        file = hook(tmp_path, server.url)
        words = ["tickets", "apply", "--sink", "hook", "-i", str(file), "--state", str(state)]
        text = file.read_text()
        window = "policy: {mutes: [{device: hub1, reason: change, owner: noc, from: %s, until: %s}]}\n"
        now = pipeline.now()
        hour = timedelta(hours=1)
        file.write_text(text + window % ((now - hour).isoformat(), (now + hour).isoformat()))
        assert _run(words) == 0
        assert server.told == []
        file.write_text(text + window % ((now - 2 * hour).isoformat(), (now - hour).isoformat()))
        assert _run(words) == 0
        assert len(server.told) == 1
    capsys.readouterr()


class Life(RuleBasedStateMachine):
    """Findings come, go and cannot be told; the tracker fails before or after it took a thing; the ledger dies between."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="life-"))
        self.context = open_ledger(self.folder)
        self.ledger: Ledger = self.context.__enter__()
        self.states = dict.fromkeys((1, 2, 3), "")  # "" : never seen
        self.tracker: dict[str, str] = {}  # finding -> open | closed, one ticket a key
        self.at = datetime(2026, 1, 1, tzinfo=UTC)

    def teardown(self) -> None:
        self.context.__exit__(None, None, None)
        shutil.rmtree(self.folder)

    @rule(number=st.sampled_from((1, 2, 3)))
    def breaks(self, number):
        self.states[number] = {"": "new", "resolved": "reopened"}.get(self.states[number], "ongoing")

    @rule(number=st.sampled_from((1, 2, 3)))
    def heals(self, number):
        if self.states[number]:
            self.states[number] = "resolved"

    @rule(fails=st.lists(st.sampled_from(["", "before", "after"]), max_size=4), shadow=st.booleans())
    def apply(self, fails, shadow):
        self.at += timedelta(minutes=15)
        sink = "desk:shadow" if shadow else "desk"
        entries = [entry(n, state=state) for n, state in self.states.items() if state]
        steps = tickets.plan(entries, outbox.tickets_of(self.ledger, sink), Limits(cap=99, parent_from=99))
        outbox.enqueue(self.ledger, sink, steps, at=self.at)
        for step in outbox.waiting(self.ledger, sink, at=self.at):
            outbox.sending(self.ledger, step)
            fault = fails.pop() if fails else ""
            if not shadow and fault != "before":
                self.take(step)
            if fault == "before":
                outbox.failed(self.ledger, step, error="away", not_before=self.at)
            elif fault == "":
                outbox.done(self.ledger, sink, step, "7", at=self.at)

    def take(self, step):
        key = step.finding.id
        if step.act is Act.CLOSE:
            if key in self.tracker:
                assert self.states[int(key, 16)] == "resolved", "closed although it is open"
                self.tracker[key] = "closed"
        elif step.act is not Act.CREATE or key not in self.tracker:  # `search` finds what is there
            self.tracker[key] = "open"

    @rule()
    def everything_works(self):
        """Once the tracker answers, two runs bring it to what the ledger says."""
        for _ in range(2):
            self.apply(fails=[], shadow=False)
        for number, state in self.states.items():
            wanted = {"": None, "resolved": "closed"}.get(state, "open")
            had = self.tracker.get(finding(number).id)
            assert had == wanted or (wanted == "closed" and had is None), (number, state, had)

    @invariant()
    def one_row_waits_for_each_finding(self):
        (most,) = self.ledger.connection.execute(
            "SELECT coalesce(max(n), 0) FROM (SELECT count(*) n FROM outbox WHERE state <> 'done' GROUP BY sink, finding)"
        ).fetchone()
        assert most <= 1


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
