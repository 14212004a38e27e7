"""Binding: whose packets are these? An event (source, destination, input interface) is tied to a peer (DOMAIN 4.2).

The destination picks the local end, the source the peer: explicit, then running, then (with a trace of it) an acceptor
such as a dynamic map or an mGRE tunnel. What fits nothing stays unbound, and it is said whether the destination could
take dynamic peers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from collector.config import recovery_of
from collector.facts.peers import Ground, accepted
from collector.facts.tables import Tables
from collector.model import (
    Address,
    Binding,
    ConfigType,
    Peer,
    Recovery,
    Related,
    to_address,
)

_SD_WAN_TUNNEL = re.compile(r"Tunnel1000\d+", re.IGNORECASE)  # cEdge names of SD-WAN tunnels, not in the configuration

How = Literal["explicit", "runtime", "nat", "acceptor", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The answer. accepting: the destination takes peers that are not configured one by one. group: GETVPN or SD-WAN,
    where a source is no configured peer by nature.
    """

    peer: Peer | None = None
    how: How = "none"
    accepting: bool = False
    group: bool = False


class Binder:
    """Binds events of one device; every lookup is by address, so many events and many peers cost their sum."""

    def __init__(self, ground: Ground, peers: tuple[Peer, ...], related: Iterable[Related]) -> None:
        config, tables = ground.config, ground.tables
        self.ground, self.config = ground, config
        self.full = config is not None and config.readable == "full"
        self.by_address: dict[Address, list[Peer]] = {}
        for peer in peers:
            if peer.address is not None:
                self.by_address.setdefault(peer.address, []).append(peer)
        bindings = [b for b in (config.bindings if config is not None else ()) if b.applied and not b.shutdown]
        self.acceptors = _by_local(b for b in bindings if b.acceptor)
        self.named = _by_local(b for b in bindings if any(spec.by_name for spec in b.peers))
        self.groups = tuple(p for p in peers if p.config_type is ConfigType.GETVPN)
        self.sd_wan_at = {(b.interface or "").lower() for b in bindings if b.config_type is ConfigType.SD_WAN}
        self.sd_wan = bool(self.sd_wan_at) or any(p.config_type is ConfigType.SD_WAN for p in peers)
        self.ports = {i.name.lower(): i for i in (config.interfaces if config is not None else ())}
        self.own = {a for i in self.ports.values() for a in (*i.addresses, *i.virtual)}
        self.alias = _aliases(tables, self.by_address)
        self.traces = {r.event.source for r in related if r.event.kind == "ikmp-no-sa" and r.event.source is not None}
        self.traces |= {*tables.isakmp.by_address, *tables.ikev2.by_address}
        self.traces |= {row.record.nbma for row in tables.nhrp.rows if row.record.nbma is not None}

    def vrf(self, interface: str | None) -> tuple[bool, str | None]:
        """Whether the outer VRF of an input interface is known, and which it is. A tunnel's own VRF is the inner one."""
        port = self.ports.get(interface.lower()) if interface else None
        if port is None or port.name.lower().startswith(("tunnel", "virtual-")):
            return False, None
        return True, port.vrf

    def bind(self, source: Address | None, destination: Address | None, interface: str | None) -> Bound:
        """The peer behind one flow."""
        if source is None or destination is None:
            return Bound()
        if (found := self._sd_wan(source, destination, interface)) is not None:
            return found
        vrf = self.vrf(interface)
        for seen, how in (("explicit", "explicit"), ("runtime", "runtime")):
            fits = [p for p in self.by_address.get(source, ()) if p.seen == seen and _fits(p, destination, vrf)]
            if fits:
                return Bound(peer=_one(fits, interface), how="explicit" if how == "explicit" else "runtime")
        fits = [p for p in self.alias.get(source, ()) if _fits(p, destination, vrf)]
        if fits:
            return Bound(peer=_through_nat(_one(fits, interface), source), how="nat")
        if (group := self._group(destination, interface)) is not None:
            return Bound(peer=group, how="acceptor", group=True)
        here = _at(self.acceptors, destination, vrf)
        if here and source in self.traces:
            return Bound(peer=self._accepted(here, source, destination), how="acceptor", accepting=True)
        return Bound(accepting=bool(here or _at(self.named, destination, vrf)))

    def _accepted(self, here: list[Binding], source: Address, destination: Address) -> Peer:
        """The peer of an acceptor; where several could have taken it, that is said (none of them helps recovery)."""
        nhrp = self.ground.tables.nhrp
        mapped = any(row.record.nbma == source for row in nhrp.rows)
        ordered = sorted(
            here,
            key=lambda b: (
                nhrp.whole
                and not mapped
                and b.acceptor_type is ConfigType.MGRE_DYNAMIC_NHRP,  # NHRP knows no such peer
                b.config_type is ConfigType.EZVPN_SERVER,
            ),
        )
        peer = accepted(ordered[0], source, destination, self.ground)
        others = [f"{b.name} ({b.acceptor_type or b.config_type})" for b in ordered[1:]]
        return replace(peer, why=f"{peer.why}; it may also have come in by {', '.join(others)}") if others else peer

    def _sd_wan(self, source: Address, destination: Address, interface: str | None) -> Bound | None:
        """SD-WAN tunnels log the same text with `input interface=Tunnel1000x` (Cisco 221607); there is no IKE."""
        if interface is None:
            return None
        port = self.ports.get(interface.lower())
        known = [
            p
            for p in self.by_address.get(source, ())
            if p.config_type is ConfigType.SD_WAN and (p.interface or "").lower() == interface.lower()
        ]
        if known:
            return Bound(peer=known[0], how="runtime", group=True)
        by_name = _SD_WAN_TUNNEL.fullmatch(interface) is not None and port is None and (self.full or self.sd_wan)
        if not (by_name or interface.lower() in self.sd_wan_at):
            return None
        peer = Peer(
            address=source,
            local_address=destination,
            interface=interface,
            binding=interface,
            config_type=ConfigType.SD_WAN,
            recovery=Recovery.NOT_APPLICABLE,
            why=f"{interface} is an SD-WAN tunnel: its keys come from the controllers, there is no IKE",
            seen="runtime",
        )
        return Bound(peer=peer, how="runtime", group=True)

    def _group(self, destination: Address, interface: str | None) -> Peer | None:
        """GETVPN preserves the header: source and destination are hosts, the peer is the group."""
        if not self.groups or destination in self.own:
            return None
        if interface is not None:
            here = [p for p in self.groups if (p.interface or "").lower() == interface.lower()]
            return here[0] if here else None
        return self.groups[0] if len(self.groups) == 1 else None


