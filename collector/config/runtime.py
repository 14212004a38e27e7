"""Without a configuration: bindings from `show crypto map`, `show crypto dynamic-map` and `show crypto ipsec profile`.

These name peers, interfaces and `Responder-Only`, not the mode of a tunnel: a map that tunnel protection made is of
unknown type here, and the IKE version is known only where a profile is printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from collector.config.names import interface_name
from collector.model import Binding, ConfigLine, ConfigType, CryptoMapEntry, Interface, PeerSpec, to_address

_COMMAND = "show crypto map"
_KINDS = {
    "ipsec-isakmp": ConfigType.STATIC_CRYPTO_MAP,
    "dynamic": ConfigType.DYNAMIC_CRYPTO_MAP,
    "gdoi": ConfigType.GETVPN,
    "manual": ConfigType.MANUAL_IPSEC,
}
_INSTANCES = frozenset(("dynamic-instance", "dynamic-template"))  # born of a dynamic map: its peers are learnt


def runtime_bindings(maps: Iterable[CryptoMapEntry], interfaces: tuple[Interface, ...] = ()) -> Iterator[Binding]:
    """One binding for each entry on each interface that `show crypto map` names."""
    known = {interface.name: interface for interface in interfaces}
    for entry in maps:
        if entry.kind in _INSTANCES:
            continue
        for name in entry.interfaces or (None,):
            yield _binding(entry, interface_name(name) if name else None, known)


def map_type(name: str, kind: str) -> ConfigType:
    """The type that a runtime map's name and kind tell (DOMAIN 3.4, "crypto map tag")."""
    if name.endswith("-OSPF-MAP") or kind == "manual":
        return ConfigType.MANUAL_IPSEC
    if name.endswith("-head-0"):
        stem = name[: -len("-head-0")]
        if stem.startswith("Virtual-Access"):
            return ConfigType.DVTI
        return ConfigType.SD_WAN if stem.endswith("-vesen") else ConfigType.UNKNOWN
    return _KINDS.get(kind, ConfigType.UNKNOWN)


def _binding(entry: CryptoMapEntry, interface: str | None, known: dict[str, Interface]) -> Binding:
    config_type = map_type(entry.name, entry.kind)
    made = entry.name.endswith("-head-0")
    port = known.get(interface or "")
    acceptor = config_type in {ConfigType.DYNAMIC_CRYPTO_MAP, ConfigType.DVTI, ConfigType.SD_WAN}
    version: Literal[1, 2] | None = 2 if entry.ikev2_profile else 1 if entry.isakmp_profile else None
    why = ["from `show crypto map`: the running-config could not be read"]
    if made and config_type is ConfigType.UNKNOWN:
        why.append("tunnel protection made this map; whether the tunnel is GRE, mGRE or VTI is not shown here")
    applied = interface is not None or made
    if not applied:
        why.append(f"crypto map {entry.name} is applied to no interface")
    return Binding(
        config_type=config_type,
        name=entry.name[: -len("-head-0")] if made else f"{entry.name} {entry.sequence}",
        interface=interface or (entry.name[: -len("-head-0")] if made else None),
        map_name=entry.name,
        sequence=entry.sequence,
        local=(*port.addresses, *port.virtual) if port is not None else (),
        source_interface=entry.local_address_interface,
        fvrf=port.vrf if port is not None else None,
        peers=tuple(_peer(text, entry) for text in entry.peers),
        acceptor=acceptor,
        acceptor_type=config_type if acceptor else None,
        applied=applied,
        ike_version=version,
        isakmp_profile=entry.isakmp_profile,
        ikev2_profile=entry.ikev2_profile,
        responder_only=entry.responder_only,
        why=tuple(why),
        evidence=(_line(entry),),
    )


def _peer(text: str, entry: CryptoMapEntry) -> PeerSpec:
    address = to_address(text)
    return PeerSpec(text=text, address=address, by_name=address is None, evidence=(_line(entry),))


def _line(entry: CryptoMapEntry) -> ConfigLine:
    return ConfigLine(
        line=entry.line, text=f'Crypto Map "{entry.name}" {entry.sequence or ""}'.rstrip(), command=_COMMAND
    )
