"""show crypto session [detail]: IKE and IPsec of a peer side by side.

UP-NO-IKE is the precondition of the trouble: SAs without the IKE SA that could tell the far end to delete.
`origin: crypto map` is printed even for tunnels; a peer may have several flows and IKE SAs, a Tunnel several sessions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from collector.commands.blocks import Count, Doubt, Doubts, Empty, read_blocks
from collector.commands.command import Command, Reading
from collector.commands.sessions import ike_line, named, with_capabilities, with_counts
from collector.model import Session, SessionFlow, SessionIke, to_address
from collector.parse import Row
from collector.parse.duration import lifetime

# the order of a session's lines; IKE SAs and flows repeat
_ORDER = {
    name: rank
    for rank, name in enumerate(
        ("INTERFACE", "PROFILE", "UPTIME", "STATUS", "PEER", "FVRF", "PHASE1_ID", "VERSION", "CAPABILITIES", "FLOW",
         "ACTIVE_SAS", "IN_PACKETS", "OUT_PACKETS")
    )
}  # fmt: skip
_REPEATS = {"VERSION": {"VERSION", "CAPABILITIES"}, "FLOW": {"ACTIVE_SAS", "OUT_PACKETS"}}


def fold(rows: Iterable[Row], doubts: Doubts) -> Iterator[Session]:
    """Rows -> Session, each as soon as it ends."""
    answer = _Answer(doubts)
    for row in rows:
        if (session := answer.take(row)) is not None:
            yield session
    if (session := answer.close()) is not None:
        yield session


class _Answer:
    def __init__(self, doubts: Doubts) -> None:
        self.doubts = doubts
        self.titles = 0
        self.detail = False
        self.session: Session | None = None  # its ike and flows are gathered beside it: appended to, not copied
        self.ike: list[SessionIke] = []
        self.flows: list[SessionFlow] = []
        self.last = ""  # kind of the line before
        self.keys: set[int] = set()

    def take(self, row: Row) -> Session | None:
        kind = row.first
        if kind == "INTERFACE":
            done = self.close()
            self.session = Session(
                line=row.line, interface=row.text("INTERFACE"), status="", peer=None, peer_text=None, peer_port=None
            )
            self.last = kind
            return done
        if kind in {"TITLE", "CODES", "NONE"}:
            self.detail = self.detail or kind == "CODES"
            self.titles += kind == "TITLE"
            done = self.close()
            if kind == "TITLE" and self.titles > 1:
                self._doubt(row, "a second title: two answers in one")
            return done
        if self.session is None:
            self._doubt(row, "a line of a session whose first line is missing")
            return None
        if not self._in_order(kind):
            self._doubt(row, f"{kind.lower().replace('_', ' ')}: out of order")
        self.last = kind
        if kind in {"VERSION", "CAPABILITIES"}:
            self._ike_line(row, kind)
        elif kind == "FLOW":
            self.flows.append(SessionFlow(line=row.line, flow=row.text("FLOW")))
        elif kind in {"ACTIVE_SAS", "IN_PACKETS", "OUT_PACKETS"}:
            if self.flows:
                self.flows[-1] = with_counts(self.flows[-1], row)
        else:
            self.session = _with(self.session, row, kind)
        return None

    def _ike_line(self, row: Row, kind: str) -> None:
        if kind == "VERSION":
            self.ike.append(ike_line(row))
        elif self.ike:
            self.ike[-1] = with_capabilities(self.ike[-1], row)

    def _in_order(self, kind: str) -> bool:
        if self.last in _REPEATS.get(kind, ()):
            return True
        return _ORDER[kind] > _ORDER[self.last]

    def close(self) -> Session | None:
        if self.session is None:
            return None
        session = replace(self.session, ike=tuple(self.ike), flows=tuple(self.flows))
        self.session, self.ike, self.flows = None, [], []
        lacks = list(_lacks(session, detail=self.detail))
        if lacks:
            self.doubts.append(Doubt(line=session.line, text=f"the session has no {lacks[0]}: cut?"))
        key = hash(replace(session, line=0, ike=(), flows=tuple(replace(flow, line=0) for flow in session.flows)))
        if key in self.keys:
            self.doubts.append(Doubt(line=session.line, text="the same session stands twice"))
        self.keys.add(key)
        return session

    def _doubt(self, row: Row, text: str) -> None:
        self.doubts.append(Doubt(line=row.line, text=text))


def _with(session: Session, row: Row, kind: str) -> Session:
    """`session` with one more line."""
    match kind:
        case "PROFILE":
            return replace(session, profile=row.text("PROFILE"))
        case "UPTIME":
            return replace(session, uptime=lifetime(row.text("UPTIME")))
        case "STATUS":
            return replace(session, status=row.text("STATUS"))
        case "PEER":
            text = row.text("PEER")
            session = replace(session, peer=to_address(text), peer_text=text, peer_port=int(row.text("PORT")))
            return _with(session, row, "FVRF") if row.text("FVRF") else session
        case "FVRF":
            return replace(session, fvrf=named(row.text("FVRF")), ivrf=named(row.text("IVRF")))
        case _:
            return replace(session, phase1_id=named(row.text("PHASE1_ID")))


def _lacks(session: Session, *, detail: bool) -> Iterator[str]:
    """What a whole session of its status would have."""
    if not session.status:
        yield "`Session status` line"
    if session.peer_text is None:
        yield "`Peer` line"
    if session.status in {"UP-ACTIVE", "UP-IDLE"} and not session.ike:
        yield "IKE SA"
    if session.status in {"UP-ACTIVE", "UP-NO-IKE"} and not session.flows:
        yield "IPSEC FLOW"
    if any(flow.active_sas is None for flow in session.flows):
        yield "`Active SAs` line of a flow"
    if detail and any(ike.connection_id is None for ike in session.ike):
        yield "`Capabilities` line of an IKE SA"
    if detail and any(flow.outbound_encrypted is None or flow.inbound_decrypted is None for flow in session.flows):
        yield "packet counts of a flow"


def _ike_sas(records: Sequence[Session]) -> int:
    return sum(len(session.ike) for session in records)


def _flows(records: Sequence[Session]) -> int:
    return sum(len(session.flows) for session in records)


def read(lines: Iterable[str], filtered: str | None) -> Reading[Session]:
    """Whole when each `Session status`, `IKEv? SA` and `IPSEC FLOW` of the text is in a record."""
    return read_blocks(
        COMMAND,
        lines,
        fold,
        counts=(
            Count(what="session", starts=("Session status:",)),
            Count(
                what="IKE SA",
                starts=("IKEv1 SA:", "IKEv2 SA:", "IKE SA:"),
                total=_ike_sas,
            ),
            Count(what="flow", starts=("IPSEC FLOW:",), total=_flows),
        ),
        empty=Empty(wordings=("Crypto session current status", "There are no", "There is no", "No ")),
        filtered=filtered,
    )


_SCOPES = (
    "remote <address>",
    "remote <address> port <port>",
    "local <address>",
    "local <address> remote <address>",
    "interface <interface>",
    "interface <type> <number>",
    "fvrf <vrf>",
    "ivrf <vrf>",
    "username <name>",
    "group <name>",
    "active",
    "standby",
)

COMMAND: Command[Session] = Command(
    name="show crypto session",
    lines=("show crypto session remote {peer} detail", "show crypto session detail", "show crypto session"),
    read=read,
    template="cisco_ios_show_crypto_session",
    spellings=(
        *(f"show crypto session {scope}" for scope in _SCOPES),
        *(f"show crypto session {scope} detail" for scope in _SCOPES),
    ),
    about="UP-NO-IKE, uptime, DPD and NAT of a peer",
)
