"""show dmvpn [detail]: the peers of each mGRE tunnel by NBMA; in detail the crypto sessions with their outbound SPI.

A row without NBMA continues the one above. Each flow of a session has one outbound SPI, 0 where there is no SA.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from collector.commands.blocks import Count, Doubt, Doubts, Empty, read_blocks
from collector.commands.command import Command, Reading
from collector.commands.sessions import ike_line, named, with_capabilities, with_counts
from collector.model import DmvpnPeer, DmvpnSession, SessionFlow, to_address, to_spi
from collector.parse import Row

_ROW = re.compile(
    r"\d+\.\s*Peer NBMA Address:"
    r"|(?:\d+\s+)?(?:(?:[0-9A-Fa-f:.]+|UNKNOWN)\s+)?[0-9A-Fa-f]*[.:][0-9A-Fa-f:.]*\s+[A-Za-z][\w-]*\s+(?:never|\d\S*[:ywdh])"
)
_HOSTS = re.compile(r"\bhost (\S+) host (\S+)$")
# the order of a session's lines; IKE SAs and flows repeat
_ORDER = {
    name: rank
    for rank, name in enumerate(
        ("SESSION", "VERSION", "CAPABILITIES", "STATUS", "FVRF", "FLOW", "ACTIVE_SAS", "IN_PACKETS", "OUT_PACKETS",
         "OUT_SPI", "SOCKET")
    )
}  # fmt: skip
_REPEATS = {"VERSION": {"VERSION", "CAPABILITIES"}, "FVRF": {"OUT_SPI", "SOCKET"}, "FLOW": {"OUT_SPI", "SOCKET"}}
_Record = DmvpnPeer | DmvpnSession


def records(rows: Iterable[Row], doubts: Doubts) -> Iterator[_Record]:
    """Rows with INTERFACE or ROLE or DETAILS (headings of what follows), of a peer, or of a session's line."""
    place = _Place()
    session: _Open | None = None
    for row in rows:
        kind = row.first
        if kind in _ORDER and kind != "SESSION":
            if session is None:
                doubts.append(Doubt(line=row.line, text="a line of a session whose first line is missing"))
            else:
                session.add(row, doubts)
            continue
        if session is not None:
            yield session.close(doubts)
        session = _Open(row, pending=place.pending) if kind == "SESSION" else None
        if row.text("TUNNEL_ADDRESS"):
            yield place.peer(row)
        else:
            place.heading(row)
    if session is not None:
        yield session.close(doubts)


class _Place:
    """Which headings stand above."""

    def __init__(self) -> None:
        self.interface: str | None = None
        self.role: str | None = None
        self.nbma = ""
        self.pending = False

    def heading(self, row: Row) -> None:
        if row.text("INTERFACE"):
            self.interface, self.role, self.nbma = row.text("INTERFACE"), row.text("ROLE") or None, ""
        elif row.text("ROLE"):
            self.role, self.nbma = row.text("ROLE"), ""
        if row.text("INTERFACE") or row.text("DETAILS"):
            self.pending = row.text("DETAILS").startswith("Pending")

    def peer(self, row: Row) -> DmvpnPeer:
        self.nbma = row.text("NBMA") or self.nbma
        return DmvpnPeer(
            line=row.line,
            interface=self.interface,
            role=self.role,
            nbma=to_address(self.nbma),
            tunnel_address=to_address(row.text("TUNNEL_ADDRESS")),
            state=row.text("STATE"),
            since=row.text("SINCE"),
            attributes=row.text("ATTRIBUTES"),
        )


