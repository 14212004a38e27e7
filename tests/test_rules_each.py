"""SPI006 to SPI015 outside the cascade: each fails, passes, and is unknown; and the tricky cases that are theirs."""

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
    blind,
    commands,
    config,
    counter,
    counter_only,
    facts,
    fired,
    found,
    incident,
    join,
    key,
    only,
    peer,
    policy,
    proof,
    related,
    said,
    tunnel,
    verdicts,
)

from collector.errors import ErrorCode
from collector.model import (
    CaptureNote,
    CaptureStatus,
    ConfigType,
    Dpd,
    Failure,
    History,
    Interface,
    Level,
    Outcome,
    Recovery,
    Software,
    Spi,
    State,
    Verdict,
)
from collector.rules.cures import cures

FAIL, PASS, UNKNOWN, NA = Verdict.FAIL, Verdict.PASS, Verdict.UNKNOWN, Verdict.NOT_APPLICABLE
DARK = {"log": None}
XE = {"software": Software(family="ios-xe", version="17.9.4a")}


# SPI006


def test_spi006_one_finding_for_a_scan_one_for_each_lone_source():
    scan = [incident(source=f"198.51.100.{n}", state=State.SCAN) for n in range(1, 40)]
    lone = [incident(source=f"203.0.113.{n}", state=State.UNKNOWN_SOURCE) for n in (50, 51)]
    findings = [item for item in found(facts(*scan, *lone)) if item.rule == "SPI006"]
    assert len(findings) == 3
    (storm,) = [item for item in findings if "39 addresses" in item.message]
    assert len(storm.evidence) <= 12
    assert all(item.level is Level.WARNING and item.peer is None and item.actions == () for item in findings)
    assert all("ACL" in item.message and "uni" in item.message for item in findings)
    assert "39 addresses that are no peer" in storm.message
    assert storm.why == "Three lines of one SPI over two minutes."
    assert (storm.first_seen, storm.last_seen) == (NOW - timedelta(seconds=140), NOW - timedelta(seconds=20))


def test_spi006_a_scan_of_one_address_is_told_in_the_singular():
    alone = only(facts(incident(source="198.51.100.1", state=State.SCAN)), "SPI006")
    assert "by 1 address that is no peer: 198.51.100.1." in alone.message


@pytest.mark.parametrize("state", [State.SCAN, State.UNKNOWN_SOURCE])
def test_spi006_does_not_deny_the_sources_that_it_names(state):
    assert verdicts(facts(incident(source="198.51.100.1", state=state)), "SPI006") == {FAIL}


def test_spi006_pass_and_unknown():
    assert verdicts(facts(peers=(peer(),)), "SPI006") == {PASS}
    assert verdicts(facts(peers=(peer(),), **DARK), "SPI006") == {UNKNOWN}
    (dark,) = said(facts(peers=(peer(),), **DARK), "SPI006")
    assert (dark.message, dark.missing) == ("no unknown source was seen, and that proves nothing", "log")
    (seen,) = said(facts(peers=(peer(),)), "SPI006")
    assert (seen.message, seen.missing) == ("no unknown source was seen", "")
    assert seen.why == "every source in the log is a peer"
    assert verdicts(facts(config=config(readable="lines")), "SPI006") == {UNKNOWN}
    assert verdicts(facts(incident(source=FAR, state=State.SCAN), config=None), "SPI006") == {UNKNOWN}
    assert verdicts(facts(incidents=None), "SPI006") == {UNKNOWN}


def test_the_same_scan_tomorrow_from_others_is_the_same_finding():
    today = only(facts(incident(source="198.51.100.1", state=State.SCAN)), "SPI006")
    later = only(facts(incident(source="198.51.100.77", state=State.SCAN)), "SPI006")
    assert today.id == later.id


# SPI007


def test_spi007_warning_above_noise_error_after_runs_pass_below():
    device = facts(counter_only(), counters=(counter(),), **XE)
    assert only(device, "SPI007").level is Level.WARNING
    assert "runs in a row" not in only(device, "SPI007").why
    twice = replace(device, history=History(rising_runs={counter().name: 1}))
    assert only(twice, "SPI007").level is Level.WARNING
    often = replace(device, history=History(rising_runs={counter().name: 2}))
    assert only(often, "SPI007").level is Level.ERROR
    assert "3 runs" in only(often, "SPI007").why
    assert verdicts(facts(counter_only(rate=10.0), counters=(counter(),)), "SPI007") == {PASS}
    assert verdicts(facts(counter_only(rate=10.1), counters=(counter(),)), "SPI007") == {FAIL}


