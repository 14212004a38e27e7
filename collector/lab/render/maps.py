"""show crypto map, show crypto dynamic-map, show crypto ipsec profile: the configuration without its keys."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv4Address

from collector.lab.ends import GRE
from collector.lab.model import End, Holding, Link
from collector.lab.render.config import acl_name, profile, selector, transform
from collector.lab.render.crypto import shown
from collector.lab.render.look import Lines, Look

_TUNNELS = GRE | {"svti"}


def show_crypto_map(look: Look) -> Lines:
    """Entries of the applied maps, templates of tunnel protection and their instances.

    The interfaces that use a map stand once, below its last entry.
    """
    held = shown(look)
    links = [(link, link.end(look.device.name)) for link in look.network.links_of(look.device.name)]
    entries: list[Lines] = [_static(look, link, end) for link, end in links if end.kind == "static-crypto-map"]
    kinds = {end.kind for _, end in links}
    for kind, sequence, name in (("ezvpn-server", 64000, "EZ-DYN"), ("dynamic-crypto-map", 65000, "BRANCH-DYN")):
        if kind in kinds:
            entries.append([_title(look, "VPN", sequence), f"\tDynamic map template tag: {name}"])
            instances = [h for h in held if h.end.kind == kind]
            entries += [_instance(look, h, sequence + n, name) for n, h in enumerate(instances, start=1)]
    lines = _map(entries, "VPN", look.device.platform.wan)
    if any(end.kind == "getvpn" and end.role == "initiator" for _, end in links):
        group = [f'Crypto Map {_family(look)}"GETVPN" 10 gdoi', "\tGroup Name: GETGROUP", "\tidentity number 4711"]
        group += [f"\tserver address ipv4 {end.remote}" for _, end in links if end.kind == "getvpn"]
        lines += _map([group], "GETVPN", look.device.platform.wan)
    lines += _tunnels(look, links, held)
    return lines or ["No crypto maps found."]


def _map(entries: list[Lines], name: str, interface: str) -> Lines:
    lines = [line for entry in entries for line in (*entry, "")]
    return [*lines[:-1], f"\tInterfaces using crypto map {name}:", f"\t\t{interface}", ""] if lines else []


def _family(look: Look) -> str:
    return "IPv4 " if look.era >= 2012 else ""


def _title(look: Look, name: str, sequence: int) -> str:
    return f'Crypto Map {_family(look)}"{name}" {sequence} ipsec-isakmp'


def _terms(look: Look, link: Link | None, end: End | None, transform_set: str) -> Lines:
    lifetime = link.lifetime if link is not None else timedelta(seconds=3600)
    lines = [f"\tSecurity association lifetime: 4608000 kilobytes/{int(lifetime.total_seconds())} seconds"]
    if look.era >= 2015:
        lines += ["\tDualstack (Y/N): N", ""]
    if look.era >= 2012:
        lines.append(f"\tResponder-Only (Y/N): {'Y' if end is not None and end.responder_only else 'N'}")
    lines.append("\tPFS (Y/N): N")
    if look.era >= 2012:
        lines += ["\tMixed-mode : Disabled"]
        lines += ["\tTransform sets={ ", f"\t\t{transform_set}:  {{ esp-256-aes esp-sha-hmac  }} , ", "\t}"]
    else:
        lines += ["\tTransform sets={ ", f"\t\t{transform_set}, ", "\t}"]
    return lines


def _static(look: Look, link: Link, end: End) -> Lines:
    return [
        _title(look, "VPN", end.sequence),
        f"\tDescription: {link.name}",
        f"\tPeer = {end.peer_text or end.remote}{' (default)' if end.backup else ''}",
        *([f"\tPeer = {end.backup}"] if end.backup else []),
        *([" \tIKEv2 Profile: IKEV2".strip(" ")] if link.ike == 2 else []),
        f"\tExtended IP access list {acl_name(link)}",
        f"\t    access-list {acl_name(link)} permit {selector(end)}",
        f"\tCurrent peer: {end.remote}",
        *_terms(look, link, end, "TS"),
    ]


def _instance(look: Look, holding: Holding, sequence: int, template: str) -> Lines:
    end = holding.end
    return [
        _title(look, "VPN", sequence),
        f"\tPeer = {end.remote}",
        "\tExtended IP access list ",
        f"\t    access-list  permit ip {_wild(end.local_ident)} {_wild(end.remote_ident)}",
        f"\t    dynamic (created from dynamic map {template}/10)",
        f"\tCurrent peer: {end.remote}",
        *_terms(look, holding.link, end, "TS"),
        "\tReverse Route Injection Enabled",
    ]


def _tunnels(look: Look, links: list[tuple[Link, End]], held: tuple[Holding, ...]) -> Lines:
    lines: Lines = []
    tags: dict[str, tuple[Link, End]] = {}
    for link, end in links:
        if end.kind in _TUNNELS:
            tags.setdefault(end.tag, (link, end))
    for tag, (link, end) in tags.items():
        ikev2 = ["\tIKEv2 Profile: IKEV2"] if link.ike == 2 else []
        terms = _terms(look, link, end, transform(end))
        entries: list[Lines] = [[_title(look, tag, 65536), f"\tProfile name: {profile(link, end)}", *ikev2, *terms]]
        for number, holding in enumerate((h for h in held if h.end.tag == tag), start=65537):
            entry = [
                _title(look, tag, number),
                "\tMap is a PROFILE INSTANCE.",
                f"\tPeer = {holding.end.remote}",
                *ikev2,
            ]
            entry += ["\tExtended IP access list ", f"\t    access-list  permit {_tunnel_acl(holding.end)}"]
            entry += [f"\tCurrent peer: {holding.end.remote}", *terms, "\tAlways create SAs"]
            entries.append(entry)
        lines += _map(entries, tag, end.interface)
    return lines


def _tunnel_acl(end: End) -> str:
    return "ip any any" if end.kind == "svti" else f"gre host {end.local} host {end.remote}"


def _wild(ident: str) -> str:
    address, mask, *_ = ident.split("/")
    if mask == "0.0.0.0":
        return "any"
    return f"{address} {IPv4Address(int(IPv4Address(mask)) ^ 0xFFFFFFFF)}"


def show_dynamic_map(look: Look) -> Lines:
    """Templates of dynamic maps."""
    kinds = {link.end(look.device.name).kind for link in look.network.links_of(look.device.name)}
    lines: Lines = []
    for kind, name in (("dynamic-crypto-map", "BRANCH-DYN"), ("ezvpn-server", "EZ-DYN")):
        if kind in kinds:
            lines += [f'Crypto Map Template"{name}" 10', "\tNo matching address list set."]
            lines += ["\tISAKMP Profile: EZ-CLIENTS"] if kind == "ezvpn-server" else []
            lines += [*_terms(look, None, None, "TS"), "\tReverse Route Injection Enabled", ""]
    return lines or ["No crypto maps found."]


def show_ipsec_profile(look: Look) -> Lines:
    """Profiles, with the IKEv2 profile that makes a tunnel IKEv2."""
    lines: Lines = []
    if look.era >= 2012:
        lines += ["IPSEC profile default", *_terms(look, None, None, "default"), ""]
    seen: set[str] = set()
    for link in look.network.links_of(look.device.name):
        end = link.end(look.device.name)
        name = "DVTI" if end.kind == "dvti" else profile(link, end)
        if (end.profile or end.kind == "dvti") and end.kind != "sd-wan" and name not in seen:
            seen.add(name)
            lines.append(f"IPSEC profile {name}")
            lines += ["\tIKEv2 Profile: IKEV2"] if link.ike == 2 else []
            lines += ["\tISAKMP Profile: DVTI-IN"] if end.kind == "dvti" and link.ike == 1 else []
            lines += [*_terms(look, link, end, transform(end)), ""]
    return lines
