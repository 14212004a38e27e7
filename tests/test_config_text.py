"""However the text of a configuration reached us, the same configuration is read from it; and what absence proves."""

from __future__ import annotations

import pytest
from cost import cheap

from collector.config import classify
from collector.errors import ErrorCode
from collector.model import Capture, ConfigText, CryptoConfig, Failure

PROBE = (
    "show running-config | include ^hostname|^! Last config|invalid-spi-recovery|^crypto isakmp keepalive"
    "|^crypto ikev2 dpd|^logging|^service timestamps"
)
LISTING = (
    "show running-config | section ^crypto (map|dynamic-map|isakmp (profile|inv|keep)|ipsec profile|ikev2 profile"
    "|gdoi group)|^interface"
)
CONFIG = """\
Building configuration...

Current configuration : 1234 bytes
!
! Last configuration change at 10:00:00 UTC Mon Mar 3 2025 by bob
version 15.4
service timestamps log datetime msec
hostname R1
!
banner motd ^C
interface Tunnel99
 tunnel protection ipsec profile EVIL
crypto isakmp invalid-spi-recovery
^C
crypto isakmp policy 10
 encr aes
 authentication pre-share
crypto isakmp keepalive 10 3 periodic
crypto ipsec profile P
 set transform-set T
crypto dynamic-map D 10
 set transform-set T
crypto map VPN 10 ipsec-isakmp
 description to the hub: set peer 203.0.113.66
 set peer 198.51.100.1
 match address 100
crypto map VPN 65535 ipsec-isakmp dynamic D
interface Tunnel0
 ip address 10.0.0.1 255.255.255.0
 tunnel source GigabitEthernet0/0
 tunnel destination 198.51.100.2
 tunnel protection ipsec profile P
interface GigabitEthernet0/0
 description crypto map OLD, no longer here
 ip address 192.0.2.1 255.255.255.0
 crypto map VPN
interface GigabitEthernet0/1
 no ip address
 shutdown
router ospf 1
 network 10.0.0.0 0.0.0.255 area 0
ip route 0.0.0.0 0.0.0.0 192.0.2.254
line vty 0 4
 transport input ssh
end
"""


def read(*texts: tuple[str, str], complete: bool = True, privilege: int | None = None, **records) -> CryptoConfig:
    captures = []
    for command, text in texts:
        lines = tuple(enumerate(text.splitlines(), 1))
        pipe = command.partition("|")[2].strip() or None
        captures.append(
            (
                Capture(command=command, text=text, complete=complete),
                ConfigText(line=1, lines=lines, whole=pipe is None, filtered=pipe),
            )
        )
    return classify(captures, privilege=privilege, **records)


def whole(text: str, **more) -> CryptoConfig:
    return read(("show running-config", text), **more)


def shape(config: CryptoConfig):
    return sorted(
        (one.name, one.config_type, one.interface, tuple(peer.text for peer in one.peers), one.applied, one.local, one.shutdown)
        for one in config.bindings
    )  # fmt: skip


def test_the_configuration_as_the_router_prints_it():
    config = whole(CONFIG)
    assert [(row[0], str(row[1]), row[2], row[3]) for row in shape(config)] == [
        ("Tunnel0", "gre-tunnel-protection", "Tunnel0", ("198.51.100.2",)),
        ("VPN 10", "static-crypto-map", "GigabitEthernet0/0", ("198.51.100.1",)),
        ("VPN 65535", "dynamic-crypto-map", "GigabitEthernet0/0", ()),
    ]
    assert config.readable == "full"
    assert config.recovery is False
    assert [line.text for line in config.recovery_evidence] == ["end"]
    assert config.last_change == "Last configuration change at 10:00:00 UTC Mon Mar 3 2025 by bob"
    assert config.notes == ()


def _flat(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines())


def _shifted(text: str) -> str:
    return "\n".join("    " + line for line in text.splitlines())


def _scripted(text: str) -> str:
    """As people paste it: every section closed by exit."""
    out: list[str] = []
    for line in text.splitlines():
        if out and out[-1].startswith(" ") and not line.startswith(" ") and line and line[0] not in "!^":
            out.append("exit")
        out.append(line)
    return "\n".join(out)


