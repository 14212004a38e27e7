"""Sections of a configuration: a head and the lines under it, whatever became of the leading blanks.

With its blanks, a line deeper than the head is a child. Tools trim them, pages and scripts shift them; then keywords
decide: a line that can only be global (`crypto isakmp policy`, `router bgp`, `interface`) begins a section at any depth,
and where no deeper line was seen, the lines that follow a head belong to it up to the next such line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from collector.config.line import Line

# Global at any depth: scripts indent whole sections, and no interface, map or profile has such a child.
_ALWAYS = frozenset(("router", "route-map", "access-list"))
_ALWAYS_PAIRS = frozenset(
    (
        ("ip", "route"), ("ip", "access-list"), ("ip", "prefix-list"), ("ip", "as-path"), ("ip", "community-list"),
        ("ipv6", "route"), ("ipv6", "access-list"), ("vrf", "definition"), ("key", "chain"),
    )
)  # fmt: skip
# Where the blanks were lost: heads whose children could be taken for those of the section before.
_GLOBAL = frozenset(
    (
        "aaa", "alias", "archive", "banner", "boot", "call-home", "class-map", "clock", "conf", "configure",
        "control-plane", "controller", "dial-peer", "dialer-list", "end", "enable", "ephone", "event", "flow",
        "gatekeeper", "gateway", "ip-sla", "kron", "l2vpn", "license", "line", "map-class", "menu", "monitor", "object",
        "object-group", "parameter-map", "policy-map", "pseudowire-class", "radius", "radius-server", "sdwan", "sip-ua",
        "snmp-server", "tacacs", "tacacs-server", "telephony-service", "template", "track", "username", "version",
        "vlan", "voice", "voice-port", "vpdn-group", "webvpn", "wr", "write", "zone", "zone-pair",
    )
)  # fmt: skip
_GLOBAL_PAIRS = frozenset(
    (
        ("ip", "sla"), ("ip", "local"), ("ip", "http"), ("ip", "forward-protocol"), ("ip", "ssh"), ("ip", "domain"),
        ("service", "timestamps"), ("service", "password-encryption"), ("bfd", "map"),
    )
)  # fmt: skip
_EZVPN_CHILDREN = ("connect", "group", "mode", "peer", "username", "xauth", "virtual-interface", "acl", "local-address")


@dataclass(slots=True)
class Section:
    """A head and its lines, in order. indented: some line stood deeper than the head."""

    head: Line
    children: list[Line] = field(default_factory=list)
    indented: bool = False

    @property
    def interface(self) -> bool:
        """Whether it is that of an interface."""
        return self.head.after("interface") is not None


def sections(lines: Sequence[Line]) -> Iterator[Section]:
    """The sections of one capture, in order. A global line is a section without children. One pass."""
    current: Section | None = None
    for index, line in enumerate(lines):
        following = lines[index + 1] if index + 1 < len(lines) else None
        if current is None or _begins(line, current, following):
            if current is not None:
                yield current
            current = None if line.low[0] in {"exit", "end"} else Section(line)
        elif line.low[0] == "exit" and line.indent <= current.head.indent + 1:
            yield current
            current = None
        else:
            current.indented = current.indented or line.indent > current.head.indent
            current.children.append(line)
    if current is not None:
        yield current


def _begins(line: Line, current: Section, following: Line | None) -> bool:
    """Whether `line` begins a section of its own."""
    if line.low[0] == "exit":
        return False
    if (sure := _surely_global(line, current, following)) is not None:
        return sure
    return current.indented and line.indent <= current.head.indent


def _surely_global(  # noqa: PLR0911 - one exit a kind of word
    line: Line, current: Section, following: Line | None
) -> bool | None:
    """True: global at any depth. False: a child at any depth. None: the blanks decide."""
    first = line.low[0]
    deeper = line.indent > current.head.indent
    if deeper and current.head.low[0] == "sdwan":
        return False  # sdwan / interface X / tunnel-interface
    if first == "crypto":
        return _global_crypto(line, current, following)
    if line.after("interface") is not None and len(line.words) > 1 and not line.negated:
        return True
    if line.negated:
        return None
    if first in _ALWAYS or line.low[:2] in _ALWAYS_PAIRS:
        return True
    if line.low[:2] == ("ip", "vrf"):
        return len(line.low) == 3 and line.low[2] not in {"forwarding", "receive", "sitemap"}
    if deeper or current.indented:
        return None
    if first == "hostname":
        return current.head.low[:2] != ("crypto", "ikev2")  # a peer of a keyring may have one
    if current.head.low[0] == "crypto" and first in {"username", "version"}:
        return False
    return first in _GLOBAL or line.low[:2] in _GLOBAL_PAIRS or None


def _global_crypto(line: Line, current: Section, following: Line | None) -> bool | None:
    if line.negated and line.low[:2] == ("crypto", "map") and len(line.low) < 4:
        return None if current.interface else True
    if line.low[:2] == ("crypto", "map"):
        return len(line.low) > 3 and line.low[3] != "redundancy"
    if line.after("crypto", "ipsec", "client", "ezvpn") is not None:
        return _ezvpn_head(line, current, following)
    if line.low[:2] == ("crypto", "engine") or line.low[2:3] in {("df-bit",), ("fragmentation",)}:
        return None
    return True


def _ezvpn_head(line: Line, current: Section, following: Line | None) -> bool:
    """`crypto ipsec client ezvpn N` is a definition, and under an interface its use."""
    if not current.interface:
        return True
    if line.low[-1] in {"inside", "outside"}:
        return False
    if line.indent > current.head.indent:
        return False
    if current.indented:
        return True
    return following is not None and following.low[0] in _EZVPN_CHILDREN


def own_children(section: Section) -> Iterator[tuple[Line, Line | None]]:
    """The children of an interface, each with the opener of the sub-mode that it stands in (`service instance`)."""
    opener: Line | None = None
    for line in section.children:
        if opener is not None and (line.low[0] in {"exit", "exit-vrrp"} or _left(line, opener, section)):
            opener = None
        if opener is None and _opens(line):
            opener = line
            yield line, None
            continue
        yield line, opener


def _left(line: Line, opener: Line, section: Section) -> bool:
    return section.indented and line.indent <= opener.indent


def _opens(line: Line) -> bool:
    return (
        line.low[:2] == ("service", "instance")
        or line.low[0] == "pvc"
        or (line.low[0] == "vrrp" and "address-family" in line.low)
    )
