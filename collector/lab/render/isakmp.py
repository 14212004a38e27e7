"""show crypto isakmp sa [detail]. dst is the responder, src the initiator, on both routers alike."""

from __future__ import annotations

from collector.lab.model import Holding, Ike
from collector.lab.render.look import Lines, Look, hms

_CODES = [
    "Codes: C - IKE configuration mode, D - Dead Peer Detection",
    "       K - Keepalives, N - NAT-traversal",
    "       T - cTCP encapsulation, X - IKE Extended Authentication",
    "       psk - Preshared key, rsig - RSA signature",
    "       renc - RSA encryption",
]


def show_isakmp_sa(look: Look) -> Lines:
    """One row an IKEv1 SA; a failed attempt stands as MM_NO_STATE, deleted."""
    held = [(h, ike) for h in look.holdings() if h.link.ike == 1 and h.end.kind != "sd-wan" for ike in h.ike]
    return _detail(look, held) if look.has("detail") else _brief(look, held)


def _brief(look: Look, held: list[tuple[Holding, Ike]]) -> Lines:
    slot = look.era < 2009
    lines = [
        "IPv4 Crypto ISAKMP SA",
        "dst             src             state          conn-id " + ("slot " if slot else "") + "status",
    ]
    for holding, ike in held:
        end = holding.end
        dst, src = (end.remote, end.local) if end.role == "initiator" else (end.local, end.remote)
        state = "GDOI_IDLE" if end.kind == "getvpn" else "QM_IDLE"
        status = "ACTIVE"
        if not ike.live:
            dst, src = end.remote, end.local  # it is this router that tries
            state, status = "MM_NO_STATE", "ACTIVE (deleted)"
        row = f"{dst!s:<16}{src!s:<16}{state:<14}{ike.connection:>8} "
        lines.append(row + ("   0 " if slot else "") + status)
    return [*lines, "", "IPv6 Crypto ISAKMP SA", ""]


def _detail(look: Look, held: list[tuple[Holding, Ike]]) -> Lines:
    strong = look.era >= 2012
    lines = [
        *_CODES,
        "IPv4 Crypto ISAKMP SA",
        "",
        "C-id  Local           Remote          I-VRF  Status Encr Hash   Auth DH Lifetime Cap.",
        "",
    ]
    for holding, ike in held:
        caps = ("D" if look.device.dpd.mode != "off" else "") + ("N" if holding.link.natted else "")
        crypto = "aes  sha256 psk  14" if strong else "3des sha    psk  2 "
        left = hms(ike.remaining(look.now)) if ike.live else "0"
        lines += [
            f"{ike.connection:<6}{holding.end.local!s:<16}{holding.end.remote!s:<16}{holding.link.vrf:<7}ACTIVE {crypto} {left:<8} {caps:<4}",
            f"       Engine-id:Conn-id =  {f'SW:{ike.connection - 1000}' if ike.live else '???'}",
            "",
        ]
    return [*lines, "IPv6 Crypto ISAKMP SA", ""]
