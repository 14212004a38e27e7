"""The tricky cases of DOMAIN 11 that facts and correlate decide, by number."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from printed import (
    CLOCK,
    CONFIG,
    DATAPATH,
    DYNAMIC,
    IKEV2,
    INVALID,
    IPSEC,
    ISAKMP,
    LOG,
    NHRP,
    NO_IKEV2,
    NOW,
    S2,
    SESSION,
    SPI,
    STATIC,
    STRANGER,
    VERSION,
    R,
    S,
    clock,
    codes,
    config,
    datapath,
    facts,
    fleet,
    flow,
    incident,
    isakmp,
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

from collector.commands import read_capture
from collector.facts import build
from collector.facts.trains import at_least, logs_invalid_spi, parse
from collector.model import (
    Capture,
    CaptureStatus,
    ConfigType,
    Evidence,
    Facts,
    History,
    Outcome,
    PastSample,
    Policy,
    Recovery,
    Sighting,
    State,
)

CLOCK_NOW = (CLOCK, clock())
CONFIGURED = (CONFIG, config())
TWICE = (LOG, log(*old(line(100), line(40))))


def hub(*printed, **more) -> Facts:
    """A visit with clock and configuration, and what else the case prints."""
    return facts(CLOCK_NOW, CONFIGURED, *printed, **more)


# lines and their number


def test_case_06_lines_are_no_packet_counts():
    found = incident(hub(TWICE))
    assert found.messages == 2
    assert found.counter_packets is None
    assert "packet" not in found.why


def test_case_07_two_lines_with_two_spis_are_not_persistent():
    found = incident(hub((LOG, log(*old(line(700, SPI), line(640, SPI + 1))))))
    assert [key.state for key in found.keys] == [State.TRANSIENT, State.TRANSIENT]
    assert found.state is State.TRANSIENT


def test_case_08_the_same_line_by_buffer_relay_and_next_run_is_one():
    first = line(100)
    once = hub((LOG, log(*old(first))), (LOG, log(*old(first, other(50)))))
    assert incident(once).messages == 1
    sighting = incident(once).keys[0].sightings[0]
    remembered = Sighting(
        event=sighting.event,
        at=sighting.at,
        age=None,
        evidence=Evidence(device="hub", command="ledger", line=0, text="seen in 1 runs"),
    )
    again = incident(hub((LOG, log(*old(first))), history=History(sightings=(remembered,))))
    assert again.messages == 1
    assert again.state is State.PENDING


def test_case_09_persistent_weeks_ago_is_history():
    weeks = 21 * 86400
    found = incident(hub((LOG, log(other(weeks + 60), line(weeks), line(weeks - 61), other(5)))))
    assert found.state is State.RESOLVED
    assert "21 d" in found.why or "20 d" in found.why


def test_case_10_one_line_20_seconds_old_is_pending():
    assert incident(hub((LOG, log(*old(line(20)))))).state is State.PENDING


def test_case_11_a_wrapped_buffer_never_says_no_errors():
    wrapped = hub((LOG, log(other(300), other(200), logged=9000)))
    assert wrapped.log is not None
    assert wrapped.log.wrapped is True
    assert "log-buffer-wrapped" in codes(wrapped, blocking=True)
    seen = hub((LOG, log(line(300), other(200), logged=9000, level="errors")))
    assert incident(seen).state is State.INSUFFICIENT_DATA
    assert "log-level-low" in codes(seen, blocking=True)


def test_case_11_lines_before_the_wrap_prove_nothing_about_the_time_before():
    past = Sighting(
        event=incident(hub(TWICE)).keys[0].sightings[0].event,
        at=NOW - timedelta(hours=5),
        age=None,
        evidence=Evidence(device="hub", command="ledger", line=0, text="seen"),
    )
    wrapped = hub((LOG, log(line(1000), other(10), logged=9000)), history=History(sightings=(past,)))
    found = incident(wrapped)
    assert len(found.keys[0].sightings) == 2  # this run's, and that of five hours ago
    assert found.messages == 1


# IKE SA


def test_case_12_deleted_is_no_ike_sa():
    made = hub(TWICE, (ISAKMP, isakmp((R, S, "MM_NO_STATE", "ACTIVE (deleted)"))))
    assert peer(made).ike_sa == "none"
    assert "MM_NO_STATE" in peer(made).ike_evidence[0].text


def test_case_13_both_tables_and_both_orders_are_searched():
    for dst, src in ((R, S), (S, R)):
        assert peer(hub((ISAKMP, isakmp((dst, src, "QM_IDLE", "ACTIVE"))))).ike_sa == "up"
    ready = (
        " IPv4 Crypto IKEv2  SA \n\nTunnel-id Local                 Remote                fvrf/ivrf            Status \n"
        f"1         {R}/500         {S}/500      none/none            READY  \n"
        "      Encr: AES-CBC, keysize: 256, PRF: SHA256, Hash: SHA256, DH Grp:14, Auth sign: PSK, Auth verify: PSK\n"
        "      Life/Active Time: 86400/120 sec\n\n IPv6 Crypto IKEv2  SA \n\n"
    )
    made = peer(hub((ISAKMP, isakmp()), (IKEV2, ready)))
    assert made.ike_sa == "up"
    assert made.ike_since == NOW - timedelta(seconds=120)


def test_case_13_a_row_between_other_ends_is_not_this_peers():
    second = (
        STATIC + f"interface GigabitEthernet0/2\n ip address 192.0.2.129 255.255.255.0\n crypto map VPN2\n{_map2()}"
    )
    made = facts(CLOCK_NOW, (CONFIG, config(second)), (ISAKMP, isakmp(("192.0.2.129", S, "QM_IDLE", "ACTIVE"))))
    states = {one.binding: one.ike_sa for one in made.peers or ()}
    assert states == {"VPN 10": "unknown", "VPN2 10": "up"}


def _map2() -> str:
    return f"crypto map VPN2 10 ipsec-isakmp\n set peer {S}\n set transform-set TS\n match address 101\n"


def test_case_14_an_ike_sa_younger_than_the_last_line_is_told_by_its_age():
    made = hub(
        TWICE,
        (SESSION, session("UP-ACTIVE", ike="Active", up="00:00:05")),
        (ISAKMP, isakmp((R, S, "QM_IDLE", "ACTIVE"))),
    )
    assert peer(made).ike_sa == "up"
    # the table shows no age, a session's uptime alone is not the IKE SA's; 23:11:12 of a day's life are left
    assert peer(made).ike_since == NOW - timedelta(minutes=48, seconds=48)
    shorter = session("UP-ACTIVE", ike="Active", up="00:00:05").replace("23:11:12", "07:59:12")
    made = hub(TWICE, (SESSION, shorter), (ISAKMP, isakmp((R, S, "QM_IDLE", "ACTIVE"))))
    assert (peer(made).ike_sa, peer(made).ike_since) == ("up", None)


def test_none_needs_the_table_of_the_peers_version():
    assert peer(hub((ISAKMP, isakmp()))).ike_sa == "none"  # version 1 by configuration: no IKEv2 table needed
    assert peer(hub()).ike_sa == "unknown"
    assert peer(hub((ISAKMP, INVALID.replace("Invalid input detected", "Authorization failed")))).ike_sa == "unknown"
    assert peer(hub((IKEV2, NO_IKEV2))).ike_sa == "unknown"
    cut = Capture(command=ISAKMP, text=isakmp(), complete=False, note="cut", taken_at=NOW)
    assert peer(hub(cut)).ike_sa == "unknown"


def test_an_unknown_ike_sa_blinds_only_where_recovery_could_help():
    assert "ike-sa-unknown" in codes(hub(TWICE), blocking=True)
    trace = f"{stamp(60)}: %CRYPTO-4-IKMP_NO_SA: IKE message from {S2} has no SA and is not an initialization offer"
    dynamic = (LOG, log(*old(line(100, src=S2), trace, line(40, src=S2))))
    assert "ike-sa-unknown" in codes(facts(CLOCK_NOW, (CONFIG, config(STATIC + DYNAMIC)), dynamic), blocking=False)


def test_contradicting_tables_make_it_unknown():
    lost = peer(hub((ISAKMP, isakmp()), (SESSION, session("UP-ACTIVE", ike="Active"))))
    assert lost.ike_sa == "unknown"
    claimed = peer(hub((ISAKMP, isakmp((R, S, "QM_IDLE", "ACTIVE"))), (SESSION, session("UP-NO-IKE"))))
    assert claimed.ike_sa == "unknown"
    held = peer(hub((ISAKMP, isakmp()), (SESSION, session("UP-ACTIVE"))))
    assert held.ike_sa == "unknown"


def test_case_51_up_no_ike_is_the_precondition():
    made = peer(hub((SESSION, session("UP-NO-IKE"))))
    assert made.ike_sa == "none"
    assert made.session_status == "UP-NO-IKE"
    assert "UP-NO-IKE" in made.ike_evidence[0].text


def test_a_partial_listing_proves_no_absence():
    for command in (f"{ISAKMP} | include 198.51.100.9", "show crypto isakmp sa vrf X"):
        assert peer(hub((command, isakmp()))).ike_sa == "unknown"


# binding


def test_case_22_a_map_that_is_not_applied_binds_nothing():
    bare = STATIC.replace(f" ip address {R} 255.255.255.0\n crypto map VPN\n", f" ip address {R} 255.255.255.0\n")
    found = incident(facts(CLOCK_NOW, (CONFIG, config(bare)), TWICE))
    assert found.peer is None
    assert found.state is State.UNKNOWN_SOURCE


def test_case_22_a_map_in_another_vrf_binds_nothing():
    inside = STATIC.replace("interface GigabitEthernet0/1\n", "interface GigabitEthernet0/1\n vrf forwarding OUT\n")
    text = config(inside + "interface GigabitEthernet0/2\n ip address 10.9.9.1 255.255.255.0\n")
    lines = [line(100, port="GigabitEthernet0/2"), line(40, port="GigabitEthernet0/2")]
    found = incident(facts(CLOCK_NOW, (CONFIG, text), (LOG, log(*old(*lines)))))
    assert found.peer is None
    same = [line(100, port="GigabitEthernet0/1"), line(40, port="GigabitEthernet0/1")]
    bound = incident(facts(CLOCK_NOW, (CONFIG, text), (LOG, log(*old(*same)))))
    assert bound.peer is not None
    assert bound.vrf == "OUT"


def test_case_22_an_acceptor_in_another_vrf_takes_nobody():
    inside = (STATIC + DYNAMIC).replace(
        "interface GigabitEthernet0/1\n", "interface GigabitEthernet0/1\n vrf forwarding OUT\n"
    )
    text = config(inside + "interface GigabitEthernet0/2\n ip address 10.9.9.1 255.255.255.0\n")
    for port, state in (("GigabitEthernet0/2", State.UNKNOWN_SOURCE), ("GigabitEthernet0/1", State.PERSISTENT)):
        lines = [line(100, src=S2, port=port), line(40, src=S2, port=port)]
        assert incident(facts(CLOCK_NOW, (CONFIG, text), (LOG, log(*old(*lines)))), S2).state is state


def test_case_23_a_secondary_address_a_vip_and_a_local_address_are_this_routers():
    for extra, destination in (
        (" ip address 192.0.2.99 255.255.255.0 secondary\n", "192.0.2.99"),
        (" standby 1 ip 192.0.2.100\n", "192.0.2.100"),
    ):
        body = STATIC.replace(" crypto map VPN\n", extra + " crypto map VPN\n")
        made = facts(
            CLOCK_NOW, (CONFIG, config(body)), (LOG, log(*old(line(100, dst=destination), line(40, dst=destination))))
        )
        assert incident(made).bound == "explicit", destination
    body = (
        STATIC
        + "interface Loopback0\n ip address 192.0.2.200 255.255.255.255\ncrypto map VPN local-address Loopback0\n"
    )
    made = facts(
        CLOCK_NOW, (CONFIG, config(body)), (LOG, log(*old(line(100, dst="192.0.2.200"), line(40, dst="192.0.2.200"))))
    )
    assert incident(made).bound == "explicit"


def test_case_24_the_backup_peer_is_bound():
    body = STATIC.replace(f" set peer {S}\n", f" set peer {S2} default\n set peer {S}\n")
    found = incident(facts(CLOCK_NOW, (CONFIG, config(body)), TWICE))
    assert found.bound == "explicit"
    assert found.peer is not None
    assert found.peer.recovery is Recovery.YES


def test_case_25_a_peer_by_name_is_unproven_and_says_so():
    body = """crypto ipsec profile P
 set transform-set TS
