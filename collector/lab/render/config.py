"""show running-config: the whole text, made from the same ends as everything else.

Keys are canaries (`cisco-lab-psk-7`): seen outside of the router's own output they prove a leak.
"""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv4Address

from collector.lab import events
from collector.lab.ends import MAPS
from collector.lab.model import Device, End, Link
from collector.lab.render import vrf
from collector.lab.render.look import Lines, Look, short

Pair = tuple[Link, End]
_KEYLESS = frozenset({"ezvpn-client", "ezvpn-server", "sd-wan"})
HOLDTIME = 3600  # NHRP, seconds


def show_running_config(look: Look) -> Lines:
    """All of it at privilege 15; below, only what that level may configure: next to nothing."""
    text = _whole(look) if look.privilege >= 15 else _nearly_empty()
    size = sum(len(line) + 1 for line in text)
    return ["Building configuration...", "", f"Current configuration : {size} bytes", *_changed(look), *text, ""]


def _changed(look: Look) -> Lines:
    if look.privilege < 15:
        return ["!"]
    return [
        "!",
        f"! Last configuration change at {short(look, events.last_change(look.network, look.device))} by lab",
        "!",
    ]


def _nearly_empty() -> Lines:
    return ["boot-start-marker", "boot-end-marker", "!", "!", "!", "!", "!", "end"]


def _whole(look: Look) -> Lines:
    device = look.device
    pairs: list[Pair] = [(link, link.end(device.name)) for link in look.network.links_of(device.name)]
    return [
        *_head(device),
        *vrf.definitions(device, tuple(link for link, _ in pairs)),
        *vrf.keyring(device, [_key(link, end) for link, end in pairs if link.ike == 1 and end.kind not in _KEYLESS]),
        *_isakmp(device, pairs),
        *_ikev2(device, pairs),
        *_ezvpn_and_gdoi(device, pairs),
        *_transforms(pairs),
        *_maps(pairs),
        *_interfaces(device, pairs),
        *_tail(device, pairs),
    ]


def _head(device: Device) -> Lines:
    platform = device.platform
    stamps = device.stamps
    log = {"uptime": "uptime", "none": ""}.get(stamps.kind, "datetime")
    if log == "datetime":
        log += " msec" if stamps.msec else ""
        log += " localtime" if stamps.localtime else ""
        log += " show-timezone" if stamps.show_timezone else ""
        log += " year" if stamps.year else ""
    version = platform.version.rsplit(".", 1)[0] if platform.release.startswith("1") else platform.version.split("(")[0]
    lines = [f"version {version}", "service timestamps debug datetime msec"]
    lines.append(f"service timestamps log {log}" if log else "no service timestamps log")
    lines.append("service password-encryption")
    lines += ["service sequence-numbers"] if stamps.sequence else []
    lines += ["!", f"hostname {device.name}", "!", "boot-start-marker", "boot-end-marker", "!"]
    if device.log.discriminator:
        lines.append(f"logging discriminator {device.log.discriminator} severity drops 4")
    if device.log.size:
        disc = f"discriminator {device.log.discriminator} " if device.log.discriminator else ""
        lines.append(f"logging buffered {disc}{device.log.size} {device.log.level}")
    else:
        lines.append("no logging buffered")
    lines += ["no logging console", "enable secret 5 $1$cisco-lab-enable$N0tArEaLhAsH", "!"]
    lines += ["aaa new-model", "!", "aaa authentication login default local", "aaa session-id common", "!"]
    if device.clock.zone != "UTC":
        hours = int(device.clock.offset.total_seconds()) // 3600
        minutes = int(device.clock.offset.total_seconds()) // 60 % 60
        lines.append(f"clock timezone {device.clock.zone} {hours} {minutes}")
    lines += ["ip cef", "no ip domain lookup", "ip domain name lab.example", "!"]
    lines += [f"username lab privilege {device.privilege} secret 5 $1$cisco-lab-user$N0tArEaLhAsH", "!"]
    return lines


