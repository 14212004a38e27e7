"""The join of both ends: grades, outcomes, the guard, and what a join makes of a state."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from printed import (
    CLOCK,
    CONFIG,
    IPSEC,
    ISAKMP,
    LOG,
    NOW,
    S2,
    SESSION,
    SPI,
    STATIC,
    R,
    S,
    clock,
    config,
    fleet,
    flow,
    incident,
    isakmp,
    line,
    log,
    old,
    session,
    snapshot,
)

from collector.correlate.fleet import byte_swapped
from collector.facts import build, settle
from collector.model import Facts, Outcome, Policy, Spi, State

TWICE = log(*old(line(100), line(40)))
EMPTY = flow()


def receiver(text: str = TWICE, table: str | None = EMPTY, *, at=NOW, own=None) -> Facts:
    printed = [(CLOCK, clock(own or at)), (CONFIG, config()), (LOG, text), (ISAKMP, isakmp())]
    if table is not None:
        printed.append((IPSEC, table))
    return build(snapshot(*printed, at=at), Policy())


def sender(
    *sas: tuple[int, float],
    name: str = "far",
    local: str = S,
    to: str = R,
    at=NOW,
    current: int | None = None,
    more=(),
    port=500,
) -> Facts:
    table = flow(to, local=local, outbound=sas, inbound=[(0x51, 3000)], current=current, port=port)
    return build(snapshot((CLOCK, clock(at)), (IPSEC, table), *more, name=name, at=at), Policy())


def joined(*built: Facts):
    found = incident(fleet(*built)["hub"])
    assert found.join is not None
    return found.join


def test_stale_confirmed_names_the_sender_the_seconds_and_the_end():
    found = incident(fleet(receiver(), sender((SPI, 2400)))["hub"])
    join = found.join
    assert join is not None
    assert (join.device, join.grade, join.outcome) == ("far", "exact", Outcome.STALE_CONFIRMED)
    assert join.sa_remaining == timedelta(seconds=2400)
    assert join.heals_at_latest == NOW + timedelta(seconds=2400)
    assert str(join.sender_seen_as) == R
    assert f"0x{SPI:X}" in join.evidence[0].text
    assert join.evidence[0].device == "far"
    assert (found.state, found.keys[0].row) == (State.PERSISTENT, 3)
    assert "2400 s left" in found.why


def test_stale_confirmed_makes_one_young_line_persistent():
    alone = receiver(log(*old(line(20))))
    assert incident(settle([alone])[0]).state is State.PENDING
    assert incident(fleet(alone, sender((SPI, 1200)))["hub"]).state is State.PERSISTENT


@pytest.mark.parametrize(
    ("far", "grade"),
    [
        (sender((SPI, 2400)), "exact"),
        (sender((SPI, 2400), local="10.66.0.2"), "nat"),
        (sender((SPI, 2400), to="192.0.2.77"), "nat"),
        (sender((SPI, 2400), local="10.66.0.2", to="10.0.0.1", port=4500), "nat"),
        (sender((SPI, 2400), local="10.66.0.2", to="10.0.0.1"), "spi-only"),
    ],
)
def test_grades(far, grade):
    join = joined(receiver(), far)
    assert (join.grade, join.device) == (grade, "far")
    assert (join.chance is not None) == (grade == "spi-only")
    assert join.chance is None or 0 < join.chance < 1e-6


def test_small_spis_are_not_joined_by_themselves():
    small = receiver(log(*old(line(100, 0x900), line(40, 0x900))))
    join = joined(small, sender((0x900, 2400), local="10.66.0.2", to="10.0.0.1"))
    assert join.outcome is Outcome.FAR_END_UNKNOWN
    assert joined(small, sender((0x900, 2400))).grade == "exact"


def test_draining():
    found = incident(fleet(receiver(log(*old(line(20)))), sender((SPI, 20), (0x77, 3580)))["hub"])
    assert found.join is not None
    assert found.join.outcome is Outcome.DRAINING
    assert (found.state, found.keys[0].row) == (State.TRANSIENT, 2)
    long = incident(fleet(receiver(), sender((SPI, 20), (0x77, 3580)))["hub"])
    assert long.state is State.PERSISTENT


def test_healed_and_other_sender():
    quiet = receiver(log(*old(line(900), line(600))))
    assert incident(fleet(quiet)["hub"]).state is State.RESOLVED
    found = incident(fleet(quiet, sender((0x77, 3000)))["hub"])
    assert found.join is not None
    assert (found.join.outcome, found.state) == (Outcome.HEALED, State.HEALED)
    before = NOW - timedelta(seconds=90)
    going_on = joined(receiver(), sender((0x77, 3000), at=before))
    assert going_on.outcome is Outcome.OTHER_SENDER
    assert "lines came after" in going_on.why
    undecided = joined(receiver(), sender((0x77, 3000)))
    assert undecided.outcome is Outcome.LOOK_AGAIN


def test_a_line_that_its_log_calls_a_rekey_is_not_healed():
    found = incident(fleet(receiver(log(*old(line(900)))), sender((0x77, 3000)))["hub"])
    assert found.state is State.TRANSIENT


def test_rekey_race_and_forwarding_plane():
    held = flow(inbound=[(SPI, 3000)], outbound=[(0x88, 3000)])
    race = incident(fleet(receiver(log(*old(line(600))), held), sender((SPI, 3000)))["hub"])
    assert race.join is not None
    assert (race.join.outcome, race.state) == (Outcome.REKEY_RACE, State.TRANSIENT)
    early = [(CLOCK, clock(NOW - timedelta(minutes=5))), (IPSEC, held)]
    looks = [
        *snapshot(*early, at=NOW - timedelta(minutes=5)).captures,
        *snapshot((CLOCK, clock()), (CONFIG, config()), (LOG, TWICE)).captures,
    ]
    again = build(replace(snapshot(), captures=tuple(looks)), Policy())
    plane = incident(fleet(again, sender((SPI, 3000)))["hub"])
    assert plane.join is not None
    assert (plane.join.outcome, plane.state) == (Outcome.FORWARDING_PLANE, State.PERSISTENT)


def test_wrong_endpoint_needs_no_other_end():
    elsewhere = flow(local="192.0.2.200", inbound=[(SPI, 3000)])
    join = joined(receiver(table=elsewhere))
    assert (join.device, join.outcome) == (None, Outcome.WRONG_ENDPOINT)
    assert "192.0.2.200" in join.why


def test_far_end_unknown():
    assert joined(receiver()).outcome is Outcome.FAR_END_UNKNOWN
    named = joined(receiver(), build(snapshot((CONFIG, config(STATIC.replace(R, S))), name="far"), Policy()))
    assert (named.device, named.outcome) == ("far", Outcome.FAR_END_UNKNOWN)


def test_two_that_fit_confirm_none():
    join = joined(receiver(), sender((SPI, 2400), name="one"), sender((SPI, 2400), name="two"))
    assert (join.device, join.outcome, join.candidates) == (None, Outcome.AMBIGUOUS, ("one", "two"))
    behind_nat = joined(
        receiver(),
        sender((SPI, 2400), name="one", local="10.66.0.2"),
        sender((SPI, 2400), name="two", local="10.66.0.3"),
    )
    assert behind_nat.outcome is Outcome.AMBIGUOUS
    assert incident(
        fleet(receiver(), sender((SPI, 2400), name="one"), sender((SPI, 9), name="two", local="10.9.9.9"))["hub"]
    ).join == joined(receiver(), sender((SPI, 2400), name="one"), sender((SPI, 9), name="two", local="10.9.9.9"))


@pytest.mark.parametrize(
    ("far", "words"),
    [
        (sender((SPI, 60)), "60 s left"),
        (sender((SPI, 3590)), "s old"),
        (sender((SPI, 2400), at=NOW - timedelta(minutes=11)), "660 s apart"),
    ],
)
def test_the_guard_asks_for_a_second_look(far, words):
    join = joined(receiver(log(*old(line(20)))), far)
    assert join.outcome is Outcome.LOOK_AGAIN
    assert words in join.why
    assert join.heals_at_latest is None


def test_an_sa_that_was_logged_before_the_guard_is_no_young_one():
    join = joined(receiver(log(*old(line(400), line(40)))), sender((SPI, 3590)))
    assert join.outcome is Outcome.STALE_CONFIRMED


def test_an_sa_younger_than_the_receivers_table_is_not_confirmed():
    early = receiver(log(*old(line(20))), at=NOW - timedelta(minutes=8))
    assert joined(early, sender((SPI, 3400))).outcome is Outcome.LOOK_AGAIN


def test_the_receivers_own_table_must_have_been_read():
    join = joined(receiver(table=None), sender((SPI, 2400)))
    assert join.outcome is Outcome.LOOK_AGAIN
    assert "were not read" in join.why


def test_pasted_captures_join_only_where_the_clocks_compare():
    def pasted(mark: str) -> Outcome:
        here = build(
            snapshot(
                (CLOCK, clock(mark=mark)), (CONFIG, config()), (LOG, TWICE), (IPSEC, EMPTY), at=None, origin="paste"
            ),
            Policy(),
        )
        there = build(
            snapshot(
                (CLOCK, clock()), (IPSEC, flow(R, local=S, outbound=[(SPI, 2400)])), name="far", at=None, origin="paste"
            ),
            Policy(),
        )
        return joined(here, there).outcome

    assert pasted("") is Outcome.STALE_CONFIRMED
    assert pasted("*") is Outcome.LOOK_AGAIN


def test_dead_peer_detection_of_the_sender_ends_it_earlier():
    body = (
        STATIC.replace(R, S)
        .replace(f"set peer {S}", f"set peer {R}")
        .replace("interface", "crypto isakmp keepalive 10 3 periodic\ninterface", 1)
    )
    more = [
        (CONFIG, config(body)),
        (ISAKMP, isakmp((R, S, "QM_IDLE", "ACTIVE"))),
        (SESSION, session("UP-ACTIVE", R, local=S, ike="Active", up="00:30:00")),
    ]
    young = receiver(log(*old(line(20))))
    join = joined(young, sender((SPI, 2400), more=more))
    assert (join.sender_ike_sa, join.sender_dpd.mode) == ("up", "periodic")
    assert join.heals_at_latest == NOW + timedelta(seconds=10 + 5 * 3)
    late = joined(receiver(), sender((SPI, 2400), more=more))  # a minute of lines: it would have acted by now
    assert late.heals_at_latest == NOW + timedelta(seconds=2400)


def test_no_bound_where_the_lifetime_does_not_apply():
    table = flow(R, local=S, outbound=[(SPI, 1)]).replace(
        "sa timing: remaining key lifetime (k/sec): (4608000/1)",
        "sa timing: remaining key lifetime (sec): is not applicable",
    )
    far = build(snapshot((CLOCK, clock()), (IPSEC, table), name="far"), Policy())
    join = joined(receiver(), far)
    assert join.heals_at_latest is None


def test_altered_lines_are_never_joined():
    altered = log(*old(line(100).replace(f"({SPI})", "(1)"), line(40).replace(f"({SPI})", "(1)")))
    found = incident(fleet(receiver(altered), sender((SPI, 2400)))["hub"])
    assert found.join is None
    assert found.state is State.INSUFFICIENT_DATA


def test_byte_swapped():
    assert byte_swapped(Spi(0x1E3EFDFE)) == 0xFEFD3E1E


def test_order_of_the_devices_does_not_matter_and_is_kept():
    built = [receiver(), sender((SPI, 2400)), sender((0x99, 2400), name="third", local=S2)]
    forth, back = settle(built), settle(built[::-1])
    assert [one.device.name for one in forth] == ["hub", "far", "third"]
    assert {one.device.name: one for one in forth} == {one.device.name: one for one in back}
    assert settle(forth) == forth


def test_a_source_without_a_trace_is_a_peer_of_each_acceptor_that_it_reaches():
    second = "192.0.2.2"
    body = "".join(
        f"crypto dynamic-map DYN{port} 10\n set transform-set TS\ncrypto map VPN{port} 65000 ipsec-isakmp dynamic DYN{port}\n"
        f"interface GigabitEthernet0/{port}\n ip address {address} 255.255.255.0\n crypto map VPN{port}\n"
        for port, address in ((1, R), (2, second))
    )
    lines = [line(age, spi, S2, dst) for age in (100, 40) for spi, dst in ((SPI, R), (SPI + 1, second))]
    printed = ((CLOCK, clock()), (CONFIG, config(body)), (LOG, log(*old(*lines))), (ISAKMP, isakmp()), (IPSEC, EMPTY))
    hub = build(snapshot(*printed), Policy())
    far = build(
        snapshot(
            (CLOCK, clock()),
            (IPSEC, flow(R, local=S2, outbound=[(SPI, 2400)]) + flow(second, local=S2, outbound=[(SPI + 1, 2400)])),
            name="far",
        ),
        Policy(),
    )
    made = fleet(hub, far)["hub"]
    bound = {one.peer for one in made.incidents or ()}
    assert {one.binding for one in bound if one is not None} == {"VPN1 65000", "VPN2 65000"}
    assert bound <= set(made.peers or ())
