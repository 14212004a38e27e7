"""Incidents end to end: scans, strangers, rekeys, counters, healing, causes, and the source document of the product."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cost import linear
from printed import (
    CLOCK,
    CONFIG,
    DATAPATH,
    DYNAMIC,
    IPSEC,
    LOG,
    NOW,
    S2,
    SESSION,
    STATIC,
    VERSION,
    R,
    S,
    clock,
    codes,
    config,
    datapath,
    facts,
    flow,
    incident,
    line,
    log,
    old,
    other,
    peer,
    session,
    snapshot,
    stamp,
    version,
)

from collector.errors import ErrorCode
from collector.facts import build, settle
from collector.model import Capture, ConfigType, Failure, Policy, Recovery, State

CLOCK_NOW, CONFIGURED = (CLOCK, clock()), (CONFIG, config())


def scanned(*lines: str, body: str = STATIC):
    return facts(CLOCK_NOW, (CONFIG, config(body)), (LOG, log(*old(*lines))))


def states(made) -> dict[str, State]:
    return {str(one.source): one.state for one in made.incidents or ()}


def test_one_spi_from_several_sources_is_a_scan():
    made = scanned(line(60, 0x77B41234, "203.0.113.1"), line(57, 0x77B41234, "203.0.113.2"))
    assert set(states(made).values()) == {State.SCAN}
    far_apart = scanned(line(3600, 0x77B41234, "203.0.113.1"), line(600, 0x77B41234, "203.0.113.2"))
    assert set(states(far_apart).values()) == {State.UNKNOWN_SOURCE}


def test_three_strangers_or_a_half_empty_spi_are_a_scan():
    strangers = [line(600 + n, 0x1000001 + n, f"203.0.113.{n}") for n in range(1, 4)]
    assert set(states(scanned(*strangers)).values()) == {State.SCAN}
    assert set(states(scanned(*strangers[:2])).values()) == {State.UNKNOWN_SOURCE}
    assert states(scanned(line(60, 0x77B40000, "203.0.113.1")))["203.0.113.1"] is State.SCAN


def test_a_peer_is_never_a_scanner():
    made = scanned(line(60, 0x77B40000), *(line(600 + n, 0x1000001 + n, f"203.0.113.{n}") for n in range(1, 4)))
    assert states(made)[S] is State.PENDING


def test_spokes_that_keep_their_spi_after_a_hubs_reload_are_no_scan():
    lines = [line(age + n, 0x5000001 + n, f"203.0.113.{n}") for n in range(1, 6) for age in (130, 70)]
    made = scanned(*lines, body=STATIC + DYNAMIC)
    assert set(states(made).values()) == {State.PERSISTENT}
    assert all(one.peer is None for one in made.incidents or ())
    static_only = scanned(*lines)
    assert set(states(static_only).values()) == {State.SCAN}


def test_without_a_configuration_nobody_is_a_stranger():
    made = facts(CLOCK_NOW, (LOG, log(*old(line(100, src="203.0.113.1"), line(40, src="203.0.113.1")))))
    assert states(made) == {"203.0.113.1": State.PERSISTENT}
    assert "config-not-read" in codes(made, blocking=True)


def test_recurring_rekey_needs_three_spis_a_lifetime_apart():
    rekeys = [line(400 + 3600 * n, 0x100000 + n) for n in range(3, -1, -1)]
    found = incident(scanned(*rekeys))
    assert (found.state, len(found.keys)) == (State.RECURRING_REKEY, 4)
    assert "4 SPIs" in found.why
    assert incident(scanned(*rekeys[:2])).state is State.TRANSIENT
    loose = [line(400 + 3600 * n + 900 * (n % 2), 0x100000 + n) for n in range(3, -1, -1)]
    assert incident(scanned(*loose)).state is State.TRANSIENT
    shorter = STATIC + "crypto ipsec security-association lifetime seconds 1800\n"
    assert incident(scanned(*rekeys, body=shorter)).state is State.TRANSIENT
    halves = [line(400 + 1800 * n, 0x100000 + n) for n in range(3, -1, -1)]
    assert incident(scanned(*halves, body=shorter)).state is State.RECURRING_REKEY


def test_healed_needs_a_younger_sa_that_carries_traffic():
    lines = (LOG, log(*old(line(700), line(600))))
    young = flow(inbound=[(0x99, 3300)], outbound=[(0x88, 3300)], decaps=17)
    assert incident(facts(CLOCK_NOW, CONFIGURED, lines, (IPSEC, young))).state is State.HEALED
    assert "17" in incident(facts(CLOCK_NOW, CONFIGURED, lines, (IPSEC, young))).why
    idle = flow(inbound=[(0x99, 3300)], outbound=[(0x88, 3300)], decaps=0)
    assert incident(facts(CLOCK_NOW, CONFIGURED, lines, (IPSEC, idle))).state is State.RESOLVED
    older = flow(inbound=[(0x98, 1000), (0x99, 3300)], outbound=[(0x88, 3300)], decaps=17)
    assert incident(facts(CLOCK_NOW, CONFIGURED, lines, (IPSEC, older))).state is State.RESOLVED
    assert incident(facts(CLOCK_NOW, lines, (IPSEC, young))).state is State.RESOLVED  # lifetime not read
    two = [
        *snapshot((CLOCK, clock(NOW - timedelta(minutes=2))), (IPSEC, idle), at=NOW - timedelta(minutes=2)).captures,
        *snapshot(CLOCK_NOW, CONFIGURED, lines, (IPSEC, young)).captures,
    ]
    assert "rose from 0 to 17" in incident(settle([build(_with(two), Policy())])[0]).why


def _with(captures):
    from dataclasses import replace

    return replace(snapshot(), captures=tuple(captures))


def test_counter_only_has_no_addresses_and_a_rate():
    quiet = (LOG, log(*old(other(5))))
    made = facts(CLOCK_NOW, CONFIGURED, quiet, (VERSION, version()), (DATAPATH, datapath(7000)))
    (only,) = made.incidents or ()
    assert (only.state, only.source, only.counter, only.counter_packets) == (
        State.COUNTER_ONLY,
        None,
        "IN_US_V4_PKT_SA_NOT_FOUND_SPI",
        7000,
    )
    assert only.rate_per_hour == pytest.approx(7000 / (43 * 24 + 6 / 60), rel=0.01)
    lines = facts(CLOCK_NOW, CONFIGURED, (LOG, log(*old(line(20)))), (DATAPATH, datapath(7000)))
    assert [one.state for one in lines.incidents or ()] == [State.PENDING]
    none = facts(CLOCK_NOW, CONFIGURED, quiet, (DATAPATH, datapath(0)))
    assert none.incidents == ()


def test_the_tail_of_a_flow_that_was_logged_before_the_last_look_is_explained():
    from collector.model import History, PastSample

    def states(age: int):
        past = PastSample(
            name="IN_US_V4_PKT_SA_NOT_FOUND_SPI",
            packets=7000,
            at=NOW - timedelta(seconds=520),
            uptime=timedelta(days=43),
            last_clearing=None,
        )
        lines = (LOG, log(*old(line(age))))
        commands = (CLOCK_NOW, CONFIGURED, lines, (VERSION, version()), (DATAPATH, datapath(7400)))
        made = facts(*commands, history=History(counters=(past,)))
        return [one.state for one in made.incidents or () if one.state is State.COUNTER_ONLY]

    assert states(560) == []  # the last line before the look; packets came until shortly after it
    assert states(900) == [State.COUNTER_ONLY]


def test_two_looks_make_a_delta_and_a_falling_value_is_a_reset():
    def looks(first: int, last: int):
        one = snapshot((DATAPATH, datapath(first)), at=NOW - timedelta(seconds=130)).captures
        two = snapshot(CLOCK_NOW, CONFIGURED, (LOG, log(*old(other(5)))), (DATAPATH, datapath(last))).captures
        return settle([build(_with([*one, *two]), Policy())])[0]

    rose = next(one for one in looks(100, 140).counters or () if one.packets)
    assert (rose.delta, rose.delta_seconds, rose.reset) == (40, 130.0, False)
    assert [one.counter_packets for one in looks(100, 140).incidents or ()] == [40]
    fell = next(one for one in looks(140, 100).counters or () if one.packets)
    assert (fell.delta, fell.reset) == (None, True)
    assert looks(100, 100).incidents == ()


def test_zero_is_told_and_absence_is_not_zero():
    made = facts((DATAPATH, datapath(0)))
    assert {one.name: one.packets for one in made.counters or ()}["IN_US_V6_PKT_SA_NOT_FOUND_SPI"] == 0
    part = facts(
        (f"{DATAPATH} | include V4_PKT_SA", "        4  IN_US_V4_PKT_SA_NOT_FOUND_SPI                      12\n")
    )
    assert [(one.name, one.packets) for one in part.counters or ()] == [("IN_US_V4_PKT_SA_NOT_FOUND_SPI", 12)]
    assert facts(CLOCK_NOW).counters is None
    refused = facts((DATAPATH, "            ^\n% Invalid input detected at '^' marker.\n"))
    assert refused.counters is None


def test_the_last_row_of_a_cut_table_is_not_believed():
    cut = Capture(
        command=DATAPATH, text=datapath(64574).partition("        7 ")[0].rstrip()[:-2], complete=False, note="cut"
    )
    assert facts(cut).counters in (None, ()) or all(one.packets != 645 for one in facts(cut).counters or ())


def test_a_reload_or_a_failover_before_the_first_line_is_named():
    restart = f"{stamp(300)}: %SYS-5-RESTART: System restarted --"
    found = incident(scanned(restart, line(100), line(40)))
    assert found.preceded_by is not None
    assert found.preceded_by.event.kind == "restart"
    active = f"{stamp(200)}: %HSRP-5-STATECHANGE: GigabitEthernet0/1 Grp 1 state Standby -> Active"
    assert getattr(incident(scanned(active, line(100), line(40))).preceded_by, "event", None) is not None
    standby = active.replace("Standby -> Active", "Active -> Speak")
    assert incident(scanned(standby, line(100), line(40))).preceded_by is None
    early = f"{stamp(700)}: %SYS-5-RESTART: System restarted --"
    assert incident(scanned(early, line(100), line(40))).preceded_by is None


def test_flows_differ_by_vrf_source_destination_and_protocol():
    made = scanned(line(100), line(90, src=S2), line(80, dst="192.0.2.9"), line(40))
    assert [(str(one.source), str(one.destination), one.messages) for one in made.incidents or ()] == [
        (S, R, 2),
        (S2, R, 1),
        (S, "192.0.2.9", 1),
    ]


def test_history_makes_a_line_of_this_run_persistent():
    from collector.model import Evidence, History, Sighting

    first = incident(scanned(line(1200))).keys[0].sightings[0]
    past = Sighting(
        event=first.event, at=first.at, age=None, evidence=Evidence(device="hub", command="ledger", line=0, text="x")
    )
    now = facts(CLOCK_NOW, CONFIGURED, (LOG, log(other(900), line(20), logged=900)), history=History(sightings=(past,)))
    assert incident(now).state is State.PERSISTENT
    assert incident(now).messages == 1


# what configuration and running state say of a peer


def test_configuration_and_running_state_disagree():
    made = facts(CLOCK_NOW, CONFIGURED, (IPSEC, flow() + flow(S2, tag="Tunnel7-head-0", interface="Tunnel7")))
    stranger = peer(made, S2)
    assert (stranger.config_type, stranger.recovery, stranger.seen) == (
        ConfigType.UNKNOWN,
        Recovery.UNPROVEN,
        "runtime",
    )
    assert "disagree" in stranger.why
    tunnel = """crypto ipsec profile P
 set transform-set TS
