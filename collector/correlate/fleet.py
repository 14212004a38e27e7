"""What of all devices a join needs, found by the SPIs that incidents ask for: nothing else is kept. Of the devices of a
run, or of those that the ledger remembers.

R, the receiver, chose the SPI and logs it as unknown; S, the sender, holds it among its outbound SAs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from collector.model import Address, FarEnd, FarPeer, IpsecFlow, Sa, Spi


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One SA with a wanted SPI. device: place in its fleet. sa: `None` where only `current outbound spi` names it."""

    device: int
    end: FarEnd
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
    """Indexes over all devices of a run. outbound, inbound: hits by SPI. owners: devices with an address as a local end."""

    devices: Sequence[FarEnd]
    outbound: dict[Spi, list[Hit]]
    inbound: dict[Spi, list[Hit]]
    owners: dict[Address, list[int]]
    names: dict[str, int]
    sas: int  # outbound SAs of the whole run: the chance of an accident
    peers: dict[int, dict[Address, list[FarPeer]]] = field(default_factory=dict)

    def flows_at(self, device: int) -> datetime | None:
        """When the IPsec SAs of a device were read, in the common time."""
        return self.devices[device].flows_at

    def shows(self, device: int, peer: Address | None) -> bool:
        """Whether the SAs of a device were read so that the absence of one with `peer` is proven."""
        return self.devices[device].sas_read(peer)

    def peer(self, device: int, address: Address | None, interface: str | None) -> FarPeer | None:
        """A device's row for one far end, the one of `interface` where several fit."""
        if address is None:
            return None
        index = self.peers.get(device)
        if index is None:
            index = self.peers[device] = {}
            for peer in self.devices[device].peers:
                index.setdefault(peer.address, []).append(peer)
        found = index.get(address, [])
        return next((p for p in found if p.interface == interface), found[0] if found else None)


def fleet(devices: Sequence[FarEnd], wanted: set[Spi]) -> Fleet:
    """The indexes for `wanted` SPIs: one pass over all SAs."""
    outbound: dict[Spi, list[Hit]] = {}
    inbound: dict[Spi, list[Hit]] = {}
    owners: dict[Address, list[int]] = {}
    count = 0
    for number, end in enumerate(devices):
        for flow in end.flows or ():
            seen = {sa.spi for sa in flow.outbound}
            count += len(seen)
            for sa in flow.outbound:
                if sa.spi in wanted:
                    outbound.setdefault(sa.spi, []).append(Hit(device=number, end=end, flow=flow, spi=sa.spi, sa=sa))
            if flow.outbound_spi in wanted and flow.outbound_spi not in seen:
                assert flow.outbound_spi is not None
                hit = Hit(device=number, end=end, flow=flow, spi=flow.outbound_spi, sa=None)
                outbound.setdefault(flow.outbound_spi, []).append(hit)
            for sa in flow.inbound:
                if sa.spi in wanted:
                    inbound.setdefault(sa.spi, []).append(Hit(device=number, end=end, flow=flow, spi=sa.spi, sa=sa))
        for address in end.addresses:
            owners.setdefault(address, []).append(number)
    return Fleet(
        devices=devices,
        outbound=outbound,
        inbound=inbound,
        owners=owners,
        names={end.name: number for number, end in enumerate(devices)},
        sas=count,
    )


def byte_swapped(spi: Spi) -> Spi:
    """The SPI as an ASA prints it in a debug (Cisco CSCvx23833): its four bytes in reverse order."""
    return Spi(int.from_bytes(int(spi).to_bytes(4, "big"), "little"))
