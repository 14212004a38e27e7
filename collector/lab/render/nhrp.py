"""show ip nhrp [detail], show ip nhrp nhs [detail], show dmvpn [detail]."""

from __future__ import annotations

from collector.lab import seeds, state
from collector.lab.model import Holding
from collector.lab.render.config import HOLDTIME
from collector.lab.render.crypto import shown
from collector.lab.render.look import Lines, Look, age, hms
from collector.lab.render.session import status

_LEGEND = [
    "Legend: Attrb --> S - Static, D - Dynamic, I - Incomplete",
    "\tN - NATed, L - Local, X - No Socket",
    "\tT1 - Route Installed, T2 - Nexthop-override",
    "\tC - CTS Capable",
    "\t# Ent --> Number of NHRP entries with same NBMA peer",
    "\tNHS Status: E --> Expecting Replies, R --> Responding, W --> Waiting",
    "\tUpDn Time --> Up or Down Time for a Tunnel",
    "==========================================================================",
    "",
]


def _cloud(look: Look) -> list[Holding]:
    return [h for h in shown(look) if h.link.kind.startswith("dmvpn")]


def is_static(holding: Holding) -> bool:
    """The mapping is configured here: this end calls the other its next-hop server."""
    return holding.end.role == "initiator" and holding.link.kind in {"dmvpn", "dmvpn-phase1"}


def show_nhrp(look: Look) -> Lines:
    """The cache: where each tunnel address really is."""
    lines: Lines = []
    for holding in _cloud(look):
        end, static = holding.end, is_static(holding)
        born = holding.up_since or holding.link.since
        created = look.now - (look.device.booted if static else max(born, look.device.booted))
        head = f"{end.far_tunnel_address}/32 via {end.far_tunnel_address}"
        if static:
            life, flags = "never expire ", "used" if look.era >= 2012 else "authoritative used"
        else:
            life = f"expire {hms(HOLDTIME - _since_registration(look, holding))}"
            flags = "router nhop rib" if holding.link.kind == "dmvpn-spokes" else "unique registered used nhop"
        where = f"{end.interface} created {age(created)}, {life}"
        lines += [head, f"   {where}"] if look.era >= 2009 else [f"{head}, {where}"]
        lines.append(f"   Type: {'static' if static else 'dynamic'}, Flags: {flags} ")
        lines.append(f"   NBMA address: {end.remote} ")
        if holding.link.natted and not static:
            lines.append(f"    (Claimed NBMA address: {holding.link.far(look.device.name).local}) ")
        if look.has("detail") and look.era >= 2015:
            lines.append("   Preference: 255")
    return lines


def _since_registration(look: Look, holding: Holding) -> int:
    """Seconds since the spoke was last heard: it registers three times a holdtime, and not through a black hole."""
    third = HOLDTIME // 3
    if holding.up_since is None:
        trouble = state.trouble_at(look.network, holding.link, look.now)
        lost = trouble.since if trouble is not None else look.now
        return int((look.now - lost).total_seconds()) + seeds.number(third, holding.link.name)
    return int((look.now - holding.up_since).total_seconds()) % third


def show_nhs(look: Look) -> Lines:
    """Next-hop servers: E expecting replies, R responding."""
    lines: Lines = []
    pending: Lines = []
    interface = ""
    for holding in sorted((h for h in _cloud(look) if is_static(h)), key=lambda h: h.end.interface):
        end = holding.end
        if not lines:
            lines.append(
                "Legend: E=Expecting replies, R=Responding, W=Waiting" + (", D=Dynamic" if look.era >= 2018 else "")
            )
        if end.interface != interface:
            interface = end.interface
            lines.append(f"{interface}:")
        flags = "RE" if status(holding) == "UP-ACTIVE" and _answered(look, holding) else " E"
        nbma = f" NBMA Address: {end.remote}" if look.era >= 2012 else ""
        tail = " priority = 0 cluster = 0" if look.era >= 2012 else ""
        sent = int((look.now - look.device.booted).total_seconds()) // 100
        if look.has("detail"):
            tail += (
                f"  req-sent {sent}  req-failed 0  repl-recv {sent - 3} (00:00:{seeds.number(59, end.device):02d} ago)"
            )
        lines.append(f"{end.far_tunnel_address}  {flags}{nbma}{tail}")
        if flags == " E":
            number = end.interface.removeprefix("Tunnel")
            request = f"Reqid {sent % 65536}, Ret 64  NHS {end.far_tunnel_address} expired (Tu{number})"
            pending.append(f"Registration Request: {request}")
    if pending and look.has("detail"):
        lines += ["", "", "Pending Registration Requests:", *pending]
    return lines


def _answered(look: Look, holding: Holding) -> bool:
    return state.trouble_at(look.network, holding.link, look.now) is None