def _short(text: str) -> str:
    for full, brief in (
        ("interface GigabitEthernet", "int gi"), ("interface Tunnel", "int tu"), ("ip address", "ip add"),
        ("shutdown", "sh"), ("tunnel source GigabitEthernet", "tunnel so g"), ("tunnel destination", "tun dest"),
        ("tunnel protection ipsec profile", "tunnel prot ipsec prof"), ("crypto isakmp", "cry isa"),
    ):  # fmt: skip
        text = text.replace(full, brief)
    return text


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", " \n"),
        lambda text: text.replace("\n ", "\n\t"),
        lambda text: text.replace("\n ", "\n   "),
        lambda text: text.replace("\ninterface", "\n!\ninterface"),
        lambda text: text.replace("\n", "\n\n"),
        lambda text: text.replace("^C", "\x03"),
        lambda text: text.replace("^C", "@"),
        lambda text: text.replace("crypto map VPN\n", "crypto map VPN ! on the way out\n"),
        lambda text: text.replace("\n set peer", "\n --More-- \b\b\b\b\b\b\b\b\b        \b\b\b\b\b\b\b\b\b set peer"),
        _flat,
        _shifted,
        _scripted,
        _short,
    ],
)
def test_other_forms_of_the_same_text(change):
    config = whole(change(CONFIG))
    assert shape(config) == shape(whole(CONFIG))
    assert config.recovery is False
    assert (config.dpd.mode, config.dpd.interval, config.readable) == ("periodic", 10, "full")


def test_a_script_with_prompts():
    text = (
        "R1(config)#interface Tunnel0\nR1(config-if)#tunnel source 192.0.2.1\nR1(config-if)# tunnel destination 198.51.100.2\n"
        "R1(config-if)#tunnel protection ipsec profile P\nR1(config-if)#crypto ipsec profile P\n"
        "R1(ipsec-profile)#set transform-set T\n"
    )
    (binding,) = whole(text.replace("R1(ipsec-profile)#", "R1(config-ipsec)#")).bindings
    assert (binding.name, binding.peers[0].text, binding.ike_version) == ("Tunnel0", "198.51.100.2", 1)


def test_an_interface_twice_goes_on_and_the_later_line_wins():
    (binding,) = whole(
        "interface Tunnel0\n tunnel source 192.0.2.1\n tunnel destination 198.51.100.2\n tunnel mode gre multipoint\n"
        " tunnel protection ipsec profile P\n!\nint tu 0\n tunnel destination 198.51.100.3\n no tunnel mode\n"
    ).bindings
    assert (binding.config_type, binding.peers[0].text) == ("gre-tunnel-protection", "198.51.100.3")


def test_a_banner_without_end_takes_the_rest_and_proves_nothing():
    config = whole(CONFIG.replace("^C\ncrypto isakmp policy", "\ncrypto isakmp policy"))
    assert config.recovery is None
    assert config.bindings == ()
    assert any("banner" in note for note in config.notes)


def test_the_probe_and_the_listing_together():
    probe = (
        "hostname R1\nservice timestamps log datetime msec\nlogging buffered 64000\n! Last configuration change at 1\n"
    )
    listing = CONFIG[CONFIG.index("crypto dynamic-map") : CONFIG.index("router ospf")]
    listing = "crypto ipsec profile P\n set transform-set T\n" + listing
    config = read((PROBE, probe), (LISTING, listing), privilege=15)
    assert shape(config) == shape(whole(CONFIG))
    assert (config.readable, config.recovery, config.hostname) == ("full", False, "R1")
    assert (config.dpd.mode, config.dpd_ikev2.mode) == ("off", "off")


@pytest.mark.parametrize(
    ("texts", "privilege", "recovery"),
    [
        ([(PROBE, "hostname R1\nlogging buffered 64000\n")], 15, False),
        ([(PROBE, "hostname R1\nlogging buffered 64000\n")], None, None),
        ([(PROBE, "hostname R1\nlogging buffered 64000\n")], 14, None),
        ([(PROBE, "logging buffered 64000\n")], 15, None),
        ([(PROBE, "")], 15, None),
        ([(PROBE, "hostname R1\ncrypto isakmp invalid-spi-recovery\n")], None, True),
        ([(PROBE, "hostname R1\ncrypto isakmp invalid-spi-recovery\n")], 1, True),
        ([(PROBE, "hostname R1\n description crypto isakmp invalid-spi-recovery\n")], 15, False),
        ([(PROBE, "hostname R1\n crypto isakmp invalid-spi-recovery\n")], None, None),
        ([(LISTING, "crypto map VPN 10 ipsec-isakmp\n set peer 198.51.100.1\n")], None, False),
        ([(LISTING, "crypto map VPN 10 ipsec-isakmp\n set peer 198.51.100.1\n")], 3, None),
        ([(LISTING, "interface GigabitEthernet0/0\n ip address 192.0.2.1 255.255.255.0\n")], None, None),
        ([(LISTING, "interface GigabitEthernet0/0\n ip address 192.0.2.1 255.255.255.0\n")], 15, False),
        ([(LISTING, "")], 15, None),
        ([("show running-config | section ^crypto map", "crypto map VPN 10 ipsec-isakmp\n")], None, None),
        ([("show running-config | include crypto", "crypto map VPN 10 ipsec-isakmp\n")], 15, None),
        ([("show running-config | begin crypto", "crypto map VPN 10 ipsec-isakmp\nend\n")], 15, None),
        ([("show running-config | exclude isakmp", CONFIG)], 15, None),
        ([("show running-config", CONFIG)], None, False),
        ([("show running-config", CONFIG)], 7, None),
        ([("show running-config", CONFIG.replace("end\n", ""))], None, None),
        ([("show running-config", CONFIG.replace("end\n", ""))], 15, None),
        ([("show running-config", CONFIG.replace("hostname R1\n", ""))], None, None),
        ([("show running-config", "hostname R1\nend\n")], None, None),
        ([("show running-config", "hostname R1\nend\n")], 15, False),
        ([], 15, None),
        (
            [(PROBE, "hostname R1\ncrypto isakmp invalid-spi-recovery\n"), (PROBE, "hostname R1\nlogging on\n")],
            15,
            False,
        ),
        (
            [
                (PROBE, "hostname R1\n"),
                (LISTING, "crypto isakmp invalid-spi-recovery\ncrypto map VPN 10 ipsec-isakmp\n"),
            ],
            15,
            True,
        ),
    ],
)
def test_what_an_absent_line_proves(texts, privilege, recovery):
    assert read(*texts, privilege=privilege).recovery is recovery