def test_spi007_says_what_it_read_and_what_it_lacks():
    (calm,) = said(
        facts(counters=(counter(packets=7, delta=0), counter(packets=9, delta=0, name="OTHER")), **XE), "SPI007"
    )
    assert (calm.why, calm.missing) == (f"{counter().name} 7, OTHER 9", "")
    (unread,) = said(facts(counters=None, **XE), "SPI007")
    assert (unread.why, unread.missing) == ("no counter was read", "counters")
    (low,) = said(facts(counter_only(rate=10.0), counters=(counter(),)), "SPI007")
    assert "below the noise level" in low.message
    (loud,) = said(facts(counter_only(), counters=(counter(),)), "SPI007")
    assert loud.missing == low.missing == ""
    (rateless,) = said(facts(counter_only(rate=None), counters=(counter(),)), "SPI007")
    assert rateless.missing == "the rate of the counter"
    assert "at an unknown rate" in rateless.message
    assert "below the noise level" not in loud.message
    assert "may be black-holed" in loud.message


def test_case_33_counter_reset_is_no_rise():
    reset = counter(delta=None, reset=True)
    device = facts(counter_only(), counters=(reset,), history=History(rising_runs={reset.name: 9}))
    assert only(device, "SPI007").level is Level.WARNING
    barely = counter(delta=1)
    device = facts(counter_only(), counters=(barely,), history=History(rising_runs={barely.name: 9}))
    assert only(device, "SPI007").level is Level.ERROR
    falling = counter(delta=0)
    device = facts(counter_only(), counters=(falling,), history=History(rising_runs={reset.name: 9}))
    assert only(device, "SPI007").level is Level.WARNING


def test_case_31_a_missing_counter_is_not_zero():
    assert verdicts(facts(counters=None, **XE), "SPI007") == {UNKNOWN}
    assert verdicts(facts(counters=(), **XE), "SPI007") == {UNKNOWN}
    assert verdicts(facts(counters=(counter(name="IpsecInput"),), **XE), "SPI007") == {UNKNOWN}
    assert verdicts(facts(counters=(counter(packets=0, delta=0),), **XE), "SPI007") == {PASS}
    assert verdicts(facts(counters=None), "SPI007") == {NA}
    assert verdicts(facts(counters=None, software=None), "SPI007") == {UNKNOWN}
    assert verdicts(facts(counter_only(rate=None), counters=(counter(),)), "SPI007") == {UNKNOWN}


def test_case_34_asr_that_does_not_log_is_never_clean():
    silent = blind("log", "this ASR logs no INV_SPI before 12.2(33)XNC2", "asr-silent")
    counting = facts(counter_only(), counters=(counter(),), blind_spots=(silent,), peers=(peer(),), **XE)
    assert "XNC2" in only(counting, "SPI007").why
    quiet = facts(counters=(counter(packets=0, delta=0),), blind_spots=(silent,), peers=(peer(dpd=ON),), **XE)
    assert {item.rule for item in found(quiet)} == {"SPI015"}
    for rule in ("SPI001", "SPI002", "SPI003", "SPI004", "SPI005", "SPI006", "SPI008", "SPI011"):
        assert PASS not in verdicts(quiet, rule)


def test_doubt_about_the_ike_sa_is_said():
    unread = peer("198.51.100.7", ConfigType.DVTI, ike_sa="unknown")
    assert "see SPI004" in only(facts(incident(unread)), "SPI002").why
    read = peer("198.51.100.7", ConfigType.DVTI)
    assert "see SPI004" not in only(facts(incident(read)), "SPI002").why
    getvpn = peer(config_type=ConfigType.GETVPN, ike_sa="unknown")
    assert "see SPI004" not in only(facts(incident(getvpn)), "SPI002").why


def test_a_rekey_race_of_the_same_tunnel_is_not_part_of_the_hole():
    race = key(Spi(0x22222222), State.TRANSIENT, ages=(9000,))
    finding = only(facts(incident(peer(), keys=(race, key()))), "SPI001")
    assert finding.spis == (SPI,)
    assert "3 log lines" in finding.message
    assert finding.first_seen == NOW - timedelta(seconds=140)


