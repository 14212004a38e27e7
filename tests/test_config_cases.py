"""The tricky cases of the domain that the classifier decides, by number."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from collector.config import classify, recovery_of
from collector.model import (
    Binding,
    Capture,
    ConfigText,
    ConfigType,
    CryptoConfig,
    CryptoMapEntry,
    IpsecProfile,
    PeerSpec,
    Recovery,
    StandbyGroup,
)

WAN = "interface GigabitEthernet0/0\n ip address 192.0.2.1 255.255.255.0\n"
PROFILE = "crypto ipsec profile P\n set transform-set T\n"


def read(body: str, **records) -> CryptoConfig:
    text = f"hostname R1\n{body}end\n"
    capture = Capture(command="show running-config", text=text)
    return classify(
        [(capture, ConfigText(line=1, lines=tuple(enumerate(text.splitlines(), 1)), whole=True))], **records
    )


def verdict(binding: Binding, peer: PeerSpec | None = None, **more):
    return recovery_of(binding, peer, ike_version=binding.ike_version, **more)


def by_name(config: CryptoConfig) -> dict[str, Binding]:
    return {binding.name: binding for binding in config.bindings}


def test_case_17_a_map_with_a_static_and_a_dynamic_sequence_is_judged_per_peer():
    config = read(
        "crypto dynamic-map D 1\n set transform-set T\n"
        "crypto map VPN 10 ipsec-isakmp\n set peer 198.51.100.1\n"
        "crypto map VPN 65535 ipsec-isakmp dynamic D\n" + WAN + " crypto map VPN\n"
    )
    static, dynamic = by_name(config)["VPN 10"], by_name(config)["VPN 65535"]
    assert verdict(static, static.peers[0])[0] is Recovery.YES
    assert verdict(dynamic)[0] is Recovery.NO
    assert not static.acceptor
    assert dynamic.acceptor
    assert static.local == dynamic.local == (ip_address("192.0.2.1"),)


def test_case_18_a_spoke_tunnel_says_yes_for_the_hub_and_no_for_spokes():
    config = read(
        PROFILE + WAN + "interface Tunnel0\n tunnel source GigabitEthernet0/0\n tunnel mode gre multipoint\n"
        " ip nhrp map 10.0.0.1 198.51.100.1\n ip nhrp nhs 10.0.0.1\n tunnel protection ipsec profile P\n"
    )
    (binding,) = config.bindings
    assert verdict(binding, binding.peers[0])[0] is Recovery.YES
    recovery, why = verdict(binding)
    assert recovery is Recovery.NO
    assert "learnt" in why


def test_case_19_nhs_with_nbma_is_static_and_a_multicast_map_is_not():
    config = read(
        PROFILE + WAN + "interface Tunnel0\n tunnel source GigabitEthernet0/0\n tunnel mode gre multipoint\n"
        " ip nhrp nhs 10.0.0.1 nbma 198.51.100.1 multicast\n ip nhrp map multicast 198.51.100.2\n"
        " ip nhrp nhs dynamic nbma hub.example.net multicast priority 1 cluster 2\n tunnel protection ipsec profile P\n"
    )
    (binding,) = config.bindings
    assert [(peer.text, peer.by_name) for peer in binding.peers] == [("198.51.100.1", False), ("hub.example.net", True)]
    assert any("198.51.100.2" in sentence for sentence in binding.why)


def test_case_20_a_phase_1_spoke_is_gre_tunnel_protection():
    config = read(
        PROFILE + WAN + "interface Tunnel0\n tunnel source GigabitEthernet0/0\n tunnel destination 198.51.100.1\n"
        " ip nhrp map 10.0.0.1 198.51.100.1\n ip nhrp nhs 10.0.0.1\n tunnel protection ipsec profile P\n"
    )
    assert config.bindings[0].config_type is ConfigType.GRE_TUNNEL_PROTECTION


def test_case_21_no_mode_line_is_gre_and_not_svti():
    config = read(
        PROFILE + WAN + "interface Tunnel0\n tunnel source GigabitEthernet0/0\n tunnel destination 198.51.100.1\n"
        " tunnel protection ipsec profile P\n"
    )
    assert config.bindings[0].config_type is ConfigType.GRE_TUNNEL_PROTECTION


def test_case_22_a_map_that_is_not_applied_or_is_in_another_vrf():
    entry = "crypto map VPN 10 ipsec-isakmp\n set peer 198.51.100.1\n"
    (idle,) = read(entry + WAN).bindings
    assert (idle.applied, idle.interface, idle.local) == (False, None, ())
    (other,) = read(
        entry + WAN + "interface GigabitEthernet0/1\n vrf forwarding RED\n ip address 192.0.2.1 255.255.255.0\n"
        " crypto map VPN\n"
    ).bindings
    assert (other.applied, other.interface, other.fvrf) == (True, "GigabitEthernet0/1", "RED")


def test_case_22_a_map_removed_from_its_interface_is_not_applied():
    (binding,) = read(
        "crypto map VPN 10 ipsec-isakmp\n set peer 198.51.100.1\n" + WAN + " crypto map VPN\n no crypto map VPN\n"
    ).bindings
    assert not binding.applied


def test_case_23_local_address_virtual_and_secondary_addresses_are_local_ends():
    config = read(
        "crypto map VPN local-address Loopback0\ncrypto map VPN 10 ipsec-isakmp\n set peer 198.51.100.1\n"
        "crypto map LAN 10 ipsec-isakmp\n set peer 198.51.100.9\n"
        "interface Loopback0\n ip address 192.0.2.200 255.255.255.255\n"
        "interface GigabitEthernet0/0\n ip address 192.0.2.1 255.255.255.0\n crypto map VPN\n"
        "interface GigabitEthernet0/1\n ip address 203.0.113.2 255.255.255.0\n"
        " ip address 203.0.113.3 255.255.255.0 secondary\n standby 1 ip 203.0.113.254\n standby 1 name HA\n"
        " crypto map LAN redundancy HA\n"
    )
    vpn, lan = by_name(config)["VPN 10"], by_name(config)["LAN 10"]
    assert vpn.local == (ip_address("192.0.2.200"),)
    assert vpn.source_interface == "Loopback0"
    assert [str(one) for one in lan.local] == ["203.0.113.2", "203.0.113.3", "203.0.113.254"]
    assert lan.applied
    assert any("virtual address" in sentence for sentence in lan.why)
    assert verdict(lan, lan.peers[0])[0] is Recovery.YES


def test_case_23_a_virtual_address_that_only_the_running_state_shows():
    row = StandbyGroup(line=1, interface="Gi0/0", group=1, state="Active", virtual=ip_address("192.0.2.254"))
    config = read("crypto map VPN 10 ipsec-isakmp\n set peer 198.51.100.1\n" + WAN + " crypto map VPN\n", standby=[row])
    assert ip_address("192.0.2.254") in config.bindings[0].local
    assert config.interfaces[0].virtual == (ip_address("192.0.2.254"),)


def test_case_24_the_backup_peer_of_a_default_is_explicit_too():
    (binding,) = read(
        "crypto map VPN 10 ipsec-isakmp\n set peer 198.51.100.1 default\n set peer 198.51.100.2\n"
        + WAN
        + " crypto map VPN\n"
    ).bindings
    assert [(peer.text, peer.default) for peer in binding.peers] == [("198.51.100.1", True), ("198.51.100.2", False)]
    assert all(verdict(binding, peer)[0] is Recovery.YES for peer in binding.peers)


def test_case_25_a_peer_by_name_is_unproven_and_says_so():
    (binding,) = read(
        "crypto map VPN 10 ipsec-isakmp\n set peer hub.example.net\n" + WAN + " crypto map VPN\n"
    ).bindings
    recovery, why = verdict(binding, binding.peers[0], address=ip_address("198.51.100.7"))
    assert recovery is Recovery.UNPROVEN
    assert "hub.example.net" in why
    assert "198.51.100.7" in why


def test_case_26_a_known_peer_seen_through_nat_is_unproven():
    (binding,) = read("crypto map VPN 10 ipsec-isakmp\n set peer 10.9.9.9\n" + WAN + " crypto map VPN\n").bindings
    recovery, why = verdict(binding, binding.peers[0], via_nat=True)
    assert recovery is Recovery.UNPROVEN
    assert "NAT" in why


@pytest.mark.parametrize(
    "body",
    [
        "crypto map VPN 10 ipsec-isakmp\n set peer 198.51.100.1\n set ikev2-profile F\n" + WAN + " crypto map VPN\n",
        "crypto ipsec profile P\n set ikev2-profile F\n"
        + WAN
        + "interface Tunnel0\n tunnel source GigabitEthernet0/0\n"
        " tunnel mode ipsec ipv4\n tunnel destination 198.51.100.1\n tunnel protection ipsec profile P\n",
        PROFILE + WAN + "interface Tunnel0\n tunnel source GigabitEthernet0/0\n"
        " tunnel destination 198.51.100.1\n tunnel protection ipsec profile P ikev2-profile F\n",
    ],
    ids=["map", "profile", "tunnel"],
)
def test_case_27_an_ikev2_peer_is_never_a_yes(body):
    (binding,) = read("crypto ikev2 profile F\n match identity remote any\n dpd 10 2 periodic\n" + body).bindings
    assert binding.ike_version == 2
    assert (binding.dpd.mode, binding.dpd.interval) == ("periodic", 10)
    recovery, why = verdict(binding, binding.peers[0])
    assert recovery is Recovery.UNPROVEN
    assert "IKEv2" in why


def test_case_28_getvpn_has_a_group_and_no_peer():
    (binding,) = read(
        "crypto gdoi group G\n identity number 7\n server address ipv4 198.51.100.1\n"
        "crypto map GM 10 gdoi\n set group G\n" + WAN + " crypto map GM\n"
    ).bindings
    assert (binding.config_type, binding.group, binding.peers, binding.ike_version) == (ConfigType.GETVPN, "G", (), 1)
    assert verdict(binding)[0] is Recovery.NOT_APPLICABLE


def test_case_29_an_sd_wan_tunnel_is_known_by_its_mode():
    (binding,) = read(
        WAN + "interface Tunnel10001\n ip unnumbered GigabitEthernet0/0\n tunnel source GigabitEthernet0/0\n"
        " tunnel mode sdwan\nsdwan\n interface GigabitEthernet0/0\n  tunnel-interface\n   encapsulation ipsec\n"
    ).bindings
    assert (binding.config_type, binding.name) == (ConfigType.SD_WAN, "Tunnel10001")
    assert binding.local == (ip_address("192.0.2.1"),)


@pytest.mark.parametrize(
    ("body", "recovery"),
    [
        ("no crypto isakmp invalid-spi-recovery\n", False),
        ("banner motd ^C\ncrypto isakmp invalid-spi-recovery\n^C\ncrypto isakmp policy 1\n", False),
        ("banner login #\ncrypto isakmp invalid-spi-recovery\n#\ncrypto isakmp policy 1\n", False),
        ("banner exec \x03\ncrypto isakmp invalid-spi-recovery\n\x03\ncrypto isakmp policy 1\n", False),
        ("crypto isakmp policy 1\n" + WAN + " description crypto isakmp invalid-spi-recovery\n", False),
        ("crypto isakmp policy 1\nip access-list extended A\n remark crypto isakmp invalid-spi-recovery\n", False),
        ("alias exec r crypto isakmp invalid-spi-recovery\ncrypto isakmp policy 1\n", False),
        ("! crypto isakmp invalid-spi-recovery\ncrypto isakmp policy 1\n", False),
        ("crypto isakmp policy 1\ncrypto isakmp invalid-spi-recovery is what we should set\n", False),
        ("crypto isakmp invalid-spi-recovery\n", True),
        ("crypto isakmp policy 1\n encr aes\ncrypto isakmp invalid-spi-recovery\n", True),
    ],
)
def test_case_41_a_negation_a_banner_a_description_are_not_the_command(body, recovery):
    config = read(body)
    assert config.recovery is recovery
    assert config.recovery_evidence


def test_case_42_responder_only_is_a_no():
    (by_config,) = read(
        "crypto ipsec profile P\n set transform-set T\n responder-only\n" + WAN
        + "interface Tunnel0\n tunnel source GigabitEthernet0/0\n tunnel mode ipsec ipv4\n"
        " tunnel destination 198.51.100.1\n tunnel protection ipsec profile P\n"
    ).bindings  # fmt: skip
    assert verdict(by_config, by_config.peers[0])[0] is Recovery.NO
    entry = CryptoMapEntry(line=3, name="VPN", sequence=10, kind="ipsec-isakmp", responder_only=True)
    (by_runtime,) = read(
        "crypto map VPN 10 ipsec-isakmp\n set peer 198.51.100.1\n" + WAN + " crypto map VPN\n", maps=[entry]
    ).bindings
    assert verdict(by_runtime, by_runtime.peers[0])[0] is Recovery.NO
    profile = IpsecProfile(line=1, name="P", responder_only=True)
    (by_profile,) = read(
        PROFILE + WAN + "interface Tunnel0\n tunnel source GigabitEthernet0/0\n tunnel destination 198.51.100.1\n"
        " tunnel protection ipsec profile P\n",
        profiles=[profile],
    ).bindings
    recovery, why = verdict(by_profile, by_profile.peers[0])
    assert recovery is Recovery.NO
    assert "responder-only" in why


def test_case_43_two_tunnels_on_one_source_and_who_says_shared():
    config = read(
        PROFILE + WAN + "interface Tunnel0\n tunnel source GigabitEthernet0/0\n tunnel mode gre multipoint\n"
        " tunnel protection ipsec profile P\n"
        "interface Tunnel1\n tunnel source 192.0.2.1\n tunnel destination 198.51.100.1\n"
        " tunnel protection ipsec profile P shared\n"
    )
    first, second = config.bindings
    assert (first.shared, second.shared) == (False, True)
    assert first.local == second.local == (ip_address("192.0.2.1"),)


def test_case_48_the_keepalive_of_a_profile_over_the_global_one():
    config = read(
        "crypto isakmp keepalive 30 5 periodic\n"
        "crypto isakmp profile I\n keyring K\n match identity address 198.51.100.1 255.255.255.255\n keepalive 10 retry 3\n"
        "crypto isakmp profile J\n match identity address 198.51.100.2 255.255.255.255\n"
        "crypto map VPN 10 ipsec-isakmp\n set peer 198.51.100.1\n set isakmp-profile I\n"
        "crypto map VPN 20 ipsec-isakmp\n set peer 198.51.100.2\n set isakmp-profile J\n"
        "crypto map VPN 30 ipsec-isakmp\n set peer 198.51.100.3\n set isakmp-profile GONE\n" + WAN + " crypto map VPN\n"
    )
    named = by_name(config)
    assert (named["VPN 10"].dpd.mode, named["VPN 10"].dpd.interval, named["VPN 10"].dpd.retry) == ("on-demand", 10, 3)
    assert (named["VPN 20"].dpd.mode, named["VPN 20"].dpd.interval) == ("periodic", 30)
    assert named["VPN 30"].dpd.mode == "unknown"


def test_dpd_off_only_where_absence_is_proven():
    assert read("crypto isakmp policy 1\n").dpd.mode == "off"
    assert read("crypto isakmp policy 1\n").dpd_ikev2.mode == "off"
    assert read("crypto isakmp policy 1\n", privilege=7).dpd.mode == "unknown"
    assert read("crypto isakmp policy 1\nno crypto isakmp keepalive 10\n").dpd.mode == "off"


def test_warnings_keep_the_yes_and_are_told():
    (binding,) = read(
        "crypto isakmp policy 1\n authentication pre-share\n"
        "crypto isakmp identity hostname\n"
        "crypto isakmp peer address 198.51.100.1\n set aggressive-mode password <masked>\n"
        "crypto map VPN 10 ipsec-isakmp\n set peer 198.51.100.1\n"
        "interface GigabitEthernet0/0\n vrf forwarding INET\n ip address 192.0.2.1 255.255.255.0\n crypto map VPN\n"
    ).bindings
    text = " ".join(binding.warnings)
    for word in ("aggressive", "host name", "VRF"):
        assert word in text
    recovery, why = verdict(binding, binding.peers[0])
    assert recovery is Recovery.YES
    assert "aggressive" in why


def test_no_warning_where_keys_fit():
    (binding,) = read(
        "crypto keyring A vrf INET\n pre-shared-key address 198.51.100.1 key <masked>\n"
        "crypto keyring B\n local-address 192.0.2.77\n pre-shared-key address 198.51.100.1 key <masked>\n"
        "crypto isakmp policy 1\n authentication pre-share\n"
        "crypto map VPN 10 ipsec-isakmp\n set peer 198.51.100.1\n"
        "interface GigabitEthernet0/0\n vrf forwarding INET\n ip address 192.0.2.1 255.255.255.0\n crypto map VPN\n"
    ).bindings
    assert binding.warnings == ()


def test_case_23_a_stateful_group_keeps_its_sas():
    (binding,) = read(
        "crypto map LAN 10 ipsec-isakmp\n set peer 198.51.100.9\n match address A\ninterface GigabitEthernet0/1\n"
        " ip address 203.0.113.2 255.255.255.0\n standby 1 ip 203.0.113.254\n crypto map LAN redundancy HA stateful\n"
    ).bindings
    assert any("stateful failover keeps" in sentence for sentence in binding.why)


def test_an_old_map_on_the_gre_tunnel_and_on_its_carrier_is_one_binding():
    (binding,) = read(
        "crypto map VPN 10 ipsec-isakmp\n set peer 198.51.100.1\n match address GRE\n" + WAN + " crypto map VPN\n"
        "interface Tunnel0\n ip address 10.0.0.1 255.255.255.0\n tunnel source GigabitEthernet0/0\n"
        " tunnel destination 198.51.100.1\n crypto map VPN\n"
    ).bindings
    assert (binding.interface, binding.config_type) == ("GigabitEthernet0/0", ConfigType.STATIC_CRYPTO_MAP)


def test_an_entry_without_traffic_says_that_it_is_incomplete():
    (binding,) = read("crypto map VPN 10 ipsec-isakmp\n set peer 198.51.100.1\n" + WAN + " crypto map VPN\n").bindings
    assert any("match address" in sentence for sentence in binding.why)
