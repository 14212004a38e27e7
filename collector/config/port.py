"""Reads an interface section."""

from __future__ import annotations

from collections.abc import Callable

from collector.config.line import Line
from collector.config.names import interface_name
from collector.config.router import Port
from collector.config.tree import Section, own_children
from collector.model import Address, to_address

_Rest = tuple[str, ...]
_NUMBERED = "0123456789<"  # how a number apart from its type begins; `<1-99>` in a manual


def read_port(section: Section, port: Port | None) -> Port | None:
    """The interface of a section; a second section of the same name goes on with the first. `None`: no real name."""
    words = section.head.after("interface") or ()
    template = tuple(word.lower() for word in words[-2:]) == ("type", "tunnel")
    named = words[: -2 if template else None]
    text = " ".join(named[:2] if named[1:] and named[1][0] in _NUMBERED else named[:1])  # not `point-to-point`
    if not words or "<" in text:
        return None
    port = port or Port(name=interface_name(text), head=section.head)
    for line, opener in own_children(section):
        if opener is None:
            _read(port, line)
        elif opener.low[0] == "vrrp" and (rest := line.after("address")):
            _virtual(port, rest, line)
    return port


def _read(port: Port, line: Line) -> None:
    for pattern, handler in _CHILDREN:
        if (rest := line.after(*pattern)) is not None:
            handler(port, rest, line)
            return


def _keep(port: Port, name: str, line: Line, value: str | None) -> str | None:
    """Remembers the line as proof; a `no` form forgets."""
    if line.negated:
        port.proofs.pop(name, None)
        return None
    port.proofs[name] = line
    return value


def _address(port: Port, rest: _Rest, line: Line) -> None:
    if line.negated:
        if not rest:
            port.addresses.clear()
        return
    if not rest:
        return
    address = to_address(rest[0].split("/")[0])
    secondary = "secondary" in (word.lower() for word in rest)
    if address is None or {"eui-64"} & {word.lower() for word in rest}:
        port.dynamic_address = line
        return
    if not secondary and address.version == 4:  # a second primary replaces the first
        if port.primary is not None:
            port.addresses.pop(port.primary, None)
        port.primary = address
    port.addresses[address] = secondary


def _unnumbered(port: Port, rest: _Rest, line: Line) -> None:
    port.unnumbered = interface_name(" ".join(rest[:2] if len(rest) > 1 and rest[1][0].isdigit() else rest[:1]))
    if line.negated or not rest:
        port.unnumbered = None


def _vrf(port: Port, rest: _Rest, line: Line) -> None:
    port.vrf = _keep(port, "vrf", line, rest[0] if rest else None)


def _shutdown(port: Port, rest: _Rest, line: Line) -> None:
    if not rest:
        port.shutdown = _keep(port, "shutdown", line, "yes") is not None


def _crypto_map(port: Port, rest: _Rest, line: Line, family: str = "ipv4") -> None:
    name = rest[0] if rest else None
    port.maps[:] = [item for item in port.maps if item[0] != family or (name is not None and name != item[1])]
    if line.negated or name is None:
        return
    port.maps[:] = [item for item in port.maps if item[0] != family]  # one map a family
    redundancy = rest[2] if len(rest) > 2 and rest[1].lower() == "redundancy" else None
    port.maps.append((family, name, redundancy, line))


def _crypto_map_v6(port: Port, rest: _Rest, line: Line) -> None:
    _crypto_map(port, rest, line, "ipv6")


def _mode(port: Port, rest: _Rest, line: Line) -> None:
    port.mode = tuple(word.lower() for word in rest) if _keep(port, "mode", line, "yes") else ()


def _source(port: Port, rest: _Rest, line: Line) -> None:
    port.source = _keep(port, "source", line, " ".join(rest[:2]) or None)


def _destination(port: Port, rest: _Rest, line: Line) -> None:
    port.destination = _keep(port, "destination", line, rest[0] if rest else None)


def _tunnel_vrf(port: Port, rest: _Rest, line: Line) -> None:
    port.tunnel_vrf = _keep(port, "tunnel vrf", line, rest[0] if rest else None)


def _protection(port: Port, rest: _Rest, line: Line) -> None:
    port.protection = _keep(port, "protection", line, rest[0] if rest else None)
    low = [word.lower() for word in rest]
    port.shared = any(len(word) > 1 and "shared".startswith(word) for word in low[1:]) and not line.negated
    port.protection_ikev2 = _option(rest, low, "ikev2-profile")
    port.protection_isakmp = _option(rest, low, "isakmp-profile")


