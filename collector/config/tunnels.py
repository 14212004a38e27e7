"""Bindings of tunnel interfaces: GRE and mGRE with protection, static VTI, SD-WAN; rows 3 to 6 of TAC 115801."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from collector.config.keys import key_warnings
from collector.config.known import Known, ike_of
from collector.config.line import Line
from collector.config.local import of_version
from collector.config.peers import to_peer
from collector.config.router import Port
from collector.model import Binding, ConfigLine, ConfigType, Dpd, PeerSpec, to_address

_LINES = 40  # mappings as evidence of the binding; each peer has its own line besides


def tunnel_bindings(known: Known) -> Iterator[Binding]:
    """One binding for each protected tunnel interface, and for each SD-WAN tunnel."""
    for port in known.router.ports.values():
        if not port.tunnel:
            continue
        kind = tunnel_kind(port)
        if kind == "sdwan":
            yield _sd_wan(known, port)
        elif port.protection is not None:
            yield _protected(known, port, kind)


def tunnel_kind(port: Port) -> str:
    """The mode: gre (the default without `tunnel mode`), mgre, ipsec, sdwan, or "other"."""
    words = port.mode
    if not words:
        return "gre"
    if "gre".startswith(words[0]) and len(words[0]) > 1:
        multipoint = len(words) > 1 and len(words[1]) > 1 and "multipoint".startswith(words[1])
        return "mgre" if multipoint else "gre"
    if words[0] == "ipsec":
        return "ipsec"
    return "sdwan" if words[0] == "sdwan" else "other"


def outer_version(port: Port) -> int:
    """IP version of the outer packets: by the destination where it is an address, else by the mode."""
    far = to_address(port.destination)
    if far is not None:
        return far.version
    return 6 if "ipv6" in port.mode[1:] else 4


_TYPES = {
    "gre": ConfigType.GRE_TUNNEL_PROTECTION,
    "ipsec": ConfigType.SVTI,
    "other": ConfigType.UNKNOWN,
}


def _protected(known: Known, port: Port, kind: str) -> Binding:
    base = _base(known, port)
    if kind == "mgre":
        return _finish(known, _multipoint(base, port))
    peers, why = _destination(known, port)
    why += _remarks(port, kind)
    return _finish(known, replace(base, config_type=_TYPES[kind], peers=peers, why=base.why + why))


def _base(known: Known, port: Port) -> Binding:
    router = known.router
    profile = router.ipsec_profiles.get(port.protection or "")
    isakmp = port.protection_isakmp or (profile.isakmp_profile if profile is not None else None)
    ikev2 = port.protection_ikev2 or (profile.ikev2_profile if profile is not None else None)
    why = () if profile is not None else (f"IPsec profile {port.protection} is not in this text",)
    lines: list[Line] = [port.head, *port.proofs.values()]
    if profile is not None:
        lines += [profile.head] + ([profile.responder_only] if profile.responder_only is not None else [])
    version: Literal[1, 2] | None = ike_of(isakmp, ikev2, default=1 if profile is not None else None)
    return Binding(
        config_type=ConfigType.UNKNOWN,
        name=port.name,
        interface=port.name,
        local=of_version(known.ends.of_source(port.source), outer_version(port)),
        source_interface=port.source,
        fvrf=port.tunnel_vrf,
        ivrf=port.vrf,
        shutdown=port.shutdown,
        ike_version=version,
        isakmp_profile=isakmp,
        ikev2_profile=ikev2,
        ipsec_profile=port.protection,
        responder_only=None if profile is None else profile.responder_only is not None,
        shared=port.shared,
        dpd=known.dpd_of(version, isakmp, ikev2),
        why=why + _source_remarks(known, port),
        evidence=tuple(dict.fromkeys(line.proof() for line in lines)),
    )


def _multipoint(base: Binding, port: Port) -> Binding:
    """Static NBMA mappings are explicit peers; whoever else registers or is resolved comes in beside them."""
    peers = {text: to_peer(text, line) for text, line in port.nhrp.items()}
    why: tuple[str, ...] = ()
    if not peers:
        why += ("no static NHRP mapping: every peer is learnt",)
    multicast = [text for text in port.multicast if text not in peers]
    if multicast:
        why += (f"`ip nhrp map multicast` for {', '.join(multicast[:_LINES])} is no unicast mapping",)
    if port.destination is not None:
        why += ("a multipoint tunnel has no use for its `tunnel destination`",)
    lines = [line.proof() for line in (*port.nhrp.values(), *port.multicast.values(), *port.nhs.values())][:_LINES]
    return replace(
        base,
        config_type=ConfigType.MGRE_STATIC_NHRP if peers else ConfigType.MGRE_DYNAMIC_NHRP,
        peers=tuple(peers.values()),
        acceptor=True,
        acceptor_type=ConfigType.MGRE_DYNAMIC_NHRP,
        why=base.why + why,
        evidence=tuple(dict.fromkeys((*base.evidence, *lines))),
    )


def _destination(known: Known, port: Port) -> tuple[tuple[PeerSpec, ...], tuple[str, ...]]:
    if port.destination is None:
        return (), ("the tunnel has no destination",)
    if port.destination.lower() == "dynamic":
        client = known.flex.get(port.name)
        if client is not None:
            chosen = tuple(replace(peer, dynamic=True) for peer in client.peers.values())
            return chosen, (f"FlexVPN client {client.name} chooses the destination at run time",)
        return (to_peer("dynamic", port.proofs["destination"], dynamic=True),), ("the destination is set at run time",)
    return (to_peer(port.destination, port.proofs["destination"]),), ()


def _remarks(port: Port, kind: str) -> tuple[str, ...]:
    if kind == "other":
        return (f"`tunnel mode {' '.join(port.mode)}` with protection is no row of the table",)
    if kind == "gre" and (port.nhs or port.nhrp):
        return ("a DMVPN phase 1 spoke: point-to-point GRE to its hub",)
    if kind == "gre" and not port.mode:
        return ("no `tunnel mode` line: GRE is the default",)
    return ()


def _source_remarks(known: Known, port: Port) -> tuple[str, ...]:
    if port.source is None:
        return ("the tunnel has no source",)
    owner = known.ends.owner_of(port.source)
    if owner is not None and owner.vrf != port.tunnel_vrf:
        outer = f"`tunnel vrf {port.tunnel_vrf}`" if port.tunnel_vrf else "no `tunnel vrf`"
        where = f"VRF {owner.vrf}" if owner.vrf else "the global table"
        return (f"the source is in {where}, and the tunnel has {outer}",)
    return ()


def _finish(known: Known, binding: Binding) -> Binding:
    if binding.ike_version != 1 or not binding.peers or binding.config_type is ConfigType.UNKNOWN:
        return binding
    warnings, lines = key_warnings(
        known, binding.peers, local=binding.local, fvrf=binding.fvrf, isakmp_profile=binding.isakmp_profile
    )
    return replace(binding, warnings=warnings, evidence=tuple(dict.fromkeys((*binding.evidence, *lines))))


def _sd_wan(known: Known, port: Port) -> Binding:
    lines: tuple[ConfigLine, ...] = tuple(line.proof() for line in (port.head, *port.proofs.values()))
    owner = known.ends.owner_of(port.source)
    return Binding(
        config_type=ConfigType.SD_WAN,
        name=port.name,
        interface=port.name,
        local=known.ends.of_source(port.source),
        source_interface=port.source,
        fvrf=owner.vrf if owner is not None else port.tunnel_vrf,
        shutdown=port.shutdown,
        acceptor=True,
        acceptor_type=ConfigType.SD_WAN,
        dpd=Dpd(mode="unknown"),
        why=("SD-WAN exchanges its keys over the control plane, not by IKE",),
        evidence=lines,
    )
