"""Where the configuration cannot be read: bindings from `show crypto map`, with less said."""

from __future__ import annotations

import pytest

from collector.config import classify, map_type, recovery_of
from collector.model import Capture, ConfigText, ConfigType, CryptoMapEntry, Recovery


def entry(name="VPN", sequence=10, kind="ipsec-isakmp", **more) -> CryptoMapEntry:
    return CryptoMapEntry(line=1, name=name, sequence=sequence, kind=kind, **more)


def test_a_static_entry():
    config = classify(
        (), maps=[entry(peers=("198.51.100.1", "hub.example.net"), interfaces=("Gi0/0",), isakmp_profile="I")]
    )
    (binding,) = config.bindings
    assert config.readable == "runtime"
    assert config.recovery is None
    assert (config.dpd.mode, binding.config_type, binding.interface) == (
        "unknown",
        ConfigType.STATIC_CRYPTO_MAP,
        "GigabitEthernet0/0",
    )
    assert [peer.by_name for peer in binding.peers] == [False, True]
    assert recovery_of(binding, binding.peers[0], ike_version=binding.ike_version)[0] is Recovery.YES
    assert "show crypto map" in binding.why[0]


def test_the_ike_version_is_not_guessed():
    (binding,) = classify((), maps=[entry(peers=("198.51.100.1",), interfaces=("Gi0/0",))]).bindings
    assert binding.ike_version is None
    assert recovery_of(binding, binding.peers[0], ike_version=None)[0] is Recovery.UNPROVEN
    (second,) = classify((), maps=[entry(peers=("198.51.100.1",), interfaces=("Gi0/0",), ikev2_profile="F")]).bindings
    assert second.ike_version == 2


@pytest.mark.parametrize(
    ("name", "kind", "config_type"),
    [
        ("VPN", "ipsec-isakmp", "static-crypto-map"),
        ("VPN", "dynamic", "dynamic-crypto-map"),
        ("VPN", "gdoi", "getvpn"),
        ("VPN", "manual", "manual-ipsec"),
        ("GigabitEthernet0/1-OSPF-MAP", "manual", "manual-ipsec"),
        ("Tunnel0-head-0", "tunnel", "unknown"),
        ("Virtual-Access1-head-0", "tunnel", "dvti"),
        ("Tunnel2002-vesen-head-0", "tunnel", "sd-wan"),
        ("VPN", "something", "unknown"),
    ],
)
def test_what_a_tag_tells(name, kind, config_type):
    assert map_type(name, kind) == config_type
    (binding,) = classify((), maps=[entry(name=name, kind=kind)]).bindings
    assert binding.config_type == config_type


def test_instances_of_a_dynamic_map_are_no_configuration():
    config = classify(
        (),
        maps=[
            entry(sequence=65535, kind="dynamic", dynamic_map="D", interfaces=("Gi0/0",)),
            entry(sequence=65536, kind="dynamic-instance", peers=("198.51.100.1",), interfaces=("Gi0/0",)),
        ],
    )
    (binding,) = config.bindings
    assert binding.acceptor_type is ConfigType.DYNAMIC_CRYPTO_MAP
    assert recovery_of(binding, None, ike_version=None)[0] is Recovery.NO


def test_an_entry_without_interfaces_is_not_applied():
    (binding,) = classify((), maps=[entry(peers=("198.51.100.1",))]).bindings
    assert not binding.applied


def test_nothing_asked_and_nothing_there():
    assert classify(()).readable == "none"
    assert classify((), maps=()).readable == "runtime"
    assert classify((), maps=()).bindings == ()


def read(text, **more):
    capture = Capture(command="show running-config", text=text)
    return classify([(capture, ConfigText(line=1, lines=tuple(enumerate(text.splitlines(), 1)), whole=True))], **more)


def test_the_running_state_says_where_a_map_is_applied():
    config = read("crypto map VPN 10 ipsec-isakmp\n set peer 198.51.100.1\n", maps=[entry(interfaces=("Gi0/1",))])
    (binding,) = config.bindings
    assert (binding.applied, binding.interface) == (True, "GigabitEthernet0/1")
    assert any("show crypto map" in note for note in config.notes)


