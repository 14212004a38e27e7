"""Reads the sections of one text into a Router: what stands there, nothing concluded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from collector.config.dpd import to_dpd
from collector.config.line import Line, is_number
from collector.config.peers import add_peer
from collector.config.port import read_port
from collector.config.profiles import read_ike_profile, read_ipsec_profile, read_keyring
from collector.config.router import Entry, EzvpnClient, FlexClient, GdoiGroup, Keyring, MapWide, Router
from collector.config.tree import Section

_Rest = tuple[str, ...]


def read_sections(sections: Iterable[Section]) -> Router:
    """All statements of one text, later lines over earlier ones."""
    router = Router()
    for section in sections:
        head = section.head
        for pattern, handler in _HEADS:
            if (rest := head.after(*pattern)) is not None:
                handler(router, rest, section)
                break
        for line in section.children:  # an application whose interface was filtered away
            if line.low[:2] == ("crypto", "map") and not section.interface and len(line.words) > 2:
                router.orphan_maps[line.words[2]] = line
    return router


def _interface(router: Router, _rest: _Rest, section: Section) -> None:
    if section.head.negated:
        return
    probe = read_port(section, None)
    if probe is None:
        return
    earlier = router.ports.get(probe.name)
    port = read_port(section, earlier) if earlier is not None else probe
    if port is not None:
        router.ports[port.name] = port


def _hostname(router: Router, rest: _Rest, section: Section) -> None:
    if rest and not section.head.negated:
        router.hostname = rest[0]


def _crypto_map(router: Router, rest: _Rest, section: Section) -> None:
    """Heads: `crypto map [ipv6] M n KIND`, `crypto map M local-address I`, `crypto map M` that lost its interface."""
    family = "ipv4"
    if len(rest) > 2 and rest[0].lower() == "ipv6" and is_number(rest[2]):
        family, rest = "ipv6", rest[1:]
    if len(rest) < 2:
        if rest:
            router.orphan_maps[rest[0]] = section.head
        return
    if not is_number(rest[1]):
        _map_wide(router, rest, section)
        return
    key = (family, rest[0], int(rest[1][:6]))
    if section.head.negated:
        router.entries.pop(key, None)
        return
    entry = router.entries.setdefault(key, Entry(family=family, name=rest[0], sequence=key[2]))
    entry.heads.append(section.head)
    _entry_kind(entry, rest[2:])
    _entry_children(entry, section)


def _entry_kind(entry: Entry, words: _Rest) -> None:
    low = [word.lower() for word in words]
    if not low:
        return
    entry.kind = next(
        (
            kind
            for kind, least in (("ipsec-isakmp", 7), ("ipsec-manual", 7), ("gdoi", 2))
            if len(low[0]) >= least and kind.startswith(low[0])
        ),
        low[0],
    )
    if len(low) > 2 and len(low[1]) > 1 and "dynamic".startswith(low[1]):
        entry.kind, entry.dynamic = "dynamic", words[2]
    elif len(low) > 2 and low[1] == "profile":
        entry.crypto_profile = words[2]


def _entry_children(entry: Entry, section: Section) -> None:
    for line in section.children:
        for pattern, name in _ENTRY_VALUES:
            if (rest := line.after(*pattern)) is not None:
                _entry_value(entry, name, rest, line)
                break


def _entry_value(entry: Entry, name: str, rest: _Rest, line: Line) -> None:
    if name == "peers":
        add_peer(entry.peers, rest, line)
    elif name == "responder_only":
        entry.responder_only = not line.negated
    elif name == "manual":
        entry.kind = entry.kind or "ipsec-manual"
    else:
        setattr(entry, name, None if line.negated or not rest else rest[0])
        if name == "group":
            entry.kind = entry.kind or "gdoi"
    entry.proofs.append(line)


_ENTRY_VALUES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("set", "peer"), "peers"),
    (("set", "isakmp-profile"), "isakmp_profile"),
    (("set", "ikev2-profile"), "ikev2_profile"),
    (("set", "group"), "group"),
    (("match", "address"), "access_list"),
    (("set", "session-key"), "manual"),
    (("responder-only",), "responder_only"),
)


def _map_wide(router: Router, rest: _Rest, section: Section) -> None:
    wide = router.map_wide.setdefault(rest[0], MapWide())
    low = [word.lower() for word in rest[1:]]
    head = section.head
    if len(low[0]) > 1 and "local-address".startswith(low[0]):
        wide.local_address = None if head.negated or len(rest) < 3 else " ".join(rest[2:4])
    elif low[0] == "isakmp-profile" and len(rest) > 2:
        wide.isakmp_profile = None if head.negated else rest[2]
    elif low[0] == "client" and low[1:2] in (["configuration"], ["authentication"]):
        wide.serves_clients = None if head.negated else head
    wide.proofs.append(head)


def _dynamic_map(router: Router, rest: _Rest, section: Section) -> None:
    if len(rest) > 2 and rest[0].lower() == "ipv6":
        rest = rest[1:]
    if len(rest) < 2 or not is_number(rest[1]):
        return
    key = (rest[0], int(rest[1][:6]))
    if section.head.negated:
        router.dynamic_entries.pop(key, None)
        return
    entry = router.dynamic_entries.setdefault(
        key, Entry(family="ipv4", name=rest[0], sequence=key[1], kind="dynamic-template")
    )
    entry.heads.append(section.head)
    _entry_children(entry, section)


def _ipsec_profile(router: Router, rest: _Rest, section: Section) -> None:
    if rest and not section.head.negated:
        router.ipsec_profiles[rest[0]] = read_ipsec_profile(section, router.ipsec_profiles.get(rest[0]))


def _isakmp_profile(router: Router, rest: _Rest, section: Section) -> None:
    if rest and not section.head.negated:
        router.isakmp_profiles[rest[0]] = read_ike_profile(section, 1, router.isakmp_profiles.get(rest[0]))


def _ikev2_profile(router: Router, rest: _Rest, section: Section) -> None:
    if rest and not section.head.negated:
        router.ikev2_profiles[rest[0]] = read_ike_profile(section, 2, router.ikev2_profiles.get(rest[0]))


def _keyring(router: Router, rest: _Rest, section: Section) -> None:
    if rest and not section.head.negated:
        router.keyrings[rest[0]] = read_keyring(section)


def _isakmp_key(router: Router, rest: _Rest, section: Section) -> None:
    """As in `crypto isakmp key [6] KEY address A [mask]`: the keyring without a name; the key is not looked at."""
    low = [word.lower() for word in rest]
    ring = router.keyrings.setdefault("", Keyring(name="", head=section.head))
    if section.head.negated:
        return
    for at, word in enumerate(low):
        if word == "address" and at + 1 < len(rest) and at:
            mask = rest[at + 2] if len(rest) > at + 2 and rest[at + 2][0].isdigit() else None
            ring.keys.append((rest[at + 1], mask))
            return


def _isakmp_peer(router: Router, rest: _Rest, section: Section) -> None:
    if len(rest) > 1 and any(line.low[:2] == ("set", "aggressive-mode") for line in section.children):
        router.aggressive_peers[rest[1]] = section.head


def _isakmp_policy(router: Router, _rest: _Rest, section: Section) -> None:
    for line in section.children:
        if (rest := line.after("authentication")) and rest[0].lower().startswith("pre-share"):
            router.pre_shared = line


def _identity(router: Router, rest: _Rest, section: Section) -> None:
    named = bool(rest) and rest[0].lower() == "hostname" and not section.head.negated
    router.identity = section.head if named else None


def _recovery(router: Router, rest: _Rest, section: Section) -> None:
    if not rest:
        router.recovery = section.head


def _keepalive(router: Router, rest: _Rest, section: Section) -> None:
    if to_dpd(rest, section.head) is not None:
        router.keepalive = section.head


def _ikev2_dpd(router: Router, rest: _Rest, section: Section) -> None:
    if to_dpd(rest, section.head) is not None:
        router.ikev2_dpd = section.head


def _lifetime(router: Router, rest: _Rest, section: Section) -> None:
    if rest and is_number(rest[-1]) and len(rest[-1]) < 8 and rest[0].lower() == "seconds" and not section.head.negated:
        router.lifetime = timedelta(seconds=int(rest[-1]))


def _stamps(router: Router, rest: _Rest, section: Section) -> None:
    if rest and rest[0].lower() == "log":
        router.stamps = section.head.text


def _ezvpn(router: Router, rest: _Rest, section: Section) -> None:
    if not rest or section.head.negated:
        return
    client = router.ezvpn.setdefault(rest[0], EzvpnClient(name=rest[0], head=section.head))
    for line in section.children:
        if (words := line.after("peer")) is not None:
            add_peer(client.peers, words, line)
        elif (words := line.after("local-address")) is not None:
            client.local_address = " ".join(words[:2]) or None


def _gdoi(router: Router, rest: _Rest, section: Section) -> None:
    words = rest[1:] if rest[:1] == ("ipv6",) else rest
    if not words or section.head.negated:
        return
    group = router.gdoi.setdefault(words[0], GdoiGroup(name=words[0], head=section.head))
    for line in section.children:
        if line.low[:3] == ("client", "protocol", "gikev2"):
            group.ikev2 = line.words[-1]


def _flex(router: Router, rest: _Rest, section: Section) -> None:
    if not rest or section.head.negated:
        return
    client = router.flex.setdefault(rest[0], FlexClient(name=rest[0]))
    for line in section.children:
        if (words := line.after("peer")) is not None and len(words) > 1 and is_number(words[0]):
            named = words[1].lower() == "fqdn" and len(words) > 2  # `peer 1 fqdn NAME [dynamic]`, `peer 1 A`
            add_peer(client.peers, words[2:] if named else words[1:], line)
        elif line.low[:2] == ("client", "connect"):
            client.tunnel = " ".join(line.words[2:4])


def _router_ospf(router: Router, _rest: _Rest, section: Section) -> None:
    for line in section.children:
        if line.low[:1] == ("area",) and "ipsec" in line.low and "spi" in line.low and not line.negated:
            router.ospf_areas[line.words[1]] = line


_HEADS: tuple[tuple[tuple[str, ...], Callable[[Router, _Rest, Section], None]], ...] = (
    (("interface",), _interface),
    (("hostname",), _hostname),
    (("crypto", "map"), _crypto_map),
    (("crypto", "dynamic-map"), _dynamic_map),
    (("crypto", "ipsec", "profile"), _ipsec_profile),
    (("crypto", "ipsec", "client", "ezvpn"), _ezvpn),
    (("crypto", "ipsec", "security-association", "lifetime"), _lifetime),
    (("crypto", "isakmp", "profile"), _isakmp_profile),
    (("crypto", "ikev2", "profile"), _ikev2_profile),
    (("crypto", "keyring"), _keyring),
    (("crypto", "isakmp", "key"), _isakmp_key),
    (("crypto", "isakmp", "peer"), _isakmp_peer),
    (("crypto", "isakmp", "policy"), _isakmp_policy),
    (("crypto", "isakmp", "identity"), _identity),
    (("crypto", "isakmp", "invalid-spi-recovery"), _recovery),
    (("crypto", "isakmp", "keepalive"), _keepalive),
    (("crypto", "ikev2", "dpd"), _ikev2_dpd),
    (("crypto", "ikev2", "client", "flexvpn"), _flex),
    (("crypto", "gdoi", "group"), _gdoi),
    (("crypto", "gkm", "group"), _gdoi),
    (("service", "timestamps"), _stamps),
    (("router", "ospfv3"), _router_ospf),
    (("ipv6", "router", "ospf"), _router_ospf),
)
