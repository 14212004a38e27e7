"""Losing data never makes a better verdict: any captures, any line, any tail taken away from a set of captures.

For a set of routers in all kinds of trouble: an IKE SA is never invented nor lost, a state never becomes harmless, the
table of SAs never claims emptiness that nobody printed, and no action, `pass` or plain yes is gained.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from losing import ROW, gains, told_of
from printed import (
    CLOCK,
    CONFIG,
    DATAPATH,
    DYNAMIC,
    IKEV2,
    IPSEC,
    ISAKMP,
    LOG,
    NO_IKEV2,
    PRIVILEGE,
    S2,
    SESSION,
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
    old,
    other,
    session,
    snapshot,
    version,
)

from collector.facts import build, settle
from collector.model import Capture, CaptureStatus, Facts, Policy, Recovery, Snapshot, State

HARMLESS = {State.TRANSIENT, State.RESOLVED, State.HEALED, State.RECURRING_REKEY}
ALWAYS = [(PRIVILEGE, "Current privilege level is 15\n"), (VERSION, version()), (CLOCK, clock())]
UP = [
    (ISAKMP, isakmp((R, S, "QM_IDLE", "ACTIVE"), (R, S2, "QM_IDLE", "ACTIVE"))),
    (IKEV2, NO_IKEV2),
    (SESSION, session("UP-ACTIVE", ike="Active", up="1d02h")),
]
NONE = [(ISAKMP, isakmp((R, S2, "QM_IDLE", "ACTIVE"))), (IKEV2, NO_IKEV2), (SESSION, session("DOWN"))]
SAS = (IPSEC, flow(inbound=[(0x99, 1800)], outbound=[(0x88, 1800)], decaps=100))

SCENARIOS: dict[str, Snapshot] = {
    name: snapshot(*ALWAYS, *printed)
    for name, printed in {
        "persistent, no IKE": [
            (CONFIG, config()),
            (LOG, log(*old(line(190), line(130), line(70), line(10)))),
            *NONE,
            SAS,
        ],
        "persistent, IKE up": [
            (CONFIG, config()),
            (LOG, log(*old(line(100), line(40)))),
            *UP,
            SAS,
            (DATAPATH, datapath(40)),
        ],
        "pending": [(CONFIG, config()), (LOG, log(*old(other(300), line(20)))), *NONE, SAS],
        "wrapped": [(CONFIG, config()), (LOG, log(line(900), line(800), other(700), logged=9000, level="errors")), *UP],
        "dropped": [(CONFIG, config()), (LOG, log(*old(line(900), line(800), other(700)), dropped=900)), *UP],
        "dynamic": [(CONFIG, config(STATIC + DYNAMIC)), (LOG, log(*old(line(100, src=S2), line(40, src=S2)))), *UP],
        "no clock of the router": [(CONFIG, config()), (LOG, log(*old(line(900, mark="*"), other(40)))), *NONE],
        "altered": [(CONFIG, config()), (LOG, log(*old(line(900).replace(f"({SPI})", "(1)"), other(40)))), *NONE],
    }.items()
}
WHOLE = {name: settle([build(one, Policy())])[0] for name, one in SCENARIOS.items()}
TOLD = {name: told_of(made) for name, made in WHOLE.items()}


def judged(one: Snapshot) -> Facts:
    return settle([build(one, Policy())])[0]


def no_better(name: str, lost: Facts, what: str, *, countless: bool = False) -> None:
    """countless: it was a row of a table that prints no count, and may be one more peer's."""
    whole = WHOLE[name]
    before = {(one.source_text, one.destination_text): one.state for one in whole.incidents or ()}
    for found in lost.incidents or ():
        state = before.get((found.source_text, found.destination_text))
        assert found.state not in HARMLESS or state in HARMLESS, f"{what}: {state} became {found.state}: {found.why}"
    known = {(one.address, one.binding): one for one in whole.peers or ()}
    for peer in lost.peers or ():
        was = known.get((peer.address, peer.binding))
        assert was is None or peer.ike_sa in {was.ike_sa, "unknown"}, f"{what}: {was.ike_sa} became {peer.ike_sa}"
        assert was is None or was.recovery is Recovery.YES or peer.recovery is not Recovery.YES, what
        assert was is None or was.inbound is None or peer.inbound is None or peer.inbound == was.inbound, what
    assert lost.recovery_configured in {whole.recovery_configured, None}, what
    found = [] if countless else list(gains(TOLD[name], told_of(lost)))
    assert not found, (what, found)