def _isakmp(device: Device, pairs: list[Pair]) -> Lines:
    if not any(link.ike == 1 for link, _ in pairs) and not device.recovery:
        return []
    strong = device.platform.era >= 2012
    lines = ["crypto isakmp policy 10", " encr aes 256" if strong else " encr 3des"]
    lines += [" hash sha256"] if strong else []
    lines += [" authentication pre-share", f" group {14 if strong else 2}"]
    if not device.front_vrf:
        lines += dict.fromkeys(line for link, end in pairs if link.ike == 1 for line in _isakmp_key(link, end))
    if device.recovery:
        lines.append("crypto isakmp invalid-spi-recovery")
    if device.dpd.mode != "off":
        periodic = " periodic" if device.dpd.mode == "periodic" else ""
        lines.append(f"crypto isakmp keepalive {device.dpd.interval} {device.dpd.retry}{periodic}")
    if any(link.natted for link, _ in pairs):
        lines.append("crypto isakmp nat keepalive 20")
    lines.append("!")
    if any(end.kind == "ezvpn-server" for _, end in pairs):
        lines += [
            "crypto isakmp client configuration group BRANCHES",
            " key cisco-lab-psk-group",
            " pool EZPOOL",
            " acl EZ-SPLIT",
            "!",
            "crypto isakmp profile EZ-CLIENTS",
            "   match identity group BRANCHES",
            "   client authentication list default",
            "   isakmp authorization list default",
            "   client configuration address respond",
            "!",
        ]
    if any(end.kind == "dvti" for link, end in pairs if link.ike == 1):
        lines += [
            "crypto isakmp profile DVTI-IN",
            "   keyring default",
            "   match identity address 0.0.0.0 ",
            "   virtual-template 1",
            "!",
        ]
    return lines


def _isakmp_key(link: Link, end: End) -> Lines:
    if end.kind in _KEYLESS:
        return []
    if end.peer_text:
        return [f"crypto isakmp key {link.psk} hostname {end.peer_text}"]
    address, key = _key(link, end)
    return [f"crypto isakmp key {key} address {address}"]


def _key(link: Link, end: End) -> tuple[str, str]:
    """(peer, key): acceptors have one key for all comers."""
    anybody = end.kind in {"dynamic-crypto-map", "dvti", "mgre-dynamic-nhrp"}
    return ("0.0.0.0" if anybody else str(end.remote)), link.psk


def _ikev2(device: Device, pairs: list[Pair]) -> Lines:
    used = [(link, end) for link, end in pairs if link.ike == 2 and end.kind != "sd-wan"]
    if not used:
        return []
    lines = [
        "crypto ikev2 proposal AES256",
        " encryption aes-cbc-256",
        " integrity sha256",
        " group 14",
        "!",
        "crypto ikev2 policy AES256",
        " proposal AES256",
        "!",
        "crypto ikev2 keyring KEYS",
    ]
    for link, end in used:
        lines += [f" peer {link.name}", f"  address {end.remote}", f"  pre-shared-key {link.psk}", " !"]
    lines += [
        "!",
        "crypto ikev2 profile IKEV2",
        *([f" match fvrf {device.front_vrf}"] if device.front_vrf else []),
        *(f" match identity remote address {end.remote} 255.255.255.255 " for _, end in used),
        " authentication remote pre-share",
        " authentication local pre-share",
        " keyring local KEYS",
    ]
    if device.dpd.mode != "off":
        lines.append(f" dpd {device.dpd.interval} {device.dpd.retry} {device.dpd.mode}")
    if any(end.kind == "dvti" for _, end in used):
        lines.append(" virtual-template 1")
    return [*lines, "!"]


