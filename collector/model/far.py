"""What a join asks of a router that may be the far end: of one that this run read, or as the ledger remembers it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from collector.model.config import ConfigType, Dpd
from collector.model.facts import Evidence, Facts, Remembered
from collector.model.records import IpsecFlow
from collector.model.values import Address, Spi


@dataclass(frozen=True, slots=True, kw_only=True)
class FarPeer:
    """One peer of that router: `ike_sa` as in Peer, `vrf` of the outer packets."""

    address: Address
    config_type: ConfigType
    interface: str | None = None
    local_address: Address | None = None
    vrf: str | None = None
    ike_sa: Literal["up", "none", "unknown"] = "unknown"
    dpd: Dpd = Dpd(mode="unknown")
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FarEnd:
    """One router as the other end of tunnels.

    addresses: all that are a local end of it, those of tunnels first. flows: its IPsec SAs, `None` where they were not
    read; flows_filter: the peers, where only theirs were. flows_at: when, on the collector's clock. lines: the printed
    lines of its outbound SAs. lifetime: of IPsec SAs, as configured.
    seen: the run that read its SAs, or else its configuration; `None`: this one.
    """

    name: str
    addresses: tuple[Address, ...] = ()
    peers: tuple[FarPeer, ...] = ()
    flows: tuple[IpsecFlow, ...] | None = None
    flows_filter: str | None = None
    flows_at: datetime | None = None
    lines: Mapping[Spi, Evidence] = field(default_factory=dict)
    lifetime: timedelta | None = None
    seen: Remembered | None = None

    @classmethod
    def of(cls, facts: Facts) -> FarEnd:
        """A router that this run read."""
        config = facts.config
        return cls(
            name=facts.device.name,
            addresses=tuple(dict.fromkeys(_addresses(facts))),
            peers=tuple(_peers(facts)),
            flows=facts.flows,
            flows_filter=facts.flows_filter,
            flows_at=_flows_at(facts),
            lines=facts.outbound_lines,
            lifetime=config.lifetime if config is not None else None,
        )

    def sas_read(self, peer: Address | None) -> bool:
        """Whether its IPsec SAs were read so that the absence of one with `peer` is proven."""
        if self.flows is None:
            return False
        return self.flows_filter is None or (peer is not None and str(peer) in self.flows_filter.split(", "))


def clock_shift(facts: Facts) -> timedelta | None:
    """What turns a router's own time into the collector's; `None` where its clock says nothing to others."""
    if facts.collected_at is not None and facts.device_time is not None:
        return facts.collected_at - facts.device_time
    if facts.clock_mark == "" and all(spot.code != "clock-zone" for spot in facts.blind_spots):
        return timedelta()
    return None


def taken_at(facts: Facts) -> datetime | None:
    """When a router was read, in the time that all share: the collector's, else its own clock's, where that is in step.

    `None`: nobody knows. With several clocks in a paste the last one is meant.
    """
    if facts.collected_at is not None:
        return facts.collected_at
    shift = clock_shift(facts)
    return None if shift is None or facts.device_time is None else facts.device_time + shift


def log_read_at(facts: Facts) -> datetime | None:
    """Up to when the log was seen, in the same time; `None` where it was not, or where nobody knows."""
    log, shift = facts.log, clock_shift(facts)
    if log is None or (facts.collected_at is None and log.covers_since is None):
        return None  # lines that were gathered from a paste are no log
    if log.read_at is not None and shift is not None and not log.clockless:
        return log.read_at + shift
    return facts.collected_at


def _flows_at(facts: Facts) -> datetime | None:
    if facts.flows_taken_at is not None:
        return facts.flows_taken_at
    shift = clock_shift(facts)
    return None if facts.flows_device_time is None or shift is None else facts.flows_device_time + shift


def _addresses(facts: Facts) -> Iterator[Address]:
    """Every address that is a local end of a router: of what runs, of its peers, of its interfaces."""
    for flow in facts.flows or ():
        yield from (address for address in (flow.local_address, flow.local_endpoint) if address is not None)
    for peer in facts.peers or ():
        if peer.local_address is not None:
            yield peer.local_address
    for interface in facts.config.interfaces if facts.config is not None else ():
        yield from (*interface.addresses, *interface.virtual)


def _peers(facts: Facts) -> Iterator[FarPeer]:
    for peer in facts.peers or ():
        if peer.address is not None:
            yield FarPeer(
                address=peer.address,
                config_type=peer.config_type,
                interface=peer.interface,
                local_address=peer.local_address,
                vrf=peer.vrf,
                ike_sa=peer.ike_sa,
                dpd=peer.dpd,
                evidence=peer.ike_evidence[:2],
            )
