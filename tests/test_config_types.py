"""Every config type from its running-config: the seven rows of TAC 115801 and what lies outside that table."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from collector.config import classify, recovery_of
from collector.model import Capture, ConfigText, ConfigType, CryptoConfig, Recovery

PROFILE = "crypto ipsec profile P\n set transform-set T\n"
WAN = "interface GigabitEthernet0/0\n ip address 192.0.2.1 255.255.255.0\n"


def read(body: str, command: str = "show running-config", **records) -> CryptoConfig:
    text = f"hostname R1\n{body}end\n"
    capture = Capture(command=command, text=text)
    return classify(
        [(capture, ConfigText(line=1, lines=tuple(enumerate(text.splitlines(), 1)), whole=True))], **records
    )


def only(config: CryptoConfig):
    assert len(config.bindings) == 1, [(one.name, one.config_type) for one in config.bindings]
    return config.bindings[0]


def mapped(entry: str, more: str = "") -> str:
    return f"crypto map VPN {entry}interface GigabitEthernet0/0\n ip address 192.0.2.1 255.255.255.0\n crypto map VPN\n{more}"


def tunnel(lines: str, name: str = "Tunnel0") -> str:
    return PROFILE + WAN + f"interface {name}\n tunnel source GigabitEthernet0/0\n{lines}"


PROTECTED = " tunnel protection ipsec profile P\n"
TABLE = [
    ("static map", mapped("10 ipsec-isakmp\n set peer 198.51.100.1\n match address 100\n"), "static-crypto-map", "yes"),
    (
        "dynamic map",
        mapped("65535 ipsec-isakmp dynamic D\ncrypto dynamic-map D 10\n set transform-set T\n"),
        "dynamic-crypto-map",
        "no",
    ),
    (
        "dynamic map with discovery",
        mapped("65535 ipsec-isakmp dynamic D discover\ncrypto dynamic-map D 10\n"),
        "dynamic-crypto-map",
        "no",
    ),
    (
        "a peer inside a dynamic map changes nothing",
        mapped("65535 ipsec-isakmp dynamic D\ncrypto dynamic-map D 10\n set peer 198.51.100.1\n"),
        "dynamic-crypto-map",
        "no",
    ),
    ("gre by default", tunnel(" tunnel destination 198.51.100.1\n" + PROTECTED), "gre-tunnel-protection", "yes"),
    (
        "gre ip",
        tunnel(" tunnel mode gre ip\n tunnel destination 198.51.100.1\n" + PROTECTED),
        "gre-tunnel-protection",
        "yes",
    ),
    (
        "gre over IPv6",
        tunnel(" tunnel mode gre ipv6\n tunnel destination 2001:db8::1\n" + PROTECTED),
        "gre-tunnel-protection",
        "unproven",
    ),
    (
        "mgre with a static mapping",
        tunnel(" tunnel mode gre multipoint\n ip nhrp map 10.0.0.1 198.51.100.1\n" + PROTECTED),
        "mgre-static-nhrp",
        "yes",
    ),
    ("mgre hub", tunnel(" tunnel mode gre multipoint\n ip nhrp map multicast dynamic\n" + PROTECTED), "mgre-dynamic-nhrp", "no"),
    ("svti", tunnel(" tunnel mode ipsec ipv4\n tunnel destination 198.51.100.1\n" + PROTECTED), "svti", "yes"),
    (
        "svti for both families",
        tunnel(" tunnel mode ipsec dual-overlay\n tunnel destination 198.51.100.1\n" + PROTECTED),
        "svti",
        "yes",
    ),
    (
        "svti over IPv6",
        tunnel(" tunnel mode ipsec ipv6\n tunnel destination 2001:db8::1\n" + PROTECTED),
        "svti",
        "unproven",
    ),
    (
        "ezvpn client",
        "crypto ipsec client ezvpn OFFICE\n connect auto\n group G key <masked>\n mode client\n peer 198.51.100.1\n"
        + WAN
        + " crypto ipsec client ezvpn OFFICE\ninterface Vlan1\n crypto ipsec client ezvpn OFFICE inside\n",
        "ezvpn-client",
        "not-applicable",
    ),
    (
        "dvti by isakmp profile",
        PROFILE
        + "crypto isakmp profile I\n keyring K\n match identity address 0.0.0.0\n virtual-template 1\n"
        + "interface Virtual-Template1 type tunnel\n ip unnumbered Loopback0\n tunnel mode ipsec ipv4\n"
        + PROTECTED,
        "dvti",
        "no",
    ),
    (
        "dvti by ikev2 profile",
        "crypto ikev2 profile F\n match identity remote any\n virtual-template 2 mode auto\n"
        "crypto ipsec profile P\n set ikev2-profile F\ninterface Virtual-Template2 type tunnel\n" + PROTECTED,
        "dvti",
        "no",
    ),
    (
        "ezvpn server on a template",
        PROFILE
        + "crypto isakmp profile I\n match identity group G\n client authentication list L\n isakmp authorization list L\n"
        + " client configuration address respond\n virtual-template 1\ninterface Virtual-Template1 type tunnel\n"
        + PROTECTED,
        "ezvpn-server",
        "no",
    ),
    (
        "ezvpn server on a map",
        "crypto map VPN client authentication list L\ncrypto map VPN isakmp authorization list L\n"
        "crypto map VPN client configuration address respond\n"
        + mapped("65535 ipsec-isakmp dynamic D\ncrypto dynamic-map D 10\n reverse-route\n"),
        "ezvpn-server",
        "no",
    ),
    (
        "ezvpn server by isakmp profile of a dynamic map",
        "crypto isakmp profile I\n match identity group G\n client configuration address respond\n"
        + mapped("10 ipsec-isakmp dynamic D\ncrypto dynamic-map D 10\n set isakmp-profile I\n"),
        "ezvpn-server",
        "no",
    ),
    ("getvpn", "crypto gdoi group G\n identity number 1\n server address ipv4 198.51.100.1\n" + mapped("10 gdoi\n set group G\n"), "getvpn", "not-applicable"),
    ("sd-wan", WAN + "interface Tunnel1\n tunnel source GigabitEthernet0/0\n tunnel mode sdwan\n", "sd-wan", "not-applicable"),
    (
        "manual map",
        mapped("10 ipsec-manual\n set peer 198.51.100.1\n set session-key inbound esp 256 cipher <masked>\n"),
        "manual-ipsec",
        "not-applicable",
    ),
    (
        "OSPFv3 on an interface",
        ("crypto isakmp policy 1\ninterface GigabitEthernet0/1\n ipv6 address 2001:db8::1/64\n"
        " ipv6 ospf authentication ipsec spi 500 md5 0 <masked>\n"),
        "manual-ipsec",
        "not-applicable",
    ),
    (
        "OSPFv3 in an area",
        "crypto isakmp policy 1\nrouter ospfv3 1\n area 0 encryption ipsec spi 501 esp null sha1 <masked>\n",
        "manual-ipsec",
        "not-applicable",
    ),
    (
        "IPv6 map",
        ("crypto map ipv6 SIX 10 ipsec-isakmp\n set peer 2001:db8::2\ninterface GigabitEthernet0/0\n"
        " ipv6 address 2001:db8::1/64\n ipv6 crypto map SIX\n"),
        "static-crypto-map",
        "unproven",
    ),
    ("a map that nobody shows", WAN + " crypto map GONE\n", "unknown", "unproven"),
    ("a mode that is no row", tunnel(" tunnel mode ipip\n tunnel destination 198.51.100.1\n" + PROTECTED), "unknown", "unproven"),
    ("DMVPN phase 1 spoke", tunnel(" tunnel destination 198.51.100.1\n ip nhrp nhs 10.0.0.1\n ip nhrp map 10.0.0.1 198.51.100.1\n" + PROTECTED), "gre-tunnel-protection", "yes"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "config_type", "recovery"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_type_and_recovery(body, config_type, recovery):
    config = read(body)
    binding = only(config)
    assert binding.config_type == config_type
    assert binding.applied
    assert binding.evidence
    peer = binding.peers[0] if binding.peers else None
    assert recovery_of(binding, peer, ike_version=binding.ike_version)[0] == recovery
    assert config.readable in {"full", "lines"}


def test_seven_rows_are_in_the_table():
    rows = {
        "static-crypto-map",
        "dynamic-crypto-map",
        "gre-tunnel-protection",
        "mgre-static-nhrp",
        "mgre-dynamic-nhrp",
        "svti",
    }
    assert rows | {"ezvpn-client"} <= {row[2] for row in TABLE}
    assert set(ConfigType) == {row[2] for row in TABLE}


@pytest.mark.parametrize(
    "name",
    ["DYNAMIC", "dynamic", "ipv6", "GDOI-MAP", "10", "client", "MANUAL"],
)
def test_names_that_lie(name):
    config = read(
        f"crypto map {name} 10 ipsec-isakmp\n set peer 198.51.100.1\ninterface GigabitEthernet0/0\n"
        f" ip address 192.0.2.1 255.255.255.0\n crypto map {name}\n"
    )
    binding = only(config)
    assert binding.config_type is ConfigType.STATIC_CRYPTO_MAP
    assert (binding.map_name, binding.sequence) == (name, 10)


def test_a_dynamic_map_called_static():
    binding = only(read(mapped("10 ipsec-isakmp dynamic STATIC\ncrypto dynamic-map STATIC 1\n set transform-set T\n")))
    assert binding.config_type is ConfigType.DYNAMIC_CRYPTO_MAP
    assert binding.acceptor_type is ConfigType.DYNAMIC_CRYPTO_MAP


def test_several_peers_of_an_entry():
    binding = only(
        read(
            mapped(
                "10 ipsec-isakmp\n set peer 198.51.100.1 default\n set peer 198.51.100.2\n"
                " set peer hub.example.net dynamic\n set peer other.example.net\n no set peer 198.51.100.2\n"
            )
        )
    )
    assert [(peer.text, peer.default, peer.dynamic, peer.by_name) for peer in binding.peers] == [
        ("198.51.100.1", True, False, False),
        ("hub.example.net", False, True, True),
        ("other.example.net", False, False, True),
    ]


def test_gre_inside_a_static_map_stays_a_static_map():
    binding = only(
        read(
            mapped("10 ipsec-isakmp\n set peer 198.51.100.1\n match address GRE\n")
            + "interface Tunnel0\n tunnel source GigabitEthernet0/0\n tunnel destination 198.51.100.1\n"
        )
    )
    assert binding.config_type is ConfigType.STATIC_CRYPTO_MAP
    assert any("Tunnel0" in sentence for sentence in binding.why)


def test_dmvpn_phases():
    hub = only(
        read(tunnel(" tunnel mode gre multipoint\n ip nhrp map multicast dynamic\n ip nhrp redirect\n" + PROTECTED))
    )
    assert (hub.config_type, hub.peers, hub.acceptor) == (ConfigType.MGRE_DYNAMIC_NHRP, (), True)
    phase1 = only(read(tunnel(" tunnel destination 198.51.100.1\n ip nhrp nhs 10.0.0.1\n" + PROTECTED)))
    assert phase1.config_type is ConfigType.GRE_TUNNEL_PROTECTION
    assert not phase1.acceptor
    for extra in ("", " ip nhrp shortcut\n"):  # phase 2, phase 3
        spoke = only(
            read(
                tunnel(
                    " tunnel mode gre multipoint\n ip nhrp map 10.0.0.1 198.51.100.1\n"
                    f" ip nhrp map multicast 198.51.100.1\n ip nhrp nhs 10.0.0.1\n{extra}{PROTECTED}"
                )
            )
        )
        assert spoke.config_type is ConfigType.MGRE_STATIC_NHRP
        assert spoke.acceptor_type is ConfigType.MGRE_DYNAMIC_NHRP
        assert [peer.text for peer in spoke.peers] == ["198.51.100.1"]


def test_flexvpn_client_and_hub():
    config = read(
        "crypto ikev2 profile F\n match identity remote any\n keyring local K\n dpd 30 5 on-demand\n"
        "crypto ikev2 client flexvpn C\n peer 1 198.51.100.1\n peer 2 198.51.100.2\n client connect Tunnel0\n"
        "crypto ipsec profile P\n set ikev2-profile F\n"
        + WAN
        + "interface Tunnel0\n ip address negotiated\n tunnel source GigabitEthernet0/0\n tunnel mode ipsec ipv4\n"
        " tunnel destination dynamic\n" + PROTECTED
    )
    binding = only(config)
    assert [(str(peer.address), peer.dynamic) for peer in binding.peers] == [
        ("198.51.100.1", True),
        ("198.51.100.2", True),
    ]
    assert (binding.ike_version, binding.dpd.mode, binding.dpd.interval, binding.dpd.retry) == (2, "on-demand", 30, 5)
    recovery, why = recovery_of(binding, binding.peers[0], ike_version=2)
    assert recovery is Recovery.UNPROVEN
    assert "run time" in why


def test_shared_source_shutdown_vrf_and_virtual_addresses():
    config = read(
        PROFILE
        + "interface Loopback0\n vrf forwarding INET\n ip address 192.0.2.9 255.255.255.255\n"
        + "interface Tunnel1\n vrf forwarding CUST\n tunnel source Loopback0\n tunnel destination 198.51.100.1\n"
        + " tunnel vrf INET\n tunnel protection ipsec profile P shared\n shutdown\n"
    )
    binding = only(config)
    assert (binding.fvrf, binding.ivrf, binding.shared, binding.shutdown) == ("INET", "CUST", True, True)
    assert binding.local == (ip_address("192.0.2.9"),)
    assert binding.source_interface == "Loopback0"


def test_interfaces():
    config = read(
        "crypto isakmp policy 1\n"
        "interface GigabitEthernet0/0\n ip vrf forwarding INET\n ip address 192.0.2.2 255.255.255.0\n"
        " ip address 192.0.2.3 255.255.255.0 secondary\n ipv6 address 2001:db8::2/64\n standby 1 ip 192.0.2.254\n"
        " standby 1 authentication md5 key-string <masked>\n vrrp 2 ip 192.0.2.253\n crypto map VPN redundancy HA\n"
        "interface Dialer1\n ip address negotiated\n"
        "interface GigabitEthernet0/1\n ip unnumbered GigabitEthernet0/0\n"
        "interface GigabitEthernet0/2\n ip unnumbered Loopback99\n shutdown\n"
        "interface GigabitEthernet0/3\n service instance 10 ethernet\n  shutdown\n  encapsulation dot1q 10\n ip address 10.0.0.1 255.0.0.0\n"
        "interface GigabitEthernet0/4\n vrrp 1 address-family ipv4\n  address 10.1.0.254 primary\n  exit-vrrp\n ip address 10.1.0.1 255.255.255.0\n"
    )  # fmt: skip
    by_name = {interface.name: interface for interface in config.interfaces}
    wan = by_name["GigabitEthernet0/0"]
    assert [str(one) for one in wan.addresses] == ["192.0.2.2", "192.0.2.3", "2001:db8::2"]
    assert [str(one) for one in wan.virtual] == ["192.0.2.254", "192.0.2.253"]
    assert (wan.vrf, wan.crypto_map, wan.shutdown) == ("INET", "VPN", False)
    assert by_name["Dialer1"].address_dynamic
    assert by_name["GigabitEthernet0/1"].addresses == wan.addresses
    assert by_name["GigabitEthernet0/2"].address_dynamic
    assert by_name["GigabitEthernet0/2"].shutdown
    assert not by_name["GigabitEthernet0/3"].shutdown
    assert [str(one) for one in by_name["GigabitEthernet0/4"].virtual] == ["10.1.0.254"]


def test_globals():
    config = read(
        "service timestamps log datetime msec localtime show-timezone year\n"
        "crypto isakmp keepalive 20 5 periodic\ncrypto ikev2 dpd 30 6 on-demand\n"
        "crypto ipsec security-association lifetime seconds 7200\n"
    )
    assert (config.dpd.mode, config.dpd.interval, config.dpd.retry) == ("periodic", 20, 5)
    assert (config.dpd_ikev2.mode, config.dpd_ikev2.interval) == ("on-demand", 30)
    assert config.lifetime.total_seconds() == 7200
    assert config.stamps == "service timestamps log datetime msec localtime show-timezone year"
    assert config.hostname == "R1"