def _ezvpn_and_gdoi(device: Device, pairs: list[Pair]) -> Lines:
    lines: Lines = []
    for link, end in pairs:
        if end.kind == "ezvpn-client":
            lines += [
                "crypto ipsec client ezvpn EZHQ",
                " connect auto",
                f" group BRANCHES key {link.psk}",
                " mode network-extension",
                f" peer {end.remote}",
                f" username {device.name} password cisco-lab-psk-xauth",
                " xauth userid mode local",
                "!",
            ]
        if end.kind == "getvpn" and end.role == "initiator":
            lines += ["crypto gdoi group GETGROUP", " identity number 4711", f" server address ipv4 {end.remote}", "!"]
        elif end.kind == "getvpn":
            lines += [
                "crypto gdoi group GETGROUP",
                " identity number 4711",
                " server local",
                "  rekey transport unicast",
                "  sa ipsec 1",
                "   profile GETPROF",
                "   match address ipv4 GET-ACL",
                f"  address ipv4 {end.local}",
                "!",
            ]
    return lines


def _transforms(pairs: list[Pair]) -> Lines:
    if not pairs:
        return []
    kinds = {end.kind for _, end in pairs}
    lines = ["crypto ipsec transform-set TS esp-aes 256 esp-sha-hmac ", " mode tunnel"]
    if any(end.profile in {"DMVPN", "GRE"} for _, end in pairs):
        lines += ["crypto ipsec transform-set TS-GRE esp-aes 256 esp-sha-hmac ", " mode transport"]
    lines.append("!")
    seen: dict[str, tuple[Link, End]] = {}
    for link, end in pairs:
        if end.profile and end.kind != "sd-wan":
            seen.setdefault(profile(link, end), (link, end))
    for name, (link, end) in seen.items():
        lines.append(f"crypto ipsec profile {name}")
        if link.lifetime != timedelta(seconds=3600):
            lines.append(f" set security-association lifetime seconds {int(link.lifetime.total_seconds())}")
        lines.append(f" set transform-set {transform(end)} ")
        lines += [" set ikev2-profile IKEV2"] if link.ike == 2 else []
        lines += [" responder-only"] if end.responder_only else []
        lines.append("!")
    if "dvti" in kinds:
        isakmp = not any(link.ike == 2 for link, end in pairs if end.kind == "dvti")
        lines += ["crypto ipsec profile DVTI", " set transform-set TS "]
        lines += [" set isakmp-profile DVTI-IN" if isakmp else " set ikev2-profile IKEV2", "!"]
    return [*lines, "!"]


def profile(link: Link, end: End) -> str:
    """The IPsec profile of a tunnel; IKEv2 and odd lifetimes have their own."""
    name = end.profile
    if link.ike == 2:
        name += "-V2"
    if end.responder_only:
        name += "-RO"
    if link.lifetime != timedelta(seconds=3600):
        name += f"-{int(link.lifetime.total_seconds())}"
    return name


def transform(end: End) -> str:
    """Name of the transform set: transport mode for GRE."""
    return "TS-GRE" if end.profile in {"DMVPN", "GRE"} else "TS"


def acl_name(link: Link) -> str:
    """Name of the list that selects a map entry's traffic."""
    return f"VPN-{link.number}"


def _maps(pairs: list[Pair]) -> Lines:
    lines: Lines = []
    kinds = {end.kind for _, end in pairs}
    if "dynamic-crypto-map" in kinds:
        lines += ["crypto dynamic-map BRANCH-DYN 10", " set transform-set TS ", " reverse-route", "!"]
    if "ezvpn-server" in kinds:
        lines += [
            "crypto dynamic-map EZ-DYN 10",
            " set transform-set TS ",
            " set isakmp-profile EZ-CLIENTS",
            " reverse-route",
            "!",
        ]
    for link, end in pairs:
        if end.kind == "static-crypto-map":
            lines += [f"crypto map VPN {end.sequence} ipsec-isakmp ", f" description {link.name}"]
            name = f"{end.peer_text} dynamic" if end.peer_text else str(end.remote)
            lines += [f" set peer {name} default", f" set peer {end.backup}"] if end.backup else [f" set peer {name}"]
            if link.lifetime != timedelta(seconds=3600):
                lines.append(f" set security-association lifetime seconds {int(link.lifetime.total_seconds())}")
            lines.append(" set transform-set TS ")
            lines += [" set ikev2-profile IKEV2"] if link.ike == 2 else []
            lines.append(f" match address {acl_name(link)}")
    if "ezvpn-server" in kinds:
        lines.append("crypto map VPN 64000 ipsec-isakmp dynamic EZ-DYN ")
    if "dynamic-crypto-map" in kinds:
        lines.append("crypto map VPN 65000 ipsec-isakmp dynamic BRANCH-DYN ")
    if any(end.kind == "getvpn" and end.role == "initiator" for _, end in pairs):
        lines += ["crypto map GETVPN 10 gdoi ", " set group GETGROUP"]
    return [*lines, "!"] if lines else []