def test_spi007_names_nat_as_a_reason_for_silence():
    device = facts(counter_only(), counters=(counter(),), peers=(peer(nat_traversal=True),))
    assert "CSCsq59183" in only(device, "SPI007").why
    assert only(device, "SPI007").peer is None


# SPI008


def rekeying(count, hours):
    keys = tuple(key(Spi(0x10000000 + n), State.TRANSIENT, ages=(int(3600 * hours * n) + 5000,)) for n in range(count))
    return incident(peer(), keys=keys, state=State.RECURRING_REKEY)


def test_spi008_note_and_warning_above_the_daily_count():
    note = only(facts(rekeying(3, 1)), "SPI008")
    assert note.level is Level.NOTE
    assert note.actions == ()
    assert any("CSCvn31824" in text for text in note.references)
    assert only(facts(rekeying(4, 1)), "SPI008").level is Level.WARNING
    assert only(facts(rekeying(6, 12)), "SPI008").level is Level.NOTE
    assert verdicts(facts(), "SPI008") == {PASS}
    assert verdicts(facts(**DARK), "SPI008") == {UNKNOWN}


def test_spi008_a_line_a_whole_day_before_the_last_is_of_another_day():
    assert "5 SPIs, one line each, 4 of them within a day" in only(facts(rekeying(5, 6)), "SPI008").message


def test_case_07_recurring_spis_are_no_black_hole():
    assert set(fired(facts(rekeying(5, 1)))) == {"SPI008"}


# SPI011


def falling(count, state=State.PERSISTENT, hours=1):
    return tuple(
        key(Spi(0x20000000 + n), state, ages=(int(3600 * hours * n) + 70, int(3600 * hours * n) + 5))
        for n in range(count)
    )


def test_spi011_five_persistent_spis_within_a_day():
    five = only(facts(incident(peer(), keys=falling(5))), "SPI011")
    assert five.level is Level.ERROR
    assert five.peer == FAR
    assert "mask" in five.message
    assert any("event manager" in line for line in commands(five))
    assert any(line.startswith("debug crypto condition") for line in commands(five, "sender"))
    assert "SPI011" not in fired(facts(incident(peer(), keys=falling(4))))
    assert "SPI011" not in fired(facts(incident(peer(), keys=falling(5, hours=7))))
    assert "SPI011" not in fired(
        facts(incident(peer(), keys=falling(5, hours=6)))
    )  # a whole day apart is no more within
    assert "SPI011" in fired(facts(incident(peer(), keys=falling(9, hours=5))))


def test_spi011_counts_what_was_persistent_and_no_rekeys():
    assert "SPI011" not in fired(facts(incident(peer(), keys=falling(9, State.TRANSIENT), state=State.RECURRING_REKEY)))
    assert "SPI011" in fired(facts(incident(peer(), keys=falling(5, State.RESOLVED), state=State.RESOLVED)))
    past = tuple((FAR, Spi(0x30000000 + n), NOW - timedelta(hours=n)) for n in range(4))
    device = facts(incident(peer()), history=History(persistent_before=past))
    assert "SPI011" in fired(device)
    old = tuple((address, spi, at - timedelta(days=2)) for address, spi, at in past)
    assert "SPI011" not in fired(replace(device, history=History(persistent_before=old)))
    others = tuple((HUB, spi, at) for _, spi, at in past)
    assert "SPI011" not in fired(replace(device, history=History(persistent_before=others)))


def test_spi011_three_peers_at_once_point_at_this_router():
    flows = [incident(peer(f"203.0.113.{n}"), preceded_by=related("switchover", age=9999)) for n in (1, 2, 3)]
    finding = only(facts(*flows), "SPI011")
    assert finding.peer is None
    assert "3 peers" in finding.message
    assert "switchover" in finding.message
    assert "SPI011" not in fired(facts(*flows[:2]))


def test_spi011_unknown_where_silence_proves_nothing():
    assert verdicts(facts(), "SPI011") == {PASS}
    assert verdicts(facts(**DARK), "SPI011") == {UNKNOWN}


# SPI012


