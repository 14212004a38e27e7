"""The far end as the ledger remembers it: what a picture keeps, what it confirms, and what it never does."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest
from builders import facts as device
from printed import (
    CLOCK,
    CONFIG,
    IPSEC,
    ISAKMP,
    LOG,
    NOW,
    SPI,
    STATIC,
    R,
    S,
    clock,
    config,
    flow,
    incident,
    isakmp,
    line,
    log,
    old,
    snapshot,
)

from collector import rules
from collector.cli import pipeline
from collector.cli.gist import beside, gist_of, wanted
from collector.facts import build, settle
from collector.history import Wanted, devices_at, far_ends_of, history_of, last_visits, open_ledger, pictures, remember
from collector.history.ledger import FILE
from collector.history.schema import MIGRATIONS
from collector.model import Device, Facts, FarEnd, Outcome, Policy, Report, Spi, State, to_address
from collector.sinks.document import device_status, document

TWICE = log(*old(line(100), line(40)))
ONCE = log(*old(line(20)))
THERE = STATIC.replace(R, "198.51.100.250").replace(S, R).replace("198.51.100.250", S)  # S's own configuration


def receiver(text: str = TWICE, table: str | None = None, body: str = STATIC) -> Facts:
    printed = [(CLOCK, clock()), (CONFIG, config(body)), (LOG, text), (ISAKMP, isakmp())]
    if table != "not read":
        printed.append((IPSEC, table or flow()))
    return build(snapshot(*printed), Policy())


def sender(*sas, ago: float = 300, name: str = "far", local: str = S, to: str = R, current=None, table=True) -> Facts:
    at = NOW - timedelta(seconds=ago)
    sa_table = [(IPSEC, flow(to, local=local, outbound=sas, inbound=[(0x51, 3000)], current=current))] if table else []
    body = config(THERE.replace(S, local), hostname=name)
    return build(snapshot((CLOCK, clock(at)), (CONFIG, body), *sa_table, name=name, at=at), Policy())


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(tmp_path / "state") as opened:
        yield opened


def note(ledger, *devices: Facts) -> str:
    """Remember a run over `devices`; its id."""
    latest = max(one.collected_at for one in devices)
    made = pipeline.conclude(devices, mode="sweep", started_at=latest)
    made = replace(made, run=replace(made.run, started_at=latest, finished_at=latest))
    remember(ledger, made, exit_code=0, status_of=device_status)
    return made.run.id


def again(ledger, *devices: Facts) -> Facts:
    """The first of `devices`, joined with those beside it and with what the ledger remembers."""
    past = far_ends_of(ledger, wanted([gist_of(one) for one in devices]))
    return settle(devices, past)[0]


def actions(made: Facts) -> list:
    said = rules.to_findings(made, rules.judge(made))
    return [(one.rule, one.verdict, one.level, [replace(a, on="") for a in one.actions]) for one in said]


def named(made: Facts) -> set[str]:
    found = rules.to_findings(made, rules.judge(made))
    return {action.on for finding in found for action in finding.actions if action.side == "sender"}


# -- a young picture ----------------------------------------------------------------------------------------------


def test_a_young_picture_confirms_and_its_seconds_run_down(ledger):
    run = note(ledger, sender((SPI, 2400)))
    found = incident(again(ledger, receiver(ONCE)))
    join = found.join
    assert join is not None
    assert (join.device, join.grade, join.outcome) == ("far", "exact", Outcome.STALE_CONFIRMED)
    assert join.sa_remaining == timedelta(seconds=2100)
    assert join.heals_at_latest == NOW + timedelta(seconds=2100)
    assert (found.state, found.keys[0].row) == (State.PERSISTENT, 3)
    assert run in join.why
    assert "2400 s left then" in join.why
    (proof,) = join.evidence
    assert proof.command == f"ledger, run {run}: show crypto ipsec sa"
    assert proof.taken_at == NOW - timedelta(seconds=300)
    assert f"0x{SPI:X}" in proof.text


@pytest.mark.parametrize(
    ("far", "here", "words"),
    [
        (sender((SPI, 2400), ago=601), receiver(), "601 s from the reading of hub"),
        (sender((SPI, 400), ago=300), receiver(), "100 s left by now"),
        (sender((SPI, 200), ago=300), receiver(), "ended since then"),
        (sender((SPI, 3590), ago=5), receiver(ONCE), "only 15 s old"),
        (sender((SPI, 60), (0x77, 3500)), receiver(), "draining"),
        (sender((SPI, 2400)), receiver(table=flow(inbound=[(0x99, 3000)])), "a rekey since then"),
        (sender((SPI, 2400)), receiver(table="not read"), "were not read"),
    ],
)
def test_what_a_picture_does_not_confirm_is_looked_at_again(ledger, far, here, words):
    run = note(ledger, far)
    alone = settle([here])[0]
    made = again(ledger, here)
    join = incident(made).join
    assert join is not None
    assert (join.outcome, join.device, join.named) == (Outcome.LOOK_AGAIN, None, "far")
    assert words in join.why
    assert run in join.why
    assert join.heals_at_latest is None
    assert incident(made).state is incident(alone).state
    assert incident(made).keys == incident(alone).keys
    assert actions(made) == actions(alone)


def test_a_picture_within_the_limit_of_the_policy_only(ledger):
    note(ledger, sender((SPI, 2400), ago=300))
    strict = receiver()
    limits = replace(strict.policy.thresholds, join_max_age=timedelta(seconds=299))
    made = again(ledger, replace(strict, policy=replace(strict.policy, thresholds=limits)))
    assert incident(made).join.outcome is Outcome.LOOK_AGAIN


# -- an old one: a hint ---------------------------------------------------------------------------------------------


def test_an_old_picture_names_the_router_and_changes_nothing_else(ledger):
    run = note(ledger, sender((SPI, 86000), ago=7200))
    here = receiver()
    alone, made = settle([here])[0], again(ledger, here)
    assert actions(made) == actions(alone)
    assert actions(made)
    assert named(alone) == {f"owner of {S}"}
    assert named(made) == {"far"}
    (finding,) = (one for one in rules.to_findings(made, rules.judge(made)) if one.rule == "SPI001")
    assert finding.far_device == "far"
    assert run in finding.why
    assert any(line.command.startswith(f"ledger, run {run}") for line in finding.evidence)
    part = document(
        Report(run=pipeline.conclude([made], mode="sweep", started_at=NOW).run, devices=(made,), findings=()),
        version="0",
    )
    join = part["devices"][0]["incidents"][0]["join"]
    assert (join["device"], join["outcome"]) == ("far", "look-again")
    assert join["remembered"] == {"device": "far", "run": run, "taken_at": (NOW - timedelta(hours=2)).isoformat()}


@pytest.mark.parametrize(
    ("far", "words"),
    [
        (sender((0x77, 3000), ago=7200), "no SA 0x1DB73BBB then"),
        (sender(ago=7200, table=False), "its IPsec SAs were not read then"),
        (sender((0x77, 3000), ago=60), "no SA 0x1DB73BBB then"),
    ],
)
def test_a_picture_without_the_spi_heals_and_accuses_nobody(ledger, far, words):
    note(ledger, far)
    for text in (log(*old(line(900), line(600))), TWICE, ONCE):
        here = receiver(text)
        made, alone = again(ledger, here), settle([here])[0]
        join = incident(made).join
        assert (join.outcome, join.named) == (Outcome.FAR_END_UNKNOWN, "far")
        assert words in join.why
        assert incident(made).state is incident(alone).state
        assert actions(made) == actions(alone)


def test_an_unbound_source_earns_no_action_by_an_old_picture(ledger):
    """Its router may be known; that it is this router's peer was true then."""
    body = (
        STATIC.replace(f" set peer {S}\n", " set peer 198.51.100.200\n")
        + "crypto map VPN 65000 ipsec-isakmp dynamic DYN\n"
    )
    other = flow("198.51.100.200")
    here = receiver(table=other, body=body + "crypto dynamic-map DYN 10\n set transform-set TS\n")
    note(ledger, sender((SPI, 86000), ago=7200))
    made = again(ledger, here)
    assert incident(made).peer is None
    assert named(made) == set()
    note(ledger, sender((SPI, 2400), ago=100))
    young = again(ledger, here)
    assert incident(young).peer is not None
    assert named(young) == {"far"}


