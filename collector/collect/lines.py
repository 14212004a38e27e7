"""Lines that may be typed: the command catalogue's, filled in where they name a peer. A line that it does not have is not asked."""

from __future__ import annotations

from functools import cache

from collector.commands import CATALOGUE
from collector.session import allow

MOST_PEERS = 3  # asked one by one; more, and the whole table is asked

DATAPATH = "show platform hardware qfp active feature ipsec datapath drops"
STATISTICS = "show platform hardware qfp active statistics drop"


@cache
def _lines(name: str) -> tuple[str, ...]:
    return next((command.lines for command in CATALOGUE if command.name == name), ())


def line_of(name: str, *, piped: bool | None = None, holding: str = "") -> str | None:
    """The catalogue's first line for a command, without placeholders; piped: with or without a filter, None: any."""
    for line in _lines(name):
        if ("{" in line and "{" not in name) or holding not in line:
            continue
        if (piped is None or piped == ("|" in line)) and allow.allowed(line):
            return line
    return None


def filled(name: str, peer: str) -> str | None:
    """The catalogue's line for a command about one peer."""
    for line in _lines(name):
        if "{peer}" in line:
            whole = line.replace("{peer}", peer)
            return whole if allow.allowed(whole) else None
    return None


def sa_lines(peers: tuple[str, ...], room: int = MOST_PEERS) -> list[str | None]:
    """The SAs of these peers, one by one where they and the `room` are few enough, else all."""
    if 0 < len(peers) <= min(MOST_PEERS, max(room, 1)):
        return [filled("show crypto ipsec sa", peer) for peer in peers]
    return [line_of("show crypto ipsec sa")]


def session_line(peers: tuple[str, ...]) -> str | None:
    """The sessions of the peer, all where there is not just one."""
    if len(peers) == 1 and (line := filled("show crypto session", peers[0])):
        return line
    return line_of("show crypto session", holding="detail") or line_of("show crypto session")