def test_spi012_off_here_and_not_known_on_there():
    finding = only(facts(peers=(peer(),)), "SPI012")
    assert finding.level is Level.WARNING
    assert finding.peer == FAR
    assert commands(finding) == ["configure terminal", "crypto isakmp keepalive 10 3 periodic", "end"]
    assert "Many peers" not in finding.actions[0].note
    for well in (peer(dpd=ON), peer(dpd=Dpd(mode="on-demand", interval=10)), peer(dpd_negotiated=True)):
        assert verdicts(facts(peers=(well,)), "SPI012") == {PASS}
    far = incident(peer(), join=join(sender_dpd=ON))
    assert verdicts(facts(far), "SPI012") == {PASS}
    assert verdicts(facts(incident(peer(), join=join(sender_dpd=OFF))), "SPI012") == {FAIL}
    assert verdicts(facts(peers=(peer(dpd=Dpd(mode="unknown")),)), "SPI012") == {UNKNOWN}
    assert verdicts(facts(peers=(peer(ike_version=None),)), "SPI012") == {UNKNOWN}
    assert verdicts(replace(facts(), peers=None), "SPI012") == {UNKNOWN}
    for lines_only in (config(readable="lines"), None):
        (unseen,) = said(facts(config=lines_only), "SPI012")
        assert (unseen.verdict, unseen.missing) == (UNKNOWN, "config")


@pytest.mark.parametrize(
    "kind", [ConfigType.GETVPN, ConfigType.SD_WAN, ConfigType.MANUAL_IPSEC, ConfigType.EZVPN_CLIENT]
)
def test_spi012_not_for_peers_without_a_dpd_of_this_router(kind):
    assert verdicts(facts(peers=(peer(config_type=kind),)), "SPI012") == {NA}


def test_spi012_two_thousand_spokes_are_one_finding_without_periodic():
    spokes = tuple(peer(ip_address(int(ip_address("10.0.0.0")) + n), ConfigType.MGRE_DYNAMIC_NHRP) for n in range(2000))
    finding = only(facts(peers=spokes), "SPI012")
    assert finding.peer is None
    assert "2000 peers" in finding.message
    assert len(finding.evidence) == 6  # the line of DPD, and the first five peers
    assert "crypto isakmp keepalive 10 3 on-demand" in commands(finding)
    assert "Many peers" in finding.actions[0].note


def test_spi012_one_finding_a_lever():
    two = {"ike_version": 2, "recovery": Recovery.UNPROVEN}
    peers = (
        peer(),
        peer("203.0.113.10", **two),
        peer("203.0.113.11", **two, source=binding(ikev2_profile="P1")),
        peer("203.0.113.12", **two, source=binding(ikev2_profile="P1")),
        peer("203.0.113.13", **two, source=binding(ikev2_profile="bad\nname")),
    )
    findings = [item for item in found(facts(peers=peers)) if item.rule == "SPI012"]
    assert sorted(commands(item)[1:-1] for item in findings) == [
        ["crypto ikev2 dpd 10 3 periodic"],
        ["crypto ikev2 profile P1", "dpd 10 3 periodic"],
        ["crypto isakmp keepalive 10 3 periodic"],
    ]


def test_case_48_the_profile_keepalive_stands_over_the_global_one():
    # the classifier hands the peer the mode that holds for it: a profile's, not the global one
    device = facts(peers=(peer(dpd=Dpd(mode="on-demand", interval=20)),), config=config(binding(), dpd=OFF))
    assert verdicts(device, "SPI012") == {PASS}


# SPI013


def test_spi013_is_opt_in_and_silent_when_the_command_is_on():
    device = facts(peers=(peer(), peer("198.51.100.7", ConfigType.DYNAMIC_CRYPTO_MAP)))
    assert "SPI013" not in fired(device)
    asked = replace(device, policy=policy(levels={"SPI013": "note"}))
    finding = only(asked, "SPI013")
    assert finding.level is Level.NOTE
    assert "198.51.100.7" in finding.message
    assert "denial of service" in finding.actions[0].note
    assert "SPI013" not in fired(replace(asked, policy=policy(levels={"SPI013": "off"})))
    assert verdicts(replace(asked, recovery_configured=True), "SPI013") == {PASS}
    assert verdicts(replace(asked, recovery_configured=None), "SPI013") == {UNKNOWN}
    assert verdicts(facts(peers=(peer(config_type=ConfigType.DVTI),)), "SPI013") == {NA}
    assert "SPI013" not in fired(replace(asked, recovery_configured=None))


