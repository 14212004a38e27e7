"""What to type, and where: sides never swapped, one narrowest clear, no action without a known far end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address

import pytest
from builders import (
    FAR,
    HUB,
    NOW,
    OFF,
    ON,
    SPI,
    binding,
    commands,
    facts,
    found,
    incident,
    join,
    key,
    only,
    peer,
    sighting,
)
from test_rules_cascade import TABLE

from collector.model import Binding, ConfigType, Dpd, Recovery, Software, Spi, SpiState, State, Verdict

NAT = ip_address("198.51.100.200")


def action(finding, side, word):
    (one,) = [item for item in finding.actions if item.side == side and any(word in line for line in item.commands)]
    return one


def clear_of(device):
    (finding,) = [item for item in found(device) if item.rule not in {"SPI012", "SPI015"}]
    return action(finding, "sender", "clear crypto").commands


@pytest.mark.parametrize("row", TABLE)
def test_case_15_recover_on_the_receiver_and_clear_on_the_sender_never_swapped(row):
    for finding in found(TABLE[row][0]):
        for one in finding.actions:
            text = "\n".join(one.commands)
            assert ("clear crypto" in text) <= (one.side == "sender")
            assert ("invalid-spi-recovery" in text) <= (one.side == "receiver" and one.on == "hub1")
            assert (one.on == "hub1") == (one.side == "receiver")


@pytest.mark.parametrize("row", TABLE)
def test_case_16_no_bare_clear_in_any_action_and_never_two(row):
    for finding in found(TABLE[row][0]):
        lines = [line for line in commands(finding) if line.startswith("clear")]
        assert len(lines) <= 1
        for line in lines:
            assert line.split()[:4] in (["clear", "crypto", "sa", "entry"], ["clear", "crypto", "sa", "peer"])
            assert len(line.split()) >= 5
        assert not any(line.startswith(("no ", "delete ", "undebug")) for line in commands(finding))
        assert not any("`clear crypto sa`" in one.note for one in finding.actions)


@pytest.mark.parametrize(
    ("row", "clear", "dpd", "recover"),
    [
        ("h static-crypto-map", True, True, True),
        ("e dynamic-crypto-map", True, True, False),
        ("b getvpn", False, False, False),
        ("b sd-wan", False, False, False),
        ("b manual-ipsec", False, False, False),
        ("g svti", True, True, False),
        ("c svti", True, True, False),
        ("f IKEv2", True, True, False),
        ("f bound to nobody, confirmed at the sender", True, False, False),
        ("a installed", True, False, False),
        ("a wrong endpoint", False, False, False),
        ("e ezvpn-client", True, False, False),
    ],
)
def test_blocks_by_row(row, clear, dpd, recover):
    (finding,) = [item for item in found(TABLE[row][0]) if item.rule not in {"SPI012", "SPI015"}]
    lines = "\n".join(commands(finding))
    assert ("clear crypto sa" in lines) == clear
    assert ("crypto isakmp keepalive" in lines or "dpd 10 3" in lines) == dpd
    assert ("invalid-spi-recovery" in lines) == recover


def test_narrowest_first_and_one_entry_for_one_spi():
    look, clear = clear_of(facts(incident(peer())))
    assert look == "show crypto ipsec sa peer 192.0.2.1"
    assert clear == "clear crypto sa entry 192.0.2.1 esp 0x1DB73BBB"


def test_ah_several_spis_and_a_failed_checksum_choose_their_form():
    assert clear_of(facts(incident(peer(), protocol="51")))[1] == "clear crypto sa entry 192.0.2.1 ah 0x1DB73BBB"
    several = incident(peer(), keys=(key(), key(Spi(0x22222222))))
    assert clear_of(facts(several))[1] == "clear crypto sa peer 192.0.2.1"
    off = tuple(sighting(SPI, age=age, decimal=7) for age in (100, 20))
    torn = incident(peer(), keys=(SpiState(spi=SPI, sightings=off, state=State.PERSISTENT, why=""),))
    assert clear_of(facts(torn))[1] == "clear crypto sa peer 192.0.2.1"
    transient = incident(peer(), keys=(key(), key(Spi(0x22222222), State.TRANSIENT, ages=(90,))))
    assert clear_of(facts(transient))[1] == "clear crypto sa entry 192.0.2.1 esp 0x1DB73BBB"


def test_the_sender_is_named_as_r_is_seen_from_there():
    device = facts(incident(peer(), join=join(sender_seen_as=NAT)))
    finding = only(device, "SPI001")
    one = action(finding, "sender", "clear crypto")
    assert one.on == "spoke9"
    assert one.commands == (
        "show crypto ipsec sa peer 198.51.100.200",
        "clear crypto sa entry 198.51.100.200 esp 0x1DB73BBB",
    )
    assert "owner of" not in one.note
    assert "show crypto ipsec sa peer 203.0.113.9 | include decaps|outbound spi" in commands(finding, "receiver")


def test_an_unmanaged_sender_gets_peer_spi_and_times_in_the_note():
    one = action(only(facts(incident(peer())), "SPI001"), "sender", "clear crypto")
    assert one.on == "owner of 203.0.113.9"
    for word in ("203.0.113.9", "192.0.2.1", "0x1DB73BBB", "2026-03-14 11:57:40", "2026-03-14 11:59:40"):
        assert word in one.note


@pytest.mark.parametrize("grade", ["spi-only", None])
def test_a_weak_join_names_nobody(grade):
    one = action(only(facts(incident(peer(), join=join(grade=grade))), "SPI001"), "sender", "clear crypto")
    assert one.on == "owner of 203.0.113.9"
    assert one.commands[0] == "show crypto ipsec sa peer 192.0.2.1"


def test_neither_bound_nor_joined_earns_no_action():
    for weak in (None, join(grade="spi-only")):
        finding = only(facts(incident(source=FAR, join=weak)), "SPI005")
        assert finding.verdict is Verdict.FAIL
        assert finding.actions == ()
    masked = incident(peer(None, config_type=ConfigType.STATIC_CRYPTO_MAP), source_text="X.X.X.X")
    for finding in found(facts(replace(masked, source=None))):
        assert not any("clear" in line for line in commands(finding))


def test_outer_vrf_at_the_sender_has_its_own_form():
    assert (
        clear_of(facts(incident(peer(), join=join(sender_vrf="INET"))))[1] == "clear crypto sa peer vrf INET 192.0.2.1"
    )
    hostile = facts(incident(peer(), join=join(sender_vrf="X\nreload")))
    assert clear_of(hostile)[1] == "clear crypto sa entry 192.0.2.1 esp 0x1DB73BBB"


def test_nat_without_a_join_is_said():
    note = action(only(facts(incident(peer(nat_traversal=True))), "SPI001"), "sender", "clear crypto").note
    assert "NAT stands between" in note
    assert "NAT" not in action(only(facts(incident(peer())), "SPI001"), "sender", "clear crypto").note


def test_case_27_ikev2_never_the_isakmp_command():
    for state in ({}, {"ike_sa": "up"}):
        two = peer(ike_version=2, recovery=Recovery.UNPROVEN, **state)
        for device in (facts(incident(two)), facts(incident(two), recovery_configured=True)):
            for finding in found(device):
                lines = "\n".join(commands(finding))
                assert "isakmp" not in lines
                assert "invalid-spi-recovery" not in lines
    finding = only(facts(incident(peer(ike_version=2, recovery=Recovery.UNPROVEN))), "SPI005")
    assert "crypto ikev2 dpd 10 3 periodic" in commands(finding, "sender")
    assert "clear crypto ikev2 sa remote 192.0.2.1" in action(finding, "sender", "clear crypto sa").note


def test_ikev2_profile_carries_its_own_dpd():
    two = peer(
        ike_version=2,
        recovery=Recovery.UNPROVEN,
        source=binding(ikev2_profile="SITE-B"),
    )
    lines = commands(only(facts(incident(two)), "SPI005"), "receiver")
    assert lines[1:3] == ["crypto ikev2 profile SITE-B", "dpd 10 3 periodic"]


def test_case_40_the_command_on_is_not_enable_it():
    finding = only(facts(incident(peer()), recovery_configured=True), "SPI003")
    assert not any("invalid-spi-recovery" in line for line in commands(finding))
    assert "is on here" in finding.message


def test_case_39_a_scan_or_unknown_source_never_gets_recover_and_delays_it_elsewhere():
    scan = incident(source="198.51.100.99", state=State.SCAN)
    device = facts(scan, incident(peer()))
    assert only(device, "SPI006").actions == ()
    assert "only after the ACL" in action(only(device, "SPI001"), "receiver", "invalid-spi-recovery").note
    calm = only(facts(incident(peer())), "SPI001")
    assert "only after the ACL" not in action(calm, "receiver", "invalid-spi-recovery").note


def dpd_lines(device, side):
    (finding,) = [item for item in found(device) if item.rule not in {"SPI012", "SPI015"}]
    return [line for line in commands(finding, side) if "keepalive" in line or "dpd" in line]


def test_case_47_dpd_no_on_demand_for_a_pure_receiver_no_periodic_for_2000_spokes():
    flow = incident(peer(config_type=ConfigType.MGRE_DYNAMIC_NHRP))
    few = facts(flow)
    assert dpd_lines(few, "sender") == ["crypto isakmp keepalive 10 3 periodic"]
    assert dpd_lines(few, "receiver") == ["crypto isakmp keepalive 10 3 periodic"]
    spokes = tuple(peer(ip_address(int(ip_address("10.0.0.0")) + n), ConfigType.MGRE_DYNAMIC_NHRP) for n in range(2000))
    many = replace(few, peers=(flow.peer, *spokes))
    assert dpd_lines(many, "sender") == ["crypto isakmp keepalive 10 3 on-demand"]
    assert dpd_lines(many, "receiver") == []
    for finding in found(many):
        assert not any("periodic" in line for line in commands(finding))
    assert dpd_lines(replace(few, peers=None), "receiver") == []


def test_dpd_edge_of_many_peers():
    flow = incident(peer())
    limit = 50
    for count, mode in ((limit, "periodic"), (limit + 1, "on-demand")):
        peers = tuple(peer(ip_address(int(ip_address("10.0.0.0")) + n)) for n in range(count))
        assert dpd_lines(facts(flow, peers=peers), "sender") == [f"crypto isakmp keepalive 10 3 {mode}"]


def test_a_spoke_does_not_ask_its_hub_to_probe_everybody():
    assert dpd_lines(facts(incident(peer(config_type=ConfigType.MGRE_STATIC_NHRP))), "sender") == [
        "crypto isakmp keepalive 10 3 on-demand"
    ]


@pytest.mark.parametrize(
    ("here", "there", "sides"),
    [
        (OFF, OFF, ["sender", "receiver"]),
        (ON, OFF, ["sender"]),
        (OFF, ON, ["receiver"]),
        (ON, ON, []),
        (Dpd(mode="unknown"), Dpd(mode="unknown"), []),
    ],
)
def test_dpd_only_where_it_is_known_to_be_off(here, there, sides):
    device = facts(incident(peer(dpd=here), join=join(sender_dpd=there)))
    finding = only(device, "SPI001")
    assert [one.side for one in finding.actions if any("keepalive" in line for line in one.commands)] == sides


@pytest.mark.parametrize("kind", [ConfigType.DYNAMIC_CRYPTO_MAP, ConfigType.DVTI, ConfigType.EZVPN_SERVER])
def test_for_a_dynamic_peer_it_is_the_initiator_that_must_notice(kind):
    device = facts(incident(peer(config_type=kind)))
    assert dpd_lines(device, "sender")
    assert dpd_lines(device, "receiver") == []


def test_eem_collects_only_for_the_flow_with_escaped_dots():
    device = facts(incident(peer()), recovery_configured=True)
    applet = action(only(device, "SPI003"), "receiver", "event manager applet")
    assert applet.commands == (
        "configure terminal",
        "event manager applet SPI_CAPTURE",
        r'event syslog pattern "RECVD_PKT_INV_SPI.*srcaddr=203\.0\.113\.9" ratelimit 300 maxrun 60',
        'action 1.0 cli command "enable"',
        'action 2.0 cli command "show clock | append flash:spi.txt"',
        'action 2.1 cli command "show crypto isakmp sa detail | append flash:spi.txt"',
        'action 2.2 cli command "show crypto ipsec sa peer 203.0.113.9 detail | append flash:spi.txt"',
        'action 2.3 cli command "show logging | append flash:spi.txt"',
        "end",
    )
    assert "untested on hardware" in applet.note
    assert "no event manager applet SPI_CAPTURE" in applet.note
    unread = facts(incident(peer(ike_sa="unknown")), recovery_configured=True)
    assert not any("event manager" in line for line in commands(only(unread, "SPI003")))


def test_debug_both_ends_by_ike_version_and_platform():
    up = {"ike_sa": "up", "ike_since": NOW - timedelta(hours=1)}
    xe = Software(family="ios-xe", version="17.9.4a")
    finding = only(facts(incident(peer(**up)), software=xe), "SPI004")
    assert action(finding, "receiver", "debug crypto condition").commands == (
        "debug crypto condition peer ipv4 203.0.113.9",
        "debug crypto isakmp",
        "debug crypto ipsec",
        "debug crypto kmi",
    )
    assert action(finding, "sender", "debug crypto condition").commands == (
        "debug crypto condition peer ipv4 192.0.2.1",
        "debug crypto isakmp",
        "debug crypto ipsec",
    )
    two = only(facts(incident(peer(ike_version=2, recovery=Recovery.UNPROVEN, **up))), "SPI004")
    assert "debug crypto ikev2" in commands(two)
    six = peer("2001:db8::9", recovery=Recovery.UNPROVEN, **up)
    finding = only(facts(incident(six, destination=ip_address("2001:db8::1"))), "SPI004")
    assert "debug crypto condition peer ipv6 2001:db8::9" in commands(finding)


def test_verify_looks_at_the_counters_only_where_there_are_some():
    xe = facts(incident(peer()), software=Software(family="ios-xe", version="17.9.4a"))
    assert any("qfp" in line for line in commands(only(xe, "SPI001"), "receiver"))
    assert not any("qfp" in line for line in commands(only(facts(incident(peer())), "SPI001")))


def test_dmvpn_and_dos_words_stand_in_notes():
    finding = only(facts(incident(peer(config_type=ConfigType.MGRE_STATIC_NHRP))), "SPI001")
    assert "clear dmvpn session peer nbma 192.0.2.1" in action(finding, "sender", "clear crypto sa").note
    note = action(finding, "receiver", "invalid-spi-recovery").note
    for word in ("denial of service", "ACL", "CoPP", "Rollback", "Save the configuration only when content"):
        assert word in note


@pytest.mark.parametrize("row", TABLE)
def test_commands_hold_nothing_that_a_router_printed_but_addresses(row):
    for finding in found(TABLE[row][0]):
        for line in commands(finding):
            assert "\n" not in line
            assert len(line) < 200
            assert line.isprintable()


def test_hostile_names_are_never_typed():
    bad = Binding(
        config_type=ConfigType.SVTI, name="Tunnel1", interface="Tunnel1", ikev2_profile="X\nreload", local=(HUB,)
    )
    two = peer(ike_version=2, recovery=Recovery.UNPROVEN, source=bad)
    for finding in found(facts(incident(two))):
        assert not any("reload" in line for line in commands(finding))


def test_notes_speak_of_the_peers_ike_version_and_of_the_form_at_hand():
    one = only(facts(incident(peer())), "SPI001")
    note = action(one, "sender", "clear crypto").note
    assert "spells the entry otherwise" in note
    assert "clear crypto isakmp CONN-ID" in note
    assert "ikev2" not in note
    for side in ("sender", "receiver"):
        keepalive = action(one, side, "keepalive").note
        assert "IKEv1 needs it on both ends" in keepalive
        assert "no crypto isakmp keepalive" in keepalive
    two = only(facts(incident(peer(ike_version=2, recovery=Recovery.UNPROVEN))), "SPI005")
    assert "isakmp" not in action(two, "sender", "clear crypto").note
    for side in ("sender", "receiver"):
        dpd = action(two, side, "dpd 10").note
        assert "IKEv1" not in dpd
        assert "no crypto ikev2 dpd" in dpd
    several = only(facts(incident(peer(), keys=(key(), key(Spi(0x22222222))))), "SPI001")
    assert "spells the entry" not in action(several, "sender", "clear crypto").note
    open_ = only(facts(incident(peer(ike_version=None, recovery=Recovery.UNPROVEN))), "SPI005")
    assert "(IKEv2: " in action(open_, "sender", "clear crypto").note