interface GigabitEthernet0/1
 ip address 192.0.2.1 255.255.255.0
interface Tunnel1
 tunnel source GigabitEthernet0/1
 tunnel destination 198.51.100.7
 tunnel protection ipsec profile P
"""
    tagged = peer(facts(CLOCK_NOW, (CONFIG, config(tunnel)), (IPSEC, flow(tag="VPN", interface="Tunnel1"))))
    assert (tagged.config_type, tagged.recovery) == (ConfigType.UNKNOWN, Recovery.UNPROVEN)
    assert "VPN" in tagged.why
    same = peer(facts(CLOCK_NOW, (CONFIG, config(tunnel)), (IPSEC, flow(tag="Tunnel1-head-0", interface="Tunnel1"))))
    assert (same.config_type, same.recovery) == (ConfigType.GRE_TUNNEL_PROTECTION, Recovery.YES)


def test_a_shut_tunnel_seats_nobody():
    body = f"""crypto ipsec profile P
 set transform-set TS
interface GigabitEthernet0/1
 ip address {R} 255.255.255.0
interface Tunnel1
 shutdown
 tunnel source GigabitEthernet0/1
 tunnel destination {S}
 tunnel protection ipsec profile P
"""
    made = facts(CLOCK_NOW, (CONFIG, config(body)), (IPSEC, flow(tag="Tunnel1-head-0", interface="Tunnel1")))
    assert [(one.binding, one.config_type) for one in made.peers or () if one.seen == "runtime"] == [
        ("Tunnel1-head-0", ConfigType.UNKNOWN)
    ]


def test_a_block_that_contradicts_itself_proves_nothing():
    mixed = flow(inbound=[(0x99, 1800)], outbound=[(0x88, 1800)]).replace("     outbound esp sas:\n", "")
    made = facts(CLOCK_NOW, CONFIGURED, (IPSEC, mixed))
    assert peer(made).inbound is None
    assert made.flows is None


def test_a_dynamic_peer_is_the_acceptors():
    body = STATIC + DYNAMIC
    made = facts(
        CLOCK_NOW,
        (CONFIG, config(body)),
        (IPSEC, flow() + flow(S2, heading=False, inbound=[(5000, 100)], outbound=[(6000, 100)])),
    )
    assert (peer(made).config_type, peer(made).recovery) == (ConfigType.STATIC_CRYPTO_MAP, Recovery.YES)
    assert (peer(made, S2).config_type, peer(made, S2).recovery) == (ConfigType.DYNAMIC_CRYPTO_MAP, Recovery.NO)
    assert peer(made, S2).inbound == (5000,)


def test_without_a_configuration_a_running_peer_has_no_type():
    made = facts(
        CLOCK_NOW,
        (IPSEC, flow(inbound=[(5000, 100)], outbound=[(6000, 100)])),
        (SESSION, session("UP-ACTIVE", ike="Active")),
    )
    found = peer(made)
    assert (found.config_type, found.recovery, found.ike_sa) == (ConfigType.UNKNOWN, Recovery.UNPROVEN, "up")


def test_only_one_peers_sas_were_asked_for():
    made = facts(CLOCK_NOW, CONFIGURED, (f"show crypto ipsec sa peer {S}", flow()))
    assert made.flows_filter == S
    assert peer(made).inbound == ()
    other_peer = facts(CLOCK_NOW, CONFIGURED, (f"show crypto ipsec sa peer {S2}", flow(S2, tag="VPN")))
    assert peer(other_peer).inbound is None


# a visit that failed


def test_nothing_read_is_nothing_known():
    from dataclasses import replace

    failure = Failure(code=ErrorCode.TCP_REFUSED, phase="connect", message="connection refused")
    made = build(replace(snapshot(), failures=(failure,)), Policy())
    assert (made.incidents, made.peers, made.log, made.config, made.counters) == (None, None, None, None, None)
    assert "visit-failed" in codes(made, blocking=True)
    assert made.failures == (failure,)


def test_a_command_that_was_never_reached_is_missing():
    from dataclasses import replace

    failure = Failure(code=ErrorCode.DEADLINE, phase="run", message="out of time", command=LOG)
    made = build(replace(snapshot(CLOCK_NOW), failures=(failure,)), Policy())
    assert [(one.command, one.status.value) for one in made.captures] == [(CLOCK, "parsed"), (LOG, "missing")]


# the source document


def test_the_source_documents_own_samples(corpus: Path):
    from collector.snapshot import read_paths

    document = corpus.parent / "seed" / "cisco-tac-115801-es.txt"
    if not document.is_file():
        pytest.skip("no source document beside the checkout")
    (made,) = settle([build(one, Policy()) for one in read_paths([str(document)])])
    found = {str(key.spi): (key.state, len(key.sightings)) for one in made.incidents or () for key in one.keys}
    assert found == {"0xB761863E": (State.TRANSIENT, 1), "0x1DB73BBB": (State.PERSISTENT, 2)}
    assert {one.name: one.packets for one in made.counters or ()}["IN_US_V4_PKT_SA_NOT_FOUND_SPI"] == 64574
    glued = [s.evidence.text for s in made.sightings or ()][-1]
    assert glued.startswith(
        "Sep 2 13:37:48.039: %CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packet has invalid spi for"
    )


# size


def test_two_thousand_peers_build_in_linear_time():
    def building(count: int) -> Callable[[], None]:
        peers = [f"10.{n // 250}.{n % 250}.1" for n in range(count)]
        body = "".join(
            f"crypto map VPN {n + 1} ipsec-isakmp\n set peer {one}\n set transform-set TS\n match address 101\n"
            for n, one in enumerate(peers)
        )
        body += f"interface GigabitEthernet0/1\n ip address {R} 255.255.255.0\n crypto map VPN\n"
        sas = "".join(
            flow(one, heading=not n, inbound=[(0x1000 + n, 3000)], outbound=[(0x900000 + n, 3000)])
            for n, one in enumerate(peers)
        )
        lines = [line(100 - n / count, 0xA00000 + n, one) for n, one in enumerate(peers)]
        captures = snapshot(CLOCK_NOW, (CONFIG, config(body)), (LOG, log(*old(*lines))), (IPSEC, sas))
        for capture in captures.captures:  # templates are compiled and cached before the clock runs
            assert capture.text

        def work() -> None:
            made = settle([build(captures, Policy())])[0]
            assert len(made.peers or ()) == count
            assert len(made.incidents or ()) == count

        return work

    assert linear(building, 250, 2000)
