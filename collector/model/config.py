"""What the running-config (or, with less confidence, `show crypto map` and profiles) says of the crypto of one router."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Literal

from collector.model.values import Address


class ConfigType(StrEnum):
    """The seven rows of Cisco TAC 115801, and what lies outside that table."""

    STATIC_CRYPTO_MAP = "static-crypto-map"
    DYNAMIC_CRYPTO_MAP = "dynamic-crypto-map"
    GRE_TUNNEL_PROTECTION = "gre-tunnel-protection"
    MGRE_STATIC_NHRP = "mgre-static-nhrp"
    MGRE_DYNAMIC_NHRP = "mgre-dynamic-nhrp"
    SVTI = "svti"
    EZVPN_CLIENT = "ezvpn-client"
    DVTI = "dvti"
    EZVPN_SERVER = "ezvpn-server"
    GETVPN = "getvpn"
    SD_WAN = "sd-wan"
    MANUAL_IPSEC = "manual-ipsec"
    UNKNOWN = "unknown"


# Types that have no IKE SA which a notify could travel in (GETVPN's keys come from the key server).
NO_IKE = frozenset({ConfigType.GETVPN, ConfigType.SD_WAN, ConfigType.MANUAL_IPSEC})


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigLine:
    """One line of configuration as proof: number (1-based, in its capture) and text (redacted)."""

    line: int
    text: str
    command: str = ""  # the capture it stands in


@dataclass(frozen=True, slots=True, kw_only=True)
class Dpd:
    """Dead peer detection as configured. interval: seconds between probes (`None` when off or unknown)."""

    mode: Literal["periodic", "on-demand", "off", "unknown"]
    interval: int | None = None
    retry: int | None = None
    evidence: tuple[ConfigLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """An interface that may be the local end of a tunnel. vrf: its forwarding VRF. virtual: HSRP/VRRP addresses."""

    name: str
    line: int = 0
    addresses: tuple[Address, ...] = ()  # primary first, then secondary, then IPv6
    virtual: tuple[Address, ...] = ()
    vrf: str | None = None
    shutdown: bool = False
    crypto_map: str | None = None
    address_dynamic: bool = False  # `ip address dhcp|negotiated|...`, `ip unnumbered` resolved elsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerSpec:
    """One explicitly configured far end of a binding.

    text: as typed (address or name). by_name: resolved by the router, `dynamic` for `set peer NAME dynamic` or
    `tunnel destination dynamic`. default: `set peer A default`.
    """

    text: str
    address: Address | None
    by_name: bool = False
    dynamic: bool = False
    default: bool = False
    evidence: tuple[ConfigLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One configured way to IPsec peers: a map entry on an interface, a protected tunnel, a profile, a group.

    config_type: of this binding's peers; for an mGRE tunnel the explicit `peers` are mgre-static-nhrp and whoever
    else comes is `acceptor_type`.
    name: "VPN 10", "Tunnel0", "Virtual-Template1". interface: where it is applied (tunnel's own name for tunnels).
    local: addresses of the local end (interface, local-address, tunnel source, VIPs), empty when not known.
    fvrf: VRF of the outer packets; ivrf: of the inner.
    acceptor: peers that are not configured one by one may come in here (dynamic map, mGRE, DVTI).
    applied: False for a map on no interface. Unapplied or shut bindings bind no event.
    why: sentences for a reader ("... names the peer by FQDN"), each with its lines in `evidence`.
    """

    config_type: ConfigType
    name: str
    interface: str | None
    map_name: str | None = None
    sequence: int | None = None
    local: tuple[Address, ...] = ()
    source_interface: str | None = None  # tunnel source / local-address, as written
    fvrf: str | None = None
    ivrf: str | None = None
    peers: tuple[PeerSpec, ...] = ()
    acceptor: bool = False
    acceptor_type: ConfigType | None = None
    applied: bool = True
    shutdown: bool = False
    ike_version: Literal[1, 2] | None = None
    isakmp_profile: str | None = None
    ikev2_profile: str | None = None
    ipsec_profile: str | None = None
    responder_only: bool | None = None
    shared: bool | None = None  # `tunnel protection ... shared`
    group: str | None = None  # GDOI group
    dpd: Dpd = Dpd(mode="unknown")
    warnings: tuple[str, ...] = ()  # overlapping keyrings, aggressive mode, hostname identity, fVRF without keyring
    why: tuple[str, ...] = ()
    evidence: tuple[ConfigLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CryptoConfig:
    """The crypto side of one router's configuration.

    recovery: `crypto isakmp invalid-spi-recovery` is there / is not / cannot be told.
    dpd: the global IKEv1 keepalive; dpd_ikev2: `crypto ikev2 dpd`.
    readable: how much of the configuration stood behind this: "full" (crypto and interfaces), "lines" (filtered
    lines only: recovery and DPD, no types), "runtime" (from show crypto map / profile), "none".
    lifetime: the configured IPsec SA lifetime, if any.
    """

    readable: Literal["full", "lines", "runtime", "none"]
    hostname: str | None = None
    recovery: bool | None = None
    recovery_evidence: tuple[ConfigLine, ...] = ()
    dpd: Dpd = Dpd(mode="unknown")
    dpd_ikev2: Dpd = Dpd(mode="unknown")
    interfaces: tuple[Interface, ...] = ()
    bindings: tuple[Binding, ...] = ()
    lifetime: timedelta | None = None
    last_change: str | None = None  # "! Last configuration change at ..." as printed
    stamps: str | None = None  # `service timestamps log ...` as written
    notes: tuple[str, ...] = ()