def test_the_scenarios_are_what_their_names_say():
    states = {name: {one.state for one in made.incidents or ()} for name, made in WHOLE.items()}
    assert states == {
        "persistent, no IKE": {State.PERSISTENT},
        "persistent, IKE up": {State.PERSISTENT},
        "pending": {State.PENDING},
        "wrapped": {State.INSUFFICIENT_DATA},
        "dropped": {State.INSUFFICIENT_DATA},
        "dynamic": {State.PERSISTENT},
        "no clock of the router": {State.INSUFFICIENT_DATA},
        "altered": {State.INSUFFICIENT_DATA},
    }
    for name, made in WHOLE.items():
        cut = [one for one in made.captures if one.status is not CaptureStatus.PARSED]
        assert not cut or name == "altered", (name, cut)


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_capture_that_is_lost_makes_it_better(name):
    one = SCENARIOS[name]
    for number, capture in enumerate(one.captures):
        rest = replace(one, captures=(*one.captures[:number], *one.captures[number + 1 :]))
        no_better(name, judged(rest), f"without {capture.command}")


@given(data=st.data())
@settings(max_examples=120, deadline=None)
def test_no_captures_that_are_lost_make_it_better(data):
    name = data.draw(st.sampled_from(sorted(SCENARIOS)))
    one = SCENARIOS[name]
    kept = data.draw(st.lists(st.sampled_from(range(len(one.captures))), unique=True).map(sorted))
    rest = replace(one, captures=tuple(one.captures[number] for number in kept))
    no_better(name, judged(rest), f"only {[one.captures[number].command for number in kept]}")


def _without_line(capture: Capture, number: int) -> Capture:
    lines = capture.text.splitlines(keepends=True)
    return replace(capture, text="".join(lines[:number] + lines[number + 1 :]))


@given(data=st.data())
@settings(max_examples=400, deadline=None)
def test_no_line_that_is_lost_makes_it_better(data):
    """The configuration's own lines are another matter: what is not in it is not there (see the classifier's tests)."""
    name = data.draw(st.sampled_from(sorted(SCENARIOS)))
    one = SCENARIOS[name]
    at = data.draw(st.sampled_from([n for n, capture in enumerate(one.captures) if capture.command != CONFIG]))
    number = data.draw(st.integers(0, len(one.captures[at].text.splitlines()) - 1))
    thinner = _without_line(one.captures[at], number)
    rest = replace(one, captures=(*one.captures[:at], thinner, *one.captures[at + 1 :]))
    gone = one.captures[at].text.splitlines()[number]
    what = f"{one.captures[at].command} without line {number + 1}: {gone!r}"
    no_better(name, judged(rest), what, countless=bool(ROW.match(gone)))


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_no_tail_that_is_cut_off_makes_it_better(data):
    """A session cut by the network: the captures before it are whole, this one ends anywhere, the rest never came."""
    name = data.draw(st.sampled_from(sorted(SCENARIOS)))
    one = SCENARIOS[name]
    at = data.draw(st.integers(0, len(one.captures) - 1))
    end = data.draw(st.integers(0, len(one.captures[at].text)))
    cut = replace(one.captures[at], text=one.captures[at].text[:end], complete=False, note="the connection was lost")
    rest = replace(one, captures=(*one.captures[:at], cut))
    no_better(name, judged(rest), f"{cut.command} cut at {end}")


@given(noise=st.text(max_size=300), data=st.data())
@settings(max_examples=100, deadline=None)
def test_whatever_stands_in_a_capture_nothing_breaks(noise, data):
    name = data.draw(st.sampled_from(sorted(SCENARIOS)))
    one = SCENARIOS[name]
    at = data.draw(st.integers(0, len(one.captures) - 1))
    text = one.captures[at].text
    place = data.draw(st.integers(0, len(text)))
    spoilt = replace(one.captures[at], text=text[:place] + noise + text[place:])
    made = judged(replace(one, captures=(*one.captures[:at], spoilt, *one.captures[at + 1 :])))
    assert made.device.name == "hub"


def test_two_runs_over_one_snapshot_are_equal():
    for one in SCENARIOS.values():
        assert judged(one) == judged(one)