class _Open:
    """A crypto session whose lines are still coming."""

    def __init__(self, row: Row, *, pending: bool) -> None:
        self.session = DmvpnSession(
            line=row.line, interface=row.text("SESSION"), status="", local=None, peer=None, pending=pending
        )
        self.flows: list[SessionFlow] = []
        self.spis = 0
        self.last = "SESSION"

    def add(self, row: Row, doubts: Doubts) -> None:
        """One more line, in the router's order."""
        kind, session = "FLOW" if row.text("FLOW") else row.first, self.session
        if _ORDER[kind] <= _ORDER[self.last] and self.last not in _REPEATS.get(kind, ()):
            doubts.append(Doubt(line=row.line, text=f"{kind.lower().replace('_', ' ')}: out of order"))
        self.last = kind
        match row.first:
            case "VERSION":
                self.session = replace(session, ike=(*session.ike, ike_line(row)))
            case "CAPABILITIES":
                self.session = replace(
                    session, ike=(*session.ike[:-1], *(with_capabilities(ike, row) for ike in session.ike[-1:]))
                )
            case "STATUS":
                self.session = replace(session, status=row.text("STATUS"))
            case "FVRF" | "FLOW":
                self._identity(row)
            case "SOCKET":
                self.session = replace(session, socket=row.text("SOCKET"))
            case _:
                self._flow_line(row, doubts)

    def _identity(self, row: Row) -> None:
        if row.text("FVRF"):
            phase1 = named(row.text("PHASE1_ID")) or self.session.phase1_id
            self.session = replace(self.session, fvrf=named(row.text("FVRF")), phase1_id=phase1)
        if row.text("FLOW"):
            self.flows.append(SessionFlow(line=row.line, flow=row.text("FLOW")))

    def _flow_line(self, row: Row, doubts: Doubts) -> None:
        if not self.flows:
            doubts.append(Doubt(line=row.line, text="a line of a flow whose first line is missing"))
        elif row.first == "OUT_SPI":
            self.spis += 1
            spi, transform = to_spi(row.text("OUT_SPI")), row.text("TRANSFORM") or None
            self.flows[-1] = replace(self.flows[-1], outbound_spi=spi or None, transform=transform)
        else:
            self.flows[-1] = with_counts(self.flows[-1], row)

    def close(self, doubts: Doubts) -> DmvpnSession:
        """The session, its ends known; doubts of what it lacks."""
        session = replace(self.session, flows=tuple(self.flows))
        if lacks := next(self._lacks(session), None):
            doubts.append(Doubt(line=session.line, text=f"the session has no {lacks}: cut?"))
        if len({replace(ike, line=0) for ike in session.ike}) < len(session.ike):
            doubts.append(Doubt(line=session.line, text="the same IKE SA stands twice"))
        for ike in session.ike:
            if ike.local is None or ike.remote is None:
                doubts.append(Doubt(line=ike.line, text="an end of the IKE SA is no address"))
        if session.ike:
            return replace(session, local=session.ike[0].local, peer=session.ike[0].remote)
        hosts = _HOSTS.search(session.flows[0].flow) if session.flows else None
        return replace(session, local=to_address(hosts[1]), peer=to_address(hosts[2])) if hosts else session

    def _lacks(self, session: DmvpnSession) -> Iterator[str]:
        if not session.status:
            yield "`Crypto Session Status` line"
        if session.status in {"UP-ACTIVE", "UP-IDLE"} and not session.ike:
            yield "IKE SA"
        if len({ike.connection_id is None for ike in session.ike}) > 1:
            yield "`Capabilities` line of an IKE SA"
        if session.status in {"UP-ACTIVE", "UP-NO-IKE"} and not session.flows:
            yield "IPSEC FLOW"
        if any(flow.active_sas is None for flow in session.flows):
            yield "`Active SAs` line of a flow"
        if self.spis != len(session.flows):
            yield "`Outbound SPI` line of a flow"


def _peers(found: Sequence[_Record]) -> int:
    return sum(isinstance(record, DmvpnPeer) for record in found)


def _sessions(found: Sequence[_Record]) -> int:
    return sum(isinstance(record, DmvpnSession) for record in found)


def _ike_sas(found: Sequence[_Record]) -> int:
    return sum(len(record.ike) for record in found if isinstance(record, DmvpnSession))


def _flows(found: Sequence[_Record]) -> int:
    return sum(len(record.flows) for record in found if isinstance(record, DmvpnSession))


def read(lines: Iterable[str], filtered: str | None) -> Reading[_Record]:
    """One record a peer and tunnel address, then one a crypto session; whole when each outbound SPI is in a record.

    A router without DMVPN prints the legend, or nothing at all.
    """
    return read_blocks(
        COMMAND,
        lines,
        records,
        counts=(
            Count(what="peer", begins=lambda line: _ROW.match(line) is not None, total=_peers),
            Count(what="session", starts=("Crypto Session Status:",), total=_sessions),
            Count(what="IKE SA", starts=("IKEv1 SA:", "IKEv2 SA:", "IKE SA:"), total=_ike_sas),
            Count(what="outbound SPI", begins=lambda line: "Outbound SPI" in line, total=_flows),
        ),
        empty=Empty(wordings=("Legend:",), silent=True),
        filtered=filtered,
    )


COMMAND: Command[_Record] = Command(
    name="show dmvpn",
    lines=("show dmvpn",),
    spellings=tuple(
        f"show dmvpn{form}{end}"
        for form in (
            "",
            " ipv4",
            " ipv6",
            " interface <interface>",
            " interface <type> <number>",
            " vrf <vrf>",
            " ipv4 vrf <vrf>",
            " ipv6 vrf <vrf>",
            " peer nbma <address>",
            " peer tunnel <address>",
        )
        for end in ("", " static", " detail")
    ),
    read=read,
    template="cisco_ios_show_dmvpn",
    about="peers of mGRE tunnels, static or dynamic",
)
