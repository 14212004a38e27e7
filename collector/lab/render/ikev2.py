"""show crypto ikev2 sa [detailed], show crypto ikev2 session."""

from __future__ import annotations

from collector.lab.model import Holding, Ike
from collector.lab.render.look import Lines, Look

_COLUMNS = "Tunnel-id Local                 Remote                fvrf/ivrf            Status "


def show_ikev2_sa(look: Look) -> Lines:
    """Two lines an SA, with `detailed` all of it. Without SAs: headings on newer images, nothing on older ones."""
    held = [
        (h, ike) for h in look.holdings() if h.link.ike == 2 and h.end.kind != "sd-wan" for ike in h.ike if ike.live
    ]
    modern = look.era >= 2020
    if not held and not modern:
        return []
    head = " IPv4 Crypto IKEv2  SA " if look.era < 2023 else "IPv4 Crypto IKEv2 SA "
    lines = [head, ""]
    for holding, ike in held:
        lines += [*_row(holding, ike, look), *(_more(holding, ike, look) if look.has("detailed") else []), ""]
    return [*lines, head.replace("IPv4", "IPv6") if look.era < 2023 else " IPv6 Crypto IKEv2 SA ", ""]


def _row(holding: Holding, ike: Ike, look: Look) -> Lines:
    end, udp = holding.end, holding.link.port
    vrfs = f"{look.device.front_vrf or 'none'}/{holding.link.vrf or 'none'}"
    active = int((look.now - ike.born).total_seconds())
    return [
        _COLUMNS,
        f"{ike.connection:<10}{f'{end.local}/{udp}':<22}{f'{end.remote}/{udp}':<22}{vrfs:<21}READY  ",
        "      Encr: AES-CBC, keysize: 256, PRF: SHA256, Hash: SHA256, DH Grp:14, Auth sign: PSK, Auth verify: PSK",
        f"      Life/Active Time: {int(ike.lifetime.total_seconds())}/{active} sec",
    ]


def _more(holding: Holding, ike: Ike, look: Look) -> Lines:
    dpd = look.device.dpd
    interval, retry = (dpd.interval, dpd.retry) if dpd.mode != "off" else (0, 0)
    request = int((look.now - ike.born).total_seconds()) // 30
    nat = "NAT-T is not detected  "
    if holding.link.natted:
        nat = f"NAT-T is detected {'inside' if holding.end.role == 'initiator' else 'outside'} "
    return [
        f"      CE id: {1000 + ike.connection}, Session-id: {holding.link.number}",
        *(["      Status Description: Negotiation done"] if look.era < 2020 else []),
        f"      Local spi: {ike.local_cookie:016X}       Remote spi: {ike.remote_cookie:016X}",
        *(["      Status Description: Negotiation done"] if look.era >= 2020 else []),
        f"      Local id: {holding.end.local}",
        f"      Remote id: {holding.end.remote}",
        f"      Local req msg id:  {request:<15}Remote req msg id:  {request + 2:<10}",
        f"      Local next msg id: {request:<15}Remote next msg id: {request + 2:<10}",
        f"      Local req queued:  {request:<15}Remote req queued:  {request + 2:<10}",
        "      Local window:      5              Remote window:      5         ",
        f"      DPD configured for {interval} seconds, retry {retry}",
        "      Fragmentation not  configured.",
        "      Dynamic Route Update: enabled" if look.era >= 2020 else "      Extended Authentication not configured.",
        *(["      Extended Authentication not configured."] if look.era >= 2020 else []),
        f"      {nat}",
        "      Cisco Trust Security SGT is disabled",
        f"      Initiator of SA : {'Yes' if holding.end.role == 'initiator' else 'No'}",
        *(["      PEER TYPE: IOS-XE"] if look.era >= 2023 else []),
    ]


def show_ikev2_session(look: Look) -> Lines:
    """IKE SA and its children with both SPIs."""
    held = [h for h in look.holdings() if h.link.ike == 2 and h.live_ike is not None and h.end.kind != "sd-wan"]
    lines = [" IPv4 Crypto IKEv2 Session ", ""] if held or look.era >= 2020 else []
    for holding in held:
        assert holding.live_ike is not None
        children = len(holding.inbound)
        status = "UP-ACTIVE" if children else "UP-IDLE"
        lines += [f"Session-id:{holding.link.number}, Status:{status}, IKE count:1, CHILD count:{children}", ""]
        lines += _row(holding, holding.live_ike, look)
        for inbound, outbound in zip(holding.inbound, holding.outbound, strict=True):
            lines += [
                f"Child sa: local selector  {_selector(holding.end.local_ident)}",
                f"          remote selector {_selector(holding.end.remote_ident)}",
                f"          ESP spi in/out: 0x{inbound.spi:X}/0x{outbound.spi:X}  ",
            ]
        lines.append("")
    return [*lines, " IPv6 Crypto IKEv2 Session ", ""] if lines else []


def _selector(ident: str) -> str:
    address, mask, *_ = ident.split("/")
    octets = [int(a) | (255 - int(m)) for a, m in zip(address.split("."), mask.split("."), strict=True)]
    return f"{address}/0 - {'.'.join(map(str, octets))}/65535"
