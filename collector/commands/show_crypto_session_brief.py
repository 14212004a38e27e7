"""show crypto session brief: one line a session, its state in letters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from collector.commands.blocks import Count, Doubt, Doubts, Empty, read_blocks
from collector.commands.command import Command, Reading
from collector.model import Session, to_address
from collector.parse import Row
from collector.parse.duration import lifetime

_STATES = {
    "UA": "UP-ACTIVE",
    "UI": "UP-IDLE",
    "UK": "UP-NO-IKE",
    "US": "UP-STANDBY",
    "DN": "DOWN-NEGOTIATING",
    "D": "DOWN",
}
# each VRF has its own headings; the legend before them is not a row
_BEFORE = {"IVRF": {"", "PEER"}, "HEAD": {"IVRF"}, "PEER": {"HEAD", "PEER"}}
_BEGINS = re.compile(r"[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]{2,45}(?:/\d{1,5})?\s")


def fold(rows: Iterable[Row], doubts: Doubts) -> Iterator[Session]:
    """Rows with IVRF (a heading) or PEER, PORT, INTERFACE, USER, GROUP, UPTIME, STATUS -> Session.

    A lone word between interface and uptime is the group or phase-1 identity: user names stand for remote access only.
    """
    ivrf: str | None = None
    last = ""
    seen: set[tuple[str | None, ...]] = set()
    for row in rows:
        before, last = last, row.first
        if before not in _BEFORE.get(last, {before}):
            doubts.append(
                Doubt(line=row.line, text=f"a line out of order: {last.lower()} after {before.lower() or 'nothing'}")
            )
        if row.text("IVRF"):
            ivrf = None if row.text("IVRF") == "(none)" else row.text("IVRF")
        elif row.text("PEER"):
            peer, letters = to_address(row.text("PEER")), row.text("STATUS")
            key = (ivrf, *map(row.text, ("PEER", "PORT", "INTERFACE", "USER", "GROUP", "UPTIME", "STATUS")))
            if key in seen:
                doubts.append(Doubt(line=row.line, text="the same session stands twice"))
            seen.add(key)
            if peer is None:
                doubts.append(Doubt(line=row.line, text=f"{row.text('PEER')!r} is no address"))
            yield Session(
                line=row.line,
                interface=row.text("INTERFACE"),
                status=_STATES.get(letters) or _STATES.get(letters[::-1], letters),
                peer=peer,
                peer_text=row.text("PEER"),
                peer_port=int(row.text("PORT")) if row.text("PORT") else None,
                uptime=lifetime(row.text("UPTIME")) if row.text("UPTIME") else None,
                ivrf=ivrf,
                phase1_id=row.text("GROUP") or row.text("USER") or None,
            )
    if last == "IVRF":
        doubts.append(Doubt(line=0, text="nothing after the last `ivrf` line: cut?"))


def read(lines: Iterable[str], filtered: str | None) -> Reading[Session]:
    """Whole when each line that begins with an address is a session."""
    return read_blocks(
        COMMAND,
        lines,
        fold,
        counts=(Count(what="session", begins=lambda line: _BEGINS.match(line) is not None),),
        empty=Empty(wordings=("Status:", "There are no", "There is no", "No ")),
        filtered=filtered,
    )


COMMAND: Command[Session] = Command(
    name="show crypto session brief",
    lines=("show crypto session brief",),
    read=read,
    template="cisco_ios_show_crypto_session_brief",
    spellings=tuple(
        f"show crypto session {scope} brief"
        for scope in ("fvrf <vrf>", "ivrf <vrf>", "remote <address>", "local <address>", "interface <interface>")
    ),
    about="the state of all sessions, a line each",
)
