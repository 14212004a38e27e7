"""Smaller facts of the configuration that a verdict may hang on; each was once broken on purpose and not noticed."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from collector.config import classify
from collector.config.line import to_line
from collector.config.pipe import to_filter
from collector.config.tree import sections
from collector.model import Capture, ConfigText, ConfigType, CryptoConfig, StandbyGroup

WAN = "interface GigabitEthernet0/0\n ip address 192.0.2.1 255.255.255.0\n"
PROFILE = "crypto ipsec profile P\n set transform-set T\n"
PROTECTED = " tunnel protection ipsec profile P\n"


def read(body: str, command: str = "show running-config", **records) -> CryptoConfig:
    text = f"hostname R1\n{body}end\n"
    capture = Capture(command=command, text=text)
    return classify(
        [(capture, ConfigText(line=1, lines=tuple(enumerate(text.splitlines(), 1)), whole=True))], **records
    )


def test_a_peer_of_a_flat_keyring_may_have_a_hostname():
    text = "crypto ikev2 keyring K\npeer A\nhostname spoke.example.net\naddress 198.51.100.1\ninterface Loopback0\n"
    assert read(text).hostname == "R1"
    assert read("interface Loopback0\nhostname R2\n").hostname == "R2"


def test_the_proof_of_a_filtered_text_is_its_hostname():
    config = read("logging buffered\n", "show running-config | include ^hostname|invalid-spi-recovery", privilege=15)
    assert config.recovery is False
    assert [line.text for line in config.recovery_evidence] == ["hostname R1"]


def test_a_template_takes_the_local_address_of_its_profile():
    (binding,) = read(
        WAN + "crypto isakmp profile I\n local-address GigabitEthernet0/0\n virtual-template 1\n" + PROFILE
        + "interface Virtual-Template1 type tunnel\n" + PROTECTED
    ).bindings  # fmt: skip
    assert binding.local == (ip_address("192.0.2.1"),)
    assert binding.acceptor
    (flex,) = read(
        WAN + "crypto ikev2 profile F\n match address local interface GigabitEthernet0/0\n match fvrf INET\n ivrf RED\n virtual-template 1\n"
        + PROFILE + "interface Virtual-Template1 type tunnel\n" + PROTECTED
    ).bindings  # fmt: skip
    assert flex.local == (ip_address("192.0.2.1"),)
    assert (flex.fvrf, flex.ivrf, flex.ike_version) == ("INET", "RED", 2)


def test_a_template_that_both_versions_clone_has_no_single_version():
    (binding,) = read(
        "crypto isakmp profile I\n virtual-template 1\ncrypto ikev2 profile F\n virtual-template 1\n" + PROFILE
        + "interface Virtual-Template1 type tunnel\n" + PROTECTED
    ).bindings  # fmt: skip
    assert binding.ike_version is None


def test_a_second_primary_address_replaces_the_first():
    config = read("interface Loopback0\n ip address 192.0.2.1 255.255.255.0\n ip address 192.0.2.2 255.255.255.0\n")
    assert config.interfaces[0].addresses == (ip_address("192.0.2.2"),)
    config = read("interface Loopback0\n ip address 192.0.2.1 255.255.255.0\n no ip address\n")
    assert config.interfaces[0].addresses == ()


def test_a_keyring_of_another_local_address_does_not_overlap():
    rings = (
        "crypto keyring A\n local-address 192.0.2.77\n pre-shared-key address 198.51.100.1 key <masked>\n"
        "crypto keyring B\n pre-shared-key address 198.51.100.1 key <masked>\n"
        "crypto map VPN 10 ipsec-isakmp\n set peer 198.51.100.1\n match address A\n"
    )
    (here,) = read(rings + WAN + " crypto map VPN\n").bindings
    assert here.warnings == ()
    (byname,) = read(
        rings.replace("local-address 192.0.2.77", "local-address Gi0/9")
        + WAN.replace("0/0", "0/9").replace("192.0.2.1", "192.0.2.7")
        + WAN
        + " crypto map VPN\n"
    ).bindings
    assert byname.warnings == ()
    (vrf,) = read(
        rings.replace("keyring A\n local-address 192.0.2.77", "keyring A vrf RED") + WAN + " crypto map VPN\n"
    ).bindings
    assert vrf.warnings == ()
    (two,) = read(rings.replace(" local-address 192.0.2.77\n", "") + WAN + " crypto map VPN\n").bindings
    assert "2 keyrings" in two.warnings[0]
    (global_keys,) = read(
        "crypto isakmp key <masked> address 0.0.0.0 0.0.0.0\n" + rings.replace("77", "1", 1) + WAN + " crypto map VPN\n"
    ).bindings
    assert "the global keys" in global_keys.warnings[0]
    (unknown,) = read(rings + "interface Dialer1\n ip address negotiated\n crypto map VPN\n").bindings
    assert "2 keyrings" in unknown.warnings[0]


@pytest.mark.parametrize("line", [" ip nhrp nhs 10.0.0.1\n", " ip nhrp map 10.0.0.1 198.51.100.1\n"])
def test_a_point_to_point_spoke_is_called_so(line):
    (binding,) = read(PROFILE + "interface Tunnel0\n tunnel destination 198.51.100.1\n" + line + PROTECTED).bindings
    assert any("phase 1" in sentence for sentence in binding.why)


def test_an_sd_wan_tunnel_lives_in_the_vrf_of_its_source():
    (binding,) = read(
        "interface GigabitEthernet1\n vrf forwarding INET\n ip address 192.0.2.1 255.255.255.0\n"
        "interface Tunnel1\n tunnel source GigabitEthernet1\n tunnel mode sdwan\n"
    ).bindings
    assert binding.fvrf == "INET"


def test_a_source_in_another_vrf_than_the_tunnel_says_is_told():
    (binding,) = read(
        PROFILE + "interface GigabitEthernet1\n vrf forwarding INET\n ip address 192.0.2.1 255.255.255.0\n"
        "interface Tunnel1\n tunnel source 192.0.2.1\n tunnel destination 198.51.100.1\n" + PROTECTED
    ).bindings
    assert any("VRF INET" in sentence and "no `tunnel vrf`" in sentence for sentence in binding.why)


def test_removed_things_are_gone():
    config = read(
        PROFILE + WAN + "crypto map VPN 10 ipsec-isakmp\n set peer 198.51.100.1\nno crypto map VPN 10\n"
        "interface Tunnel0\n tunnel destination 198.51.100.1\n" + PROTECTED + " no tunnel protection ipsec profile P\n"
        "interface Tunnel1\n tunnel mode gre multipoint\n ip nhrp map 10.0.0.1 198.51.100.1\n"
        " no ip nhrp map 10.0.0.1 198.51.100.1\n ip nhrp nhs 10.0.0.2 nbma 198.51.100.2\n"
        " no ip nhrp nhs 10.0.0.2 nbma 198.51.100.2\n standby 1 ip 10.0.0.9\n shutdown\n no shutdown\n" + PROTECTED
    )
    (binding,) = config.bindings
    assert (binding.name, binding.peers, binding.shutdown) == ("Tunnel1", (), False)


def test_a_group_key_server_and_the_ike_version_of_a_group():
    config = read(
        "crypto gdoi group G\n identity number 1\n client protocol gikev2 F\n"
        "crypto map M 10 gdoi\n set group G\n" + WAN + " crypto map M\n"
    )
    assert config.bindings[0].ike_version == 2
    assert read("crypto gdoi group K\n server local\n  address ipv4 192.0.2.1\n").bindings == ()


def test_ezvpn_client_ends():
    config = read(
        "crypto ipsec client ezvpn E\n connect auto\n local-address Loopback0\n peer 198.51.100.1 default\n"
        " peer 198.51.100.2\ninterface Loopback0\n ip address 192.0.2.9 255.255.255.255\n"
        "interface FastEthernet4\n ip address dhcp\n crypto ipsec client ezvpn E outside\n"
        "interface Vlan1\n crypto ipsec client ezvpn E inside\ncrypto ipsec client ezvpn IDLE\n connect manual\n"
    )
    used, idle = config.bindings
    assert (used.interface, used.local, len(used.peers)) == ("FastEthernet4", (ip_address("192.0.2.9"),), 2)
    assert used.peers[0].default
    assert used.applied
    assert not idle.applied


def test_a_map_of_a_profile_is_not_guessed():
    (binding,) = read("crypto map M 10 ipsec-isakmp profile X\n" + WAN + " crypto map M\n").bindings
    assert binding.config_type is ConfigType.UNKNOWN


def test_the_isakmp_profile_of_a_whole_map():
    (binding,) = read(
        "crypto isakmp profile I\n vrf RED\n keepalive 15 retry 2\ncrypto map M isakmp-profile I\n"
        "crypto map M 10 ipsec-isakmp\n set peer 198.51.100.1\n match address A\n" + WAN + " crypto map M\n"
    ).bindings
    assert (binding.isakmp_profile, binding.ivrf, binding.ike_version, binding.dpd.interval) == ("I", "RED", 1, 15)


def test_profiles_that_fit_one_peer_are_told():
    (binding,) = read(
        "crypto isakmp profile I\n match identity address 198.51.100.0 255.255.255.0\n"
        "crypto isakmp profile J\n match identity address 198.51.100.1 255.255.255.255\n"
        "crypto map M 10 ipsec-isakmp\n set peer 198.51.100.1\n match address A\n" + WAN + " crypto map M\n"
    ).bindings
    assert any("2 ISAKMP profiles" in sentence for sentence in binding.warnings)


def test_aggressive_profile_and_names_as_identity():
    (binding,) = read(
        "crypto isakmp profile I\n self-identity fqdn r1.example.net\n initiate mode aggressive\n"
        "crypto map M 10 ipsec-isakmp\n set peer 198.51.100.1\n set isakmp-profile I\n match address A\n"
        + WAN
        + " crypto map M\n"
    ).bindings
    assert any("aggressive" in sentence for sentence in binding.warnings)
    assert any("host name" in sentence for sentence in binding.warnings)


def test_a_removed_dynamic_map_and_one_that_is_not_there():
    base = (
        "crypto map VPN 10 ipsec-isakmp dynamic D\n"
        + WAN
        + " crypto map VPN\ncrypto dynamic-map D 1\n set transform-set T\n"
    )
    assert read(base).bindings[0].why == ()
    (gone,) = read(base + "no crypto dynamic-map D 1\n").bindings
    assert gone.config_type is ConfigType.DYNAMIC_CRYPTO_MAP
    assert any("D is not in this text" in sentence for sentence in gone.why)


def test_a_hub_says_why_nobody_is_named():
    tunnel = PROFILE + "interface Tunnel0\n tunnel mode gre multipoint\n"
    (hub,) = read(tunnel + PROTECTED).bindings
    assert any("every peer is learnt" in sentence for sentence in hub.why)
    (spoke,) = read(tunnel + " ip nhrp map 10.0.0.1 198.51.100.1\n" + PROTECTED).bindings
    assert not any("every peer is learnt" in sentence for sentence in spoke.why)


def test_a_key_by_host_name_covers_no_address():
    (binding,) = read(
        "crypto isakmp key <masked> hostname 198.51.100.1\ncrypto keyring A\n pre-shared-key hostname h key <masked>\n"
        " pre-shared-key address 198.51.100.1 key <masked>\ncrypto map M 10 ipsec-isakmp\n set peer 198.51.100.1\n"
        " match address A\n" + WAN + " crypto map M\n"
    ).bindings
    assert binding.warnings == ()


def test_an_ezvpn_client_in_a_vrf():
    (binding,) = read(
        "crypto ipsec client ezvpn E\n peer 198.51.100.1\ninterface FastEthernet4\n vrf forwarding INET\n"
        " ip address 192.0.2.1 255.255.255.0\n crypto ipsec client ezvpn E\n"
    ).bindings
    assert (binding.fvrf, binding.local) == ("INET", (ip_address("192.0.2.1"),))


def test_local_address_and_the_virtual_address_of_the_interface():
    (binding,) = read(
        "crypto map M local-address Loopback0\ncrypto map M 10 ipsec-isakmp\n set peer 198.51.100.1\n match address A\n"
        "interface Loopback0\n ip address 192.0.2.9 255.255.255.255\n"
        "interface GigabitEthernet0/1\n ip address 203.0.113.2 255.255.255.0\n standby 1 ip 203.0.113.254\n crypto map M\n"
    ).bindings
    assert [str(one) for one in binding.local] == ["192.0.2.9", "203.0.113.254"]


def test_a_tunnel_is_warned_of_keyrings_as_a_map_is():
    body = (
        "crypto keyring A\n pre-shared-key address 198.51.100.1 key <masked>\n"
        "crypto keyring B\n pre-shared-key address 198.51.100.1 key <masked>\n"
        + PROFILE + WAN + "interface Tunnel0\n tunnel source GigabitEthernet0/0\n tunnel destination 198.51.100.1\n" + PROTECTED
    )  # fmt: skip
    assert "2 keyrings" in read(body).bindings[0].warnings[0]
    assert (
        read(body.replace(PROTECTED, " tunnel protection ipsec profile P ikev2-profile F\n")).bindings[0].warnings == ()
    )


def test_self_identity_by_address_is_no_host_name():
    (binding,) = read(
        "crypto isakmp profile I\n self-identity address\ncrypto map M 10 ipsec-isakmp\n set peer 198.51.100.1\n"
        " set isakmp-profile I\n match address A\n" + WAN + " crypto map M\n"
    ).bindings
    assert binding.warnings == ()


def test_an_unused_client_and_removed_ones():
    (idle,) = read("crypto ipsec client ezvpn E\n peer 198.51.100.1\n" + WAN).bindings
    assert (idle.applied, idle.shutdown, idle.interface) == (False, False, None)
    assert any("no outside interface" in sentence for sentence in idle.why)
    assert (
        read("no crypto ipsec client ezvpn E\nno crypto gdoi group G\nno crypto ikev2 client flexvpn C\n").bindings
        == ()
    )


def test_an_ipv6_group_and_a_text_that_is_cut_are_told():
    (binding,) = read(
        "crypto gdoi group ipv6 G\n client protocol gikev2 F\ncrypto map M 10 gdoi\n set group G\n"
        + WAN
        + " crypto map M\n"
    ).bindings
    assert binding.ike_version == 2
    capture = Capture(command="show running-config", text="hostname R1")
    cut = classify([(capture, ConfigText(line=1, lines=((1, "hostname R1"),), whole=False))])
    assert any("`end`" in note for note in cut.notes)
    assert not any("`end`" in note for note in read("crypto isakmp policy 1\n").notes)


def test_one_interface_carries_one_map_a_family():
    config = read(
        "crypto map A 10 ipsec-isakmp\n set peer 198.51.100.1\ncrypto map ipv6 B 10 ipsec-isakmp\n set peer 2001:db8::2\n"
        "crypto map C 10 ipsec-isakmp\n set peer 198.51.100.3\n"
        + WAN
        + " crypto map A\n ipv6 crypto map B\n crypto map C\n"
    )
    assert {one.name: one.applied for one in config.bindings} == {"A 10": False, "B 10": True, "C 10": True}


def test_an_identity_or_a_key_may_end_before_its_mask():
    profile = "crypto isakmp profile I\n match identity address\n match identity address 198.51.100.1\n"
    assert read(profile + "crypto keyring K\n pre-shared-key address 198.51.100.1\n").hostname == "R1"


TEMPLATE = "interface Virtual-Template1 type tunnel\n"


def test_a_template_without_its_ipsec_profile_says_nothing_of_responder_only():
    named = "crypto ikev2 profile F\n virtual-template 1\n"
    (absent,) = read(named + TEMPLATE + PROTECTED).bindings
    assert (absent.ipsec_profile, absent.responder_only, absent.ike_version) == ("P", None, 2)
    (plain,) = read(named + PROFILE + TEMPLATE + PROTECTED).bindings
    assert plain.responder_only is False
    (held,) = read(named + PROFILE.replace("\n", "\n responder-only\n", 1) + TEMPLATE + PROTECTED).bindings
    assert held.responder_only is True


def test_a_template_takes_the_ike_profile_of_its_ipsec_profile():
    for line, version, names in (
        (" set isakmp-profile I\n", 1, ("I", None)),
        (" set ikev2-profile F\n", 2, (None, "F")),
        ("", 1, (None, None)),
    ):
        (binding,) = read(PROFILE + line + TEMPLATE + PROTECTED).bindings
        assert (binding.ike_version, binding.isakmp_profile, binding.ikev2_profile) == (version, *names)
        assert any("no profile in this text names" in sentence for sentence in binding.why)
    own = "crypto isakmp profile OWN\n virtual-template 1\n"
    (first,) = read(own + PROFILE + " set isakmp-profile I\n" + TEMPLATE + PROTECTED).bindings
    assert (first.isakmp_profile, first.ikev2_profile, first.ike_version) == ("OWN", None, 1)
    (second,) = read(own + PROFILE + " set ikev2-profile F\n" + TEMPLATE + PROTECTED).bindings
    assert (second.isakmp_profile, second.ikev2_profile) == ("OWN", None)


def test_a_template_that_is_not_in_the_text():
    (binding,) = read("crypto isakmp profile I\n vrf RED\n virtual-template 7\n match identity group G\n").bindings
    assert binding.config_type is ConfigType.EZVPN_SERVER
    assert (binding.interface, binding.shutdown, binding.shared) == ("Virtual-Template7", False, None)
    assert (binding.ivrf, binding.ipsec_profile, binding.source_interface) == ("RED", None, None)
    assert any("Virtual-Template7 is not in this text" in sentence for sentence in binding.why)


def test_a_template_in_vrfs_of_its_own():
    (binding,) = read(
        "crypto ikev2 profile F\n match fvrf INET\n ivrf RED\n virtual-template 1\n" + PROFILE + TEMPLATE
        + " vrf forwarding BLUE\n tunnel vrf OUT\n shutdown\n tunnel source GigabitEthernet0/0\n"
        + PROTECTED.replace("P\n", "P shared\n") + WAN
    ).bindings  # fmt: skip
    assert (binding.fvrf, binding.ivrf, binding.shutdown, binding.shared) == ("OUT", "BLUE", True, True)
    assert binding.source_interface == "GigabitEthernet0/0"
    assert binding.local == (ip_address("192.0.2.1"),)


def test_a_template_that_only_accepts_clients_of_ikev2_is_no_ezvpn():
    (binding,) = read(
        "crypto ikev2 profile F\n match identity remote group G\n virtual-template 1\n" + TEMPLATE
    ).bindings
    assert binding.config_type is ConfigType.DVTI


def test_an_ezvpn_use_without_its_definition():
    (binding,) = read(
        "interface FastEthernet4\n ip address 192.0.2.1 255.255.255.0\n crypto ipsec client ezvpn E\n"
    ).bindings
    assert any("E is not defined" in sentence for sentence in binding.why)
    assert not any("no outside interface" in sentence for sentence in binding.why)
    assert (binding.applied, binding.shutdown, binding.peers, binding.source_interface) == (True, False, (), None)
    (down,) = read("interface FastEthernet4\n shutdown\n crypto ipsec client ezvpn E outside\n").bindings
    assert down.shutdown


def test_the_outer_packets_of_an_ipv6_tunnel():
    ends = "interface Loopback0\n ip address 192.0.2.1 255.255.255.255\n ipv6 address 2001:db8::1/128\n"
    tunnel = PROFILE + "interface Tunnel0\n tunnel source Loopback0\n"
    for mode, far, local in (
        (" tunnel mode ipsec ipv6\n", "", "2001:db8::1"),
        (" tunnel mode gre ipv6\n", " tunnel destination hub.example.net\n", "2001:db8::1"),
        (" tunnel mode ipsec ipv4\n", "", "192.0.2.1"),
        ("", " tunnel destination 2001:db8::2\n", "2001:db8::1"),
        ("", " tunnel destination 198.51.100.1\n", "192.0.2.1"),
    ):
        (binding,) = read(ends + tunnel + mode + far + PROTECTED).bindings
        assert binding.local == (ip_address(local),), (mode, far)


def test_a_tunnel_mode_may_be_cut_short():
    for mode, expected in (
        ("gr mul", ConfigType.MGRE_DYNAMIC_NHRP),
        ("gr mu", ConfigType.MGRE_DYNAMIC_NHRP),
        ("gr", ConfigType.GRE_TUNNEL_PROTECTION),
        ("gre m", ConfigType.GRE_TUNNEL_PROTECTION),
        ("gre ip", ConfigType.GRE_TUNNEL_PROTECTION),
        ("ipsec ipv4", ConfigType.SVTI),
        ("ipip", ConfigType.UNKNOWN),
    ):
        body = PROFILE + f"interface Tunnel0\n tunnel mode {mode}\n tunnel destination 198.51.100.1\n" + PROTECTED
        assert read(body).bindings[0].config_type is expected, mode


def test_a_tunnel_whose_ipsec_profile_is_not_in_the_text():
    tunnel = "interface Tunnel0\n tunnel destination 198.51.100.1\n" + PROTECTED
    (binding,) = read(tunnel).bindings
    assert (binding.ike_version, binding.responder_only) == (None, None)
    assert any("profile P is not in this text" in sentence for sentence in binding.why)
    (known,) = read(PROFILE + tunnel).bindings
    assert (known.ike_version, known.responder_only) == (1, False)
    (isakmp,) = read(tunnel.replace("profile P", "profile P isakmp-profile I")).bindings
    assert (isakmp.ike_version, isakmp.isakmp_profile) == (1, "I")


def test_the_lifetime_of_the_router_is_in_seconds():
    assert read("crypto ipsec security-association lifetime seconds 7200\n").lifetime.total_seconds() == 7200
    for line in (
        "lifetime kilobytes 4608000",
        "lifetime kilobytes disable",
        "lifetime seconds 12345678",
        "lifetime days 1",
    ):
        assert read(f"crypto ipsec security-association {line}\n").lifetime is None, line
    assert read("no crypto ipsec security-association lifetime seconds 7200\n").lifetime is None


def test_an_sd_wan_tunnel_accepts_whom_the_controllers_name():
    (binding,) = read("interface Tunnel1\n tunnel source GigabitEthernet1\n tunnel mode sdwan\n").bindings
    assert (binding.acceptor, binding.acceptor_type, binding.config_type) == (
        True,
        ConfigType.SD_WAN,
        ConfigType.SD_WAN,
    )


def test_an_unnumbered_tunnel_borrows_and_gives_back():
    loop = "interface Loopback 0\n ip address 192.0.2.9 255.255.255.255\n"
    port = "interface Serial0/0\n ip unnumbered {}\n{} crypto map M\n"
    entry = "crypto map M 10 ipsec-isakmp\n set peer 198.51.100.1\n match address A\n"
    for name, more, local in (
        ("Loopback 0", "", (ip_address("192.0.2.9"),)),
        ("Lo0", "", (ip_address("192.0.2.9"),)),
        ("Loopback0 poll", "", (ip_address("192.0.2.9"),)),
        ("Loopback 0 poll", "", (ip_address("192.0.2.9"),)),
        ("Loopback0", " no ip unnumbered Loopback0\n", ()),
        ("Loopback0", " no ip unnumbered\n", ()),
    ):
        assert read(loop + entry + port.format(name, more)).bindings[0].local == local, (name, more)


def test_a_map_that_leaves_its_interface():
    entry = "crypto map M 10 ipsec-isakmp\n set peer 198.51.100.1\n match address A\n" + WAN + " crypto map M\n"
    for line, applied in (
        ("", True),
        (" no crypto map\n", False),
        (" no crypto map M\n", False),
        (" no crypto map OTHER\n", True),
    ):
        assert read(entry + line).bindings[0].applied is applied, line


def test_a_virtual_address_of_a_redundancy_group():
    base = "crypto map M 10 ipsec-isakmp\n set peer 198.51.100.1\n match address A\n" + WAN + " crypto map M\n"
    for line, count in (
        (" redundancy group 1 ip 192.0.2.254 exclusive\n", 2),
        (" no redundancy group 1 ip 192.0.2.254\n", 1),
        (" standby ip 192.0.2.254\n", 2),
        (" standby 7 ip 192.0.2.254\n", 2),
        (" no standby 7 ip 192.0.2.254\n", 1),
        (" standby 7 track ip 192.0.2.254\n", 1),
        (" vrrp 3 ip 192.0.2.254\n", 2),
    ):
        assert len(read(base + line).bindings[0].local) == count, line


def test_ospf_that_protects_itself_needs_its_spi():
    port = "interface GigabitEthernet0/1\n ipv6 ospf {}\n"
    for line, found in (
        ("authentication ipsec spi 256 md5 <masked>", 1),
        ("encryption ipsec spi 257 esp null sha1 <masked>", 1),
        ("authentication null", 0),
        ("1 area 0", 0),
    ):
        kinds = [one for one in read(port.format(line)).bindings if one.config_type is ConfigType.MANUAL_IPSEC]
        assert len(kinds) == found, line


def test_keys_by_vrf_and_their_absence():
    """A static entry of an outer VRF needs a keyring of it, where pre-shared keys are used at all."""
    wan = WAN.replace("\n", "\n vrf forwarding INET\n", 1)
    entry = "crypto map M 10 ipsec-isakmp\n set peer 198.51.100.1\n match address A\n" + wan + " crypto map M\n"
    policy = "crypto isakmp policy 10\n authentication pre-share\n"
    there = "crypto keyring K vrf INET\n pre-shared-key address 198.51.100.1 key <masked>\n"
    other = there.replace("INET", "ELSE")

    def told(body):
        return any("keyring" in sentence for one in read(body).bindings for sentence in one.warnings)

    assert told(policy + other + entry)
    assert not told(policy + there + entry)
    assert not told(other + entry)  # certificates: no keyring is asked for


def test_where_a_section_ends_without_blanks():
    """Tools that lose leading blanks: global words end a section, and an interface holds what may stand in one."""
    flat = (
        "interface GigabitEthernet0/0\nip address 192.0.2.1 255.255.255.0\ncrypto map M\n"
        "ip vrf RED\nrd 1:1\n"
        "interface GigabitEthernet0/1\nip vrf forwarding RED\nip address 198.51.100.9 255.255.255.0\n"
        "crypto map M 10 ipsec-isakmp\nset peer 198.51.100.1\nmatch address A\n"
        "crypto ipsec client ezvpn E\npeer 198.51.100.7\n"
        "interface FastEthernet4\nip address 203.0.113.4 255.255.255.0\ncrypto ipsec client ezvpn E outside\n"
    )
    config = read(flat)
    ports = {port.name: port for port in config.interfaces}
    assert ports["GigabitEthernet0/1"].vrf == "RED"
    assert ports["GigabitEthernet0/0"].vrf is None
    by_name = {one.name: one for one in config.bindings}
    assert by_name["M 10"].applied
    assert by_name["M 10"].interface == "GigabitEthernet0/0"
    assert by_name["EzVPN E"].interface == "FastEthernet4"
    assert [str(peer.address) for peer in by_name["EzVPN E"].peers] == ["198.51.100.7"]


def test_words_in_an_indented_section_are_its_own():
    config = read(
        "crypto isakmp profile I\n hostname NOT-THIS\n keepalive 15 retry 2\n"
        "sdwan\n interface GigabitEthernet1\n  tunnel-interface\n   encapsulation ipsec\n"
        "interface GigabitEthernet1\n ip address 192.0.2.1 255.255.255.0\n"
    )
    assert config.hostname == "R1"
    assert [port.name for port in config.interfaces] == ["GigabitEthernet1"]


ENTRY = "crypto map M 10 ipsec-isakmp\n set peer 198.51.100.1\n match address A\n"
APPLIED = ENTRY + WAN + " crypto map M\n"


def test_a_point_to_point_subinterface_is_called_by_its_name():
    """`point-to-point` stands behind the name of a subinterface and is no part of it, as `show crypto map` prints it."""
    for written in (
        "Serial0/0.1 point-to-point",
        "Serial 0/0.1 point-to-point",
        "Serial0/0.1 multipoint",
        "Serial0/0.1",
    ):
        config = read(ENTRY + f"interface {written}\n ip address 192.0.2.1 255.255.255.252\n crypto map M\n")
        assert [port.name for port in config.interfaces] == ["Serial0/0.1"], written
        assert config.bindings[0].interface == "Serial0/0.1"
    assert read("interface\n shutdown\ninterface Tunnel <0-9>\ninterface Tunnel<n>\n").interfaces == ()


def test_unnumbered_in_one_version_and_numbered_in_the_other():
    body = "interface Loopback0\n ip address 192.0.2.9 255.255.255.255\n ipv6 address 2001:db8::9/128\n" + ENTRY
    port = "interface Serial0/0\n{} crypto map M\n"
    six = " ip unnumbered Loopback0\n ipv6 address 2001:db8::1/64\n"
    four = " ip address 203.0.113.1 255.255.255.0\n ipv6 unnumbered Loopback0\n"
    assert read(body + port.format(six)).interfaces[1].addresses == (
        ip_address("192.0.2.9"),
        ip_address("2001:db8::1"),
    )
    assert read(body + port.format(six)).bindings[0].local == (ip_address("192.0.2.9"),)
    assert read(body + port.format(four)).interfaces[1].addresses == (
        ip_address("203.0.113.1"),
        ip_address("2001:db8::9"),
    )
    assert [one.address_dynamic for one in read(body + port.format(six)).interfaces] == [False, False]
    gone = read(ENTRY + port.format(" ip unnumbered Loopback7\n"))
    assert (gone.interfaces[0].addresses, gone.interfaces[0].address_dynamic) == ((), True)


def test_an_interface_without_an_address_is_told():
    def told(body):
        return any("no address in this text" in sentence for sentence in read(ENTRY + body).bindings[0].why)

    assert told("interface GigabitEthernet0/0\n crypto map M\n")
    assert not told("interface GigabitEthernet0/0\n ip unnumbered Loopback0\n crypto map M\n")
    assert not told(WAN + " crypto map M\n")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("crypto map M 10 ipsec-isakmp\n match address A\n", ConfigType.STATIC_CRYPTO_MAP),
        ("crypto map M 10\n set peer 198.51.100.1\n match address A\n", ConfigType.STATIC_CRYPTO_MAP),
        ("crypto map M 10\n match address A\n", ConfigType.UNKNOWN),
        ("crypto map M 10\n", ConfigType.UNKNOWN),
        ("crypto map M 10 cisco\n set peer 198.51.100.1\n", ConfigType.UNKNOWN),
        ("crypto map M 10 ipsec-i\n set peer 198.51.100.1\n", ConfigType.STATIC_CRYPTO_MAP),
        ("crypto map M 10 ipsec-m\n set peer 198.51.100.1\n", ConfigType.MANUAL_IPSEC),
        ("crypto map M 10 gd\n set group G\n", ConfigType.GETVPN),
        ("crypto map M 10\n set group G\n", ConfigType.GETVPN),
        ("crypto map M 10\n set session-key inbound esp 256 cipher <masked>\n", ConfigType.MANUAL_IPSEC),
        ("crypto map M 10 ipsec-isakmp\n set session-key inbound esp 256 cipher <masked>\n", ConfigType.STATIC_CRYPTO_MAP),
        ("crypto map M 10 ipsec-isakmp\n set group G\n", ConfigType.STATIC_CRYPTO_MAP),
        ("crypto map M 10 ipsec-isakmp dy D\n", ConfigType.DYNAMIC_CRYPTO_MAP),
        ("crypto map M 10 ipsec-isakmp d D\n", ConfigType.STATIC_CRYPTO_MAP),
        ("crypto map M 10 ipsec-isakmp dynamic\n", ConfigType.STATIC_CRYPTO_MAP),
        ("crypto map M 10 ipsec-isakmp profile\n", ConfigType.STATIC_CRYPTO_MAP),
    ],
)  # fmt: skip
def test_the_kind_of_an_entry(entry, expected):
    (binding,) = read(entry + WAN + " crypto map M\n").bindings
    assert binding.config_type is expected


def test_what_an_entry_takes_back():
    (binding,) = read(
        "crypto isakmp profile I\n vrf RED\n" + APPLIED
        + "crypto map M 10 ipsec-isakmp\n set isakmp-profile I\n no set isakmp-profile I\n no match address A\n"
        " set isakmp-profile\n set group\n"
    ).bindings  # fmt: skip
    assert (binding.isakmp_profile, binding.group, binding.config_type) == (None, None, ConfigType.STATIC_CRYPTO_MAP)
    assert any("no `match address`" in sentence for sentence in binding.why)


def test_what_a_profile_takes_back():
    (tunnel,) = read(
        PROFILE + " set isakmp-profile I\n no set isakmp-profile I\n set ikev2-profile\ninterface Tunnel0\n"
        " tunnel destination 198.51.100.1\n" + PROTECTED
    ).bindings
    assert (tunnel.isakmp_profile, tunnel.ikev2_profile, tunnel.ike_version) == (None, None, 1)
    (binding,) = read(
        "crypto isakmp profile I\n vrf RED\n no vrf RED\n local-address GigabitEthernet0/0\n no local-address\n"
        " virtual-template 7\n virtual-template 1\n client pki authorization list L\n" + WAN + TEMPLATE
    ).bindings
    assert (binding.name, binding.ivrf, binding.local) == ("Virtual-Template1", None, ())
    assert binding.config_type is ConfigType.DVTI
    assert read("crypto isakmp profile I\n virtual-template 7\n no virtual-template 7\n").bindings == ()


@pytest.mark.parametrize(
    "line",
    [
        "crypto map", "crypto map ipv6 M", "crypto map M isakmp-profile", "crypto map M local-address",
        "crypto dynamic-map", "crypto dynamic-map D", "crypto dynamic-map D x", "crypto dynamic-map ipv6 D",
        "crypto ipsec profile", "crypto isakmp profile", "crypto ikev2 profile", "crypto keyring",
        "crypto keyring K\n local-address\n pre-shared-key address\n pre-shared-key address 198.51.100.1",
        "crypto isakmp key <masked> address", "crypto isakmp key address",
        "crypto isakmp peer address\n set aggressive-mode client-endpoint fqdn h",
        "crypto isakmp peer\n set aggressive-mode client-endpoint fqdn h",
        "crypto isakmp policy 1\n authentication\n crypto map", "crypto ipsec security-association lifetime",
        "service timestamps", "crypto gdoi group", "crypto gdoi group ipv6", "crypto ipsec client ezvpn",
        "crypto ikev2 client flexvpn", "crypto ikev2 client flexvpn C\n peer\n peer 1\n peer 1 fqdn\n client connect",
        ("crypto isakmp profile I\n match\n match fvrf\n match address local\n match address local interface\n"
        " match identity\n match identity address\n virtual-template\n vrf\n local-address\n keepalive\n self-identity"),
        ("interface GigabitEthernet0/1\n ip address\n ip unnumbered\n vrf forwarding\n crypto map\n tunnel source\n"
        " tunnel destination\n ip nhrp map\n ip nhrp nhs\n standby\n standby 1 ip\n redundancy group\n vrrp"),
        "hostname", "no hostname R9", "no", "exit",
    ],
)  # fmt: skip
def test_a_line_cut_anywhere_is_no_statement(line):
    config = read(f"{line}\n" + APPLIED)
    assert config.hostname == "R1"
    assert [one.name for one in config.bindings if one.applied] == ["M 10"]
    assert config.bindings[-1].local == (ip_address("192.0.2.1"),)


def test_the_local_address_of_a_map_may_be_cut_short():
    loop = "interface Loopback0\n ip address 192.0.2.9 255.255.255.255\n"
    for word, local in (("local-address", "192.0.2.9"), ("lo", "192.0.2.9"), ("l", "192.0.2.1")):
        (binding,) = read(loop + f"crypto map M {word} Loopback0\n" + APPLIED).bindings
        assert binding.local == (ip_address(local),), word
    (taken,) = read(
        loop + "crypto map M local-address Loopback0\nno crypto map M local-address Loopback0\n" + APPLIED
    ).bindings
    assert (taken.local, taken.source_interface) == ((ip_address("192.0.2.1"),), None)


def test_templates_of_two_dynamic_maps_and_of_ipv6():
    body = (
        "crypto dynamic-map D 10\n set peer 198.51.100.1\ncrypto dynamic-map E 10\n set peer 198.51.100.2\n"
        "crypto dynamic-map ipv6 F 10\n set peer 2001:db8::2\ncrypto map M 10 ipsec-isakmp dynamic D\n"
        "crypto map M 20 ipsec-isakmp dynamic E\ncrypto map ipv6 N 30 ipsec-isakmp dynamic F\n"
    )
    config = read(body + WAN + " crypto map M\n ipv6 crypto map N\n")
    assert {one.name: [peer.text for peer in one.peers] for one in config.bindings} == {
        "M 10": ["198.51.100.1"], "M 20": ["198.51.100.2"], "N 30": ["2001:db8::2"],
    }  # fmt: skip


def test_a_map_application_that_lost_its_interface():
    for body in (ENTRY + " crypto map M\n", " crypto map M\n" + ENTRY):
        text = "crypto isakmp policy 1\n" + body
        capture = Capture(command="show running-config | section crypto", text=text)
        config = classify([(capture, ConfigText(line=1, lines=tuple(enumerate(text.splitlines(), 1)), whole=False))])
        assert config.bindings[0].applied, body
    text = "crypto map M\n" + ENTRY
    capture = Capture(command="show running-config | section crypto map", text=text)
    config = classify([(capture, ConfigText(line=1, lines=tuple(enumerate(text.splitlines(), 1)), whole=False))])
    assert config.bindings[0].applied


def told_keys(body: str) -> list[str]:
    return [sentence for one in read(body).bindings for sentence in one.warnings if "hold a key" in sentence]


def test_the_reach_of_a_key():
    ring = "crypto keyring {}\n pre-shared-key address {}\n"
    here = ring.format("A", "198.51.100.1 key <masked>")
    for line, covers in (
        ("198.51.100.0 255.255.255.0 key <masked>", True),
        ("198.51.100.0 255.255.255.0", True),
        ("198.51.100.0 key <masked>", False),
        ("198.51.100.1", True),
        ("0.0.0.0 0.0.0.0 key <masked>", True),
        ("0.0.0.0 key <masked>", True),
        ("203.0.113.9 0.0.0.0 key <masked>", True),
        ("203.0.113.0 255.255.255.0 key <masked>", False),
    ):
        assert bool(told_keys(here + ring.format("B", line) + APPLIED)) is covers, line
    for line, covers in (
        ("<masked> address 198.51.100.1", True),
        ("6 <masked> address 198.51.100.0 255.255.255.0 no-xauth", True),
        ("<masked> address 198.51.100.1 no-xauth", True),
        ("<masked> address 203.0.113.9 0.0.0.0", True),
        ("<masked> address 203.0.113.9", False),
    ):
        assert bool(told_keys(here + f"crypto isakmp key {line}\n" + APPLIED)) is covers, line


def test_a_map_of_one_ip_version_uses_the_addresses_of_that_version():
    both = WAN + " ipv6 address 2001:db8::1/64\n crypto map A\n ipv6 crypto map B\n"
    config = read(
        "crypto map A 10 ipsec-isakmp\n set peer 198.51.100.1\ncrypto map ipv6 B 10\n set peer 2001:db8::2\n" + both
    )
    assert {one.name: [str(end) for end in one.local] for one in config.bindings} == {
        "A 10": ["192.0.2.1"], "B 10": ["2001:db8::1"],
    }  # fmt: skip


def test_an_entry_on_no_interface_is_not_shut():
    (idle,) = read(ENTRY + WAN).bindings
    assert (idle.applied, idle.shutdown, idle.interface) == (False, False, None)
    (down,) = read(APPLIED + " shutdown\n").bindings
    assert (down.applied, down.shutdown) == (True, True)


def test_the_most_specific_key_is_named_first():
    ring = "crypto keyring {}\n pre-shared-key address {} key <masked>\n"
    wide = ring.format("A", "198.51.100.0 255.255.255.0")
    assert "(B, A)" in told_keys(wide + ring.format("B", "198.51.100.1") + APPLIED)[0]


def test_a_dynamic_map_may_be_called_ipv6():
    (binding,) = read(
        "crypto dynamic-map ipv6 10\n set peer 198.51.100.1\ncrypto map M 10 ipsec-isakmp dynamic ipv6\n"
        + WAN
        + " crypto map M\n"
    ).bindings
    assert [peer.text for peer in binding.peers] == ["198.51.100.1"]


def test_a_shared_protection_may_be_cut_short():
    tunnel = PROFILE + "interface Tunnel0\n tunnel destination 198.51.100.1\n tunnel protection ipsec profile P{}\n"
    for word, shared in ((" shared", True), (" sh", True), (" s", False), ("", False), (" isakmp-profile I", False)):
        assert read(tunnel.format(word)).bindings[0].shared is shared, word


def test_keyrings_are_called_by_their_names():
    ring = "crypto keyring {}\n pre-shared-key address 198.51.100.1 key <masked>\n"
    assert "(A, B)" in told_keys(ring.format("A") + ring.format("B") + APPLIED)[0]
    named = told_keys("crypto isakmp key <masked> address 198.51.100.1\n" + ring.format("A") + APPLIED)[0]
    assert "(the global keys, A)" in named or "(A, the global keys)" in named


def test_keys_of_ikev1_say_nothing_of_an_ikev2_entry():
    ring = "crypto keyring {}\n pre-shared-key address 198.51.100.1 key <masked>\n"
    rings = ring.format("A") + ring.format("B")
    assert told_keys(rings + APPLIED)
    assert not told_keys(rings + APPLIED + ENTRY + " set ikev2-profile F\n")
    dynamic = "crypto dynamic-map D 1\n set peer 198.51.100.1\ncrypto map M 10 ipsec-isakmp dynamic D\n"
    assert not told_keys(rings + dynamic + WAN + " crypto map M\n")


def test_certificates_ask_for_no_keyring():
    vrf = WAN.replace("\n", "\n vrf forwarding INET\n", 1)
    policy = "crypto isakmp policy 10\n authentication {}\n"
    for method, told in (("pre-share", True), ("rsa-sig", False), ("rsa-encr", False)):
        (binding,) = read(policy.format(method) + ENTRY + vrf + " crypto map M\n").bindings
        assert any("no keyring" in sentence for sentence in binding.warnings) is told, method


def test_profiles_by_what_they_match():
    profile = "crypto isakmp profile {}\n match identity {}\n"

    def told(*identities):
        body = "".join(profile.format(f"I{number}", identity) for number, identity in enumerate(identities))
        return any("ISAKMP profiles match" in one for one in read(body + APPLIED).bindings[0].warnings)

    assert told("address 198.51.100.1", "address 198.51.100.0 255.255.255.0")
    assert told("address 198.51.100.1 255.255.255.255 INET", "address 0.0.0.0")
    assert not told("address 198.51.100.1", "address 198.51.100.2")
    assert not told("address 198.51.100.1", "address 198.51.100.0 INET")
    assert not told("address 198.51.100.1", "host 198.51.100.1")


def test_the_local_end_that_an_ikev2_profile_matches():
    for words, local in (
        ("192.0.2.7", "192.0.2.7"),
        ("interface GigabitEthernet0/0", "192.0.2.1"),
        ("192.0.2.7 more", "192.0.2.7"),
    ):
        (binding,) = read(
            f"crypto ikev2 profile F\n match address local {words}\n match fvrf any\n virtual-template 1\n" + WAN + TEMPLATE
        ).bindings  # fmt: skip
        assert (binding.local, binding.fvrf) == ((ip_address(local),), None), words


def test_gre_beneath_a_map_is_only_what_nothing_else_protects():
    tunnel = "interface Tunnel0\n tunnel destination 198.51.100.1\n"
    for more, told in (
        ("", True),
        (" tunnel mode ipsec ipv4\n", False),
        (PROTECTED, False),
        (" no tunnel destination\n", False),
    ):
        first = read(APPLIED + PROFILE + tunnel + more).bindings[0]
        assert first.name == "M 10"
        assert any("GRE of Tunnel0" in sentence for sentence in first.why) is told, more


def test_a_flexvpn_client_without_peers_or_tunnel():
    tunnel = PROFILE + " set ikev2-profile F\ninterface Tunnel0\n tunnel destination dynamic\n" + PROTECTED
    client = "crypto ikev2 client flexvpn C\n"
    connect = " client connect Tunnel0\n"
    for lines, peers in (
        (connect, ["dynamic"]),
        (" peer 1 198.51.100.1\n", ["dynamic"]),
        (connect + " peer 1 198.51.100.1\n peer 2 fqdn hub.example.net dynamic\n", ["198.51.100.1", "hub.example.net"]),
        (connect + " peer 1 198.51.100.1 track 10 up\n", ["198.51.100.1"]),
        (connect + " peer 1 fqdn\n", ["fqdn"]),
    ):
        (binding,) = read(client + lines + tunnel).bindings
        assert [peer.text for peer in binding.peers] == peers, lines
        assert all(peer.dynamic for peer in binding.peers)


def test_a_mapping_that_is_cut_or_a_group_names_nobody():
    tunnel = PROFILE + "interface Tunnel0\n tunnel mode gre multipoint\n{}" + PROTECTED
    for line, peers in (
        (" ip nhrp map 198.51.100.1\n", []),
        (" ip nhrp map group G service-policy output 198.51.100.1\n", []),
        (" ip nhrp map multicast 198.51.100.1\n", []),
        (" ip nhrp map multicast dynamic\n", []),
        (" ip nhrp map 10.0.0.1 198.51.100.1\n", ["198.51.100.1"]),
        (" ip nhrp map 10.0.0.1 255.255.255.255 198.51.100.1\n", ["198.51.100.1"]),
    ):
        assert [peer.text for peer in read(tunnel.format(line)).bindings[0].peers] == peers, line


def test_what_is_said_of_a_gre_tunnel():
    def why(mode, more=""):
        body = PROFILE + f"interface Tunnel0\n{mode} tunnel destination 198.51.100.1\n{more}" + PROTECTED
        return " / ".join(read(body).bindings[0].why)

    nhs = " ip nhrp nhs 10.0.0.1\n"
    assert "GRE is the default" in why("")
    assert "GRE is the default" not in why(" tunnel mode gre ip\n")
    assert "GRE is the default" not in why(" tunnel mode ipsec ipv4\n")
    assert "phase 1" not in why("")
    assert "phase 1" not in why(" tunnel mode ipsec ipv4\n", nhs)
    assert "phase 1" in why(" tunnel mode gre ip\n", nhs)


def test_virtual_addresses_of_the_running_state():
    def row(interface, virtual):
        return StandbyGroup(line=1, interface=interface, group=1, state="Active", virtual=virtual)

    rows = [row("Gi0/0", None), row("Gi0/7", ip_address("192.0.2.8")), row("Gi0/0", ip_address("192.0.2.254"))]
    (binding,) = read(APPLIED, standby=rows).bindings
    assert binding.local == (ip_address("192.0.2.1"), ip_address("192.0.2.254"))


@pytest.mark.parametrize(
    ("line", "mode", "interval", "retry"),
    [
        ("keepalive 10", "on-demand", 10, None),
        ("keepalive 10 3", "on-demand", 10, 3),
        ("keepalive 10 3 periodic", "periodic", 10, 3),
        ("keepalive 10 periodic", "periodic", 10, None),
        ("keepalive 10 p", "periodic", 10, None),
        ("keepalive 10 retry 2", "on-demand", 10, 2),
        ("keepalive 1234567 10", "on-demand", 10, None),
    ],
)
def test_dead_peer_detection_as_typed(line, mode, interval, retry):
    dpd = read(f"crypto isakmp {line}\n").dpd
    assert (dpd.mode, dpd.interval, dpd.retry) == (mode, interval, retry)


def test_stamps_are_those_of_the_log():
    assert read("service timestamps debug datetime\n").stamps is None
    assert read("service timestamps log uptime\n").stamps == "service timestamps log uptime"


def several(*texts: tuple[str, str, bool]) -> CryptoConfig:
    """(command, text, whole) of several captures."""
    return classify(
        [
            (Capture(command=command, text=text), ConfigText(line=1, lines=tuple(enumerate(text.splitlines(), 1)), whole=whole))
            for command, text, whole in texts
        ],
        privilege=15,
    )  # fmt: skip


def test_of_the_same_command_the_last_counts():
    command = "show running-config | section crypto"
    config = several((command, ENTRY, False), (command, ENTRY.replace("map M", "map N"), False))
    assert [one.name for one in config.bindings] == ["N 10"]
    three = several(*((command, ENTRY.replace("map M", f"map {name}"), False) for name in "ABC"))
    assert [one.name for one in three.bindings] == ["C 10"]


def test_a_whole_configuration_lies_over_all_before_it():
    section = ("show running-config | section crypto", ENTRY, False)
    whole = ("show running-config", "hostname R1\ncrypto isakmp policy 1\n" + WAN + "end\n", True)
    assert several(section, whole).bindings == ()
    assert [one.name for one in several(whole, section).bindings] == ["M 10"]
    ended = (section[0], "hostname R1\n" + ENTRY + "end\n", False)
    assert [port.name for port in several(whole, ended).interfaces] == ["GigabitEthernet0/0"]


def heads(text: str) -> list[tuple[str, int]]:
    """The sections of a text: the head, how many lines it holds."""
    lines = [line for number, raw in enumerate(text.splitlines(), 1) if (line := to_line(number, raw)) is not None]
    return [(" ".join(section.head.words), len(section.children)) for section in sections(lines)]


@pytest.mark.parametrize(
    ("line", "begins"),
    [
        ("vrf definition RED", True), ("key chain K", True), ("ip route 0.0.0.0 0.0.0.0 198.51.100.1", True),
        ("ip vrf RED", True), ("ip vrf forwarding RED", False), ("ip vrf receive", False), ("ip vrf sitemap", False),
        ("ip vrf forwarding RED downstream", False), ("router ospf 1", True), ("ip http server", True),
        ("no ip http server", False), ("crypto map M 10 ipsec-isakmp", True), ("crypto map M redundancy G", False),
        ("crypto map M", False), ("no crypto map", False), ("no crypto map M", False), ("no crypto map M 10", True),
        ("crypto engine slot 1", False), ("crypto ipsec df-bit clear", False), ("crypto ipsec fragmentation", False),
        ("crypto isakmp policy 1", True), ("crypto ipsec client ezvpn E inside", False), ("username x", True),
        ("interface Gi0/1", True), ("no interface Gi0/1", False), ("hostname R2", True), ("description x", False),
    ],
)  # fmt: skip
def test_what_begins_a_section_where_no_line_has_blanks(line, begins):
    found = heads(f"interface GigabitEthernet0/0\n{line}\nmtu 1400\n")
    assert len(found) == (2 if begins else 1), found


@pytest.mark.parametrize(
    ("line", "begins"),
    [
        (" vrf definition RED", True), (" key chain K", True), (" router ospf 1", True), (" ip vrf RED", True),
        (" username x", False), (" hostname x", False), (" no crypto map", False), (" crypto map M 10 gdoi", True),
        ("no crypto map M", True), (" crypto engine slot 1", False), ("crypto ipsec client ezvpn E", True),
        (" crypto ipsec client ezvpn E", False), (" crypto ipsec df-bit clear", False), (" interface Gi0/1", True),
    ],
)  # fmt: skip
def test_what_begins_a_section_where_lines_are_indented(line, begins):
    found = heads(f"interface GigabitEthernet0/0\n mtu 1400\n{line}\n  mtu 1400\n")
    assert len(found) == (2 if begins else 1), found


def test_outside_an_interface_a_map_that_goes_is_global():
    assert len(heads("crypto isakmp policy 1\nno crypto map M\n")) == 2
    assert len(heads("router ospf 1\n network 10.0.0.0 0.0.0.255 area 0\n no crypto map M\n")) == 2


def test_an_ezvpn_definition_and_its_use_without_blanks():
    use = "interface FastEthernet4\ncrypto ipsec client ezvpn E\n"
    assert len(heads(use + "mtu 1400\n")) == 1
    assert len(heads(use + "connect auto\n")) == 2
    assert len(heads(use + "peer 198.51.100.1\n")) == 2
    assert len(heads(use)) == 1
    assert len(heads(use.replace(" E\n", " E inside\n") + "peer 198.51.100.1\n")) == 1
    flat = "crypto ipsec client ezvpn E\nusername u password <masked>\npeer 198.51.100.7\n"
    assert heads(flat) == [("crypto ipsec client ezvpn E", 2)]
    assert len(heads("crypto isakmp policy 1\nsnmp-server location x\n")) == 2
    assert len(heads("policy-map P\nusername u\n")) == 2


def test_an_sd_wan_section_holds_interfaces_of_its_own():
    assert heads("sdwan\n interface GigabitEthernet1\n  tunnel-interface\ninterface GigabitEthernet1\n") == [
        ("sdwan", 2),
        ("interface GigabitEthernet1", 0),
    ]


def test_exit_leaves_a_submode_or_the_interface():
    body = "interface GigabitEthernet0/0\n service instance 1 ethernet\n  exit\n mtu 1400\n"
    assert heads(body) == [("interface GigabitEthernet0/0", 3)]
    assert heads("interface GigabitEthernet0/0\n mtu 1400\n exit\n shutdown\n") == [
        ("interface GigabitEthernet0/0", 1),
        ("shutdown", 0),
    ]
    assert heads("interface GigabitEthernet0/0\nmtu 1400\nexit\nshutdown\n") == [
        ("interface GigabitEthernet0/0", 1),
        ("shutdown", 0),
    ]


def test_a_submode_of_an_interface_speaks_for_itself():
    port = "interface ATM0/0\n{}"
    for lines, shut, count in (
        (" pvc 1/100\n  shutdown\n ip address 192.0.2.1 255.255.255.0\n", False, 1),
        (" service instance 1 ethernet\n  shutdown\n ip address 192.0.2.1 255.255.255.0\n", False, 1),
        (" service-policy output P\n shutdown\n", True, 0),
        ("pvc 1/100\nshutdown\n", False, 0),
        ("service instance 1 ethernet\nshutdown\n", False, 0),
        ("pvc 1/100\nexit\nshutdown\n", False, 0),
        ("vrrp 3 ip 192.0.2.254\nshutdown\n", True, 0),
        ("vrrp 3 address-family ipv4\nshutdown\n", False, 0),
        ("vrrp 3 address-family ipv4\nexit-vrrp\nshutdown\n", True, 0),
        ("xconnect 192.0.2.7 1 encapsulation mpls\nshutdown\n", True, 0),
    ):
        (found,) = read(port.format(lines)).interfaces
        assert (found.shutdown, len(found.addresses)) == (shut, count), lines


def test_a_source_is_an_interface_of_the_text_whatever_its_type():
    body = PROFILE + "interface {}\n ip address 192.0.2.1 255.255.255.0\ninterface Tunnel0\n tunnel source {}\n"
    far = " tunnel destination 198.51.100.1\n" + PROTECTED
    for name, written, known in (
        ("GigabitEthernet0/0", "gigab0/0", True),
        ("Loopback0", "lo0", True),
        ("ATM0/0", "at 0/0", True),
        ("Novel0/0", "Novel0/0", True),
        ("GigabitEthernet0/0", "Gi0/1", False),
        ("GigabitEthernet0/0", "g", False),
        ("GigabitEthernet0/0", "dynamic", False),
    ):
        (binding,) = read(body.format(name, written) + far).bindings
        assert binding.local == ((ip_address("192.0.2.1"),) if known else ()), written


def test_an_sd_wan_tunnel_without_a_source():
    (binding,) = read("interface Tunnel1\n tunnel mode sdwan\n").bindings
    assert (binding.local, binding.fvrf, binding.source_interface) == ((), None, None)


def test_words_of_a_line():
    line = to_line(1, "\tno  sh  ! comment")
    assert (line.indent, line.negated, line.words) == (8, True, ("sh",))
    assert line.after("shutdown") == ()
    assert to_line(1, "s").after("shutdown") is None
    assert to_line(1, "ip").after("ip", "address") is None


def test_what_a_banner_swallows():
    after = "crypto isakmp invalid-spi-recovery\n"
    for lines, read_on in (
        ("aaa authentication banner ^Chello^C\n", True),
        ("aaa authentication banner ^C\n", False),
        ("interface Loopback0\n description a^Cb\n", True),
        ("banner motd \nhello\n!\n", True),
        ("banner motd \n!\n", True),
        ("banner motd ^Chello^C\n", True),
        ("banner motd #hello\n", False),
    ):
        assert (read(lines + after).recovery is True) is read_on, lines
    assert read("banner motd \nhello\nhostname OTHER\n!\n").hostname == "R1"


@pytest.mark.parametrize(("privilege", "told"), [(None, False), (1, True), (14, True), (15, False)])
def test_a_low_privilege_is_told(privilege, told):
    notes = read("crypto isakmp policy 1\n", privilege=privilege).notes
    assert any("read at privilege" in note for note in notes) is told


def test_lines_too_long_are_counted():
    config = read("x" * 5000 + "\n" + "y" * 5000 + "\ncrypto isakmp policy 1\n")
    assert any(note.startswith("2 line(s)") for note in config.notes)


@pytest.mark.parametrize(
    ("pattern", "line", "shown"),
    [
        ("section crypto", " crypto map M", True),
        ("section include ^crypto", " crypto map M", False),
        ("section include ^crypto", "crypto map M", True),
        ("section exclude ^crypto", "crypto map M", False),
        ("include ^(a(b|c)|d)e$", "ace", True),
        ("include ^(a(b|c)|d)e$", "de", True),
        ("include ^(a(b|c)|d)e$", "ade", False),
        ("include (crypto", "crypto", False),
        ("include crypto)", "crypto", False),
        ("include (((((((((((((a)))))))))))))", "a", False),
        ("include (" + "|".join(f"n{number}" for number in range(300)) + ")", "n1", False),
        ("include (a)*", "a", False),
        ("include a+", "a", False),
        ("include " + "x" * 501, "x" * 501, False),
        ("include a|b", "b", True),
    ],
)
def test_what_a_pattern_surely_shows(pattern, line, shown):
    for capture, text in (
        (Capture(command=f"show running-config | {pattern}", text=""), None),
        (Capture(command="show running-config", text=""), pattern),
    ):
        found = to_filter(capture, ConfigText(line=1, lines=(), whole=False, filtered=text))
        assert found is not None
        assert found.shows(line) is shown


def test_excluding_comments_is_no_filter_and_all_else_is():
    for pipe, kind in (
        ("exclude !", None), ("exc ^!", None), ("exclude crypto", "other"), ("count !", "other"), ("begin !", "begin"),
    ):  # fmt: skip
        found = to_filter(
            Capture(command=f"show running-config | {pipe}", text=""), ConfigText(line=1, lines=(), whole=False)
        )
        assert (found.kind if found else None) == kind, pipe


def test_a_capture_without_a_pipe_has_no_filter():
    assert to_filter(Capture(command="show running-config", text=""), ConfigText(line=1, lines=(), whole=False)) is None
