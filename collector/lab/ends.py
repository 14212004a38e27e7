"""What a tunnel type means at both of its ends: config type, interface, crypto map tag, proxy identities."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from collector.lab.model import Device, End

# type in a scenario -> config types at the initiator and the responder
TYPES: dict[str, tuple[str, str]] = {
    "static-map": ("static-crypto-map", "static-crypto-map"),
    "gre-map": ("static-crypto-map", "static-crypto-map"),  # plain GRE, encrypted by the map on the port below
    "dynamic-map": ("static-crypto-map", "dynamic-crypto-map"),
    "gre": ("gre-tunnel-protection", "gre-tunnel-protection"),
    "dmvpn": ("mgre-static-nhrp", "mgre-dynamic-nhrp"),
    "dmvpn-phase1": ("gre-tunnel-protection", "mgre-dynamic-nhrp"),
    "dmvpn-spokes": ("mgre-dynamic-nhrp", "mgre-dynamic-nhrp"),
    "svti": ("svti", "svti"),
    "ezvpn": ("ezvpn-client", "ezvpn-server"),
    "dvti": ("svti", "dvti"),
    "getvpn": ("getvpn", "getvpn"),
    "sd-wan": ("sd-wan", "sd-wan"),
}
MAPS = frozenset({"static-crypto-map", "dynamic-crypto-map", "ezvpn-server"})
GRE = frozenset({"gre-tunnel-protection", "mgre-static-nhrp", "mgre-dynamic-nhrp"})
ANY = "0.0.0.0/0.0.0.0/0/0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the scenario says of one link, beyond its two routers. nat: how the responder sees the initiator."""

    kind: str
    cloud: int
    nat: IPv4Address | None
    shared: bool
    peer_text: str
    backup: IPv4Address | None
    responder_only: bool


@dataclass(slots=True)
class Plan:
    """Numbers handed out as links are built: tunnels, map sequences, virtual-access interfaces."""

    sequences: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    tunnels: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    virtual: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    subnets: int = 0

    def pair(self, order: Order, first: Device, second: Device) -> tuple[End, End]:
        """Both ends of a link."""
        kinds = TYPES[order.kind]
        inner = self._inner(order, first, second)
        return (
            self._end(order, kinds[0], first, second, inner, initiator=True),
            self._end(order, kinds[1], second, first, inner[::-1], initiator=False),
        )

    def _inner(self, order: Order, first: Device, second: Device) -> tuple[IPv4Interface, IPv4Interface]:
        """Tunnel addresses: one overlay a DMVPN cloud, a /30 each for the rest."""
        if order.kind.startswith("dmvpn"):
            overlay = IPv4Network((int(IPv4Address(f"172.{16 + order.cloud // 256 % 16}.0.0")), 16))
            return tuple(IPv4Interface((int(overlay[d.number]), 16)) for d in (first, second))  # type: ignore[return-value]
        self.subnets += 1
        net = int(IPv4Address("10.255.0.0")) + self.subnets * 4
        return IPv4Interface((net + 1, 30)), IPv4Interface((net + 2, 30))

    def _end(
        self,
        order: Order,
        kind: str,
        own: Device,
        far: Device,
        inner: tuple[IPv4Interface, IPv4Interface],
        *,
        initiator: bool,
    ) -> End:
        local = _outer(own, kind)
        far_kind = TYPES[order.kind][1 if initiator else 0]
        remote = order.nat if order.nat is not None and not initiator else _outer(far, far_kind)
        interface, tag, sequence, tunnel = self._place(order, kind, own)
        local_ident, remote_ident = _idents(
            "gre-tunnel-protection" if order.kind == "gre-map" else kind, own, far, local, remote
        )
        return End(
            device=own.name,
            kind=kind,
            role="initiator" if initiator else "responder",
            interface=interface,
            tag=tag,
            sequence=sequence,
            local=local,
            remote=remote,
            local_ident=local_ident,
            remote_ident=remote_ident,
            profile="" if kind in MAPS or tunnel is None else profile_name(order.kind),
            tunnel=tunnel,
            tunnel_address=inner[0] if tunnel is not None else None,
            far_tunnel_address=inner[1].ip if tunnel is not None else None,
            peer_text=order.peer_text if initiator else "",
            backup=order.backup if initiator else None,
            responder_only=order.responder_only and not initiator,
        )

    def _place(self, order: Order, kind: str, own: Device) -> tuple[str, str, int, int | None]:
        """Interface heading, map tag, map sequence, tunnel number."""
        wan = own.platform.wan
        if kind in MAPS:
            self.sequences[own.name] += 10
            sequence = 65000 if kind != "static-crypto-map" else self.sequences[own.name]
            return wan, "VPN", sequence, self._number(own) if order.kind == "gre-map" else None
        if kind == "ezvpn-client":
            return wan, f"{wan}-head-0", 65536, None
        if kind == "getvpn":
            return wan, "GETVPN", 10, None
        if kind == "dvti":
            self.virtual[own.name] += 1
            name = f"Virtual-Access{self.virtual[own.name]}"
            return name, f"{name}-head-0", 65536, None
        if kind == "sd-wan":
            number = 10000 + self._number(own)
            return f"Tunnel{number}", f"Tunnel{number}-vesen-head-0", 65536, number
        number = order.cloud if order.kind.startswith("dmvpn") else self._number(own)
        tag = f"{profile_name(order.kind)}-head-1" if order.shared else f"Tunnel{number}-head-0"
        return f"Tunnel{number}", tag, 65536, number

    def _number(self, own: Device) -> int:
        self.tunnels[own.name] += 1
        return self.tunnels[own.name]


def _outer(device: Device, kind: str) -> IPv4Address:
    """The address that a router is called by: a crypto map follows the virtual address of HSRP."""
    return device.standby if device.standby is not None and kind in MAPS else device.wan.ip


def profile_name(kind: str) -> str:
    """Name of the IPsec profile for a type of link."""
    return {"dmvpn-phase1": "DMVPN", "dmvpn-spokes": "DMVPN", "dvti": "VTI"}.get(
        kind, kind.upper().replace("SVTI", "VTI")
    )


def _idents(kind: str, own: Device, far: Device, local: IPv4Address, remote: IPv4Address) -> tuple[str, str]:
    if kind in GRE:
        return f"{local}/255.255.255.255/47/0", f"{remote}/255.255.255.255/47/0"
    if kind in {"svti", "dvti", "sd-wan"}:
        return ANY, ANY
    mine = f"{own.lan.network.network_address}/{own.lan.netmask}/0/0"
    theirs = f"{far.lan.network.network_address}/{far.lan.netmask}/0/0"
    if kind == "ezvpn-client":
        return mine, ANY
    if kind == "ezvpn-server":
        return ANY, theirs
    if kind == "getvpn":
        return "10.0.0.0/255.0.0.0/0/0", "10.0.0.0/255.0.0.0/0/0"
    return mine, theirs
