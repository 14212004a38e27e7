"""Bindings of crypto maps: one for each entry on each interface that carries the map; rows 1 and 2 of TAC 115801."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from collector.config.keys import key_warnings
from collector.config.known import Known, ike_of
from collector.config.line import Line
from collector.config.local import of_version
from collector.config.router import Entry, MapWide, Port
from collector.model import Address, Binding, ConfigLine, ConfigType, Dpd, PeerSpec

_LINES = 20  # of one kind as evidence of one binding; each peer has its own line besides


@dataclass(slots=True, kw_only=True)
class _Use:
    """A map where it is applied. port `None`: nowhere, or on an interface that the text does not show."""

    port: Port | None = None
    line: Line | None = None
    redundancy: str | None = None
    applied: bool = True
    why: list[str] = field(default_factory=list)


def map_bindings(known: Known) -> Iterator[Binding]:
    """Bindings of all crypto map entries, applied or not, and of maps that are applied without being shown."""
    router = known.router
    for entry in sorted(router.entries.values(), key=lambda item: (item.family, item.name, item.sequence)):
        for use in _uses(known, entry):
            yield _binding(known, entry, use)
    shown = {(family, name) for family, name, _ in router.entries}
    for port in router.ports.values():
        for family, name, _redundancy, line in port.maps:
            if (family, name) not in shown:
                yield _unseen(known, port, name, line)


def _uses(known: Known, entry: Entry) -> list[_Use]:
    uses = [
        _Use(port=port, line=line, redundancy=redundancy)
        for port, redundancy, line in known.uses.get((entry.family, entry.name), ())
        if not _twice(known, entry, port)
    ]
    if uses:
        return uses
    orphan = known.router.orphan_maps.get(entry.name)
    if orphan is not None:
        return [_Use(line=orphan, why=["the map is applied, its interface is not in this text"])]
    if known.interfaces_readable:
        return [_Use(applied=False, why=[f"crypto map {entry.name} is applied to no interface"])]
    return [_Use(applied=False, why=[f"no interface in this text carries crypto map {entry.name}"])]


def _twice(known: Known, entry: Entry, port: Port) -> bool:
    """Old IOS wanted the map on a GRE tunnel and on the interface that carries it: the latter is the local end."""
    if not port.tunnel:
        return False
    carrier = known.ends.owner_of(port.source)
    return carrier is not None and any(item[:2] == (entry.family, entry.name) for item in carrier.maps)


def _binding(known: Known, entry: Entry, use: _Use) -> Binding:
    wide = known.router.map_wide.get(entry.name, MapWide())
    templates = known.templates.get(entry.dynamic or "", [])
    isakmp_profile = entry.isakmp_profile or _first(item.isakmp_profile for item in templates) or wide.isakmp_profile
    ikev2_profile = entry.ikev2_profile or _first(item.ikev2_profile for item in templates)
    config_type, why = _type(known, entry, wide, templates, isakmp_profile)
    version = _version(known, entry, config_type, isakmp_profile, ikev2_profile)
    peers = (*entry.peers.values(), *(peer for item in templates for peer in item.peers.values()))
    local = of_version(_local(known, use, wide), 6 if entry.family == "ipv6" else 4)
    warnings, lines = _warnings(
        known,
        config_type=config_type,
        version=version,
        peers=peers,
        local=local,
        use=use,
        isakmp_profile=isakmp_profile,
    )
    profile = known.router.isakmp_profiles.get(isakmp_profile or "")
    acceptor = config_type in {ConfigType.DYNAMIC_CRYPTO_MAP, ConfigType.EZVPN_SERVER}
    return Binding(
        config_type=config_type,
        name=f"{entry.name} {entry.sequence}",
        interface=use.port.name if use.port is not None else None,
        map_name=entry.name,
        sequence=entry.sequence,
        local=local,
        source_interface=wide.local_address,
        fvrf=use.port.vrf if use.port is not None else None,
        ivrf=profile.vrf if profile is not None else None,
        peers=peers,
        acceptor=acceptor,
        acceptor_type=config_type if acceptor else None,
        applied=use.applied,
        shutdown=use.port.shutdown if use.port is not None else False,
        ike_version=version,
        isakmp_profile=isakmp_profile,
        ikev2_profile=ikev2_profile,
        responder_only=entry.responder_only or any(item.responder_only for item in templates),
        group=entry.group,
        dpd=_dpd(known, config_type, version, isakmp_profile, ikev2_profile),
        warnings=warnings,
        why=(*why, *use.why, *_encrypts_gre(known, entry, use), *_end_remarks(use)),
        evidence=_evidence(entry, use, wide, templates) + lines,
    )


def _first(values: Iterator[str | None]) -> str | None:
    return next((value for value in values if value is not None), None)


def _type(
    known: Known, entry: Entry, wide: MapWide, templates: list[Entry], isakmp_profile: str | None
) -> tuple[ConfigType, tuple[str, ...]]:
    """The type of an entry by its keywords, whatever the map is called."""
    kind = entry.kind
    if kind == "gdoi":
        return ConfigType.GETVPN, ()
    if kind == "ipsec-manual":
        return ConfigType.MANUAL_IPSEC, ()
    if kind == "dynamic":
        unseen = () if templates else (f"dynamic map {entry.dynamic} is not in this text",)
        profile = known.router.isakmp_profiles.get(isakmp_profile or "")
        serves = wide.serves_clients is not None or (profile is not None and profile.serves_clients is not None)
        return (ConfigType.EZVPN_SERVER if serves else ConfigType.DYNAMIC_CRYPTO_MAP), unseen
    if entry.crypto_profile is not None:
        return ConfigType.UNKNOWN, (f"the entry takes its settings from crypto profile {entry.crypto_profile}",)
    if kind in {"ipsec-isakmp", ""} and (entry.peers or kind):
        why: tuple[str, ...] = () if entry.peers else ("the entry names no peer",)
        if entry.access_list is None:
            why += ("the entry has no `match address`: IOS holds it incomplete",)
        return ConfigType.STATIC_CRYPTO_MAP, why
    return ConfigType.UNKNOWN, ("what kind of entry this is does not stand in the text",)


def _version(
    known: Known, entry: Entry, config_type: ConfigType, isakmp_profile: str | None, ikev2_profile: str | None
) -> Literal[1, 2] | None:
    if config_type is ConfigType.MANUAL_IPSEC:
        return None
    if config_type is ConfigType.GETVPN:
        group = known.router.gdoi.get(entry.group or "")
        return None if group is None else (2 if group.ikev2 is not None else 1)
    return ike_of(isakmp_profile, ikev2_profile, default=1)


def _local(known: Known, use: _Use, wide: MapWide) -> tuple[Address, ...]:
    """The address of `local-address` wins over the interface; virtual addresses of the interface count in any case."""
    if wide.local_address is not None:
        virtual = use.port.virtual if use.port is not None else ()
        return tuple(dict.fromkeys((*known.ends.of_source(wide.local_address), *virtual)))
    return () if use.port is None else known.ends.of_port(use.port)


def _warnings(
    known: Known,
    *,
    config_type: ConfigType,
    version: Literal[1, 2] | None,
    peers: tuple[PeerSpec, ...],
    local: tuple[Address, ...],
    use: _Use,
    isakmp_profile: str | None,
) -> tuple[tuple[str, ...], tuple[ConfigLine, ...]]:
    if config_type is not ConfigType.STATIC_CRYPTO_MAP or version != 1:
        return (), ()
    fvrf = use.port.vrf if use.port is not None else None
    return key_warnings(known, peers, local=local, fvrf=fvrf, isakmp_profile=isakmp_profile)


def _dpd(
    known: Known,
    config_type: ConfigType,
    version: Literal[1, 2] | None,
    isakmp_profile: str | None,
    ikev2_profile: str | None,
) -> Dpd:
    if config_type in {ConfigType.GETVPN, ConfigType.MANUAL_IPSEC}:
        return Dpd(mode="unknown")  # no IKE SA between the ends that the traffic runs between
    return known.dpd_of(version, isakmp_profile, ikev2_profile)


def _end_remarks(use: _Use) -> tuple[str, ...]:
    """What is special about the local end."""
    port, told = use.port, []
    if port is not None and port.dynamic_address is not None:
        told.append(f"{port.name} gets its address at run time")
    elif port is not None and not port.addresses and port.unnumbered is None:
        told.append(f"{port.name} has no address in this text")
    if use.redundancy is not None and use.line is not None:
        told.append(
            f"the local end is the virtual address of group {use.redundancy}, and stateful failover keeps the SAs"
            if "stateful" in use.line.low
            else f"the local end is the virtual address of group {use.redundancy}: a router that becomes active has no "
            "SAs, and minutes of invalid SPIs are to be expected then"
        )
    return tuple(told)


def _encrypts_gre(known: Known, entry: Entry, use: _Use) -> tuple[str, ...]:
    """GRE tunnels without protection of their own whose far end is a peer of this entry stay static-crypto-map."""
    return tuple(
        f"GRE of {port.name} to {port.destination} is encrypted by this entry, not by tunnel protection"
        for peer in (entry.peers if use.port is not None else ())
        for port in known.plain_gre.get(peer, [])[:3]
    )


def _evidence(entry: Entry, use: _Use, wide: MapWide, templates: list[Entry]) -> tuple[ConfigLine, ...]:
    lines: list[Line] = [] if use.line is None else [use.line]
    if use.port is not None:
        lines.insert(0, use.port.head)
    lines += [*entry.heads, *wide.proofs[:_LINES], *entry.proofs[:_LINES]]
    for item in templates[:_LINES]:
        lines += [*item.heads[:1], *item.proofs[:_LINES]]
    return tuple(dict.fromkeys(line.proof() for line in lines[: 4 * _LINES]))


def _unseen(known: Known, port: Port, name: str, line: Line) -> Binding:
    """A map that an interface carries and no text shows."""
    return Binding(
        config_type=ConfigType.UNKNOWN,
        name=name,
        interface=port.name,
        map_name=name,
        local=known.ends.of_port(port),
        fvrf=port.vrf,
        shutdown=port.shutdown,
        why=(f"{port.name} carries crypto map {name}, whose entries are not in this text",),
        evidence=(port.head.proof(), line.proof()),
    )