def _unprotect(port: Port, _rest: _Rest, line: Line) -> None:
    if line.negated:  # no tunnel protection [ipsec]
        port.protection = _keep(port, "protection", line, None)


def _option(rest: _Rest, low: list[str], name: str) -> str | None:
    return rest[low.index(name) + 1] if name in low[:-1] else None


def _nhrp_map(port: Port, rest: _Rest, line: Line) -> None:
    """As in `ip nhrp map [group] T [mask] NBMA`; `ip nhrp map multicast NBMA|dynamic` is no unicast map."""
    if not rest or rest[0].lower() == "group":
        return
    nbma = rest[-1]
    store = port.multicast if rest[0].lower() == "multicast" else port.nhrp
    store.pop(nbma, None)
    if not line.negated and len(rest) > 1 and nbma.lower() != "dynamic":
        store[nbma] = line


def _nhs(port: Port, rest: _Rest, line: Line) -> None:
    if not rest:
        return
    low = [word.lower() for word in rest]
    port.nhs.pop(line.words, None)
    nbma = _option(rest, low, "nbma")
    if nbma is not None:
        port.nhrp.pop(nbma, None)
    if line.negated:
        return
    port.nhs[line.words] = line
    if nbma is not None:
        port.nhrp[nbma] = line


def _group_ip(port: Port, rest: _Rest, line: Line) -> None:
    """HSRP, VRRP, GLBP: `standby [n] ip A`, `vrrp n ip A`, `glbp n ip A`, and their ipv6 forms."""
    low = [word.lower() for word in rest]
    for word in ("ip", "ipv6"):
        if word in low[:2]:
            _virtual(port, rest[low.index(word) + 1 :], line)
            return


def _redundancy(port: Port, rest: _Rest, line: Line) -> None:
    """As in `redundancy group 1 ip A exclusive`: the virtual address of a redundancy group."""
    if "ip" in rest and not line.negated:
        _virtual(port, rest[rest.index("ip") + 1 :], line)


def _virtual(port: Port, rest: _Rest, line: Line) -> None:
    address: Address | None = to_address(rest[0].split("/")[0]) if rest else None
    if address is not None and not line.negated:
        port.virtual[address] = None


def _ezvpn(port: Port, rest: _Rest, line: Line) -> None:
    if not rest:
        return
    side = rest[1].lower() if len(rest) > 1 else "outside"
    port.ezvpn.pop((rest[0], side), None)
    if not line.negated:
        port.ezvpn[rest[0], side] = line


def _ospf(port: Port, rest: _Rest, line: Line) -> None:
    low = [word.lower() for word in rest]
    if "ipsec" in low and "spi" in low and not line.negated:
        port.ospf_ipsec.append(line)


def _ignore(_port: Port, _rest: _Rest, _line: Line) -> None:
    """Words that begin like one that counts, and are not."""


_CHILDREN: tuple[tuple[tuple[str, ...], Callable[[Port, _Rest, Line], None]], ...] = (
    (("description",), _ignore),
    (("ip", "address"), _address),
    (("ipv6", "address"), _address),
    (("ip", "unnumbered"), _unnumbered),
    (("ipv6", "unnumbered"), _unnumbered),
    (("vrf", "forwarding"), _vrf),
    (("ip", "vrf", "forwarding"), _vrf),
    (("shutdown",), _shutdown),
    (("crypto", "map"), _crypto_map),
    (("ipv6", "crypto", "map"), _crypto_map_v6),
    (("crypto", "ipsec", "client", "ezvpn"), _ezvpn),
    (("tunnel", "protection", "ipsec", "profile"), _protection),
    (("tunnel", "protection"), _unprotect),
    (("tunnel", "mode"), _mode),
    (("tunnel", "source"), _source),
    (("tunnel", "destination"), _destination),
    (("tunnel", "vrf"), _tunnel_vrf),
    (("ip", "nhrp", "map"), _nhrp_map),
    (("ipv6", "nhrp", "map"), _nhrp_map),
    (("ip", "nhrp", "nhs"), _nhs),
    (("ipv6", "nhrp", "nhs"), _nhs),
    (("standby",), _group_ip),
    (("vrrp",), _group_ip),
    (("glbp",), _group_ip),
    (("redundancy", "group"), _redundancy),
    (("ipv6", "ospf"), _ospf),
    (("ospfv3",), _ospf),
)
