"""show dmvpn [detail]: the peers of each mGRE tunnel by NBMA. A row without NBMA continues the one above."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from collector.commands.blocks import Count, Doubts, Empty, read_blocks
from collector.commands.command import Command, Reading
from collector.model import DmvpnPeer, to_address
from collector.parse import Row

_ROW = re.compile(
    r"\d+\.\s*Peer NBMA Address:"
    r"|(?:\d+\s+)?(?:(?:[0-9A-Fa-f:.]+|UNKNOWN)\s+)?[0-9A-Fa-f]*[.:][0-9A-Fa-f:.]*\s+[A-Za-z][\w-]*\s+(?:never|\d\S*[:ywdh])"
)


def records(rows: Iterable[Row], _doubts: Doubts) -> Iterator[DmvpnPeer]:
    """Rows with INTERFACE or ROLE (headings of what follows) or NBMA, TUNNEL_ADDRESS, STATE, SINCE, ATTRIBUTES."""
    interface, role, nbma = None, None, ""
    for row in rows:
        if row.text("INTERFACE"):
            interface, role, nbma = row.text("INTERFACE"), row.text("ROLE") or None, ""
        elif row.text("ROLE"):
            role, nbma = row.text("ROLE"), ""
        elif row.text("TUNNEL_ADDRESS"):
            nbma = row.text("NBMA") or nbma
            yield _peer(row, interface, role, nbma)


def _peer(row: Row, interface: str | None, role: str | None, nbma: str) -> DmvpnPeer:
    return DmvpnPeer(
        line=row.line,
        interface=interface,
        role=role,
        nbma=to_address(nbma),
        tunnel_address=to_address(row.text("TUNNEL_ADDRESS")),
        state=row.text("STATE"),
        since=row.text("SINCE"),
        attributes=row.text("ATTRIBUTES"),
    )


def read(lines: Iterable[str], filtered: str | None) -> Reading[DmvpnPeer]:
    """One record a peer and tunnel address. A router without DMVPN prints the legend, or nothing at all."""
    return read_blocks(
        COMMAND,
        lines,
        records,
        counts=(Count(what="peer", begins=lambda line: _ROW.match(line) is not None),),
        empty=Empty(wordings=("Legend:",), silent=True),
        filtered=filtered,
    )


COMMAND: Command[DmvpnPeer] = Command(
    name="show dmvpn",
    lines=("show dmvpn",),
    spellings=tuple(
        f"show dmvpn{form}{end}"
        for form in ("", " ipv4", " ipv6", " interface <interface>", " vrf <vrf>", " ipv4 vrf <vrf>", " ipv6 vrf <vrf>")
        for end in ("", " detail")
    ),
    read=read,
    template="cisco_ios_show_dmvpn",
    about="peers of mGRE tunnels, static or dynamic",
)