def test_spi013_leaves_a_persistent_flow_to_spi001():
    assert verdicts(facts(incident(peer())), "SPI013") == {NA}


@pytest.mark.parametrize("state", [State.RESOLVED, State.HEALED])
def test_spi013_a_hole_that_closed_lately_is_a_warning_unasked(state):
    over = incident(peer(), state=state, last_age=timedelta(hours=3))
    finding = only(facts(over), "SPI013")
    assert finding.level is Level.WARNING
    assert "would have shortened" in finding.message
    assert "SPI013" not in fired(facts(replace(over, last_age=timedelta(hours=24))))
    assert "SPI013" not in fired(facts(replace(over, last_age=None)))
    seen = History(persistent_before=((FAR, SPI, NOW - timedelta(hours=4)),))
    assert "SPI013" not in fired(facts(over, history=seen))
    no = incident(peer("198.51.100.7", ConfigType.DVTI), state=state, last_age=timedelta(hours=3))
    assert "SPI013" not in fired(facts(no, peers=(peer(), no.peer)))


def test_case_41_what_is_not_the_command_is_not_configured():
    # banner, description and `no ...` are the classifier's to see through: what counts here is its answer
    assert "SPI001" in fired(facts(incident(peer()), recovery_configured=False))


# SPI014


def two_tunnels(**changes):
    return (
        tunnel("Tunnel1", ConfigType.MGRE_DYNAMIC_NHRP, **changes),
        tunnel("Tunnel2", to="203.0.113.9", **changes),
    )


def test_case_43_two_tunnels_one_source_no_shared():
    finding = only(facts(bindings=two_tunnels()), "SPI014")
    assert finding.level is Level.WARNING
    assert commands(finding) == [
        "configure terminal",
        "interface Tunnel1",
        "tunnel protection ipsec profile VPNPROF shared",
        "interface Tunnel2",
        "tunnel protection ipsec profile VPNPROF shared",
        "end",
    ]
    assert "plan it" in finding.actions[0].note
    on = facts(incident(peer(config_type=ConfigType.DVTI)), bindings=two_tunnels())
    assert set(fired(on)) == {"SPI002", "SPI014"}


def test_spi014_quiet():
    def one(*bindings, **changes):
        return verdicts(facts(bindings=bindings, **changes), "SPI014")

    first, second = two_tunnels()
    assert one(*two_tunnels(shared=True)) == {PASS}
    assert one(first, replace(second, shared=None)) == {FAIL}
    assert one(*two_tunnels(shared=None)) == {UNKNOWN}
    assert one(replace(first, shared=True), second) == {FAIL}
    assert one(first) == {PASS}
    assert one(first, replace(second, shutdown=True)) == {PASS}
    assert one(first, replace(second, applied=False)) == {PASS}
    assert one(first, replace(second, fvrf="INET")) == {PASS}
    assert one(first, replace(second, local=(ip_address("192.0.2.2"),))) == {PASS}
    assert one(tunnel("Tunnel1", to="203.0.113.8"), second) == {PASS}
    assert one(tunnel("Tunnel1", to="203.0.113.9"), second) == {FAIL}
    assert one(tunnel("Tunnel7", ConfigType.SVTI, to="203.0.113.8"), first) == {PASS}
    assert one(tunnel("Tunnel1", ConfigType.SVTI, to="203.0.113.9"), second) == {FAIL}
    assert verdicts(facts(config=None), "SPI014") == {UNKNOWN}
    assert verdicts(facts(config=config(readable="lines")), "SPI014") == {UNKNOWN}


def test_spi014_source_by_interface_and_by_address_are_one():
    named = replace(tunnel("Tunnel1", ConfigType.MGRE_DYNAMIC_NHRP), local=(), source_interface="Loopback0")
    addressed = tunnel("Tunnel2", to="203.0.113.9")
    interfaces = (Interface(name="Loopback0", addresses=(HUB,)),)
    device = facts(config=config(named, addressed, interfaces=interfaces))
    assert "SPI014" in fired(device)
    unnumbered = replace(addressed, local=(), source_interface="Loopback0")
    assert "SPI014" in fired(facts(bindings=(named, unnumbered)))


