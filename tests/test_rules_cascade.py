"""The decision table for persistent flows (rows a to i), and what each row prints."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address

import pytest
from builders import (
    FAR,
    HUB,
    NOW,
    SPI,
    commands,
    config,
    counter,
    facts,
    fired,
    found,
    incident,
    join,
    key,
    only,
    peer,
    proof,
    related,
    said,
    tunnel,
    verdicts,
)

from collector.model import Binding, ConfigType, Level, Outcome, Recovery, Software, Spi, State, Verdict

FAIL, UNKNOWN = Verdict.FAIL, Verdict.UNKNOWN
YES = (
    ConfigType.STATIC_CRYPTO_MAP,
    ConfigType.GRE_TUNNEL_PROTECTION,
    ConfigType.MGRE_STATIC_NHRP,
    ConfigType.SVTI,
)
NO = (
    ConfigType.DYNAMIC_CRYPTO_MAP,
    ConfigType.MGRE_DYNAMIC_NHRP,
    ConfigType.DVTI,
    ConfigType.EZVPN_SERVER,
    ConfigType.EZVPN_CLIENT,
)
NO_IKE = (ConfigType.GETVPN, ConfigType.SD_WAN, ConfigType.MANUAL_IPSEC)


def hub(of, *, on=False, **flow):
    return facts(incident(of, **flow), recovery_configured=on)


UP = {"ike_sa": "up", "ike_since": NOW - timedelta(hours=2)}
LATE = {"ike_sa": "up", "ike_since": NOW - timedelta(seconds=5)}

TABLE = {
    "a 0xFF, installed": (
        hub(peer(), installed=Spi(0xFF000001), keys=(key(Spi(0xFF000001)),)),
        {"SPI009": FAIL},
    ),
    "a one below 0xFF000000": (hub(peer(), installed=Spi(0xFEFFFFFF)), {"SPI010": FAIL}),
    "a installed": (hub(peer(), installed=SPI), {"SPI010": FAIL}),
    "a installed, although the type is no": (hub(peer(config_type=NO[0]), installed=SPI), {"SPI010": FAIL}),
    "a installed, although IKE is up": (hub(peer(**UP), installed=SPI), {"SPI010": FAIL}),
    "a by the join": (hub(peer(), join=join(Outcome.FORWARDING_PLANE)), {"SPI010": FAIL}),
    "a wrong endpoint": (hub(peer(), join=join(Outcome.WRONG_ENDPOINT), installed=SPI), {"SPI010": FAIL}),
    **{f"b {kind}": (hub(peer(config_type=kind)), {"SPI002": FAIL}) for kind in NO_IKE},
    **{f"b {kind}, on": (hub(peer(config_type=kind), on=True), {"SPI002": FAIL}) for kind in NO_IKE},
    **{f"c {kind}": (hub(peer(config_type=kind, **UP)), {"SPI004": FAIL}) for kind in (*YES, *NO)},
    "c age unknown": (hub(peer(ike_sa="up")), {"SPI004": FAIL}),
    "c at the very last line": (hub(peer(ike_sa="up", ike_since=NOW - timedelta(seconds=20))), {"SPI004": FAIL}),
    "c IKEv2": (hub(peer(recovery=Recovery.UNPROVEN, ike_version=2, **UP)), {"SPI004": FAIL}),
    "c on": (hub(peer(**UP), on=True), {"SPI004": FAIL}),
    "d healing": (hub(peer(**LATE)), {}),
    "d healing, type no": (hub(peer(config_type=NO[0], **LATE)), {}),
    **{f"e {kind}": (hub(peer(config_type=kind)), {"SPI002": FAIL}) for kind in NO},
    **{f"e {kind}, on": (hub(peer(config_type=kind), on=True), {"SPI002": FAIL}) for kind in NO},
    "e responder-only": (hub(peer(recovery=Recovery.NO)), {"SPI002": FAIL}),
    "e command not read": (hub(peer(config_type=NO[0]), on=None), {"SPI002": FAIL}),
    "e IKE not read": (hub(peer(config_type=NO[0], ike_sa="unknown")), {"SPI002": FAIL}),
    "e may be dynamic": (facts(incident(source=FAR, bound="acceptor")), {"SPI002": UNKNOWN}),
    "f IKEv2": (hub(peer(recovery=Recovery.UNPROVEN, ike_version=2)), {"SPI005": FAIL}),
    "f IKEv2, on": (hub(peer(recovery=Recovery.UNPROVEN, ike_version=2), on=True), {"SPI005": FAIL}),
    "f a yes with IKEv2 is not believed": (hub(peer(ike_version=2)), {"SPI005": FAIL}),
    "f a yes over IPv6 is not believed": (
        hub(peer("2001:db8::9"), destination=ip_address("2001:db8::1")),
        {"SPI005": FAIL},
    ),
    "f a yes through NAT is not believed": (hub(peer(), bound="nat"), {"SPI005": FAIL}),
    "f a yes of type unknown is not believed": (
        hub(peer(config_type=ConfigType.UNKNOWN, recovery=Recovery.YES)),
        {"SPI005": FAIL},
    ),
    "f no configuration": (
        facts(incident(source=FAR), config=None, peers=None, recovery_configured=None),
        {"SPI005": UNKNOWN},
    ),
    "f filtered lines only": (
        facts(incident(peer(config_type=ConfigType.UNKNOWN)), config=config(readable="lines")),
        {"SPI005": UNKNOWN},
    ),
    "f bound to nobody, confirmed at the sender": (
        facts(incident(source=FAR, join=join())),
        {"SPI005": FAIL},
    ),
    **{f"g {kind}": (hub(peer(config_type=kind), on=True), {"SPI003": FAIL}) for kind in YES},
    "g IKE not read": (hub(peer(ike_sa="unknown"), on=True), {"SPI003": FAIL}),
    **{f"h {kind}": (hub(peer(config_type=kind)), {"SPI001": FAIL}) for kind in YES},
    "i command not read": (hub(peer(), on=None), {"SPI001": UNKNOWN}),
    "i IKE not read": (hub(peer(ike_sa="unknown")), {"SPI001": UNKNOWN}),
    "i IKE version not known": (hub(peer(ike_version=None)), {"SPI001": UNKNOWN}),
}


@pytest.mark.parametrize("row", TABLE)
def test_decision_table(row):
    device, expected = TABLE[row]
    assert fired(device) == expected


@pytest.mark.parametrize("row", [row for row, (_, expected) in TABLE.items() if UNKNOWN in expected.values()])
def test_an_unknown_verdict_prints_no_action_and_is_at_most_a_warning(row):
    for finding in found(TABLE[row][0]):
        if finding.verdict is UNKNOWN:
            assert finding.actions == ()
            assert finding.level is not Level.ERROR


@pytest.mark.parametrize("row", ["f no configuration", "f filtered lines only", "i command not read", "i IKE not read"])
def test_what_is_missing_is_a_blind_spot_too(row):
    finding = only(TABLE[row][0], "SPI015")
    assert finding.level is Level.WARNING
    assert "cannot be judged" in finding.message


def test_healing_is_an_unknown_that_opens_nothing():
    (judgement,) = said(TABLE["d healing"][0], "SPI001")
    assert judgement.verdict is UNKNOWN
    assert judgement.missing == "a second look"


@pytest.mark.parametrize(
    "state", [state for state in State if state not in {State.PERSISTENT, State.SCAN, State.UNKNOWN_SOURCE}]
)
def test_only_a_persistent_flow_opens_the_cascade(state):
    rules = {"SPI001", "SPI002", "SPI003", "SPI004", "SPI005", "SPI009", "SPI010"}
    assert rules.isdisjoint(fired(facts(incident(peer(), state=state))))


def test_wrong_endpoint_without_shared_is_the_tunnels_fault():
    tunnels = (
        tunnel("Tunnel1", ConfigType.MGRE_DYNAMIC_NHRP),
        tunnel("Tunnel2", to="203.0.113.9"),
    )
    flow = incident(peer(), installed=SPI, join=join(Outcome.WRONG_ENDPOINT))
    assert fired(facts(flow, bindings=tunnels)) == {"SPI014": FAIL}
    shared = tuple(replace(one, shared=True) for one in tunnels)
    assert fired(facts(flow, bindings=shared)) == {"SPI010": FAIL}
    elsewhere = tuple(replace(one, local=(ip_address("192.0.2.77"),)) for one in tunnels)
    assert fired(facts(flow, bindings=elsewhere)) == {"SPI010": FAIL, "SPI014": FAIL}


def test_wrong_endpoint_without_configuration_is_unknown_and_earns_nothing():
    device = facts(incident(peer(), installed=SPI, join=join(Outcome.WRONG_ENDPOINT)), config=None)
    finding = only(device, "SPI010")
    assert finding.verdict is UNKNOWN
    assert finding.actions == ()


@pytest.mark.parametrize("rule", ["SPI001", "SPI002", "SPI003", "SPI004", "SPI005", "SPI009", "SPI010"])
def test_pass_needs_a_log_that_proves_its_silence(rule):
    calm = facts(peers=(peer(),))
    assert verdicts(calm, rule) == {Verdict.PASS}
    assert verdicts(replace(calm, log=replace(calm.log, covers_since=None)), rule) == {UNKNOWN}
    assert verdicts(replace(calm, log=None), rule) == {UNKNOWN}
    assert verdicts(replace(calm, log=replace(calm.log, inv_spi_unparsed=1)), rule) == {UNKNOWN}
    assert verdicts(replace(calm, incidents=None), rule) == {UNKNOWN}
    assert verdicts(facts(incident(peer(), state=State.PENDING)), rule) == {UNKNOWN}
    assert verdicts(facts(incident(peer(), state=State.INSUFFICIENT_DATA)), rule) == {UNKNOWN}
    assert verdicts(facts(incident(peer(), state=State.TRANSIENT)), rule) == {Verdict.PASS}


def test_pass_on_ios_xe_needs_the_counters_too():
    xe = facts(peers=(peer(),), software=Software(family="ios-xe", version="17.9.4a"), counters=None)
    assert verdicts(xe, "SPI001") == {UNKNOWN}
    assert verdicts(replace(xe, software=None), "SPI001") == {UNKNOWN}
    assert verdicts(replace(xe, counters=(counter(),)), "SPI001") == {Verdict.PASS}


def test_a_flow_that_another_row_took_is_not_applicable_with_the_fact_that_stopped_it():
    device = facts(incident(peer(config_type=ConfigType.DYNAMIC_CRYPTO_MAP)))
    stopped = next(item for item in said(device, "SPI001") if item.verdict is Verdict.NOT_APPLICABLE)
    assert "SPI002" in stopped.message
    assert "dynamic-crypto-map" in stopped.why


def test_spi001_prints_the_cure_the_peers_it_does_not_help_and_when_it_ends_by_itself():
    dynamic = peer("198.51.100.7", ConfigType.DYNAMIC_CRYPTO_MAP)
    flow = incident(peer())
    finding = only(facts(flow, peers=(flow.peer, dynamic)), "SPI001")
    assert finding.level is Level.ERROR
    assert finding.peer == FAR
    assert "203.0.113.9" in finding.why
    assert "nothing proven for 198.51.100.7" in finding.why
    assert "3600 s" in finding.message
    assert "not packets" in finding.message
    confirmed = incident(peer(), join=join(heals_at_latest=NOW + timedelta(minutes=20)))
    assert "2026-03-14 12:20:00" in only(facts(confirmed), "SPI001").message


def test_one_tunnel_and_direction_is_one_finding_whatever_the_rule_spis_and_times():
    once = only(hub(peer()), "SPI001")
    again = only(hub(peer(), on=True), "SPI003")
    other = only(hub(peer(), keys=(key(Spi(0x22222222), ages=(90, 10)), key(Spi(0x33333333)))), "SPI001")
    unread = only(TABLE["f no configuration"][0], "SPI005")
    assert {once.id, again.id, other.id, unread.id} == {once.id}
    assert len(once.id) == 16
    assert int(once.id, 16) >= 0
    assert other.spis == (Spi(0x22222222), Spi(0x33333333))
    back = only(facts(incident(peer(), source=HUB, destination=FAR)), "SPI001")
    assert back.id != once.id


def test_esp_and_ah_of_one_tunnel_merge():
    esp, ah = incident(peer()), incident(peer(), protocol="51", keys=(key(Spi(0x22222222)),))
    finding = only(facts(esp, ah), "SPI001")
    assert finding.spis == (SPI, Spi(0x22222222))
    assert sum(line.startswith("clear ") for line in commands(finding)) == 1


def test_two_vrfs_with_the_same_addresses_stay_two_findings():
    red, blue = incident(peer(), vrf="RED"), incident(peer(), vrf="BLUE")
    assert len({item.id for item in found(facts(red, blue)) if item.rule == "SPI001"}) == 2


def test_getvpn_is_one_finding_a_group_and_pair_of_hosts():
    group = Binding(config_type=ConfigType.GETVPN, name="GET 10", interface="Gi0/0", group="G1")
    member = peer(None, ConfigType.GETVPN, source=group, seen="acceptor")
    flow = incident(member, source="10.1.1.1", destination=ip_address("10.2.2.2"), bound="acceptor")
    finding = only(facts(flow), "SPI002")
    assert finding.peer is None
    assert finding.actions == ()
    other = replace(member, source=replace(group, group="G2"))
    assert only(facts(replace(flow, peer=other)), "SPI002").id != finding.id


def test_a_fresh_reload_lowers_the_level_and_an_older_one_does_not():
    fresh = hub(peer(), preceded_by=related("restart", age=7 * 60))
    stale = hub(peer(), preceded_by=related("restart", age=8 * 60))
    assert only(fresh, "SPI001").level is Level.WARNING
    assert only(stale, "SPI001").level is Level.ERROR
    assert "restart" in only(stale, "SPI001").why
    assert only(replace(fresh, device_time=None), "SPI001").level is Level.ERROR


def test_an_absent_0xff_spi_is_only_remarked():
    finding = only(hub(peer(), keys=(key(Spi(0xFF123456)),)), "SPI001")
    assert "CSCvp16730" in finding.why
    assert "one SPI in 256" in finding.why
    assert "CSCvp16730" not in only(hub(peer()), "SPI001").why


def test_the_join_names_both_routers_and_shows_both_sides_lines():
    finding = only(hub(peer(), join=join(sa_remaining=timedelta(minutes=10))), "SPI001")
    assert finding.far_device == "spoke9"
    assert finding.device == "hub1"
    assert {line.device for line in finding.evidence} == {"hub1", "spoke9"}
    assert "confirmed at both ends" in finding.why
    assert "600 s" in finding.why or "10 min" in finding.why
    guess = only(hub(peer(), join=join(grade="spi-only", chance=2e-6)), "SPI001")
    assert guess.far_device is None
    assert "2e-06" in guess.why


def test_spi004_says_that_the_command_adds_nothing():
    finding = only(hub(peer(**UP, ike_evidence=(proof("QM_IDLE 1001 ACTIVE"),))), "SPI004")
    assert "adds nothing while IKE is up" in finding.message
    assert any("QM_IDLE" in line.text for line in finding.evidence)
    assert "CSCvd40554" in only(hub(peer(recovery=Recovery.UNPROVEN, ike_version=2, **UP)), "SPI004").why
    assert "CSCvd40554" not in finding.why
    assert "static-crypto-map with 203.0.113.9" in finding.why


def test_advice_on_recovery_says_why_the_peer_has_its_type():
    advised = {f"SPI00{number}" for number in range(1, 6)}
    told = [
        (finding, flow.peer.why)
        for device, _ in TABLE.values()
        for finding in found(device)
        for flow in device.incidents or ()
        if finding.rule in advised and finding.verdict is FAIL and flow.peer
    ]
    assert {finding.rule for finding, _ in told} == advised
    assert all(why[1:] in finding.why for finding, why in told)  # a sentence begins with a capital


def test_no_rule_of_the_cascade_claims_what_is_not_established():
    texts = " ".join(
        f"{item.message} {item.why} {item.title} {' '.join(action.note for action in item.actions)}"
        for device, _ in TABLE.values()
        for item in found(device)
    )
    for claim in ("upgrade to", "Upgrade to", "fixed in", "Cisco says", "packets lost"):
        assert claim not in texts


def test_an_unknown_names_the_fact_that_is_missing():
    missing = {row: said(TABLE[row][0], "SPI001")[0].missing for row in TABLE if row.startswith("i ")}
    assert missing == {
        "i command not read": "recovery_configured",
        "i IKE not read": "ike_sa",
        "i IKE version not known": "ike_version",
    }
    both = facts(incident(peer(ike_sa="unknown")), recovery_configured=None)
    assert said(both, "SPI001")[0].missing == "recovery_configured"
    believed = said(facts(incident(peer(ike_sa="unknown", ike_version=None))), "SPI001")[0]
    assert believed.missing == "ike_sa"


def test_a_yes_that_is_not_believed_says_why():
    assert "through NAT" in only(TABLE["f a yes through NAT is not believed"][0], "SPI005").why
    assert "IKEv2" in only(TABLE["f a yes with IKEv2 is not believed"][0], "SPI005").why
    assert "IKEv2" not in only(TABLE["f a yes of type unknown is not believed"][0], "SPI005").why


def test_the_far_end_is_named_once():
    assert "from 203.0.113.9 to 192.0.2.1" in only(hub(peer()), "SPI001").message
    named = peer(config_type=ConfigType.UNKNOWN, recovery=Recovery.UNPROVEN)
    nat = incident(named, source="198.51.100.200", bound="nat")
    assert "from 198.51.100.200 (peer 203.0.113.9) to" in only(facts(nat), "SPI005").message
    assert "from 203.0.113.9 (spoke9) to" in only(hub(peer(), join=join()), "SPI001").message
    assert "spoke9" not in only(hub(peer(), join=join(grade="spi-only")), "SPI001").message.split(" to ")[0]


def test_the_first_0xff_spi_is_remarked_too():
    assert "CSCvp16730" in only(hub(peer(), keys=(key(Spi(0xFF000000)),)), "SPI001").why
    assert "CSCvp16730" not in only(hub(peer(), keys=(key(Spi(0xFEFFFFFF)),)), "SPI001").why
    assert set(fired(hub(peer(), keys=(key(Spi(0xFF000000)),), installed=Spi(0xFF000000)))) == {"SPI009"}
