"""Whether `crypto isakmp invalid-spi-recovery` can help with one peer, and why.

The table is that of Cisco TAC 115801 (seven rows, and its sentence that only static maps with an explicit peer and static
peers of instantiated maps work); the modifiers turn a `yes` into `no` or `unproven`, never a `no` into anything else.
"Cisco says" stands only where Cisco does.
"""

from __future__ import annotations

from typing import Literal

from collector.model import Address, Binding, ConfigType, PeerSpec, Recovery

_TABLE: dict[ConfigType, tuple[Recovery, str]] = {
    ConfigType.STATIC_CRYPTO_MAP: (
        Recovery.YES,
        "Cisco says (TAC 115801) that recovery works for a static crypto map with an explicit peer",
    ),
    ConfigType.DYNAMIC_CRYPTO_MAP: (
        Recovery.NO,
        "Cisco says (TAC 115801) that recovery does not work for a dynamic crypto map: there is no peer to start IKE to",
    ),
    ConfigType.GRE_TUNNEL_PROTECTION: (
        Recovery.YES,
        "Cisco says (TAC 115801) that recovery works for point-to-point GRE with tunnel protection",
    ),
    ConfigType.MGRE_STATIC_NHRP: (
        Recovery.YES,
        "Cisco says (TAC 115801) that recovery works for mGRE with tunnel protection and a static NHRP mapping",
    ),
    ConfigType.MGRE_DYNAMIC_NHRP: (
        Recovery.NO,
        "Cisco says (TAC 115801) that recovery does not work for mGRE peers that NHRP has learnt",
    ),
    ConfigType.SVTI: (Recovery.YES, "Cisco says (TAC 115801) that recovery works for a static VTI"),
    ConfigType.EZVPN_CLIENT: (
        Recovery.NOT_APPLICABLE,
        "Cisco says (TAC 115801) that recovery does not apply to an EzVPN client",
    ),
    ConfigType.DVTI: (
        Recovery.NO,
        "Cisco says (TAC 115801) that only static peers of instantiated maps work, and a dynamic VTI has none",
    ),
    ConfigType.EZVPN_SERVER: (
        Recovery.NO,
        "Cisco says (TAC 115801) that only static peers work, and an EzVPN server has none: its clients come to it",
    ),
    ConfigType.GETVPN: (
        Recovery.NOT_APPLICABLE,
        "GETVPN group members share their SAs and hold no IKE SA with each other (our inference)",
    ),
    ConfigType.SD_WAN: (Recovery.NOT_APPLICABLE, "SD-WAN tunnels are keyed without IKE (our inference)"),
    ConfigType.MANUAL_IPSEC: (Recovery.NOT_APPLICABLE, "manual keys: there is no IKE to start (our inference)"),
    ConfigType.UNKNOWN: (Recovery.UNPROVEN, "the configuration at hand does not tell what kind of tunnel this is"),
}


def recovery_of(
    binding: Binding,
    peer: PeerSpec | None,
    *,
    ike_version: Literal[1, 2] | None,
    via_nat: bool = False,
    config_type: ConfigType | None = None,
    address: Address | None = None,
    responder_only: bool | None = None,
) -> tuple[Recovery, str]:
    """Recovery for one peer of a binding, and the reason in one sentence or more.

    peer: the explicit peer, `None` for one that came in by itself (its type is then the binding's `acceptor_type`).
    ike_version: of this peer, by SA or by configuration; `None` where neither tells.
    via_nat: bound only because a configured peer's NAT address is the source; an explicit peer over UDP 4500 is not.
    config_type: where the caller knows better (runtime evidence). address: of the far end, where the peer is a name.
    responder_only: as `show crypto map` says, over the configuration.
    """
    learnt = peer is None and binding.acceptor
    kind = config_type or ((binding.acceptor_type or binding.config_type) if learnt else binding.config_type)
    recovery, why = _TABLE[kind]
    if recovery is not Recovery.YES:
        return recovery, _join(why, *(binding.why if kind is ConfigType.UNKNOWN else ()))
    held = binding.responder_only if responder_only is None else responder_only
    if held:
        return Recovery.NO, "`responder-only`: this router may not start IKE, so it cannot recover (our inference)"
    if peer is None:
        return Recovery.UNPROVEN, _join("the configuration names no far end here", *binding.why)
    doubts = tuple(_doubts(peer, address or peer.address, ike_version, via_nat=via_nat))
    if doubts:
        return Recovery.UNPROVEN, _join(*doubts)
    return Recovery.YES, _join(why, *binding.warnings)


def _doubts(peer: PeerSpec, address: Address | None, ike_version: Literal[1, 2] | None, *, via_nat: bool) -> list[str]:
    """Why a `yes` of the table is not proven for this peer."""
    doubts: list[str] = []
    if ike_version == 2:
        doubts.append(
            "IKEv2: TAC 115801 does not list it and the command sits under `crypto isakmp`; "
            "use `dpd` of the IKEv2 profile"
        )
    elif ike_version is None:
        doubts.append("the IKE version of this peer is not known")
    if address is not None and address.version == 6:
        doubts.append("an IPv6 peer: TAC 115801 is silent on IPv6")
    if peer.dynamic:
        doubts.append(f"the far end ({peer.text}) is chosen at run time, and only when this router initiates")
    elif peer.by_name:
        today = f" (today {address})" if address is not None else ""
        doubts.append(
            f"the peer is configured by name, {peer.text}{today}: Cisco says names are resolved at run time by the "
            "initiator; compare today's address"
        )
    if via_nat:
        doubts.append(
            "the source is a NAT address, not the configured peer: this router would start IKE to it, which works "
            "through 1:1 NAT and not through PAT (our inference)"
        )
    return doubts


def _join(*sentences: str) -> str:
    return "; ".join(dict.fromkeys(filter(None, sentences)))
