"""What the crypto renderers share: which flows a router shows, their words, their identities."""

from __future__ import annotations

from collector.lab import seeds, state
from collector.lab.ends import GRE
from collector.lab.model import Holding
from collector.lab.render.config import HOLDTIME
from collector.lab.render.look import Look

# ends that a router only knows while somebody is connected: without SAs there is nothing to show
ACCEPTORS = frozenset({"dynamic-crypto-map", "dvti", "ezvpn-server"})


def shown(look: Look) -> tuple[Holding, ...]:
    """The links that leave a trace: an acceptor without SAs has forgotten its peer, a reloaded hub its spokes."""
    return tuple(h for h in look.holdings() if not _forgotten(look, h))


def _forgotten(look: Look, holding: Holding) -> bool:
    if holding.inbound or holding.outbound or holding.live_ike is not None:
        return False
    if holding.end.kind in ACCEPTORS:
        return True
    trouble = state.trouble_at(look.network, holding.link, look.now)
    if holding.end.kind != "mgre-dynamic-nhrp" or trouble is None:
        return False
    third = HOLDTIME // 3
    unheard = (look.now - trouble.since).total_seconds() + seeds.number(third, holding.link.name)
    return trouble.cause == "reload" or unheard >= HOLDTIME


def transform_words(holding: Holding) -> str:
    """The transform as `show crypto ipsec sa` words it."""
    return "esp-256-aes esp-sha-hmac" if holding.end.kind != "getvpn" else "esp-256-aes esp-sha256-hmac"


def flow(ident_local: str, ident_remote: str) -> str:
    """`permit 47 host A host B`, `permit ip 10.1.0.0/255.255.0.0 10.2.0.0/255.255.0.0`."""
    protocol = ident_local.split("/")[2]
    return f"permit {'ip  ' if protocol == '0' else protocol} {_side(ident_local)} {_side(ident_remote)}"


def _side(ident: str) -> str:
    address, mask, *_ = ident.split("/")
    return f"host {address}" if mask == "255.255.255.255" else f"{address}/{mask}"


def is_transport(holding: Holding) -> bool:
    """GRE is protected in transport mode."""
    return holding.end.kind in GRE


def port(holding: Holding) -> int:
    """UDP port of the peer: 848 in GETVPN, 4500 behind NAT."""
    return 848 if holding.end.kind == "getvpn" else holding.link.port
