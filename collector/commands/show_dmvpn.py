"""show dmvpn [detail]: the peers of each mGRE tunnel by NBMA. A row without NBMA continues the one above."""

from __future__ import annotations

from collections.abc import Iterable

from collector.commands.command import Command, Reading
from collector.commands.reading import read_table
from collector.model import DmvpnPeer, to_address
from collector.parse import Row


def records(rows: tuple[Row, ...]) -> tuple[DmvpnPeer, ...]:
    """Rows with INTERFACE or ROLE (headings of what follows) or NBMA, TUNNEL_ADDRESS, STATE, SINCE, ATTRIBUTES."""
    peers: list[DmvpnPeer] = []
    interface, role, nbma = None, None, ""
    for row in rows:
        if row.text("INTERFACE"):
            interface, role, nbma = row.text("INTERFACE"), None, ""
        elif row.text("ROLE"):
            role, nbma = row.text("ROLE"), ""
        elif row.text("TUNNEL_ADDRESS"):
            nbma = row.text("NBMA") or nbma
            peers.append(_peer(row, interface, role, nbma))
    return tuple(peers)


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


def read(lines: Iterable[str], _filtered: str | None) -> Reading[DmvpnPeer]:
    """One record a peer and tunnel address. A router without DMVPN prints the legend, or nothing at all."""
    return read_table(COMMAND, lines, records, empty_allowed=True)


COMMAND: Command[DmvpnPeer] = Command(
    name="show dmvpn",
    lines=("show dmvpn",),
    spellings=tuple(
        f"show dmvpn{form}{end}"
        for form in ("", " ipv4", " ipv6", " interface <interface>", " vrf <vrf>")
        for end in ("", " detail")
    ),
    read=read,
    template="cisco_ios_show_dmvpn",
    about="peers of mGRE tunnels, static or dynamic",
)
