"""Too early to act: each doubt alone, what ends it, and where it is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address

import pytest
from builders import FAR, NOW, SPI, commands, facts, found, incident, join, key, only, peer, said, sighting
from losing import CHANGES

from collector import rules
from collector.model import ConfigType, Outcome, Recovery, SpiState, State, Verdict
from collector.rules.premature import doubts

CHANGING = tuple(start for starts in CHANGES.values() for start in starts)
UP = {"ike_sa": "up", "ike_since": NOW - timedelta(hours=2)}
# One flow a row, with the rule that it has when nothing is in doubt.
ROWS = {
    "a": (incident(peer(), installed=SPI), False, "SPI010"),
    "c": (incident(peer(**UP)), False, "SPI004"),
    "e": (incident(peer(config_type=ConfigType.DYNAMIC_CRYPTO_MAP)), False, "SPI002"),
    "f": (incident(peer(recovery=Recovery.UNPROVEN, ike_version=2)), False, "SPI005"),
    "g": (incident(peer()), True, "SPI003"),
    "h": (incident(peer()), False, "SPI001"),
}
UNREAD = {"flows": None}
CLOCKLESS = {"log": replace(facts().log, clockless=True)}
LOOKS = {
    "flows": ("show crypto ipsec sa peer 203.0.113.9",),
    "device_time": ("show clock", "show logging"),
    "ike_since": ("show crypto session remote 203.0.113.9 detail",),
    "ike_sa": ("show crypto session remote 203.0.113.9 detail",),
}


def device(row: str, **changes):
    flow, on, _ = ROWS[row]
    return facts(flow, recovery_configured=on, **changes)


def missing(made) -> list[str]:
    return [doubt.missing for doubt in doubts(made, made.incidents[0])]


def changing(finding) -> list[str]:
    return [line for line in commands(finding) if line.startswith(CHANGING)]


@pytest.mark.parametrize("row", ROWS)
def test_nothing_is_in_doubt_where_everything_was_read(row):
    made = device(row)
    assert missing(made) == []
    assert changing(only(made, ROWS[row][2]))


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize(("lost", "fact"), [(UNREAD, "flows"), (CLOCKLESS, "device_time")], ids=["SAs", "clock"])
def test_a_doubt_leaves_rule_and_verdict_and_takes_every_change(row, lost, fact):
    made = device(row, **lost)
    if (row, fact) == ("a", "flows"):  # the router's own SPI table shows it then
        assert missing(made) == []
        return
    finding = only(made, ROWS[row][2])
    assert missing(made) == [fact]
    assert finding.verdict is (Verdict.UNKNOWN if row == "h" else Verdict.FAIL)
    assert changing(finding) == []
    (doubt,) = doubts(made, made.incidents[0])
    assert doubt.look == LOOKS[fact]
    assert doubt.reason in finding.why
    assert f"Look first at {doubt.commands} on this router" in finding.why
    if row != "h":
        assert finding.actions[0].commands == doubt.look
        assert (finding.actions[0].on, finding.actions[0].side) == ("hub1", "receiver")


def test_what_only_looks_is_kept():
    made = device("g", **UNREAD)
    lines = commands(only(made, "SPI003"))
    assert any(line.startswith("debug crypto condition") for line in lines)
    assert any(line.startswith("event manager applet") for line in lines)
    assert any("INV_SPI" in line for line in lines)


@pytest.mark.parametrize("fact", ["flows", "device_time"])
def test_row_h_is_unknown_and_says_for_want_of_what(fact):
    made = device("h", **{"flows": UNREAD, "device_time": CLOCKLESS}[fact])
    (judgement,) = [item for item in said(made, "SPI001") if item.verdict is Verdict.UNKNOWN]
    assert judgement.missing == fact
    assert judgement.actions == ()
    offline = replace(made, collected_at=None)  # a visit asks by itself the next time
    wanted = {"flows": ["show crypto ipsec sa"], "device_time": ["show clock", "show logging"]}[fact]
    assert set(wanted) <= set(commands(only(offline, "SPI015")))


@pytest.mark.parametrize(
    ("changes", "doubted"),
    [
        ({"flows": None}, True),
        ({"flows": (), "flows_filter": "203.0.113.9"}, False),
        ({"flows": (), "flows_filter": "198.51.100.1, 203.0.113.9"}, False),
        ({"flows": (), "flows_filter": "203.0.113.99"}, True),
        ({"flows": None, "spi_lookup": ()}, False),
    ],
)
def test_the_peers_own_listing_or_a_whole_spi_table_is_enough(changes, doubted):
    assert (missing(device("h", **changes)) == ["flows"]) == doubted


@pytest.mark.parametrize("outcome", [Outcome.FORWARDING_PLANE, Outcome.WRONG_ENDPOINT])
def test_a_join_that_shows_the_spi_here_needs_no_further_look(outcome):
    made = facts(incident(peer(ike_sa="unknown"), join=join(outcome)), flows=None)
    assert missing(made) == []


def test_the_clock_matters_only_to_lines_that_it_would_place():
    unplaced = incident(peer(), last_age=None)
    assert doubts(facts(unplaced, **CLOCKLESS), unplaced) == ()


@pytest.mark.parametrize(
    ("known", "doubt"),
    [
        ({"ike_sa": "up"}, "ike_since"),
        ({"ike_sa": "up", "session_since": NOW - timedelta(seconds=5)}, "ike_since"),
        ({"ike_sa": "up", "session_since": NOW - timedelta(seconds=20)}, None),
        ({"ike_sa": "up", "session_since": NOW - timedelta(hours=1)}, None),
        ({"ike_sa": "up", "ike_since": NOW - timedelta(hours=1)}, None),
        ({"ike_sa": "up", "ike_since": NOW - timedelta(seconds=5)}, None),
        ({"ike_sa": "unknown"}, "ike_sa"),
        ({"ike_sa": "none"}, None),
        ({"ike_sa": "unknown", "config_type": ConfigType.GETVPN}, None),
    ],
)
def test_on_which_side_of_the_last_line_the_ike_sa_came_up(known, doubt):
    made = facts(incident(peer(**known)))
    assert missing(made) == ([doubt] if doubt else [])
    reasons = {"ike_since": "came up before the last line could not be told", "ike_sa": "is up could not be read"}
    assert all(one.reason.endswith(reasons[one.missing]) for one in doubts(made, made.incidents[0]))
    assert missing(facts(replace(made.incidents[0], installed=SPI))) == []  # row a stands before all this


def test_an_ike_sa_of_unknown_age_is_spi004_and_nothing_is_cleared():
    finding = only(facts(incident(peer(ike_sa="up"))), "SPI004")
    assert finding.verdict is Verdict.FAIL
    assert changing(finding) == []
    assert finding.actions[0].commands == LOOKS["ike_since"]
    assert "wait: it may be healing" in finding.why
    nowhere = incident(peer(**UP), keys=(SpiState(spi=SPI, sightings=(), state=State.PERSISTENT, why=""),))
    assert missing(facts(nowhere)) == ["ike_since"]  # no line could be placed


@pytest.mark.parametrize("row", ["e", "g"])
def test_an_unread_ike_table_may_hide_a_tunnel_that_heals(row):
    flow, on, rule = ROWS[row]
    made = facts(replace(flow, peer=replace(flow.peer, ike_sa="unknown")), recovery_configured=on)
    finding = only(made, rule)
    assert finding.verdict is Verdict.FAIL
    assert changing(finding) == []
    assert finding.actions[0].commands == LOOKS["ike_sa"]


def test_the_path_shows_each_doubt_and_names_the_command():
    made = device("c", **UNREAD, **CLOCKLESS)
    made = replace(made, incidents=(replace(made.incidents[0], peer=peer(ike_sa="up")),))
    way = rules.paths(made, only(made, "SPI004"))
    early = [step for step in way.steps if step.row == "-"]
    assert [step.matched for step in early] == [True] * 3
    text = rules.path_text(way)
    for fact in ("flows", "device_time", "ike_since"):
        commands_ = ", then ".join(f"`{line}`" for line in LOOKS[fact])
        assert sum(commands_ in step.reason for step in early) == 1
        assert any(change.startswith(f"{commands_} on hub1") for change in way.changes)
    assert text.count("is it too early to change anything? yes") == 3


def test_several_doubts_are_all_looked_at_first():
    made = device("e", **UNREAD, **CLOCKLESS)
    shown = [action.commands for action in only(made, "SPI002").actions]
    assert shown[:2] == [LOOKS["flows"], LOOKS["device_time"]]


def test_behind_nat_the_dpd_of_a_sender_that_was_not_found_stands_in_a_note():
    hidden = only(facts(incident(peer(nat_traversal=True))), "SPI001")
    (one,) = [action for action in hidden.actions if action.side == "sender" and "keepalive" in action.note]
    assert one.commands == ("show crypto session remote 192.0.2.1 detail",)
    assert "`crypto isakmp keepalive 10 3 periodic`" in one.note
    told = only(facts(incident(peer(nat_traversal=False))), "SPI001")
    assert "crypto isakmp keepalive 10 3 periodic" in commands(told, "sender")


@pytest.mark.parametrize("state", [State.UNKNOWN_SOURCE, State.SCAN])
def test_a_stranger_may_be_a_known_peer_behind_nat_while_the_sas_are_not_read(state):
    flow = incident(source=FAR, state=state, keys=(key(state=state),))
    assert only(facts(flow), "SPI006").verdict is Verdict.FAIL
    unread = only(facts(flow, flows=None), "SPI006")
    assert unread.verdict is Verdict.UNKNOWN
    assert "No tunnel is down" not in unread.message
    assert "behind NAT" in unread.why
    (judgement,) = [item for item in said(facts(flow, flows=None), "SPI006") if item.verdict is Verdict.UNKNOWN]
    assert judgement.missing == "flows"
    other = facts(flow, flows=(), flows_filter="198.51.100.1")
    assert only(other, "SPI006").verdict is Verdict.UNKNOWN


def test_a_silent_log_of_software_that_was_not_read_proves_nothing():
    calm = facts(peers=(peer(),), software=None, counters=())
    assert {item.verdict for item in said(calm, "SPI002")} == {Verdict.UNKNOWN}
    assert {item.missing for item in said(calm, "SPI002")} == {"software"}
    spoke = replace(calm, sightings=(sighting(),), counters=None)
    assert {item.missing for item in said(spoke, "SPI002")} == {"counters"}  # it logs the message, so much is shown


@pytest.mark.parametrize(
    ("known", "typed"),
    [
        ({"dpd_negotiated": False, "ike_sa": "up"}, True),
        ({"ike_sa": "none"}, True),
        ({"ike_sa": "up"}, False),
        ({"ike_sa": "unknown"}, False),
    ],
)
def test_dpd_is_typed_where_it_is_seen_not_to_be_at_work(known, typed):
    finding = only(facts(peers=(peer(**known),)), "SPI012")
    assert finding.verdict is Verdict.FAIL
    assert bool(changing(finding)) == typed
    assert ("show crypto session detail" in commands(finding)) == (not typed)
    note = finding.actions[0].note
    assert ("`crypto isakmp keepalive 10 3 periodic`" in note) == (not typed)


@pytest.mark.parametrize(("lost", "fact"), [({"config": None}, "config"), ({"isakmp_sas": None}, "isakmp_sas")])
def test_dpd_passes_only_where_no_peer_can_be_hidden(lost, fact):
    well = facts(peers=(peer(dpd_negotiated=True, ike_sa="up"),))
    assert {item.verdict for item in said(well, "SPI012")} == {Verdict.PASS}
    (judgement,) = said(replace(well, **lost), "SPI012")
    assert (judgement.verdict, judgement.missing) == (Verdict.UNKNOWN, fact)


def test_two_flows_have_their_own_doubts():
    known, other = incident(peer()), incident(peer("198.51.100.7"), source=ip_address("198.51.100.7"))
    made = facts(known, other, flows_filter="203.0.113.9")
    by_peer = {item.peer: item.verdict for item in found(made) if item.rule == "SPI001"}
    assert by_peer == {FAR: Verdict.FAIL, ip_address("198.51.100.7"): Verdict.UNKNOWN}
