"""Reads `crypto ipsec profile`, `crypto isakmp profile`, `crypto ikev2 profile` and `crypto keyring`."""

from __future__ import annotations

from collector.config.dpd import to_dpd
from collector.config.line import Line
from collector.config.router import IkeProfile, IpsecProfile, Keyring
from collector.config.tree import Section

_Rest = tuple[str, ...]


def read_ipsec_profile(section: Section, earlier: IpsecProfile | None) -> IpsecProfile:
    """The profile that `tunnel protection` names; a second section goes on with the first."""
    profile = earlier or IpsecProfile(name=section.head.words[3], head=section.head)
    for line in section.children:
        if (rest := line.after("set", "isakmp-profile")) is not None:
            profile.isakmp_profile = _value(rest, line)
        elif (rest := line.after("set", "ikev2-profile")) is not None:
            profile.ikev2_profile = _value(rest, line)
        elif line.after("responder-only") is not None:
            profile.responder_only = None if line.negated else line
    return profile


def read_ike_profile(section: Section, version: int, earlier: IkeProfile | None) -> IkeProfile:
    """An ISAKMP or IKEv2 profile."""
    profile = earlier or IkeProfile(name=section.head.words[3], version=version, head=section.head)
    for line in section.children:
        _ike_line(profile, line)
    return profile


def _value(rest: _Rest, line: Line) -> str | None:
    return None if line.negated or not rest else rest[0]


def _ike_line(profile: IkeProfile, line: Line) -> None:
    low, words = line.low, line.words
    if low[0] == "match":
        _match(profile, line)
    elif low[0] == "virtual-template":
        profile.virtual_template = _value(words[1:], line)
    elif low[0] in {"vrf", "ivrf"}:
        profile.vrf = _value(words[1:], line)
    elif low[0] == "local-address":
        profile.local_address = _value(words[1:], line)
    elif low[0] in {"keepalive", "dpd"}:
        profile.dpd = to_dpd(words[1:], line) or profile.dpd
    elif low[0] == "client" and low[1:2] in {("configuration",), ("authentication",)}:
        profile.serves_clients = None if line.negated else line
    elif low[:3] == ("initiate", "mode", "aggressive"):
        profile.aggressive = None if line.negated else line
    elif low[0] == "self-identity" and low[1:2] in {("fqdn",), ("user-fqdn",)}:
        profile.hostname_identity = None if line.negated else line


def _match(profile: IkeProfile, line: Line) -> None:
    """Identities of an ISAKMP profile: `match identity address A [mask]`, `match identity group`; `match fvrf F`."""
    low, words = line.low, line.words
    if low[1:2] == ("fvrf",) and len(words) > 2:
        profile.fvrf = None if low[2] == "any" else words[2]
    elif low[1:3] == ("address", "local") and len(words) > 3:
        profile.local_address = words[4] if low[3] == "interface" and len(words) > 4 else words[3]
    elif low[1:2] == ("identity",):
        rest = low[2:]
        if rest[:1] == ("group",):
            profile.match_group = line
        elif rest[:1] == ("address",) and len(rest) > 1:
            mask = rest[2] if len(rest) > 2 and rest[2][0].isdigit() else None
            profile.match.append((rest[1], mask))


def read_keyring(section: Section) -> Keyring:
    """Whom `crypto keyring K [vrf F]` has keys for. The keys themselves are not looked at."""
    words, low = section.head.words, section.head.low
    vrf = words[low.index("vrf") + 1] if "vrf" in low[:-1] else None
    ring = Keyring(name=words[2], vrf=vrf, head=section.head)
    for line in section.children:
        if line.low[0] == "local-address" and len(line.words) > 1:
            ring.local_address = line.words[1]
        elif line.low[:2] == ("pre-shared-key", "address") and len(line.words) > 2 and not line.negated:
            mask = line.words[3] if len(line.words) > 3 and line.low[3][0].isdigit() else None
            ring.keys.append((line.words[2], mask))
    return ring