interface GigabitEthernet0/1
 ip address 192.0.2.1 255.255.255.0
interface Tunnel1
 tunnel source GigabitEthernet0/1
 tunnel destination far.example.net
 tunnel mode ipsec ipv4
 tunnel protection ipsec profile P
"""
    tunnel = flow(tag="Tunnel1-head-0", interface="Tunnel1")
    made = facts(CLOCK_NOW, (CONFIG, config(body)), TWICE, (IPSEC, tunnel))
    found = peer(made)
    assert (found.name, found.recovery) == ("far.example.net", Recovery.UNPROVEN)
    assert "far.example.net" in found.why
    assert incident(made).bound == "explicit"
    changed = facts(
        CLOCK_NOW, (CONFIG, config(body)), (LOG, log(*old(line(100, src=S2), line(40, src=S2)))), (IPSEC, tunnel)
    )
    moved = incident(changed, S2)
    assert moved.peer is None
    assert moved.state is State.PERSISTENT  # it may be where the name pointed: no stranger


def test_case_26_a_known_peers_nat_address_is_that_peer_unproven():
    body = """crypto ipsec profile P
 set transform-set TS
interface GigabitEthernet0/1
 ip address 192.0.2.1 255.255.255.0
interface Tunnel0
 ip address 10.0.0.1 255.255.255.0
 ip nhrp network-id 1
 ip nhrp map 10.0.0.7 198.51.100.7
 tunnel source GigabitEthernet0/1
 tunnel mode gre multipoint
 tunnel protection ipsec profile P
