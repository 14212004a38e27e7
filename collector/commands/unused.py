"""Commands that people type and whose answers are known and not used: said plainly, so that nobody waits for more.

Their answers name no single peer's SA, or their layout is not established (no capture, no page of Cisco's shows it). From
a count nothing follows for a peer: an IKE SA is `none` only by a readable table without it (DOMAIN 3.4).
"""

from __future__ import annotations

from dataclasses import dataclass

from collector.commands.recognise import spelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Unused:
    """name: in full words. why: it is not used. instead: what says the same, peer by peer."""

    name: str
    why: str
    instead: str

    def __str__(self) -> str:
        return f"`{self.name}` is known and not used: {self.why}; `{self.instead}` is read"


_COUNT = "it counts SAs and names no peer"
_LAYOUT = "how it prints is not established"
_PLATFORM = "what the platform adds to the table is not established"

UNUSED: tuple[tuple[str, Unused], ...] = tuple(
    (spelling, Unused(name=spelling, why=why, instead=instead))
    for spelling, why, instead in (
        ("show crypto isakmp sa count", _COUNT, "show crypto isakmp sa"),
        ("show crypto isakmp sa nat", _LAYOUT, "show crypto isakmp sa detail"),
        ("show crypto ipsec sa count", _COUNT, "show crypto ipsec sa"),
        ("show crypto ipsec sa platform", _PLATFORM, "show crypto ipsec sa"),
        ("show crypto ipsec sa peer <address> platform", _PLATFORM, "show crypto ipsec sa"),
        ("show crypto ipsec sa interface <interface> platform", _PLATFORM, "show crypto ipsec sa"),
        ("show crypto session summary", "it counts logins by group and names no peer", "show crypto session detail"),
        # read where it comes as with `detail`
        ("show crypto ipsec spi-lookup", f"without `detail`, {_LAYOUT}", "show crypto ipsec spi-lookup detail"),
    )
)


def unused(line: str) -> Unused | None:
    """What is to be said of a typed line, abbreviated and filtered as people do; `None` where it is none of these."""
    return next((known for spelling, known in UNUSED if spelled(line, spelling)), None)