def test_an_owner_without_a_tunnel_to_this_router_is_told_and_not_named(ledger):
    note(ledger, sender((0x77, 3000), ago=7200, to="203.0.113.50", table=False))
    other = build(
        snapshot(
            (CLOCK, clock()), (CONFIG, config(THERE.replace(f"set peer {R}", "set peer 203.0.113.50"))), name="far"
        ),
        Policy(),
    )
    note(ledger, other)
    join = incident(again(ledger, receiver())).join
    assert (join.outcome, join.named) == (Outcome.FAR_END_UNKNOWN, None)
    assert f"no tunnel to {R} is known" in join.why


def test_two_that_fit_confirm_none(ledger):
    note(ledger, sender((SPI, 2400), name="one"), sender((SPI, 2400), name="two"))
    join = incident(again(ledger, receiver())).join
    assert (join.device, join.outcome, join.candidates) == (None, Outcome.AMBIGUOUS, ("one", "two"))
    note(ledger, sender((0x77, 2400), name="one"), sender((0x77, 2400), name="two"))
    join = incident(again(ledger, receiver())).join
    assert (join.device, join.outcome, join.candidates) == (None, Outcome.AMBIGUOUS, ("one", "two"))


def test_a_sender_behind_nat_is_found_by_its_spi(ledger):
    note(ledger, sender((SPI, 2400), local="10.66.0.2"))
    join = incident(again(ledger, receiver())).join
    assert (join.grade, join.outcome, join.device) == ("nat", Outcome.STALE_CONFIRMED, "far")


