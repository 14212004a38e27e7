"""The decision table of DOMAIN 7.2, row by row, and the order in which a flow takes its keys' states."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import pytest
from cost import linear
from printed import NOW, SPI, R, S

from collector.facts.states import FLOW_ORDER, ROWS, Key, Scene, active_window, decide, flow_state
from collector.model import Evidence, InvalidSpi, Sighting, Spi, SpiState, State, Thresholds, to_address

LIMITS = Thresholds()
LONG = timedelta(days=1)
_number = count(1)


def seen(age: float | None, *, decimal: int = SPI, source: str = S) -> Sighting:
    return Sighting(
        event=InvalidSpi(
            destination=to_address(R),
            destination_text=R,
            source=to_address(source),
            source_text=source,
            protocol="50",
            spi=Spi(SPI),
            spi_decimal=decimal,
            interface=None,
        ),
        at=None if age is None else NOW - timedelta(seconds=age),
        age=None if age is None else timedelta(seconds=age),
        evidence=Evidence(device="hub", command="show logging", line=next(_number), text="line"),
    )


def key(*ages: float | None, installed: bool = False, **more: str) -> Key:
    return Key(
        spi=Spi(SPI),
        sightings=tuple(seen(age) for age in ages),
        installed="inbound SA of Tunnel0" if installed else "",
        **more,
    )


def scene(**more: object) -> Scene:
    return Scene(**({"limits": LIMITS, "active": LIMITS.active_window, "covers": LONG} | more))  # type: ignore[arg-type]


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


AFTER = {"flows_age": seconds(300), "trend": "flat"}  # the SAs were read 300 s before the log's last reading

TABLE: list[tuple[str, Key, Scene, State, int]] = [
    ("1 no age and nothing else", key(None), scene(), State.INSUFFICIENT_DATA, 1),
    ("1 one of two without an age", key(None, 10), scene(), State.INSUFFICIENT_DATA, 1),
    ("2 one line, SPI installed", key(20, installed=True), scene(), State.TRANSIENT, 2),
    ("2 one line without an age, SPI installed", key(None, installed=True), scene(), State.TRANSIENT, 2),
    ("2 not: one line of a log that was cut", key(20, installed=True), scene(covers=None, cut=True), State.PENDING, 9),
    ("2 not: an old one of it", key(400, installed=True), scene(covers=None, cut=True), State.INSUFFICIENT_DATA, 13),
    ("2 several lines, silence and flat counters", key(500, 400, installed=True), scene(**AFTER), State.TRANSIENT, 2),
    ("2 not: counters not flat", key(500, 400, installed=True), scene(**AFTER | {"trend": "rose"}), State.RESOLVED, 8),
    ("2 not: no counters", key(500, 400, installed=True), scene(**AFTER | {"trend": None}), State.RESOLVED, 8),
    (
        "2 not: read too short ago",
        key(90, 80, 70, installed=True),
        scene(flows_age=seconds(60), trend="flat"),
        State.PENDING,
        3,
    ),
    ("3 lines span the time", key(100, 40, installed=True), scene(), State.PERSISTENT, 3),
    (
        "3 a line after the SAs were read",
        key(290, 280, installed=True),
        scene(flows_age=seconds(285)),
        State.PERSISTENT,
        3,
    ),
    ("3 counters rose after", key(70, 60, installed=True), scene(trend="rose", after=True), State.PERSISTENT, 3),
    ("3 not: they rose, maybe before", key(70, 60, installed=True), scene(trend="rose"), State.PENDING, 3),
    ("3 several lines within the span", key(30, 20, installed=True), scene(), State.PENDING, 3),
    ("4 a younger SA that works", key(400, 300, reborn="an SA"), scene(), State.HEALED, 4),
    ("4 before 7: lines are recent", key(170, 100, reborn="an SA"), scene(), State.HEALED, 4),
    ("4 not: a line only seconds ago", key(100, 20, reborn="an SA"), scene(), State.PERSISTENT, 7),
    ("4 not: one line", key(400, reborn="an SA"), scene(), State.TRANSIENT, 11),
    ("4 not: silence unproven", key(400, 300, reborn="an SA"), scene(covers=None), State.INSUFFICIENT_DATA, 13),
    ("5 scan", key(20, scan="a scan"), scene(), State.SCAN, 5),
    ("5 before 6", key(20, scan="a scan", stranger="nobody"), scene(), State.SCAN, 5),
    ("6 unknown source", key(100, 40, stranger="nobody"), scene(), State.UNKNOWN_SOURCE, 6),
    ("7 two lines a minute apart", key(61, 0), scene(), State.PERSISTENT, 7),
    ("7 also without coverage", key(61, 0), scene(covers=None), State.PERSISTENT, 7),
    ("7 at the knob", key(60, 5), scene(), State.PERSISTENT, 7),
    ("7 not below the knob", key(59, 5), scene(), State.PENDING, 9),
    ("7 window grows with the flows", key(900, 600), scene(active=seconds(1800)), State.PERSISTENT, 7),
    ("7 lines half an hour apart", key(1805, 5), scene(), State.PERSISTENT, 7),
    ("7 not: a lifetime apart, at the birth and at the death of an SA", key(3560, 5), scene(), State.PENDING, 9),
    ("7 not: the lifetime of the configuration", key(7205, 7200, 5), scene(lifetime=seconds(7200)), State.PENDING, 9),
    ("7 an hour apart where SAs live for two", key(3560, 5), scene(lifetime=seconds(7200)), State.PERSISTENT, 7),
    ("7 lines far apart by another time than a lifetime", key(2500, 5), scene(), State.PERSISTENT, 7),
    ("7 a third line apart is no race", key(7205, 3605, 5), scene(), State.PERSISTENT, 7),
    ("7 the first run was no race", key(3700, 3605, 5), scene(), State.PERSISTENT, 7),
    ("7 the last run lasts", key(3700, 100, 30), scene(), State.PERSISTENT, 7),
    ("8 the first of two runs lasted", key(4300, 4200, 600), scene(), State.RESOLVED, 8),
    ("11 two lines, a lifetime apart, old", key(4500, 900), scene(), State.TRANSIENT, 11),
    ("3 not: a lifetime apart", key(3560, 5, installed=True), scene(), State.PENDING, 9),
    ("8 older, the log covers", key(900, 600), scene(), State.RESOLVED, 8),
    ("8 not: the log does not reach", key(900, 600), scene(covers=seconds(300)), State.INSUFFICIENT_DATA, 13),
    ("8 not: nothing proven", key(900, 600), scene(covers=None), State.INSUFFICIENT_DATA, 13),
    ("9 one young line", key(20), scene(), State.PENDING, 9),
    ("9 several within the span", key(30, 20), scene(), State.PENDING, 9),
    ("9 young, nothing covered", key(20), scene(covers=None), State.PENDING, 9),
    ("10 recurring", key(3000, recurring="at each rekey"), scene(), State.RECURRING_REKEY, 10),
    ("10 after 9: the last is young", key(20, recurring="at each rekey"), scene(), State.PENDING, 9),
    ("11 one old line, log covers", key(600), scene(), State.TRANSIENT, 11),
    ("11 several within the span, old", key(610, 600), scene(), State.TRANSIENT, 11),
    ("13 one old line, log wrapped", key(600), scene(covers=seconds(100)), State.INSUFFICIENT_DATA, 13),
    ("13 one old line, log off", key(600), scene(covers=None), State.INSUFFICIENT_DATA, 13),
]


@pytest.mark.parametrize(("case", "of", "where", "state", "row"), TABLE, ids=[entry[0] for entry in TABLE])
def test_table(case, of, where, state, row):
    decided = decide(of, where)
    assert (decided.state, decided.row) == (state, row), decided.why
    assert len(decided.why.split()) > 1 or of.scan or of.stranger


def test_every_row_is_in_the_table():
    assert {row for row, _ in ROWS} == {entry[4] for entry in TABLE}


def test_altered_line_is_insufficient_even_when_installed():
    altered = Key(spi=Spi(SPI), sightings=(seen(100, decimal=1), seen(40, decimal=1)), installed="inbound SA")
    assert decide(altered, scene()).row == 1
    masked = Key(spi=Spi(SPI), sightings=(seen(100, source="Z.Z.Z.Z"), seen(40, source="Z.Z.Z.Z")))
    assert decide(masked, scene()).state is State.INSUFFICIENT_DATA


def test_sentences_name_their_figures():
    why = decide(key(61, 0), scene()).why
    assert "2 lines" in why
    assert "61 s" in why
    assert "55 s" in why
    assert "packet" not in why


def test_flow_takes_the_first_state_of_the_order():
    assert FLOW_ORDER[:9] == (
        State.PERSISTENT,
        State.PENDING,
        State.SCAN,
        State.UNKNOWN_SOURCE,
        State.RECURRING_REKEY,
        State.INSUFFICIENT_DATA,
        State.RESOLVED,
        State.HEALED,
        State.TRANSIENT,
    )
    states = [
        SpiState(spi=Spi(number), sightings=(seen(number),), state=state, why=str(state))
        for number, state in enumerate(reversed(FLOW_ORDER), 1)
    ]
    for at in range(len(FLOW_ORDER)):
        assert flow_state(states[: len(states) - at]).state is FLOW_ORDER[at]


def test_active_window_grows_with_the_flows_in_it_and_no_further_than_half_an_hour():
    young, aged = seconds(10), seconds(600)
    assert active_window([], LIMITS) == LIMITS.active_window
    assert active_window([young, aged, None], LIMITS) == LIMITS.active_window
    assert active_window([young] * 3, LIMITS) == 3 * LIMITS.active_window
    assert active_window([young] * 500, LIMITS) == timedelta(minutes=30)


def test_a_key_of_many_lines_is_decided_in_linear_time():
    def deciding(lines: int):
        many = key(*range(1000, 1000 + lines))
        return lambda: decide(many, scene(covers=None))

    assert deciding(3)().row == 13  # every row before it has asked for the figures
    assert linear(deciding, 2000, 16000)