def _fits(peer: Peer, destination: Address, vrf: tuple[bool, str | None]) -> bool:
    """Whether the flow's destination is this peer's local end, in its VRF. An unknown local end is no contradiction."""
    binding = peer.source
    if binding is not None and (not binding.applied or binding.shutdown):
        return False
    if binding is not None and vrf[0] and (binding.fvrf or None) != vrf[1]:
        return False
    if peer.local_address == destination:
        return True
    local = binding.local if binding is not None else ()
    return destination in local or (not local and peer.local_address is None)


def _by_local(bindings: Iterable[Binding]) -> dict[Address | None, list[Binding]]:
    """Bindings by local end; `None`: the local end is not known."""
    found: dict[Address | None, list[Binding]] = {}
    for binding in bindings:
        for address in binding.local or (None,):
            found.setdefault(address, []).append(binding)
    return found


def _at(index: dict[Address | None, list[Binding]], local: Address, vrf: tuple[bool, str | None]) -> list[Binding]:
    """The bindings that may have `local` as their end, in the event's VRF where that is known."""
    return [b for b in (*index.get(local, ()), *index.get(None, ())) if not vrf[0] or (b.fvrf or None) == vrf[1]]


def _one(peers: list[Peer], interface: str | None) -> Peer:
    """The one that stands on the input interface, else the first; where they differ in what helps, that is said."""
    here = [p for p in peers if interface is not None and (p.interface or "").lower() == interface.lower()]
    chosen = (here or peers)[0]
    if len({(p.recovery, p.config_type) for p in here or peers}) == 1:
        return chosen
    names = ", ".join(p.binding for p in here or peers)
    return replace(chosen, recovery=Recovery.UNPROVEN, why=f"several bindings have this peer ({names}): {chosen.why}")


def _through_nat(peer: Peer, source: Address) -> Peer:
    """The peer with what recovery can do for it where the packets come from its NAT address."""
    spec = next((s for s in peer.source.peers if s.address == peer.address), None) if peer.source is not None else None
    if peer.source is not None and spec is not None:
        recovery, why = recovery_of(
            peer.source,
            spec,
            ike_version=peer.ike_version,
            via_nat=True,
            config_type=peer.config_type,
            address=peer.address,
        )
        return replace(peer, recovery=recovery, why=why)
    unproven = Recovery.UNPROVEN if peer.recovery is Recovery.YES else peer.recovery
    return replace(peer, recovery=unproven, why=f"{source} is this peer's address behind NAT; {peer.why}")


def _aliases(tables: Tables, known: dict[Address, list[Peer]]) -> dict[Address, list[Peer]]:
    """Other addresses of known peers: NHRP's claimed NBMA, an IKE identity, an endpoint that is not the peer's."""
    found: dict[Address, list[Peer]] = {}
    for one, other in _pairs(tables):
        for alias, address in ((one, other), (other, one)):
            if alias not in known:
                found.setdefault(alias, []).extend(p for p in known.get(address, ()) if p not in found[alias])
    return found


def _pairs(tables: Tables) -> Iterator[tuple[Address, Address]]:
    for entry in tables.nhrp.records:
        if entry.nbma is not None and entry.claimed_nbma is not None and entry.nbma != entry.claimed_nbma:
            yield entry.nbma, entry.claimed_nbma
    for session in tables.sessions.records:
        identity = to_address(session.phase1_id)
        if session.peer is not None and identity is not None and identity != session.peer:
            yield session.peer, identity
    for flow in tables.flows.records:
        if flow.peer is not None and flow.remote_endpoint is not None and flow.peer != flow.remote_endpoint:
            yield flow.peer, flow.remote_endpoint
