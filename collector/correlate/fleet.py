"""What of all devices a join needs, found by the SPIs that incidents ask for: nothing else is kept.

R, the receiver, chose the SPI and logs it as unknown; S, the sender, holds it among its outbound SAs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from collector.model import Address, Facts, IpsecFlow, Peer, Sa, Spi


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One SA with a wanted SPI. device: place in the run. sa: `None` where only `current outbound spi` names it."""

    device: int
    flow: IpsecFlow
    spi: Spi
    sa: Sa | None

    @property
    def current(self) -> bool:
        """Whether the router sends with it now."""
        return self.flow.outbound_spi is None or self.flow.outbound_spi == self.spi

    @property
    def local(self) -> frozenset[Address]:
        """The own end of the device, as the flow names it."""
        return frozenset(a for a in (self.flow.local_endpoint, self.flow.local_address) if a is not None)

    @property
    def remote(self) -> frozenset[Address]:
        """The far end, as this router sees it."""
        return frozenset(a for a in (self.flow.remote_endpoint, self.flow.peer) if a is not None)

    @property
    def nat(self) -> bool:
        """Whether the SA runs over NAT-T."""
        return self.flow.peer_port == 4500 or (self.sa is not None and self.sa.udp_encaps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Indexes over all devices of a run.

    outbound, inbound: hits by SPI. owners: devices that have an address as a local end. shift: what turns a device's
    own time into the collector's; `None` where its clock says nothing to others.
    """

    devices: Sequence[Facts]
    outbound: dict[Spi, list[Hit]]
    inbound: dict[Spi, list[Hit]]
    owners: dict[Address, list[int]]
    shifts: tuple[timedelta | None, ...]
    sas: int  # outbound SAs of the whole run: the chance of an accident
    peers: dict[int, dict[Address, list[Peer]]] = field(default_factory=dict)

    def flows_at(self, device: int) -> datetime | None:
        """When the IPsec SAs of a device were read, in the common time."""
        facts = self.devices[device]
        if facts.flows_taken_at is not None:
            return facts.flows_taken_at
        return self.common(device, facts.flows_device_time)

    def common(self, device: int, time: datetime | None) -> datetime | None:
        """A device's own time in the common time."""
        shift = self.shifts[device]
        return None if time is None or shift is None else time + shift

    def shows(self, device: int, peer: Address | None) -> bool:
        """Whether the SAs of a device were read so that the absence of one with `peer` is proven."""
        facts = self.devices[device]
        if facts.flows is None:
            return False
        return facts.flows_filter is None or (peer is not None and str(peer) in facts.flows_filter.split(", "))

    def peer(self, device: int, address: Address | None, interface: str | None) -> Peer | None:
        """A device's row for one far end, the one of `interface` where several fit."""
        if address is None:
            return None
        index = self.peers.get(device)
        if index is None:
            index = self.peers[device] = {}
            for peer in self.devices[device].peers or ():
                if peer.address is not None:
                    index.setdefault(peer.address, []).append(peer)
        found = index.get(address, [])
        return next((p for p in found if p.interface == interface), found[0] if found else None)


def fleet(devices: Sequence[Facts], wanted: set[Spi]) -> Fleet:
    """The indexes for `wanted` SPIs: one pass over all SAs."""
    outbound: dict[Spi, list[Hit]] = {}
    inbound: dict[Spi, list[Hit]] = {}
    owners: dict[Address, list[int]] = {}
    count = 0
    for number, facts in enumerate(devices):
        for flow in facts.flows or ():
            seen = {sa.spi for sa in flow.outbound}
            count += len(seen)
            for sa in flow.outbound:
                if sa.spi in wanted:
                    outbound.setdefault(sa.spi, []).append(Hit(device=number, flow=flow, spi=sa.spi, sa=sa))
            if flow.outbound_spi in wanted and flow.outbound_spi not in seen:
                assert flow.outbound_spi is not None
                hit = Hit(device=number, flow=flow, spi=flow.outbound_spi, sa=None)
                outbound.setdefault(flow.outbound_spi, []).append(hit)
            for sa in flow.inbound:
                if sa.spi in wanted:
                    inbound.setdefault(sa.spi, []).append(Hit(device=number, flow=flow, spi=sa.spi, sa=sa))
        for address in _own(facts):
            owners.setdefault(address, []).append(number)
    return Fleet(
        devices=devices,
        outbound=outbound,
        inbound=inbound,
        owners=owners,
        shifts=tuple(_shift(facts) for facts in devices),
        sas=count,
    )


def _own(facts: Facts) -> Iterable[Address]:
    """Every address that is a local end of a device: of its interfaces, and of what runs."""
    found: set[Address] = set()
    for interface in facts.config.interfaces if facts.config is not None else ():
        found |= {*interface.addresses, *interface.virtual}
    for flow in facts.flows or ():
        found |= {address for address in (flow.local_address, flow.local_endpoint) if address is not None}
    for peer in facts.peers or ():
        if peer.local_address is not None:
            found.add(peer.local_address)
    return found


def _shift(facts: Facts) -> timedelta | None:
    if facts.collected_at is not None and facts.device_time is not None:
        return facts.collected_at - facts.device_time
    if facts.clock_mark == "" and all(spot.code != "clock-zone" for spot in facts.blind_spots):
        return timedelta()
    return None


def byte_swapped(spi: Spi) -> Spi:
    """The SPI as an ASA prints it in a debug (Cisco CSCvx23833): its four bytes in reverse order."""
    return Spi(int.from_bytes(int(spi).to_bytes(4, "big"), "little"))
