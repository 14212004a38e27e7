"""show crypto gdoi, show crypto gdoi gm: a group member's view of GETVPN."""

from __future__ import annotations

from collector.lab.model import Holding
from collector.lab.render.look import Lines, Look


def _groups(look: Look) -> list[Holding]:
    return [h for h in look.holdings() if h.end.kind == "getvpn"]


def show_gdoi(look: Look) -> Lines:
    """The group, its members and the keys' time left."""
    groups = _groups(look)
    if not groups:
        return []
    holding = groups[0]
    lines = [
        "GROUP INFORMATION",
        "",
        "    Group Name               : GETGROUP",
        "    Group Identity           : 4711",
        "    Crypto Path              : ipv4",
        "    Key Management Path      : ipv4",
        "    Rekeys received          : 12",
        "    IPSec SA Direction       : Both",
        "",
        f"     Group Server list       : {holding.end.remote}",
        "",
        *_member(look, holding),
    ]
    for sa in holding.inbound:
        lines += [
            "",
            "TEK POLICY for the current KS-Policy ACEs Downloaded:",
            f"  {look.device.platform.wan}:",
            "    IPsec SA:",
            f"        spi: 0x{sa.spi:X}({sa.spi})",
            "        transform: esp-256-aes esp-sha256-hmac ",
            f"        sa timing:remaining key lifetime (sec): ({sa.remaining(look.now)})",
            "        Anti-Replay(Counter Based) : 64",
            "        tag method : disabled",
            "        alg key size: 32 (bytes)",
            "        sig key size: 32 (bytes)",
            "        encaps: ENCAPS_TUNNEL",
        ]
    return [*lines, ""]


def show_gdoi_gm(look: Look) -> Lines:
    """The member alone."""
    groups = _groups(look)
    return [*_member(look, groups[0]), ""] if groups else []


def _member(look: Look, holding: Holding) -> Lines:
    end = holding.end
    left = holding.inbound[0].remaining(look.now) if holding.inbound else 0
    return [
        "Group Member Information For Group GETGROUP:",
        "    IPSec SA Direction       : Both",
        "    ACL Received From KS     : gdoi_group_GETGROUP_temp_acl",
        "",
        f"    Group member             : {end.local!s:<16} vrf: None",
        f"       Local addr/port       : {end.local}/848",
        f"       Remote addr/port      : {end.remote}/848",
        "       fvrf/ivrf             : None/None",
        "       Version               : 1.0.16",
        "       Registration status   : Registered",
        f"       Registered with       : {end.remote}",
        f"       Re-registers in       : {left} sec",
        "       Succeeded registration: 1",
        "       Attempted registration: 1",
        f"       Last rekey from       : {end.remote}",
        "       Last rekey seq num    : 12",
        "       Unicast rekey received: 12",
        "       Rekey ACKs sent       : 12",
        "       allowable rekey cipher: any",
        "       allowable rekey hash  : any",
        "       allowable transformtag: any ESP",
    ]