def test_an_spi_alone_is_no_join_with_a_picture(ledger):
    note(ledger, sender((SPI, 2400), local="10.66.0.2", to="10.0.0.1"))
    assert incident(again(ledger, receiver())).join.named is None


# -- what this run saw goes first -----------------------------------------------------------------------------------


def test_what_this_run_read_outdates_the_picture(ledger):
    note(ledger, sender((SPI, 2400), ago=300))
    now = incident(again(ledger, receiver(log(*old(line(900), line(600)))), sender((0x77, 3000), ago=0))).join
    assert (now.outcome, now.remembered) == (Outcome.HEALED, None)


def test_a_router_of_this_run_that_could_not_be_read_is_asked_of_the_ledger(ledger):
    run = note(ledger, sender((SPI, 2400), ago=300))
    silent = Facts(device=Device(name="far", host=S))
    assert incident(again(ledger, receiver(), silent)).join.outcome is Outcome.STALE_CONFIRMED
    unread = sender(ago=0, table=False)
    join = incident(again(ledger, receiver(), unread)).join
    assert (join.outcome, join.remembered.run) == (Outcome.STALE_CONFIRMED, run)


def test_a_sender_behind_nat_that_this_run_read_is_no_sender_by_its_picture(ledger):
    note(ledger, sender((SPI, 2400), local="10.66.0.2"))
    now = sender((0x77, 3000), local="10.66.0.2", ago=0)
    assert incident(again(ledger, receiver(), now)).join.named is None


def test_of_two_names_for_one_address_the_router_of_this_run_is_meant(ledger):
    note(ledger, sender((0x77, 2400), ago=7200, name="renamed"), sender((0x77, 2400), ago=7200))
    assert incident(again(ledger, receiver())).join.outcome is Outcome.AMBIGUOUS
    join = incident(again(ledger, receiver(), sender(ago=0, table=False))).join
    assert (join.outcome, join.named) == (Outcome.FAR_END_UNKNOWN, "far")


def test_what_this_router_itself_holds_needs_no_picture(ledger):
    note(ledger, sender((SPI, 2400)))
    held = receiver(log(*old(line(600))), flow(inbound=[(SPI, 3000)], outbound=[(0x88, 3000)]))
    join = incident(again(ledger, held)).join
    assert (join.outcome, join.remembered) == (Outcome.REKEY_RACE, None)


def test_its_own_picture_is_never_the_sender(ledger):
    note(ledger, sender((SPI, 2400), name="hub"))
    assert incident(again(ledger, receiver())).join.named is None


def test_one_finding_with_both_routers_in_it(ledger):
    note(ledger, sender((SPI, 2400)))
    made = again(ledger, receiver())
    errors = [one for one in rules.to_findings(made, rules.judge(made)) if one.level.value == "error"]
    assert [(one.rule, one.device, one.far_device) for one in errors] == [("SPI001", "hub", "far")]


# -- what the ledger keeps --------------------------------------------------------------------------------------------


def far(ledger, *spis: int) -> FarEnd:
    (end,) = far_ends_of(
        ledger,
        Wanted(
            sources=frozenset({to_address(S)}), destinations=frozenset({to_address(R)}), spis=frozenset(map(Spi, spis))
        ),
    )
    return end


def test_a_visit_that_read_no_sas_leaves_those_of_an_earlier_one(ledger):
    first = note(ledger, sender((SPI, 2400), ago=900))
    note(ledger, sender(ago=100, table=False))
    end = far(ledger, SPI)
    assert (end.seen.run, end.seen.taken_at) == (first, NOW - timedelta(seconds=900))
    assert [sa.spi for kept in end.flows for sa in kept.outbound] == [SPI]
    third = note(ledger, sender((0x77, 3000), ago=0))
    assert far(ledger, SPI).flows == ()
    assert far(ledger, SPI).seen.run == third
    assert far_ends_of(ledger, Wanted(spis=frozenset({Spi(SPI)}))) == ()