def test_a_cut_or_refused_capture_proves_nothing():
    assert whole(CONFIG, complete=False).recovery is None
    assert whole(CONFIG, complete=False).readable == "lines"
    failure = Failure(code=ErrorCode.CONN_LOST, phase="command", message="")
    capture = Capture(command="show running-config", text=CONFIG, failure=failure)
    text = ConfigText(line=1, lines=tuple(enumerate(CONFIG.splitlines(), 1)), whole=True)
    assert classify([(capture, text)]).recovery is None


def test_the_last_section_of_a_cut_capture_is_not_believed():
    text = (
        CONFIG[: CONFIG.index("interface GigabitEthernet0/1")] + "interface Tunnel7\n tunnel destination 198.51.100.1"
    )
    names = {one.name for one in whole(text + "\n tunnel protection ipsec profile P\n", complete=False).bindings}
    assert names == {"Tunnel0", "VPN 10", "VPN 65535"}
    assert not any(
        one.applied
        for one in whole(CONFIG[: CONFIG.index(" crypto map VPN\n")], complete=False).bindings
        if one.map_name
    )


def test_an_include_gives_no_types():
    config = read(("show running-config | include interface|tunnel", CONFIG), privilege=15)
    assert config.bindings == ()
    assert config.readable == "lines"


def test_a_listing_of_some_interfaces_does_not_show_the_others():
    text = "crypto map VPN 10 ipsec-isakmp\n set peer 198.51.100.1\n match address A\ninterface Tunnel0\n ip address 10.0.0.1 255.0.0.0\n"
    config = read(("show running-config | section crypto|interface Tunnel", text), privilege=15)
    assert config.readable == "lines"
    assert config.recovery is False
    assert any("no interface in this text" in sentence for sentence in config.bindings[0].why)
    config = read(("show running-config | section crypto|interface", text), privilege=15)
    assert config.readable == "full"
    assert any("applied to no interface" in sentence for sentence in config.bindings[0].why)


def test_an_unanchored_section_shows_children_without_their_parent():
    text = "crypto map VPN 10 ipsec-isakmp\n set peer 198.51.100.1\n match address 100\n crypto map VPN\n"
    (binding,) = read(("show running-config | section crypto", text)).bindings
    assert (binding.applied, binding.interface) == (True, None)


def test_evidence_carries_no_key_and_names_its_capture():
    text = CONFIG.replace(" set peer 198.51.100.1\n", " set peer 198.51.100.1\n set isakmp-profile I\n")
    config = whole(text)
    line = next(one for one in config.bindings[0].evidence if "set peer" in one.text)
    assert text.splitlines()[line.line - 1].strip() == line.text
    assert line.command == "show running-config"


@pytest.mark.parametrize(
    "piece",
    [
        "interface Tunnel0\n tunnel protection ipsec profile P\n",
        "crypto map VPN 10 ipsec-isakmp\n set peer 198.51.100.1\n",
        "banner motd ^C\n",
        "interface",
        " " * 5000,
        "crypto ",
        "interface Gi0/0\n ip nhrp map 10.0.0.1 198.51.100.1\n",
        "exit\n",
    ],
)
def test_hostile_texts_cost_their_length(piece):
    text = piece * (100_000 // len(piece))
    assert cheap(lambda: whole(text), 5)
