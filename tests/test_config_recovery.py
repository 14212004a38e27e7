"""The recovery column of the table, its modifiers, and whose word each sentence is."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from collector.config import recovery_of
from collector.model import Binding, ConfigType, PeerSpec, Recovery

ADDRESS = ip_address("198.51.100.1")
PEER = PeerSpec(text="198.51.100.1", address=ADDRESS)
SIX = PeerSpec(text="2001:db8::1", address=ip_address("2001:db8::1"))
NAME = PeerSpec(text="hub.example.net", address=None, by_name=True)
DYNAMIC_NAME = replace(NAME, dynamic=True)
YES = (ConfigType.STATIC_CRYPTO_MAP, ConfigType.GRE_TUNNEL_PROTECTION, ConfigType.MGRE_STATIC_NHRP, ConfigType.SVTI)
NO = (ConfigType.DYNAMIC_CRYPTO_MAP, ConfigType.MGRE_DYNAMIC_NHRP, ConfigType.DVTI, ConfigType.EZVPN_SERVER)
NOT_APPLICABLE = (ConfigType.EZVPN_CLIENT, ConfigType.GETVPN, ConfigType.SD_WAN, ConfigType.MANUAL_IPSEC)


def binding(config_type: ConfigType, **more) -> Binding:
    return Binding(config_type=config_type, name="B", interface="GigabitEthernet0/0", peers=(PEER,), **more)


@pytest.mark.parametrize(
    ("config_type", "recovery"),
    [
        *((one, Recovery.YES) for one in YES),
        *((one, Recovery.NO) for one in NO),
        *((one, Recovery.NOT_APPLICABLE) for one in NOT_APPLICABLE),
        (ConfigType.UNKNOWN, Recovery.UNPROVEN),
    ],
)
def test_the_table(config_type, recovery):
    found, why = recovery_of(binding(config_type), PEER, ike_version=1)
    assert found is recovery
    assert why


def test_every_type_is_in_the_table():
    assert {*YES, *NO, *NOT_APPLICABLE, ConfigType.UNKNOWN} == set(ConfigType)


MODIFIERS = [
    ("IKEv2", {"ike_version": 2}, PEER, "unproven", "IKEv2"),
    ("IKE version not known", {"ike_version": None}, PEER, "unproven", "version"),
    ("IPv6 peer", {"ike_version": 1}, SIX, "unproven", "IPv6"),
    ("IPv6 address of a name", {"ike_version": 1, "address": ip_address("2001:db8::1")}, NAME, "unproven", "IPv6"),
    ("name", {"ike_version": 1}, NAME, "unproven", "hub.example.net"),
    ("name resolved today", {"ike_version": 1, "address": ADDRESS}, NAME, "unproven", "198.51.100.1"),
    ("dynamic name", {"ike_version": 1}, DYNAMIC_NAME, "unproven", "run time"),
    ("through NAT", {"ike_version": 1, "via_nat": True}, PEER, "unproven", "NAT"),
    ("responder-only by the running state", {"ike_version": 1, "responder_only": True}, PEER, "no", "responder-only"),
    ("responder-only wins over IKEv2", {"ike_version": 2, "responder_only": True}, PEER, "no", "responder-only"),
    ("nobody named", {"ike_version": 1}, None, "unproven", "no far end"),
]


@pytest.mark.parametrize("config_type", YES)
@pytest.mark.parametrize(
    ("more", "peer", "recovery", "word"), [row[1:] for row in MODIFIERS], ids=[row[0] for row in MODIFIERS]
)
def test_modifiers_of_a_yes(config_type, more, peer, recovery, word):
    found, why = recovery_of(binding(config_type), peer, **more)
    assert found == recovery
    assert word in why


@pytest.mark.parametrize("config_type", [*NO, *NOT_APPLICABLE])
@pytest.mark.parametrize(("more", "peer"), [(row[1], row[2]) for row in MODIFIERS], ids=[row[0] for row in MODIFIERS])
def test_a_no_stays_a_no(config_type, more, peer):
    found, _ = recovery_of(binding(config_type, acceptor=True, acceptor_type=config_type), peer, **more)
    assert found is recovery_of(binding(config_type), PEER, ike_version=1)[0]


def test_responder_only_by_configuration_unless_the_running_state_says_otherwise():
    held = binding(ConfigType.SVTI, responder_only=True)
    assert recovery_of(held, PEER, ike_version=1)[0] is Recovery.NO
    assert recovery_of(held, PEER, ike_version=1, responder_only=False)[0] is Recovery.YES


def test_several_doubts_are_all_told():
    _, why = recovery_of(binding(ConfigType.SVTI), SIX, ike_version=2, via_nat=True)
    assert all(word in why for word in ("IKEv2", "IPv6", "NAT"))


def test_learnt_peers_take_the_acceptor_type():
    spoke = binding(ConfigType.MGRE_STATIC_NHRP, acceptor=True, acceptor_type=ConfigType.MGRE_DYNAMIC_NHRP)
    assert recovery_of(spoke, None, ike_version=1)[0] is Recovery.NO
    assert recovery_of(spoke, PEER, ike_version=1)[0] is Recovery.YES
    assert recovery_of(spoke, None, ike_version=1, config_type=ConfigType.MGRE_STATIC_NHRP)[0] is Recovery.UNPROVEN


def test_warnings_are_told_with_a_yes():
    found, why = recovery_of(binding(ConfigType.SVTI, warnings=("two keyrings fit",)), PEER, ike_version=1)
    assert found is Recovery.YES
    assert "two keyrings fit" in why


def test_cisco_is_quoted_only_where_it_spoke():
    for config_type in (ConfigType.GETVPN, ConfigType.SD_WAN, ConfigType.MANUAL_IPSEC, ConfigType.UNKNOWN):
        assert "Cisco" not in recovery_of(binding(config_type), PEER, ike_version=1)[1]
    for more, peer in (
        ({"ike_version": 2}, PEER),
        ({"ike_version": 1, "via_nat": True}, PEER),
        ({"ike_version": 1}, SIX),
    ):
        assert "Cisco says" not in recovery_of(binding(ConfigType.SVTI), peer, **more)[1]
    assert "Cisco says" not in recovery_of(binding(ConfigType.SVTI, responder_only=True), PEER, ike_version=1)[1]
    for config_type in (*YES, *NO, ConfigType.EZVPN_CLIENT):
        assert "Cisco says (TAC 115801)" in recovery_of(binding(config_type), PEER, ike_version=1)[1]


def test_why_a_type_is_unknown_is_told_and_only_then():
    unknown = recovery_of(binding(ConfigType.UNKNOWN, why=("the profile is not in this text",)), PEER, ike_version=1)[1]
    assert "the profile is not in this text" in unknown
    dynamic = recovery_of(binding(ConfigType.DYNAMIC_CRYPTO_MAP, why=("a remark",)), PEER, ike_version=1)[1]
    assert "a remark" not in dynamic
