"""Bindings outside the tunnel and map tables: EzVPN client, dynamic VTI and EzVPN server, OSPFv3 IPsec."""

from __future__ import annotations

from collections.abc import Iterator

from collector.config.known import Known, ike_of
from collector.config.line import Line
from collector.config.names import interface_name
from collector.config.peers import to_peer
from collector.config.router import EzvpnClient, IkeProfile, Port
from collector.model import Address, Binding, ConfigType, Dpd, PeerSpec


def ezvpn_bindings(known: Known) -> Iterator[Binding]:
    """One for each outside interface of each EzVPN client, and for a client that no interface uses."""
    router = known.router
    used: set[str] = set()
    for port in router.ports.values():
        for (name, side), line in port.ezvpn.items():
            if side != "inside":
                used.add(name)
                yield _client(known, name, router.ezvpn.get(name), port, line)
    for name, client in router.ezvpn.items():
        if name not in used:
            yield _client(known, name, client, None, None)


def _client(known: Known, name: str, client: EzvpnClient | None, port: Port | None, line: Line | None) -> Binding:
    why: tuple[str, ...] = ()
    if client is None:
        why += (f"EzVPN client {name} is not defined in this text",)
    if port is None:
        why += ("no outside interface in this text uses it",)
    lines = [item for item in (client.head if client else None, port.head if port else None, line) if item is not None]
    local = known.ends.of_source(client.local_address) if client is not None else ()
    if not local and port is not None:
        local = known.ends.of_port(port)
    return Binding(
        config_type=ConfigType.EZVPN_CLIENT,
        name=f"EzVPN {name}",
        interface=port.name if port is not None else None,
        local=local,
        source_interface=client.local_address if client is not None else None,
        fvrf=port.vrf if port is not None else None,
        peers=tuple(client.peers.values()) if client is not None else (),
        applied=port is not None,
        shutdown=port.shutdown if port is not None else False,
        ike_version=1,
        dpd=Dpd(mode="unknown"),
        why=(*why, "EzVPN has its own dead peer detection"),
        evidence=tuple(item.proof() for item in lines),
    )


def template_bindings(known: Known) -> Iterator[Binding]:
    """Virtual-Templates of type tunnel: dynamic VTI, or EzVPN server where a profile hands clients a configuration."""
    router = known.router
    wanted: dict[str, list[IkeProfile]] = {}
    for profile in (*router.isakmp_profiles.values(), *router.ikev2_profiles.values()):
        if profile.virtual_template is not None and "<" not in profile.virtual_template:  # no placeholders of a manual
            wanted.setdefault(interface_name(f"Virtual-Template{profile.virtual_template}"), []).append(profile)
    for name, profiles in wanted.items():
        yield _template(known, name, router.ports.get(name), profiles)
    for port in router.ports.values():
        if port.name.startswith("Virtual-Template") and port.protection is not None and port.name not in wanted:
            yield _template(known, port.name, port, [])


def _template(known: Known, name: str, port: Port | None, profiles: list[IkeProfile]) -> Binding:
    serving = [
        profile for profile in profiles if profile.serves_clients or (profile.version == 1 and profile.match_group)
    ]
    config_type = ConfigType.EZVPN_SERVER if serving else ConfigType.DVTI
    ipsec = known.router.ipsec_profiles.get(port.protection or "") if port is not None else None
    isakmp = next((item.name for item in profiles if item.version == 1), None)
    ikev2 = next((item.name for item in profiles if item.version == 2), None)
    isakmp = isakmp or (ipsec.isakmp_profile if ipsec is not None and ikev2 is None else None)
    ikev2 = ikev2 or (ipsec.ikev2_profile if ipsec is not None and isakmp is None else None)
    both = isakmp is not None and ikev2 is not None
    version = None if both else ike_of(isakmp, ikev2, default=1 if ipsec is not None else None)
    why = tuple(f"{profile.name} clones {name} for each client" for profile in profiles)
    if port is None:
        why += (f"{name} is not in this text",)
    elif not profiles:
        why += (f"no profile in this text names {name}",)
    lines = [line for profile in profiles for line in (profile.head, profile.serves_clients) if line is not None]
    lines += [port.head, *port.proofs.values()] if port is not None else []
    return Binding(
        config_type=config_type,
        name=name,
        interface=name,
        local=_template_local(known, port, profiles),
        source_interface=port.source if port is not None else None,
        fvrf=(port.tunnel_vrf if port is not None else None) or next((p.fvrf for p in profiles if p.fvrf), None),
        ivrf=(port.vrf if port is not None else None) or next((p.vrf for p in profiles if p.vrf), None),
        acceptor=True,
        acceptor_type=config_type,
        shutdown=port.shutdown if port is not None else False,
        ike_version=version,
        isakmp_profile=isakmp,
        ikev2_profile=ikev2,
        ipsec_profile=port.protection if port is not None else None,
        responder_only=None if ipsec is None else ipsec.responder_only is not None,
        shared=port.shared if port is not None else None,
        dpd=known.dpd_of(version, isakmp, ikev2),
        why=why,
        evidence=tuple(dict.fromkeys(line.proof() for line in lines)),
    )


def _template_local(known: Known, port: Port | None, profiles: list[IkeProfile]) -> tuple[Address, ...]:
    """The template's source, else the profile's local address; else any address of the router may be meant: empty."""
    if port is not None and port.source is not None:
        return known.ends.of_source(port.source)
    return tuple(address for profile in profiles for address in known.ends.of_source(profile.local_address))


def ospf_bindings(known: Known) -> Iterator[Binding]:
    """OSPFv3 authentication or encryption by IPsec: manual keys to the OSPF groups, per interface or per area."""
    for port in known.router.ports.values():
        if port.ospf_ipsec:
            yield Binding(
                config_type=ConfigType.MANUAL_IPSEC,
                name=f"{port.name} OSPFv3",
                interface=port.name,
                local=tuple(address for address in known.ends.own(port) if address.version == 6),
                fvrf=port.vrf,
                peers=_ospf_groups(port.ospf_ipsec[-1]),
                shutdown=port.shutdown,
                why=("OSPFv3 uses manual keys: no IKE, no lifetime",),
                evidence=(port.head.proof(), *(line.proof() for line in port.ospf_ipsec)),
            )
    for area, line in sorted(known.router.ospf_areas.items()):
        yield Binding(
            config_type=ConfigType.MANUAL_IPSEC,
            name=f"OSPFv3 area {area}",
            interface=None,
            peers=_ospf_groups(line),
            why=("OSPFv3 uses manual keys: no IKE, no lifetime",),
            evidence=(line.proof(),),
        )


def _ospf_groups(line: Line) -> tuple[PeerSpec, ...]:
    return tuple(to_peer(group, line) for group in ("FF02::5", "FF02::6"))
