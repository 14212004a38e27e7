"""Smaller facts of the configuration that a verdict may hang on; each was once broken on purpose and not noticed."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from collector.config import classify
from collector.model import Capture, ConfigText, ConfigType, CryptoConfig

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
        "lifetime seconds 123456789",
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