def test_spi014_takes_the_flow_whose_sa_stands_under_the_wrong_tunnel():
    flow = incident(peer(), installed=SPI, join=join(Outcome.WRONG_ENDPOINT))
    finding = only(facts(flow, bindings=two_tunnels()), "SPI014")
    assert "203.0.113.9 -> 192.0.2.1" in finding.message
    assert finding.spis == (SPI,)
    assert finding.id == only(facts(bindings=two_tunnels()), "SPI014").id


def test_spi014_takes_no_flow_of_another_source_or_rule():
    other = ip_address("192.0.2.2")
    there = (
        tunnel("Tunnel8", ConfigType.MGRE_DYNAMIC_NHRP, local=(other,)),
        tunnel("Tunnel9", to="203.0.113.9", local=(other,)),
    )
    wrong = incident(peer(), installed=SPI, join=join(Outcome.WRONG_ENDPOINT))
    device = facts(wrong, incident(peer("203.0.113.77")), bindings=(*two_tunnels(), *there))
    here, elsewhere = (item for item in found(device) if item.rule == "SPI014")
    if "Tunnel8" in here.message:
        here, elsewhere = elsewhere, here
    assert "203.0.113.9 -> 192.0.2.1 is black-holed by it" in here.message
    assert "203.0.113.77" not in here.message
    assert "black-holed" not in elsewhere.message
    assert elsewhere.spis == ()


def test_spi014_types_nothing_it_cannot_trust():
    first, second = two_tunnels()
    for odd in ("X shared\nreload", "OTHER", None):
        lines = commands(only(facts(bindings=(first, replace(second, ipsec_profile=odd))), "SPI014"))
        assert all(line.startswith("show ") for line in lines)
    hostile = facts(bindings=two_tunnels(ipsec_profile="X shared\nreload"))
    assert not any("reload" in line for line in commands(only(hostile, "SPI014")))
    renamed = facts(bindings=(first, replace(second, interface="Tunnel2\nreload")))
    assert not any("reload" in line for line in commands(only(renamed, "SPI014")))


# SPI015


def test_spi015_one_finding_a_device_with_every_blind_spot_and_its_cure():
    spots = (blind(), blind("config", "privilege 1: the configuration is hidden", "config-unreadable"))
    finding = only(facts(blind_spots=spots), "SPI015")
    assert finding.level is Level.WARNING
    assert "wrapped" in finding.message
    assert "privilege 1" in finding.message
    assert commands(finding) == [
        "configure terminal",
        "logging buffered 512000 warnings",
        "end",
    ]
    assert finding.id == only(facts(blind_spots=spots[:1]), "SPI015").id


def test_spi015_the_cure_fits_the_gap():
    def cured(*spots, **changes):
        finding = only(facts(blind_spots=spots, **changes), "SPI015")
        return commands(finding), " ".join(action.note for action in finding.actions)

    stamps = "service timestamps log datetime msec localtime show-timezone year"
    assert cured(blind("device_time", "no date", "log-stamps"))[0] == ["configure terminal", stamps, "end"]
    for code in ("log-buffer-disabled", "log-level-low", "log-buffer-wrapped"):
        assert cured(blind(code=code))[0] == ["configure terminal", "logging buffered 512000 warnings", "end"]
    refused = CaptureNote(
        command="show crypto isakmp sa", status=CaptureStatus.REFUSED, rows=0, unparsed_lines=0, reason="no"
    )
    typed, note = cured(blind("isakmp_sas", "was refused", "command-refused"), captures=(refused,))
    assert (typed, "AAA" in note) == (["show privilege"], True)
    typed, note = cured(blind("config", "hidden", "config-unreadable"), privilege=1)
    assert (typed, "privilege 15" in note) == (["show privilege"], True)
    typed, note = cured(blind("device_time", "set later", "log-clock"), clock_mark="*")
    assert (typed, "NTP" in note) == ([], True)
    gone = Failure(code=ErrorCode.TCP_REFUSED, phase="connect", message="refused")
    assert cured(blind("captures", "refused", "visit-failed"), failures=(gone,)) == ([], "")


def test_spi015_does_not_pass_where_silence_is_not_proven():
    mute = facts()
    assert verdicts(mute, "SPI015") == {PASS}
    assert mute.log is not None
    filtered = replace(mute, log=replace(mute.log, covers_since=None))
    assert verdicts(filtered, "SPI015") == {UNKNOWN}
    assert "SPI015" not in {item.rule for item in found(filtered)}


