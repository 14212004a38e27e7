"""Who is who in one flow: R, the receiver that logs, and S, the sender that holds the stale outbound SA."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from collector.model import Address, Facts, Incident, Spi, State, TunnelEnds

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """src: S as R sees it; dst: R as S sees it. sender: an inventory name, else words such as "owner of 203.0.113.9".

    spi: the one stale SPI, `None` where there are several or none that can be trusted.
    """

    receiver: str
    sender: str
    managed: bool
    src: Address
    dst: Address
    dst_certain: bool
    spi: Spi | None
    protocol: Literal["esp", "ah"]
    ike_version: Literal[1, 2] | None
    sender_vrf: str | None


def safe_name(text: str | None) -> str | None:
    """A VRF, profile or interface name fit to be typed, else `None`: what a device printed is never trusted."""
    return text if text and _NAME.fullmatch(text) else None


def joined(incident: Incident) -> bool:
    """Whether the other end is known for certain enough to act there: an exact or a NAT join."""
    return incident.join is not None and incident.join.device is not None and incident.join.grade in {"exact", "nat"}


def far_name(incident: Incident) -> str | None:
    """The other router's name: of an exact or a NAT join, else as an earlier run knew it, which earns nothing."""
    join = incident.join
    if join is None:
        return None
    if joined(incident):
        return join.device
    return join.remembered.device if join.remembered is not None else None


def bound(incident: Incident) -> bool:
    """Whether the source is one of this router's peers."""
    return incident.peer is not None and incident.peer.address is not None and incident.bound != "none"


def ends_of(facts: Facts, incident: Incident) -> Ends | None:
    """Both ends, or `None` where the flow is neither bound nor joined: then nobody is told to type anything."""
    if incident.source is None or incident.destination is None or not (bound(incident) or joined(incident)):
        return None
    join = incident.join if joined(incident) else None
    seen_as = join.sender_seen_as if join else None
    peer = incident.peer
    return Ends(
        receiver=facts.device.name,
        sender=far_name(incident) or f"owner of {incident.source}",
        managed=join is not None,
        src=incident.source,
        dst=seen_as or incident.destination,
        dst_certain=seen_as is not None or not (peer is not None and peer.nat_traversal),
        spi=_stale(incident),
        protocol="ah" if incident.protocol in {"51", "ah"} else "esp",
        ike_version=peer.ike_version if peer else None,
        sender_vrf=safe_name(join.sender_vrf if join else None),
    )


def tunnel_ends(incident: Incident) -> TunnelEnds:
    """The outer ends of a flow's tunnel; the far end's own words only where a join, or its address alone, names it."""
    vrf = incident.vrf or (incident.peer.vrf if incident.peer else None)
    own = TunnelEnds(local=incident.destination, remote=incident.source, vrf=vrf)
    join = incident.join
    if join is None or join.named is None or join.grade == "spi-only":
        return own
    return replace(
        own,
        far_device=join.named,
        far_local=join.sender_local,
        far_remote=join.sender_seen_as,
        far_vrf=join.sender_vrf,
    )


def _stale(incident: Incident) -> Spi | None:
    keys = [key for key in incident.keys if key.state is State.PERSISTENT]
    if len(keys) != 1 or keys[0].spi is None:
        return None
    consistent = all(sighting.event.consistent for sighting in keys[0].sightings)
    return keys[0].spi if consistent else None