def _interfaces(device: Device, pairs: list[Pair]) -> Lines:
    lines: Lines = []
    kinds = {end.kind for _, end in pairs}
    done: set[int] = set()
    for link, end in pairs:
        if end.tunnel is not None and end.tunnel not in done:
            done.add(end.tunnel)
            lines += _tunnel(device, link, end, [pair for pair in pairs if pair[1].tunnel == end.tunnel])
    if "dvti" in kinds:
        lines += ["interface Loopback0", f" ip address 10.254.{device.number}.1 255.255.255.255", "!"]
    lines += [f"interface {device.platform.wan}", " description outside"]
    lines += vrf.member(device, device.front_vrf)
    lines.append(f" ip address {device.wan.ip} {device.wan.netmask}")
    if device.standby is not None:
        priority = 110 if device.standby_state == "Active" else 100
        lines += [f" standby 1 ip {device.standby}", f" standby 1 priority {priority}", " standby 1 preempt"]
        lines += [" standby 1 name VPNHA", " standby 1 authentication md5 key-string 7 cisco-lab-psk-hsrp"]
    lines += [" duplex auto", " speed auto"] if not device.platform.is_xe else [" negotiation auto"]
    if kinds & MAPS:
        lines.append(" crypto map VPN redundancy VPNHA" if device.standby is not None else " crypto map VPN")
    if any(end.kind == "getvpn" and end.role == "initiator" for _, end in pairs):
        lines.append(" crypto map GETVPN")
    if "ezvpn-client" in kinds:
        lines.append(" crypto ipsec client ezvpn EZHQ")
    lines += ["!", f"interface {device.platform.lan}", " description inside"]
    lines.append(f" ip address {device.lan.ip} {device.lan.netmask}")
    lines += [" duplex auto", " speed auto"] if not device.platform.is_xe else [" negotiation auto"]
    if "ezvpn-client" in kinds:
        lines.append(" crypto ipsec client ezvpn EZHQ inside")
    lines.append("!")
    if "dvti" in kinds:
        lines += [
            "interface Virtual-Template1 type tunnel",
            " ip unnumbered Loopback0",
            " tunnel mode ipsec ipv4",
            " tunnel protection ipsec profile DVTI",
            "!",
        ]
    return lines


def _tunnel(device: Device, link: Link, end: End, pairs: list[Pair]) -> Lines:
    assert end.tunnel_address is not None
    address = end.tunnel_address
    lines = [f"interface Tunnel{end.tunnel}", f" description {link.name if len(pairs) == 1 else 'cloud'}"]
    if end.kind == "sd-wan":
        return [
            *lines,
            f" ip unnumbered {device.platform.wan}",
            f" tunnel source {device.platform.wan}",
            " tunnel mode sdwan",
            "!",
        ]
    lines += vrf.member(device, link.vrf)
    lines.append(f" ip address {address.ip} {address.netmask}")
    multipoint = end.kind.startswith("mgre")
    if link.kind.startswith("dmvpn"):
        lines += [" no ip redirects"] if multipoint else []
        lines += [" ip mtu 1400"]
        lines += _nhrp(end.tunnel or 0, pairs)
        lines += [" ip tcp adjust-mss 1360"]
    if link.kind == "gre":
        lines += [" ip mtu 1400", " ip tcp adjust-mss 1360"]
    lines.append(f" tunnel source {device.platform.wan}")
    if multipoint:
        lines += [" tunnel mode gre multipoint", f" tunnel key {end.tunnel}"]
    else:
        if end.kind == "svti":
            lines.append(" tunnel mode ipsec ipv4")
        lines.append(f" tunnel destination {end.peer_text or end.remote}")
        lines += [f" tunnel key {end.tunnel}"] if link.kind == "dmvpn-phase1" else []
    lines += vrf.tunnel(device)
    if link.kind == "gre-map":
        return [*lines, "!"]
    shared = " shared" if link.shared else ""
    return [*lines, f" tunnel protection ipsec profile {profile(link, end)}{shared}", "!"]


