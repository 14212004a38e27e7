"""What a configuration states, before anything is concluded: interfaces, maps, profiles, keyrings, groups by name.

Mutable while one text is read; later texts lie over earlier ones (`over`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import timedelta

from collector.config.line import Line
from collector.model import Address, Dpd, PeerSpec


@dataclass(slots=True, kw_only=True)
class Port:
    """An interface section. Names as written; `maps`: (family, map, redundancy group or None, line)."""

    name: str
    head: Line
    addresses: dict[Address, bool] = field(default_factory=dict)  # True: secondary
    primary: Address | None = None
    virtual: dict[Address, None] = field(default_factory=dict)  # in order
    vrf: str | None = None
    shutdown: bool = False
    dynamic_address: Line | None = None
    unnumbered: str | None = None
    maps: list[tuple[str, str, str | None, Line]] = field(default_factory=list)
    mode: tuple[str, ...] = ()
    source: str | None = None
    destination: str | None = None
    tunnel_vrf: str | None = None
    protection: str | None = None
    shared: bool = False
    protection_ikev2: str | None = None
    protection_isakmp: str | None = None
    nhrp: dict[str, Line] = field(default_factory=dict)  # NBMA addresses of static mappings
    multicast: dict[str, Line] = field(default_factory=dict)  # NBMA addresses of `ip nhrp map multicast`
    nhs: dict[tuple[str, ...], Line] = field(default_factory=dict)  # next hop servers, with or without NBMA
    ezvpn: dict[tuple[str, str], Line] = field(default_factory=dict)  # (name, inside|outside)
    ospf_ipsec: list[Line] = field(default_factory=list)
    proofs: dict[str, Line] = field(default_factory=dict)  # mode, source, destination, protection, vrf, shutdown

    @property
    def tunnel(self) -> bool:
        """A tunnel interface by its name."""
        return self.name.startswith("Tunnel")


@dataclass(slots=True, kw_only=True)
class Entry:
    """One sequence of a crypto map or dynamic map. kind: ipsec-isakmp, ipsec-manual, gdoi, dynamic, "" (not said)."""

    family: str  # "ipv4" | "ipv6"
    name: str
    sequence: int
    kind: str = ""
    dynamic: str | None = None  # name of the dynamic map
    crypto_profile: str | None = None  # crypto map M n ipsec-isakmp profile P
    peers: dict[str, PeerSpec] = field(default_factory=dict)
    isakmp_profile: str | None = None
    ikev2_profile: str | None = None
    group: str | None = None
    access_list: str | None = None
    responder_only: bool = False
    heads: list[Line] = field(default_factory=list)
    proofs: list[Line] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class MapWide:
    """crypto map M local-address|client|isakmp|isakmp-profile: what holds for all entries of a map."""

    local_address: str | None = None
    isakmp_profile: str | None = None
    serves_clients: Line | None = None
    proofs: list[Line] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class IpsecProfile:
    """crypto ipsec profile."""

    name: str
    head: Line
    isakmp_profile: str | None = None
    ikev2_profile: str | None = None
    responder_only: Line | None = None


@dataclass(slots=True, kw_only=True)
class IkeProfile:
    """crypto isakmp profile, crypto ikev2 profile. match: (address, mask or None) of `match identity address`."""

    name: str
    version: int
    head: Line
    match: list[tuple[str, str | None]] = field(default_factory=list)
    match_group: Line | None = None
    virtual_template: str | None = None
    vrf: str | None = None  # isakmp profile `vrf`, ikev2 profile `ivrf`: inner VRF
    fvrf: str | None = None  # match fvrf
    local_address: str | None = None
    dpd: Dpd | None = None
    serves_clients: Line | None = None
    aggressive: Line | None = None
    hostname_identity: Line | None = None


@dataclass(slots=True, kw_only=True)
class Keyring:
    """crypto keyring, and the global `crypto isakmp key` lines as keyring "". keys: (address, mask or None)."""

    name: str
    vrf: str | None = None
    local_address: str | None = None
    keys: list[tuple[str, str | None]] = field(default_factory=list)
    head: Line | None = None


@dataclass(slots=True, kw_only=True)
class EzvpnClient:
    """crypto ipsec client ezvpn."""

    name: str
    head: Line
    peers: dict[str, PeerSpec] = field(default_factory=dict)
    local_address: str | None = None


@dataclass(slots=True, kw_only=True)
class GdoiGroup:
    """crypto gdoi group."""

    name: str
    head: Line
    ikev2: str | None = None  # client protocol gikev2 PROFILE


@dataclass(slots=True, kw_only=True)
class FlexClient:
    """crypto ikev2 client flexvpn: the candidate peers of a `tunnel destination dynamic`."""

    name: str
    tunnel: str | None = None
    peers: dict[str, PeerSpec] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Router:
    """All that was read. Keys: names as written (interfaces in full), for map entries (family, name, sequence)."""

    hostname: str | None = None
    ports: dict[str, Port] = field(default_factory=dict)
    entries: dict[tuple[str, str, int], Entry] = field(default_factory=dict)
    dynamic_entries: dict[tuple[str, int], Entry] = field(default_factory=dict)
    map_wide: dict[str, MapWide] = field(default_factory=dict)
    ipsec_profiles: dict[str, IpsecProfile] = field(default_factory=dict)
    isakmp_profiles: dict[str, IkeProfile] = field(default_factory=dict)
    ikev2_profiles: dict[str, IkeProfile] = field(default_factory=dict)
    keyrings: dict[str, Keyring] = field(default_factory=dict)
    ezvpn: dict[str, EzvpnClient] = field(default_factory=dict)
    gdoi: dict[str, GdoiGroup] = field(default_factory=dict)
    flex: dict[str, FlexClient] = field(default_factory=dict)
    ospf_areas: dict[str, Line] = field(default_factory=dict)
    aggressive_peers: dict[str, Line] = field(default_factory=dict)  # crypto isakmp peer ... set aggressive-mode
    identity: Line | None = None  # crypto isakmp identity hostname
    pre_shared: Line | None = None  # a policy with `authentication pre-share`
    orphan_maps: dict[str, Line] = field(default_factory=dict)  # `crypto map M` whose interface is not in the text
    recovery: Line | None = None
    keepalive: Line | None = None
    ikev2_dpd: Line | None = None
    lifetime: timedelta | None = None
    stamps: str | None = None

    def over(self, earlier: Router) -> Router:
        """The statements of this text laid over those of an earlier one."""
        merged = Router()
        for item in fields(Router):
            older, newer = getattr(earlier, item.name), getattr(self, item.name)
            setattr(merged, item.name, {**older, **newer} if isinstance(newer, dict) else newer or older)
        return merged
