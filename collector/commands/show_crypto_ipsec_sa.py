"""show crypto ipsec sa [detail] [peer A | interface I | vrf V | map M]: what this router encrypts to whom, with which SPIs.

A flow without SAs is a row of its own; `current outbound spi: 0x0(0)` is no SA. A rekey shows two inbound SAs.
The filtered form keeps order and SAs in less than half of the bytes (DOMAIN 3.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from collector.commands.blocks import Count, Empty, read_blocks
from collector.commands.command import Command, Reading
from collector.commands.ipsec_flows import Form, fold
from collector.model import IpsecFlow

FILTER = "include interface:|tag:|vrf:|ident|current.peer|endpt|spi|sas:|settings|timing|Status"
WHOLE_FILTERS = frozenset({FILTER, FILTER.replace("current.peer", "current_peer")})
COUNTS: tuple[Count[IpsecFlow], ...]


def _sas(records: Sequence[IpsecFlow]) -> int:
    return sum(len(flow.inbound) + len(flow.outbound) for flow in records)


COUNTS = (
    Count(what="current_peer", starts=("current_peer",)),
    Count(what="SPI", starts=("spi:",), total=_sas),
)
EMPTY = Empty(wordings=("No SAs found", "There are no", "There is no"))


def read(lines: Iterable[str], filtered: str | None) -> Reading[IpsecFlow]:
    """Whole when each `current_peer` is a flow with its six sections and each `spi:` line an SA."""
    return read_blocks(
        COMMAND,
        lines,
        partial(fold, form=Form(every_line=filtered is None)),
        counts=COUNTS,
        empty=EMPTY,
        filtered=filtered,
        whole_filters=WHOLE_FILTERS,
    )


_SCOPES = (
    "peer <address>",
    "peer vrf <vrf> <address>",
    "interface <interface>",
    "interface <type> <number>",
    "vrf <vrf>",
    "map <map>",
    "ipv6",
)

COMMAND: Command[IpsecFlow] = Command(
    name="show crypto ipsec sa",
    lines=(
        f"show crypto ipsec sa | {FILTER}",
        "show crypto ipsec sa",
        "show crypto ipsec sa peer {peer}",
        "show crypto ipsec sa vrf {vrf}",
    ),
    read=read,
    template="cisco_ios_show_crypto_ipsec_sa",
    spellings=(
        "show crypto ipsec sa detail",
        *(f"show crypto ipsec sa {scope}" for scope in _SCOPES),
        *(f"show crypto ipsec sa {scope} detail" for scope in _SCOPES),
        *(f"show crypto ipsec sa detail {scope}" for scope in _SCOPES),
        "show crypto ipsec sa ipv6 detailed",
        "show crypto ipsec sa interface <interface> ipv6",
    ),
    whole_filters=WHOLE_FILTERS,
    about="the SPIs that are accepted and used now, per peer",
)
