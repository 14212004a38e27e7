"""show crypto session [remote A] [detail]."""

from __future__ import annotations

from collector.lab.model import Holding
from collector.lab.render.crypto import flow, shown
from collector.lab.render.look import Lines, Look, age, hms

_KEY = [
    "Code: C - IKE Configuration mode, D - Dead Peer Detection     ",
    "K - Keepalives, N - NAT-traversal, T - cTCP encapsulation     ",
    "X - IKE Extended Authentication, F - IKE Fragmentation",
]


def show_session(look: Look) -> Lines:
    """One block a session. UP-NO-IKE: IPsec SAs without the IKE SA that could repair them."""
    remote = look.after("remote")
    held = [h for h in shown(look) if h.end.kind not in {"getvpn", "sd-wan"} and remote in {None, str(h.end.remote)}]
    lines = ["Crypto session current status", ""]
    detail = look.has("detail")
    if detail and held:
        lines += _KEY
        lines += ["R - IKE Auto Reconnect, U - IKE Dynamic Route Update"] if look.era >= 2015 else []
        lines += (
            ["S - SIP VPN" if look.era < 2020 else "S - SIP VPN, E - Stronger IKE Encryption Enforced"]
            if look.era >= 2015
            else []
        )
        lines.append("")
    for holding in held:
        lines += _block(look, holding, detail=detail)
    return lines


def status(holding: Holding) -> str:
    """The session's state from what is held."""
    if holding.inbound:
        return "UP-ACTIVE" if holding.live_ike else "UP-NO-IKE"
    if holding.live_ike:
        return "UP-IDLE"
    return "DOWN-NEGOTIATING" if holding.ike else "DOWN"


def _block(look: Look, holding: Holding, *, detail: bool) -> Lines:
    end, udp = holding.end, holding.link.port
    up = status(holding).startswith("UP")
    lines = [f"Interface: {end.interface}"]
    if holding.link.ike == 2 and up:
        lines.append("Profile: IKEV2")
    elif end.kind in {"dvti", "ezvpn-server"} and up:
        lines.append(f"Profile: {'DVTI-IN' if end.kind == 'dvti' else 'EZ-CLIENTS'}")
    if detail and up and holding.up_since is not None:
        lines.append(f"Uptime: {age(look.now - holding.up_since)}")
    lines.append(f"Session status: {status(holding)}     ")
    if detail:
        lines.append(
            f"Peer: {end.remote} port {udp} fvrf: {look.device.front_vrf or '(none)'} ivrf: {holding.link.vrf or '(none)'}"
        )
        known = [f"      Phase1_id: {end.remote}", "      Desc: (none)"]
        lines += known if up else ["      Desc: (none)", "      Phase1_id: (none)"]
    else:
        lines.append(f"Peer: {end.remote} port {udp} ")
    lines += _ike(look, holding, detail=detail)
    lines += _flows(look, holding, detail=detail)
    return [*lines, ""]


def _ike(look: Look, holding: Holding, *, detail: bool) -> Lines:
    end, udp = holding.end, holding.link.port
    lines: Lines = []
    for ike in holding.ike:
        lines += [f"  Session ID: {holding.link.number if holding.link.ike == 2 else 0}  "] if look.era >= 2012 else []
        name = "IKE SA" if look.era < 2012 else f"IKEv{holding.link.ike} SA"
        lines.append(
            f"  {name}: local {end.local}/{udp} remote {end.remote}/{udp} {'Active' if ike.live else 'Inactive'} "
        )
        if detail:
            capabilities = ("D" if look.device.dpd.mode != "off" else "") + ("N" if holding.link.natted else "")
            capabilities += "U" if holding.link.ike == 2 and look.era >= 2020 else ""
            left = hms(ike.remaining(look.now)) if ike.live else "0"
            shown_caps = capabilities if ike.live and capabilities else "(none)"
            lines.append(f"          Capabilities:{shown_caps} connid:{ike.connection} lifetime:{left}")
    return lines


def _flows(look: Look, holding: Holding, *, detail: bool) -> Lines:
    end = holding.end
    count = len(holding.inbound) + len(holding.outbound)
    origin = "dynamic crypto map" if end.kind in {"dynamic-crypto-map", "ezvpn-server"} else "crypto map"
    lines = [
        f"  IPSEC FLOW: {flow(end.local_ident, end.remote_ident)} ",
        f"        Active SAs: {count}, origin: {origin}",
    ]
    if detail:
        life = "0/0"
        if holding.current is not None:
            seconds = holding.current.remaining(look.now)
            life = f"{4608000 - holding.encaps % 90000}/{seconds}"
        lines += [
            f"        Inbound:  #pkts dec'ed {holding.decaps} drop 0 life (KB/Sec) {life}",
            f"        Outbound: #pkts enc'ed {holding.encaps} drop 0 life (KB/Sec) {life}",
        ]
    return lines