def test_a_visit_that_could_not_read_the_configuration_leaves_the_addresses(ledger):
    note(ledger, sender((SPI, 2400), ago=900))
    at = NOW
    note(ledger, build(snapshot((CLOCK, clock(at)), name="far", at=at), Policy()))
    note(ledger, build(snapshot((CLOCK, clock(at)), (IPSEC, flow(R, local="10.0.0.9")), name="far", at=at), Policy()))
    assert devices_at(ledger, to_address(S)) == ("far",)
    note(ledger, sender((SPI, 2400), ago=0, local="198.51.100.99"))
    assert devices_at(ledger, to_address(S)) == ()


def test_of_a_picture_only_what_the_flows_ask_is_loaded(ledger):
    table = flow(outbound=[(SPI, 2400)], local=S) + "".join(
        flow(f"203.0.113.{n}", local=S, outbound=[(0x5000 + n, 3000)], heading=False) for n in range(40)
    )
    hub = build(snapshot((CLOCK, clock()), (CONFIG, config(THERE)), (IPSEC, table), name="far"), Policy())
    note(ledger, hub)
    end = far(ledger, SPI)
    assert len(end.flows) == 1
    assert [str(peer.address) for peer in end.peers] == [R]


def test_a_picture_is_bounded_and_goes_by_retention(ledger, monkeypatch):
    monkeypatch.setattr(pictures, "KEPT_FLOWS", 3)
    table = "".join(
        flow(f"203.0.113.{n}", local=S, outbound=[(0x5000 + n, 3000)], heading=n == 1) for n in range(1, 20)
    )
    note(ledger, build(snapshot((CLOCK, clock()), (CONFIG, config(THERE)), (IPSEC, table), name="far"), Policy()))
    count = "SELECT count(*) FROM "
    assert ledger.connection.execute(count + "far_spis").fetchone()[0] == 3
    later = replace(device(), collected_at=NOW + timedelta(days=91), device=Device(name="other", host="192.0.2.9"))
    note(ledger, later)
    for name in ("far_ends WHERE device = 'far'", "far_spis", f"far_addresses WHERE address = '{S}'"):
        assert ledger.connection.execute(count + name).fetchone()[0] == 0, name


def test_pictures_do_not_grow_with_the_runs(ledger):
    sizes = []
    for run in range(12):
        note(ledger, sender((SPI + run, 2400), ago=600 - run))
        sizes.append([ledger.connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in _TABLES])
    assert len({tuple(one) for one in sizes}) == 1


_TABLES = ("far_ends", "far_addresses", "far_spis", "log_losses")


def test_many_owners_of_one_address_are_not_all_loaded(ledger):
    note(ledger, *(sender((0x77, 2400), name=f"far{n}") for n in range(20)))
    assert len(far_ends_of(ledger, Wanted(sources=frozenset({to_address(S)})))) == pictures.KEPT_OWNERS


def test_a_ledger_of_the_version_before_is_brought_up_with_what_it_holds(tmp_path):
    step = next(number for number, text in enumerate(MIGRATIONS) if "far_ends" in text)
    with sqlite3.connect(tmp_path / FILE) as db:
        db.executescript("".join(MIGRATIONS[:step]) + f"PRAGMA user_version = {step};")
        db.execute("INSERT INTO runs VALUES ('a','sweep','x',?,0,1,0)", (NOW.isoformat(),))
        db.execute("INSERT INTO looks VALUES ('hub',?)", (NOW.isoformat(),))
        db.execute("INSERT INTO samples VALUES ('hub','X',7,?,NULL,NULL,1)", (NOW.isoformat(),))
    db.close()
    with open_ledger(tmp_path) as ledger:
        assert last_visits(ledger) == {"hub": NOW}
        past = history_of(ledger, "hub")
        assert ([one.packets for one in past.counters], past.log) == ([7], None)
        assert far_ends_of(ledger, Wanted(sources=frozenset({to_address(S)}))) == ()
        note(ledger, sender((SPI, 2400)))
        assert devices_at(ledger, to_address(S)) == ("far",)


# -- whom an audit visits ---------------------------------------------------------------------------------------------


def test_the_far_end_in_the_inventory_is_visited_by_its_host_or_by_what_the_ledger_knows():
    gists = [gist_of(settle([receiver()])[0])]
    listed = [Device(name="far", host="10.0.0.7"), Device(name="by-host", host=S), Device(name="hub", host=R)]
    assert beside(gists, listed, lambda _address: ()) == {"by-host": (R,)}
    assert beside(gists, listed, lambda _address: ("far", "gone")) == {"by-host": (R,), "far": (R,)}
    quiet = [gist_of(settle([receiver(log(*old()))])[0])]
    assert beside(quiet, listed, lambda _address: ("far",)) == {}
    seen = [*gists, gist_of(settle([sender((SPI, 2400))])[0])]
    assert beside(seen, listed, lambda _address: ("far",)) == {}