def _nhrp(tunnel: int, pairs: list[Pair]) -> Lines:
    lines = [f" ip nhrp authentication labnhrp{tunnel % 10}"]
    hubs = [(link, end) for link, end in pairs if end.role == "initiator" and link.kind in {"dmvpn", "dmvpn-phase1"}]
    if any(end.kind == "mgre-dynamic-nhrp" and link.kind != "dmvpn-spokes" for link, end in pairs):
        lines.append(" ip nhrp map multicast dynamic")
    for number, (_, end) in enumerate(hubs):
        if number % 2 or not hubs[0][1].kind.startswith("mgre"):
            continue
        lines += [f" ip nhrp map {end.far_tunnel_address} {end.remote}", f" ip nhrp map multicast {end.remote}"]
    lines += [f" ip nhrp network-id {tunnel}", f" ip nhrp holdtime {HOLDTIME}"]
    for number, (_, end) in enumerate(hubs):
        if number % 2:  # the second hub in the other form, which needs no `map` line
            lines.append(f" ip nhrp nhs {end.far_tunnel_address} nbma {end.remote} multicast")
        else:
            lines.append(f" ip nhrp nhs {end.far_tunnel_address}")
    if any(link.kind == "dmvpn-spokes" for link, _ in pairs):
        lines.append(" ip nhrp shortcut")
    return lines


def _tail(device: Device, pairs: list[Pair]) -> Lines:
    gateway = IPv4Address(int(device.wan.network.broadcast_address) - 1)
    lines = []
    if any(end.kind == "ezvpn-server" for _, end in pairs):
        lines += ["ip local pool EZPOOL 10.250.0.10 10.250.0.250"]
    lines += [
        "ip forward-protocol nd",
        "no ip http server",
        f"ip route {f'vrf {device.front_vrf} ' if device.front_vrf else ''}0.0.0.0 0.0.0.0 {gateway}",
        "!",
    ]
    for link, end in pairs:
        if end.kind == "static-crypto-map":
            lines += [
                f"ip access-list extended {acl_name(link)}",
                f" permit {selector(end)}",
            ]
    if any(end.kind == "ezvpn-server" for _, end in pairs):
        lines += [
            "ip access-list extended EZ-SPLIT",
            f" permit ip {device.lan.network.network_address} {device.lan.hostmask} any",
        ]
    lines += ["!", "snmp-server community cisco-lab-psk-snmp RO", "!", *device.extra]
    for kind, text in (("motd", device.banner), ("login", device.login_banner), ("exec", device.exec_banner)):
        if text:
            lines += [f"banner {kind} ^C", *text.splitlines(), "^C"]
    lines += ["!", "line con 0", " logging synchronous", "line aux 0", "line vty 0 4"]
    lines += [" exec-timeout 30 0", " transport input ssh", "!", "ntp server 10.0.0.123", "!", "end"]
    return lines


def selector(end: End) -> str:
    """What an access list of a crypto map selects."""
    if end.local_ident.split("/")[2] == "47":
        return f"gre host {end.local} host {end.remote}"
    return f"ip {_wild(end.local_ident)} {_wild(end.remote_ident)}"


def _wild(ident: str) -> str:
    address, mask, *_ = ident.split("/")
    return f"{address} {IPv4Address(int(IPv4Address(mask)) ^ 0xFFFFFFFF)}"