def show_dmvpn(look: Look) -> Lines:
    """Peers by tunnel."""
    held = _cloud(look)
    lines = list(_LEGEND)
    tunnels = sorted({h.end.interface for h in held})
    for interface in tunnels:
        peers = [h for h in held if h.end.interface == interface]
        role = "Hub" if any(not is_static(h) and h.link.kind != "dmvpn-spokes" for h in peers) else "Spoke"
        if look.has("detail"):
            lines += [
                f'Interface {interface} is up/up, Addr. is {peers[0].end.tunnel_address and peers[0].end.tunnel_address.ip}, VRF "" '
            ]
            lines += [f'   Tunnel Src./Dest. addr: {peers[0].end.local}/MGRE, Tunnel VRF ""']
            lines += ['   Protocol/Transport: "multi-GRE/IP", Protect "DMVPN" ']
            lines += ["   Interface State Control: Disabled", "   nhrp event-publisher : Disabled", ""]
            lines += [*_nhs_lines(look, peers), f"Type:{role}, Total NBMA Peers (v4/v6): {len(peers)}", ""]
        else:
            lines += [f"Interface: {interface}, IPv4 NHRP Details ", f"Type:{role}, NHRP Peers:{len(peers)}, ", ""]
        wide = look.has("detail")
        lines += [
            "# Ent  Peer NBMA Addr Peer Tunnel Add State  UpDn Tm Attrb" + ("    Target Network" if wide else ""),
            "----- --------------- --------------- ----- -------- -----" + (" -----------------" if wide else ""),
        ]
        if not wide:
            lines[-2:] = [" " + lines[-2], " " + lines[-1]]
        lines += [_peer(look, h, wide=wide) for h in peers]
        lines.append("")
        if wide:
            lines += _details(look, peers)
    return lines


def _nhs_lines(look: Look, peers: list[Holding]) -> Lines:
    static = [h for h in peers if is_static(h)]
    rows = [
        f"{h.end.far_tunnel_address}  {'RE' if _answered(look, h) else ' E'} NBMA Address: {h.end.remote} priority = 0 cluster = 0"
        for h in static
    ]
    return ["IPv4 NHS:", *rows] if rows else []


def _peer(look: Look, holding: Holding, *, wide: bool) -> str:
    end = holding.end
    shown = "UP" if holding.inbound else "IKE" if holding.ike else "IPSEC"
    trouble = state.trouble_at(look.network, holding.link, look.now)
    since = age(look.now - (holding.up_since or (trouble.since if trouble else look.now)))
    mark = "S" if is_static(holding) else "D" + ("N" if holding.link.natted else "")
    row = f"    1 {end.remote!s:<15} {end.far_tunnel_address!s:>15} {shown:>5} {since:>8} {mark:>5}"
    return row + (f" {f'{end.far_tunnel_address}/32':>17}" if wide else "")


def _details(look: Look, peers: list[Holding]) -> Lines:
    lines = ["Crypto Session Details: ", "-" * 80, ""]
    for holding in peers:
        end, ike = holding.end, holding.live_ike
        lines.append(f"Interface: {end.interface}")
        name = f"IKEv{holding.link.ike}"
        lines.append(f"  Session: [0x{seeds.number(2**32, 'session', holding.link.name, end.device):08X}]")
        if ike is not None:
            caps = "D" if look.device.dpd.mode != "off" else "(none)"
            lines.append(
                f"  {name} SA: local {end.local}/{holding.link.port} remote {end.remote}/{holding.link.port} Active "
            )
            lines.append(
                f"          Capabilities:{caps} connid:{ike.connection} lifetime:{hms(ike.remaining(look.now))}"
            )
        lines.append(f"  Crypto Session Status: {status(holding)}     ")
        lines.append(
            f"  fvrf: {look.device.front_vrf or '(none)'},\tPhase1_id: " + (str(end.remote) if ike else "(none)")
        )
        lines.append(f"  IPSEC FLOW: permit 47 host {end.local} host {end.remote} ")
        lines.append(f"        Active SAs: {len(holding.inbound) * 2}, origin: crypto map")
        life = f"4607991/{holding.current.remaining(look.now)}" if holding.current else "0/0"
        lines.append(f"        Inbound:  #pkts dec'ed {holding.decaps} drop 0 life (KB/Sec) {life}")
        lines.append(f"        Outbound: #pkts enc'ed {holding.encaps} drop 0 life (KB/Sec) {life}")
        spi = holding.current.spi if holding.current else 0
        lines.append(f"   Outbound SPI : 0x{spi:8X}, transform : esp-256-aes esp-sha-hmac ")
        lines += ["    Socket State: Open" if holding.current else "    Socket State: Closed", ""]
    return [*lines, "Pending DMVPN Sessions:", ""]
