"""What of one device the others of a run may ask for, and whom that concerns: far ends to visit, pictures, joins.

A run over 20,000 routers holds this of each, and the facts of few.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from collector.history import Wanted
from collector.model import Address, Device, Facts, Spi, State, to_address

SUSPECT = frozenset({State.PERSISTENT, State.PENDING, State.INSUFFICIENT_DATA})
BOTH = frozenset({1, 2})


@dataclass(frozen=True, slots=True, kw_only=True)
class Gist:
    """What of one device other devices may ask for.

    flows: (source, destination) of its incidents; suspects: those of them in a state that calls for the far end.
    shown: peers whose SAs it has shown; "all", or None where no SAs were read. ike_versions: what its tunnels speak. read:
    anything came back.
    """

    name: str
    addresses: frozenset[Address]
    flows: tuple[tuple[Address, Address], ...]
    suspects: tuple[tuple[Address, Address], ...]
    wanted: frozenset[Spi]
    outbound: frozenset[Spi]
    shown: frozenset[str] | str | None
    ike_versions: frozenset[int]
    read: bool

    def shows(self, peer: Address) -> bool:
        """Whether its SAs with `peer` were read."""
        return self.shown == "all" or (self.shown is not None and str(peer) in self.shown)

    def has_shown(self, peer: Address) -> bool:
        """Whether its SAs with `peer` were read, or cannot be read at all."""
        return not self.read or self.shows(peer)


def gist_of(facts: Facts) -> Gist:
    """The gist of one device."""
    addresses = {to_address(facts.device.host)}
    if facts.config is not None:
        addresses |= {a for interface in facts.config.interfaces for a in (*interface.addresses, *interface.virtual)}
        addresses |= {a for binding in facts.config.bindings for a in binding.local}
    addresses |= {peer.local_address for peer in facts.peers or ()}
    flows = [
        (incident.source, incident.destination, incident.state)
        for incident in facts.incidents or ()
        if incident.source is not None and incident.destination is not None
    ]
    return Gist(
        name=facts.device.name,
        addresses=frozenset(address for address in addresses if address is not None),
        flows=tuple((source, destination) for source, destination, _ in flows),
        suspects=tuple((source, destination) for source, destination, state in flows if state in SUSPECT),
        wanted=frozenset(key.spi for incident in facts.incidents or () for key in incident.keys if key.spi is not None),
        outbound=frozenset(sa.spi for flow in facts.flows or () for sa in flow.outbound),
        shown=_shown(facts),
        ike_versions=frozenset(peer.ike_version for peer in facts.peers or () if peer.ike_version) or BOTH,
        read=bool(facts.captures),
    )


def _shown(facts: Facts) -> frozenset[str] | str | None:
    if facts.flows is None:
        return None
    return "all" if facts.flows_filter is None else frozenset(facts.flows_filter.split(", "))


def _owners(gists: Sequence[Gist]) -> dict[Address, tuple[str, ...]]:
    """Which devices have an address that an incident names: as inventory host, on an interface, or as a tunnel's end."""
    named = frozenset(address for gist in gists for flow in gist.flows for address in flow)
    found: dict[Address, list[str]] = {}
    for gist in gists:
        for address in gist.addresses & named:
            found.setdefault(address, []).append(gist.name)
    return {address: tuple(sorted(names)) for address, names in found.items()}


def far_ends(gists: Sequence[Gist]) -> dict[str, tuple[str, ...]]:
    """Devices that another one's incident names as sender and that have not shown their SAs: name -> peers to look at."""
    by_address = _owners(gists)
    known = {gist.name: gist for gist in gists}
    wanted: dict[str, list[str]] = {}
    for gist in gists:
        for source, destination in gist.suspects:
            for name in by_address.get(source, ()):
                if name != gist.name and not known[name].has_shown(destination):
                    wanted.setdefault(name, []).append(str(destination))
    return {name: tuple(dict.fromkeys(peers)) for name, peers in sorted(wanted.items())}


def beside(
    gists: Sequence[Gist], devices: Sequence[Device], devices_at: Callable[[Address], Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """Devices beside those of a run that its incidents may name as sender, by their host or by what `devices_at` knows
    of an address: name -> peers to look at.
    """
    by_address = _owners(gists)
    by_host: dict[Address | None, list[str]] = {}
    for device in devices:
        by_host.setdefault(to_address(device.host), []).append(device.name)
    names = {device.name for device in devices} - {gist.name for gist in gists}
    found: dict[str, list[str]] = {}
    for gist in gists:
        for source, destination in gist.suspects:
            if not by_address.get(source):
                for name in names.intersection((*by_host.get(source, ()), *devices_at(source))):
                    found.setdefault(name, []).append(str(destination))
    return {name: tuple(dict.fromkeys(peers)) for name, peers in sorted(found.items())}


def wanted(gists: Sequence[Gist]) -> Wanted:
    """Whose pictures the ledger is asked for: of senders that this run did not see."""
    by_address = _owners(gists)
    known = {gist.name: gist for gist in gists}
    flows: set[tuple[Address, Address]] = set()
    spis: set[Spi] = set()
    for gist in gists:
        unseen = {
            (source, destination)
            for source, destination in gist.flows
            if not any(known[name].shows(destination) for name in by_address.get(source, ()) if name != gist.name)
        }
        flows |= unseen
        spis |= gist.wanted if unseen else frozenset()
    return Wanted(
        sources=frozenset(source for source, _ in flows),
        destinations=frozenset(destination for _, destination in flows),
        spis=frozenset(spis),
    )


def concerned(gists: Sequence[Gist]) -> frozenset[str]:
    """Devices that an incident concerns: those that have one, own one end of it, or hold its SPI outbound."""
    by_address = _owners(gists)
    wanted = frozenset(spi for gist in gists for spi in gist.wanted)
    names = {gist.name for gist in gists if gist.flows or gist.wanted or gist.outbound & wanted}
    for gist in gists:
        for source, destination in gist.flows:
            names |= set(by_address.get(source, ())) | set(by_address.get(destination, ()))
    return frozenset(names)