def test_spi015_remarks_take_nothing_away():
    remark = replace(blind(), blocking=False)
    assert verdicts(facts(blind_spots=(remark,)), "SPI015") == {PASS}
    assert verdicts(facts(blind_spots=(remark,)), "SPI001") == {PASS}


def test_spi015_a_command_nobody_pasted_is_unknown_a_refused_one_a_warning():
    paste = facts(config=None, recovery_configured=None)
    paste = replace(paste, peers=None)
    assert verdicts(paste, "SPI015") == {UNKNOWN}
    assert "SPI015" not in {item.rule for item in found(paste)}
    refused = CaptureNote(
        command="show running-config", status=CaptureStatus.REFUSED, rows=0, unparsed_lines=0, reason="% Invalid input"
    )
    finding = only(replace(paste, captures=(refused,)), "SPI015")
    assert finding.level is Level.WARNING
    spot = replace(blind("config", "`show running-config` was refused"), evidence=())
    finding = only(replace(paste, captures=(refused,), blind_spots=(spot,)), "SPI015")
    assert (finding.evidence[0].command, finding.evidence[0].text) == ("show running-config", "% Invalid input")
    other = replace(blind("log", "this ASR does not log it"), evidence=())
    (line,) = only(replace(paste, captures=(refused,), blind_spots=(other,)), "SPI015").evidence
    assert line.command == ""


def test_case_11_insufficient_data_is_told_never_no_errors():
    unclear = incident(peer(), state=State.INSUFFICIENT_DATA, why="the buffer wrapped after one line")
    finding = only(facts(unclear), "SPI015")
    assert "cannot be judged" in finding.message
    assert "wrapped" in finding.message
    assert PASS not in verdicts(facts(unclear), "SPI001")


def test_case_32_nothing_that_zeroes_evidence_is_ever_printed():
    devices = (
        facts(counter_only(), counters=(counter(),), **XE),
        facts(incident(peer()), **XE),
        facts(blind_spots=(blind("counters"),), **XE),
    )
    for device in devices:
        for finding in found(device):
            assert not any("drop clear" in line or "drops clear" in line for line in commands(finding))


def test_case_42_responder_only_is_no():
    own = peer(recovery=Recovery.NO, source=binding(responder_only=True))
    finding = only(facts(incident(own)), "SPI002")
    assert "responder-only" in finding.message


def test_case_50_byte_swapped_spis_are_never_joined_by_a_rule():
    swapped = incident(peer(), keys=(key(Spi(0x1E3EFDFE)),), installed=None)
    assert "SPI001" in fired(facts(swapped, history=History(persistent_before=((FAR, Spi(0xFEFD3E1E), NOW),))))


def test_case_14_an_ike_sa_younger_than_the_last_line_is_not_spi004():
    young = peer(ike_sa="up", ike_since=NOW - timedelta(seconds=1))
    assert fired(facts(incident(young))) == {}


def test_case_28_getvpn_hosts_are_no_unknown_source():
    member = peer(None, ConfigType.GETVPN, seen="acceptor")
    flow = incident(member, source="10.1.1.1", destination=ip_address("10.2.2.2"), bound="acceptor")
    assert set(fired(facts(flow))) == {"SPI002"}


def test_case_29_sd_wan_is_spi002():
    assert fired(facts(incident(peer(config_type=ConfigType.SD_WAN, ike_version=None)))) == {"SPI002": FAIL}


def test_case_51_up_no_ike_is_the_precondition():
    finding = only(facts(incident(peer(session_status="UP-NO-IKE"))), "SPI001")
    assert "UP-NO-IKE" in finding.why


def test_case_52_ikmp_no_sa_raises_the_confidence():
    flow = incident(peer(), related=(related("ikmp-no-sa", source=FAR),))
    assert "IKMP_NO_SA" in only(facts(flow), "SPI001").why
    other = incident(peer(), related=(related("ikmp-no-sa", source=HUB),))
    assert "IKMP_NO_SA" not in only(facts(other), "SPI001").why


def test_case_06_lines_are_never_called_packets():
    finding = only(facts(incident(peer())), "SPI001")
    assert "3 log lines" in finding.message
    assert "3 packets" not in finding.message


