"""Far ends as the configuration names them: addresses, names, `default`, `dynamic`."""

from __future__ import annotations

from collector.config.line import Line
from collector.model import PeerSpec, to_address


def to_peer(text: str, line: Line, *, dynamic: bool = False, default: bool = False) -> PeerSpec:
    """A peer by address or by name. `dynamic` (the word itself) is resolved by the router at run time."""
    address = to_address(text)
    return PeerSpec(
        text=text,
        address=address,
        by_name=address is None,
        dynamic=dynamic or text.lower() == "dynamic",
        default=default,
        evidence=(line.proof(),),
    )


def add_peer(peers: dict[str, PeerSpec], rest: tuple[str, ...], line: Line) -> None:
    """`set peer A [dynamic] [default]`, or its removal by `no`. The same peer stands once."""
    if not rest:
        if line.negated:
            peers.clear()
        return
    text = rest[0]
    peers.pop(text, None)
    if not line.negated:
        flags = {word.lower() for word in rest[1:]}
        peers[text] = to_peer(text, line, dynamic="dynamic" in flags, default="default" in flags)
