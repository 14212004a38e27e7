"""show crypto ipsec sa [peer A | interface I | vrf V] [detail], ... identity, show crypto ipsec spi-lookup,
... flowmib global.
"""

from __future__ import annotations

from itertools import groupby

from collector.lab import seeds
from collector.lab.model import Holding, Sa
from collector.lab.render import qfp
from collector.lab.render.crypto import is_transport, port, shown, transform_words
from collector.lab.render.look import Lines, Look

_DETAIL = [
    "    #pkts no sa (send) 0, #pkts invalid sa (rcv) 0",
    "    #pkts encaps failed (send) 0, #pkts decaps failed (rcv) 0",
    "    #pkts invalid prot (recv) 0, #pkts verify failed: 0",
    "    #pkts invalid identity (recv) 0, #pkts invalid len (rcv) 0",
    "    #pkts replay rollover (send): 0, #pkts replay rollover (rcv) 0",
    "    ##pkts replay failed (rcv): 0",
]
_DETAIL_XE = [
    "    #pkts tagged (send): 0, #pkts untagged (rcv): 0",
    "    #pkts not tagged (send): 0, #pkts not untagged (rcv): 0",
    "    #pkts internal err (send): 0, #pkts internal err (recv) 0",
]


def show_ipsec_sa(look: Look) -> Lines:
    """Flows under their interface and map tag; a peer without SAs keeps its block, with `0x0(0)`."""
    held = [holding for holding in shown(look) if _asked_for(look, holding)]
    if not held:
        return ["", "No SAs found"]
    lines: Lines = []
    held.sort(key=lambda h: (h.end.interface, h.end.tag))
    for (name, tag), group in groupby(held, key=lambda h: (h.end.interface, h.end.tag)):
        flows = list(group)
        lines += ["", f"interface: {name}", f"    Crypto map tag: {tag}, local addr {flows[0].end.local}"]
        for holding in flows:
            lines += _flow(look, holding)
    return lines


def _asked_for(look: Look, holding: Holding) -> bool:
    """`peer A`, `peer vrf F A`, `interface I`, `vrf V` (the inside one)."""
    end, words = holding.end, look.words
    if look.has("peer"):
        front = look.after("vrf") if look.has("vrf") else look.device.front_vrf
        return str(end.remote) in words and front == look.device.front_vrf
    if look.has("interface"):
        return (look.after("interface") or "").lower() == end.interface.lower()
    return not look.has("vrf") or look.after("vrf") == holding.link.vrf


def _flow(look: Look, holding: Holding) -> Lines:
    end = holding.end
    peer = "0.0.0.0" if end.kind == "getvpn" else str(end.remote)
    current = holding.current.spi if holding.current else 0
    mtu = "(none)" if end.tunnel is not None and look.era >= 2012 else look.device.platform.wan
    lines = [
        "",
        f"   protected vrf: {holding.link.vrf or '(none)'}",
        f"   local  ident (addr/mask/prot/port): ({end.local_ident})",
        f"   remote ident (addr/mask/prot/port): ({end.remote_ident})",
        f"   current_peer {peer} port {port(holding)}",
        f"     PERMIT, flags={{{'' if end.kind in {'dvti', 'ezvpn-server', 'dynamic-crypto-map'} else 'origin_is_acl,'}}}",
        f"    #pkts encaps: {holding.encaps}, #pkts encrypt: {holding.encaps}, #pkts digest: {holding.encaps}",
        f"    #pkts decaps: {holding.decaps}, #pkts decrypt: {holding.decaps}, #pkts verify: {holding.decaps}",
        "    #pkts compressed: 0, #pkts decompressed: 0",
        "    #pkts not compressed: 0, #pkts compr. failed: 0",
        "    #pkts not decompressed: 0, #pkts decompress failed: 0",
    ]
    if look.has("detail"):
        lines += [*_DETAIL, *(_DETAIL_XE if look.era >= 2014 else [])]
    else:
        lines.append(f"    #send errors {0 if current else seeds.number(40, holding.link.name)}, #recv errors 0")
    lines += [
        "",
        f"     local crypto endpt.: {end.local}, remote crypto endpt.: {peer}",
        f"     plaintext mtu {1458 if is_transport(holding) else 1438}, path mtu 1500, ip mtu 1500, ip mtu idb {mtu}"
        if look.era >= 2012
        else f"     path mtu 1500, ip mtu 1500, ip mtu idb {mtu}",
        f"     current outbound spi: 0x{current:X}({current})",
    ]
    if look.has("identity"):
        return lines
    lines += ["     PFS (Y/N): N, DH group: none"] if look.era >= 2009 else []
    for direction, sas in (("inbound", holding.inbound), ("outbound", holding.outbound)):
        lines += ["", f"     {direction} esp sas:"]
        for sa in sorted(sas, key=lambda sa: sa.number):
            lines += _sa(look, holding, sa, inbound=direction == "inbound")
        lines += ["", f"     {direction} ah sas:", "", f"     {direction} pcp sas:"]
    return lines