"""
    nhrp = (
        "10.0.0.7/32 via 10.0.0.7\n   Tunnel0 created 01:00:00, expire 01:00:00\n   Type: dynamic, Flags: unique registered used nhop\n"
        f"   NBMA address: {STRANGER}\n    (Claimed NBMA address: {S})\n"
    )
    made = facts(
        CLOCK_NOW,
        (CONFIG, config(body)),
        (NHRP, nhrp),
        (LOG, log(*old(line(100, src=STRANGER), line(40, src=STRANGER)))),
    )
    found = incident(made, STRANGER)
    assert found.peer is not None
    assert found.bound in {"nat", "runtime"}
    assert found.peer.recovery is not Recovery.YES


def test_case_28_getvpn_sources_are_hosts_of_a_group():
    body = """crypto gdoi group GETVPN
 identity number 1234
 server address ipv4 192.0.2.250
crypto map GM 10 gdoi
 set group GETVPN
interface GigabitEthernet0/1
 ip address 192.0.2.1 255.255.255.0
 crypto map GM
"""
    hosts = {"src": "10.8.0.30", "dst": "10.7.0.20", "port": "GigabitEthernet0/1"}
    made = facts(CLOCK_NOW, (CONFIG, config(body)), (LOG, log(*old(line(100, **hosts), line(40, **hosts)))))
    found = incident(made, "10.8.0.30")
    assert found.state is State.PERSISTENT
    assert found.peer is not None
    assert (found.peer.address, found.peer.config_type) == (None, ConfigType.GETVPN)


def test_case_29_tunnel1000x_is_sd_wan():
    port = {"port": "Tunnel10001"}
    made = hub(
        (LOG, log(*old(line(100, **port), line(40, **port)))),
        (IPSEC, flow(tag="Tunnel10001-vesen-head-0", interface="Tunnel10001")),
    )
    found = incident(made)
    assert found.peer is not None
    assert (found.peer.config_type, found.peer.recovery) == (ConfigType.SD_WAN, Recovery.NOT_APPLICABLE)
    bare = hub((LOG, log(*old(line(100, src=S2, **port), line(40, src=S2, **port)))))
    assert getattr(incident(bare, S2).peer, "config_type", None) is ConfigType.SD_WAN


def test_case_30_ospf_with_manual_keys_never_heals_by_itself():
    manual = flow(
        "FF02::5",
        local="FE80::1",
        tag="Tunnel7-OSPF-MAP",
        interface="Tunnel7",
        inbound=[(0x200, 1)],
        outbound=[(0x200, 1)],
    ).replace(
        "sa timing: remaining key lifetime (k/sec): (4608000/1)",
        "sa timing: remaining key lifetime (sec): is not applicable",
    )
    made = hub((IPSEC, manual))
    found = peer(made, "ff02::5")
    assert (found.config_type, found.recovery) == (ConfigType.MANUAL_IPSEC, Recovery.NOT_APPLICABLE)
    assert found.sa_remaining is None


def test_case_52_ikmp_no_sa_binds_a_dynamic_peer():
    body = STATIC + DYNAMIC
    lines = [line(100, src=S2), line(40, src=S2)]
    unbound = incident(facts(CLOCK_NOW, (CONFIG, config(body)), (LOG, log(*old(*lines)))), S2)
    assert (unbound.peer, unbound.state) == (None, State.PERSISTENT)
    trace = f"{stamp(60)}: %CRYPTO-4-IKMP_NO_SA: IKE message from {S2} has no SA and is not an initialization offer"
    made = facts(CLOCK_NOW, (CONFIG, config(body)), (LOG, log(*old(lines[0], trace, lines[1]))))
    bound = incident(made, S2)
    assert bound.peer == peer(made, S2)
    assert bound.bound == "acceptor"
    assert bound.peer is not None
    assert (bound.peer.config_type, bound.peer.recovery) == (ConfigType.DYNAMIC_CRYPTO_MAP, Recovery.NO)
    assert any(one.event.kind == "ikmp-no-sa" for one in bound.related)


# counters and platforms


def test_case_33_a_reset_makes_no_delta():
    past = PastSample(
        name="IN_US_V4_PKT_SA_NOT_FOUND_SPI",
        packets=64574,
        at=NOW - timedelta(hours=1),
        uptime=timedelta(days=40),
        last_clearing=None,
    )
    reset = facts(
        CLOCK_NOW,
        (LOG, log(other(90000))),
        (DATAPATH, datapath(12)),
        (VERSION, version()),
        history=History(counters=(past,)),
    )
    counter = next(one for one in reset.counters or () if one.packets)
    assert (counter.delta, counter.reset) == (None, True)
    reloaded = facts(
        CLOCK_NOW,
        (DATAPATH, datapath(70000)),
        (VERSION, version(uptime="10 minutes")),
        history=History(counters=(past,)),
    )
    counter = next(one for one in reloaded.counters or () if one.packets)
    assert (counter.delta, counter.reset) == (None, True)
    unknown_before = History(counters=(replace(past, uptime=None),))
    shorter = facts(
        CLOCK_NOW, (DATAPATH, datapath(70000)), (VERSION, version(uptime="10 minutes")), history=unknown_before
    )
    assert next(one for one in shorter.counters or () if one.packets).reset is True
    grown = facts(CLOCK_NOW, (DATAPATH, datapath(64600)), (VERSION, version()), history=History(counters=(past,)))
    counter = next(one for one in grown.counters or () if one.packets)
    assert (counter.delta, counter.delta_seconds, counter.reset) == (26, 3600.0, False)


def test_case_34_an_old_asr_without_lines_is_never_clean():
    asr = (VERSION, version("12.2(33)XNB3", "ASR1002"))
    quiet = facts(CLOCK_NOW, CONFIGURED, (LOG, log(other(90000))), asr, (DATAPATH, datapath(0)))
    assert "log-not-implemented" in codes(quiet, blocking=True)
    counting = facts(CLOCK_NOW, CONFIGURED, (LOG, log(other(90000))), asr, (DATAPATH, datapath(46801)))
    found = next(one for one in counting.incidents or () if one.state is State.COUNTER_ONLY)
    assert (found.source, found.destination, found.peer, found.messages) == (None, None, None, 0)
    assert found.rate_per_hour is not None
    newer = facts(CLOCK_NOW, (LOG, log(other(90000))), (VERSION, version("16.9.4", "ASR1002-X")))
    assert "log-not-implemented" not in codes(newer)


def test_case_35_trains_are_ordered_as_releases():
    names = {
        "12.2(33)XNC2": "12.2(33)XNC",
        "15.4(3)M": "15.4(3)M",
        "16.9.4": "16.9",
        "03.16.04b.S": "3.16S",
        "17.03.01a": "17.3",
    }
    assert {text: parse(text).name for text in names if parse(text)} == names
    floor = "12.2(33)XNC2"
    for later in (
        "12.2(33)XNC2",
        "12.2(33)XNC10",
        "12.2(33)XND1",
        "2.3.2",
        "2.4.0",
        "15.1(1)S",
        "03.16.04b.S",
        "16.9.4",
        "17.3.1a",
    ):
        assert at_least(later, floor) is True, later
    for earlier in ("12.2(33)XNC1", "12.2(33)XNC", "12.2(33)XNB3", "12.2(33)XNA", "2.3.1", "2.1.0"):
        assert at_least(earlier, floor) is False, earlier
    assert at_least("12.2(33)SRE", floor) is None
    assert at_least("no version", floor) is None
    assert logs_invalid_spi("12.2(33)XNB3", "CISCO2911/K9") is True
    assert logs_invalid_spi("12.2(33)XNB3", None) is False  # these trains ran on the ASR 1000 alone
    assert logs_invalid_spi("12.2(33)XNC2", None) is None
    assert logs_invalid_spi("15.7(3)M8", None) is None


# both ends


def _sender(*sas, name: str = "far", current: int | None = None, **more) -> Facts:
    text = flow(R, local=S, outbound=sas, current=current, inbound=[(0x51, 3000)], **more)
    return build(snapshot(CLOCK_NOW, (IPSEC, text), name=name), Policy())


def _receiver(*printed, at=NOW) -> Facts:
    return build(snapshot(CLOCK_NOW, CONFIGURED, TWICE, *printed, at=at), Policy())


def test_case_36_spi_zero_is_never_joined():
    zero = (LOG, log(*old(line(100, 0), line(40, 0))))
    hub_ = build(snapshot(CLOCK_NOW, CONFIGURED, zero, (IPSEC, flow())), Policy())
    found = incident(fleet(hub_, _sender(current=0))["hub"])
    assert found.join is None


def test_case_37_a_rekey_shows_two_inbound_sas_and_both_are_compared():
    both = flow(inbound=[(SPI, 20), (0x77, 3590)], outbound=[(0x88, 3590)])
    made = hub((LOG, log(*old(line(600)))), (IPSEC, both))
    assert peer(made).inbound == (SPI, 0x77)
    assert incident(made).installed == SPI
    assert incident(made).state is State.TRANSIENT


def test_case_38_captures_far_apart_need_a_second_look():
    far = build(
        snapshot(
            (CLOCK, clock(NOW - timedelta(minutes=30))),
            (IPSEC, flow(R, local=S, outbound=[(SPI, 3000)])),
            name="far",
            at=NOW - timedelta(minutes=30),
        ),
        Policy(),
    )
    found = incident(fleet(_receiver((IPSEC, flow())), far)["hub"])
    assert found.join is not None
    assert found.join.outcome is Outcome.LOOK_AGAIN
    near = incident(fleet(_receiver((IPSEC, flow())), _sender((SPI, 3000)))["hub"])
    assert near.join is not None
    assert near.join.outcome is Outcome.STALE_CONFIRMED


def test_case_50_byte_swapped_spis_are_told_and_not_joined():
    swapped = (LOG, log(*old(line(100, 0x1E3EFDFE), line(40, 0x1E3EFDFE))))
    hub_ = build(snapshot(CLOCK_NOW, CONFIGURED, swapped, (IPSEC, flow())), Policy())
    far = build(snapshot(CLOCK_NOW, (IPSEC, flow(R, local=S2, outbound=[(0xFEFD3E1E, 3000)])), name="far"), Policy())
    found = incident(fleet(hub_, far)["hub"])
    assert found.join is not None
    assert (found.join.device, found.join.outcome) == (None, Outcome.FAR_END_UNKNOWN)
    assert "CSCvx23833" in found.join.why


# texts


def test_case_44_a_log_amid_prompts_and_debug_keeps_its_events_whole():
    noise = f"{stamp(70)}: ISAKMP:(0): received packet from {S} dport 500 sport 500 Global (N) NEW SA"
    made = hub((LOG, log(*old(line(100), noise, line(40)))))
    assert incident(made).messages == 2
    assert made.log is not None
    assert made.log.inv_spi_unparsed == 0


def test_case_46_a_peer_without_sas_is_a_row_and_unreadable_text_is_incomplete():
    made = hub((IPSEC, flow()))
    assert peer(made).inbound == ()
    assert peer(made).outbound == ()
    garbage = hub((IPSEC, flow().replace("current_peer", "curious_peer")))
    assert garbage.captures[-1].status == "incomplete"
    assert peer(garbage).inbound is None
    assert garbage.flows is None
    assert "command-incomplete" in codes(garbage, blocking=True)


def test_case_49_a_life_in_hours_and_minutes_is_seconds():
    text = flow(inbound=[(SPI, 1)], outbound=[(0x88, 1)])
    text = text.replace("remaining key lifetime (k/sec): (4608000/1)", "remaining key lifetime 1 hours, 10 mins")
    made = hub((IPSEC, text))
    assert made.captures[-1].status == "parsed", made.captures[-1].reason
    assert peer(made).sa_remaining == timedelta(hours=1, minutes=10)


def test_a_flow_without_its_endpoints_is_not_whole():
    text = flow(inbound=[(0x99, 1800)], outbound=[(0x88, 1800)])
    whole = read_capture(Capture(command=IPSEC, text=text))
    assert whole is not None
    assert whole.status is CaptureStatus.PARSED
    lost = "".join(line for line in text.splitlines(keepends=True) if "crypto endpt" not in line)
    reading = read_capture(Capture(command=IPSEC, text=lost))
    assert reading is not None
    assert reading.status is CaptureStatus.INCOMPLETE
    assert "no remote endpt" in reading.reason
