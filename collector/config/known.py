"""What the binding readers share: the router's statements, ordered for look-up, and how far they can be trusted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from collector.config.line import Line
from collector.config.local import Ends
from collector.config.names import interface_name
from collector.config.router import Entry, FlexClient, IkeProfile, Port, Router
from collector.config.wildcard import Wildcards
from collector.model import Dpd

Ike = Literal[1, 2]


@dataclass(slots=True, kw_only=True)
class Known:
    """keys_readable: keyrings and keys stand in the text (a whole configuration, not a listing that leaves them out).

    interfaces_readable: an interface that is not in the text is not on the router.
    uses: (family, map) -> the interfaces that carry it, with redundancy group and line.
    templates: entries of each dynamic map. flex: FlexVPN clients by their tunnel.
    plain_gre: GRE tunnels without protection, by their destination.
    keys, identities: names of keyrings and ISAKMP profiles, by the addresses that they cover.
    """

    router: Router
    keys_readable: bool
    interfaces_readable: bool
    dpd: Dpd
    dpd_ikev2: Dpd
    ends: Ends = field(init=False)
    uses: dict[tuple[str, str], list[tuple[Port, str | None, Line]]] = field(default_factory=dict)
    templates: dict[str, list[Entry]] = field(default_factory=dict)
    plain_gre: dict[str, list[Port]] = field(default_factory=dict)
    flex: dict[str, FlexClient] = field(default_factory=dict)
    keys: Wildcards = field(default_factory=Wildcards)
    identities: Wildcards = field(default_factory=Wildcards)

    def __post_init__(self) -> None:
        self.ends = Ends(self.router)
        for port in self.router.ports.values():
            for family, name, redundancy, line in port.maps:
                self.uses.setdefault((family, name), []).append((port, redundancy, line))
            if port.tunnel and port.protection is None and port.destination and port.mode[:1] != ("ipsec",):
                self.plain_gre.setdefault(port.destination, []).append(port)
        self._order_names()

    def _order_names(self) -> None:
        for client in self.router.flex.values():
            if client.tunnel and client.peers:
                self.flex[interface_name(client.tunnel)] = client
        for entry in self.router.dynamic_entries.values():
            self.templates.setdefault(entry.name, []).append(entry)
        for ring in self.router.keyrings.values():
            for text, mask in ring.keys:
                self.keys.add(text, mask, ring.name)
        for profile in self.router.isakmp_profiles.values():
            for text, mask in profile.match:
                self.identities.add(text, mask, profile.name)

    def dpd_of(self, version: Ike | None, isakmp_profile: str | None, ikev2_profile: str | None) -> Dpd:
        """DPD of one binding: the profile's own setting over the global one (Cisco, "IPsec Dead Peer Detection")."""
        if version == 2:
            return _dpd(self.router.ikev2_profiles, ikev2_profile, self.dpd_ikev2)
        if version == 1:
            return _dpd(self.router.isakmp_profiles, isakmp_profile, self.dpd)
        return Dpd(mode="unknown")


def ike_of(isakmp_profile: str | None, ikev2_profile: str | None, *, default: Ike | None) -> Ike | None:
    """The IKE version that named profiles tell; `default` where none is named."""
    if ikev2_profile is not None:
        return 2
    return 1 if isakmp_profile is not None else default


def _dpd(profiles: dict[str, IkeProfile], name: str | None, general: Dpd) -> Dpd:
    if name is None:
        return general
    profile = profiles.get(name)
    if profile is None:
        return Dpd(mode="unknown")
    return profile.dpd or general