def _sa(look: Look, holding: Holding, sa: Sa, *, inbound: bool) -> Lines:
    end, era = holding.end, look.era
    settings = "Transport" if is_transport(holding) else "Tunnel"
    settings += " UDP-Encaps" if holding.link.natted else ""
    flow = 2 * holding.link.number + (0 if inbound else 1) + 20 * (sa.number % 7)
    connection = f"conn id: {2000 + flow}, flow_id: {look.device.platform.engine}:{flow}, "
    if era >= 2012:
        flags = ("FFFFFFFF" if era >= 2018 else "") + ("80000008" if is_transport(holding) else "80000048")
        connection += f"sibling_flags {flags}, "
    connection += f"crypto map: {end.tag}"
    if era >= 2023:
        connection += f", initiator : {'True' if end.role == 'initiator' else 'False'}"
    return [
        f"      spi: 0x{sa.spi:X}({sa.spi})",
        f"        transform: {transform_words(holding)} ,",
        f"        in use settings ={{{settings}, }}",
        f"        {connection}",
        f"        sa timing: remaining key lifetime {_left(look, holding, sa)}",
        "        IV size: 16 bytes",
        f"        replay detection support: {'N' if end.kind == 'getvpn' else 'Y'}",
        f"        Status: {'ACTIVE(ACTIVE)' if era >= 2012 else 'ACTIVE'}",
    ]


def _left(look: Look, holding: Holding, sa: Sa) -> str:
    seconds = sa.remaining(look.now)
    if holding.end.kind == "getvpn":
        return f"(sec): ({seconds})"
    used = int((look.now - sa.born).total_seconds()) * holding.link.rate // 8
    return f"(k/sec): ({max(1, 4608000 - used - seeds.number(60, sa.spi))}/{seconds})"


def show_spi_lookup(look: Look) -> Lines:
    """The SPIs that the control plane accepts now; transient ones are dying after a rekey."""
    held = [(h, sa) for h in shown(look) for sa in h.inbound]
    lines = [
        "",
        "Active SPI table",
        "     SPI Prot Local Address            Type",
        "  Handle VRF  Remote Address           IDB",
    ]
    for holding, sa in held:
        handle = 0x40000000 + seeds.number(0xFFFF, "handle", sa.spi)
        lines.append(
            f"{sa.spi:08X} ipsec {holding.end.local} type {handle:08X} 0 {holding.end.remote} {holding.link.number + 20}"
        )
    lines += ["", "Transient SPI table", "     SPI   HANDLE R Time created"]
    for _, sa in held:
        if not sa.current:
            handle = 0x40000000 + seeds.number(0xFFFF, "handle", sa.spi)
            lines.append(f"{sa.spi:08X} {handle:08X} 0 {int((look.now - sa.born).total_seconds())}")
    return [*lines, ""]


def show_flowmib(look: Look) -> Lines:
    """Global IPsec counters of the MIB."""
    held = look.holdings()
    received, sent = sum(h.decaps for h in held), sum(h.encaps for h in held)
    none = qfp.not_found(look.network, look.device.name, look.now)
    rows = (
        ("Active Tunnels", sum(1 for h in held if h.inbound)),
        ("Previous Tunnels", 2 * len(held)),
        ("In octets", received * 152),
        ("Out octets", sent * 152),
        ("In packets", received),
        ("Out packets", sent),
        ("Uncompressed encrypted bytes", sent * 152),
        ("In packets drops", 0),
        ("Out packets drops", 0),
        ("In replay drops", 0),
        ("In authentications", received),
        ("Out authentications", sent),
        ("In decrypts", received),
        ("Out encrypts", sent),
        ("Compressed bytes", 0),
        ("Uncompressed bytes", 0),
        ("In uncompressed bytes", 0),
        ("Out uncompressed bytes", 0),
        ("In decrypt failures", 0),
        ("Out encrypt failures", 0),
        ("No SA failures", none),
        ("Protocol use failures", 0),
        ("System cap failures", 0),
        ("In authentication failures", 0),
        ("Out authentication failures", 0),
    )
    return [" vrf Global", *(f"\t{name + ':':<33}{value}" for name, value in rows), ""]