def test_evidence_of_a_long_flow_is_its_first_and_last_lines():
    ages = tuple(range(6000, 0, -60))
    finding = only(facts(incident(peer(), keys=(key(ages=ages),), evidence=())), "SPI001")
    lines = [item.line for item in finding.evidence if item.command == "show logging"]
    assert lines == [100, 101, 102, 103, 104, 105, 194, 195, 196, 197, 198, 199]
    assert "100 log lines" in finding.message


def test_evidence_is_the_routers_own_lines():
    for device in (facts(incident(peer())), facts(blind_spots=(blind(),))):
        for judgement in said(device, "SPI001") + said(device, "SPI015"):
            if judgement.verdict is FAIL:
                assert all(item.text and item.device for item in judgement.evidence)
    assert proof("x").device == "hub1"


@pytest.mark.parametrize(
    ("need", "code", "asked"),
    [
        ("isakmp_sas", "not-read", ("show crypto isakmp sa",)),
        ("ike_sa", "ike-sa-unknown", ("show crypto isakmp sa", "show crypto session detail")),
        ("recovery_configured", "recovery-unknown", ("show running-config",)),
        ("isakmp_sas", "log-wrapped", ()),
        ("nothing known", "not-read", ()),
    ],
)
def test_what_nobody_asked_is_asked_and_what_was_refused_is_not(need, code, asked):
    def typed(device):
        lines = [line for action in cures(device, ((code, need),)) for line in action.commands]
        return [line for line in lines if line != "show privilege"]

    def noted(status):
        return tuple(CaptureNote(command=line, status=status, rows=0, unparsed_lines=0) for line in asked)

    pasted = facts(collected_at=None)
    assert all(any(line.startswith(word) for line in typed(pasted)) for word in asked)
    assert bool(typed(pasted)) is bool(asked)
    read = typed(replace(pasted, captures=noted(CaptureStatus.PARSED)))
    refused = typed(replace(pasted, captures=noted(CaptureStatus.REFUSED)))
    for word in asked:
        again = word == "show running-config"  # other lines of it
        assert any(line.startswith(word) for line in read) is again
        assert not any(line.startswith(word) for line in refused)
    assert typed(facts()) == []  # a visit asks by itself


@pytest.mark.parametrize(
    ("kind", "heals"),
    [
        (ConfigType.DYNAMIC_CRYPTO_MAP, True),
        (ConfigType.DVTI, True),
        (ConfigType.GETVPN, False),
        (ConfigType.SD_WAN, False),
        (ConfigType.MANUAL_IPSEC, False),
    ],
)
def test_spi002_says_when_it_ends_only_of_tunnels_with_ike(kind, heals):
    assert ("Left alone it ends" in only(facts(incident(peer(config_type=kind))), "SPI002").message) is heals


@pytest.mark.parametrize(
    ("codes", "asked"),
    [
        (("flow-unclear",), True),
        (("log-clock",), True),
        (("flow-unclear", "log-buffer-wrapped"), False),
        (("log-stamps",), False),
    ],
)
def test_lines_of_a_log_without_its_head_need_the_log(codes, asked):
    made = cures(facts(collected_at=None), tuple((code, "incidents") for code in codes))
    assert (("show clock", "show logging") in [action.commands for action in made]) is asked


@pytest.mark.parametrize(
    ("readable", "of", "verdict", "word"),
    [
        ("runtime", None, UNKNOWN, "not all of the configuration"),
        ("runtime", peer(recovery=Recovery.UNPROVEN), FAIL, "static-crypto-map"),
        ("lines", None, UNKNOWN, "No configuration was read"),
        ("full", None, FAIL, "no configured peer"),
    ],
)
def test_spi005_asks_for_the_configuration_of_a_source_without_a_peer(readable, of, verdict, word):
    (judged,) = said(facts(incident(of), config=config(binding(), readable=readable)), "SPI005")
    assert judged.verdict is verdict
    assert word in judged.why


def test_spi010_names_what_to_compare_or_whom_to_call():
    elsewhere = only(facts(incident(peer(), join=join(Outcome.WRONG_ENDPOINT), installed=SPI)), "SPI010")
    assert "another local address" in elsewhere.message
    assert elsewhere.actions == ()  # a new SPI would be installed at the wrong place again
    planes = only(facts(incident(peer(), installed=SPI)), "SPI010")
    assert "a TAC case" in planes.message
    assert planes.actions