def test_both_disagree_and_a_note_says_so():
    config = read(
        "hostname R1\ncrypto map VPN 10 ipsec-isakmp\n set peer 198.51.100.1\ninterface GigabitEthernet0/0\n"
        " ip address 192.0.2.1 255.255.255.0\n crypto map VPN\nend\n",
        maps=[entry(interfaces=("GigabitEthernet0/9",))],
    )
    assert any("GigabitEthernet0/0" in note for note in config.notes)


def test_probe_lines_and_the_running_state():
    capture = Capture(command="show running-config | include ^hostname|invalid-spi-recovery", text="hostname R1\n")
    text = ConfigText(
        line=1, lines=((1, "hostname R1"),), whole=False, filtered="include ^hostname|invalid-spi-recovery"
    )
    config = classify([(capture, text)], maps=[entry(peers=("198.51.100.1",), interfaces=("Gi0/0",))], privilege=15)
    assert (config.readable, config.recovery, config.hostname) == ("runtime", False, "R1")
    assert config.bindings[0].peers[0].text == "198.51.100.1"


def test_entries_that_only_the_running_state_shows():
    text = "interface GigabitEthernet0/0\n ip address 192.0.2.1 255.255.255.0\n crypto map VPN\n"
    config = read(text, maps=[entry(peers=("198.51.100.1",), interfaces=("Gi0/0",), isakmp_profile="I")])
    (binding,) = config.bindings
    assert (binding.config_type, binding.interface) == (ConfigType.STATIC_CRYPTO_MAP, "GigabitEthernet0/0")
    assert [str(one) for one in binding.local] == ["192.0.2.1"]
    assert any("VPN 10" in note for note in config.notes)


def test_other_peers_at_run_time():
    text = "crypto map VPN 10 ipsec-isakmp\n set peer 198.51.100.1\n"
    config = read(text, maps=[entry(peers=("198.51.100.9",), interfaces=())])
    assert any("198.51.100.9" in note for note in config.notes)


CONFIGURED = (
    "hostname R1\ncrypto map VPN 10 ipsec-isakmp\n set peer 198.51.100.1\n match address A\n"
    "interface GigabitEthernet0/0\n ip address 192.0.2.1 255.255.255.0\n crypto map VPN\nend\n"
)


def test_agreement_is_not_told():
    same = entry(peers=("198.51.100.1",), interfaces=("Gi0/0",))
    assert read(CONFIGURED, maps=[same]).notes == ()
    assert read(CONFIGURED, maps=[entry(peers=("198.51.100.1",))]).notes == ()
    assert read(CONFIGURED, maps=[same, entry(name="VPN", sequence=65536, kind="dynamic-instance")]).notes == ()
    made = entry(name="Tunnel0-head-0", sequence=65537, kind="ipsec-isakmp", interfaces=("Tunnel0",))
    assert len(read(CONFIGURED, maps=[same, made]).bindings) == 1


def test_many_other_peers_are_cut():
    many = tuple(f"203.0.113.{number}" for number in range(1, 9))
    (note,) = read(CONFIGURED, maps=[entry(peers=many, interfaces=("Gi0/0",))]).notes
    assert "203.0.113.5)" in note


def test_a_map_that_tunnel_protection_made():
    (made,) = classify((), maps=[entry(name="Tunnel0-head-0", sequence=65537, kind="tunnel")]).bindings
    assert (made.name, made.interface, made.applied) == ("Tunnel0", "Tunnel0", True)
    assert any("tunnel protection made this map" in sentence for sentence in made.why)
    assert not any("no interface" in sentence for sentence in made.why)
    (access,) = classify((), maps=[entry(name="Virtual-Access1-head-0", sequence=1, kind="tunnel")]).bindings
    assert access.name == "Virtual-Access1"
    assert not any("tunnel protection made" in sentence for sentence in access.why)
    (odd,) = classify((), maps=[entry(kind="something", interfaces=("Gi0/0",))]).bindings
    assert (odd.name, odd.interface, odd.applied) == ("VPN 10", "GigabitEthernet0/0", True)
    assert len(odd.why) == 1
    (idle,) = classify((), maps=[entry(sequence=None)]).bindings
    assert (idle.interface, idle.applied) == (None, False)
    assert any("no interface" in sentence for sentence in idle.why)
    assert idle.evidence[0].text == 'Crypto Map "VPN"'
    assert odd.evidence[0].text == 'Crypto Map "VPN" 10'
