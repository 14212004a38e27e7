"""Front-door and inside VRFs in the configuration. Classic IOS still says `ip vrf`."""

from __future__ import annotations

from collector.lab.model import Device, Link
from collector.lab.render.look import Lines


def definitions(device: Device, links: tuple[Link, ...]) -> Lines:
    """The VRFs that a router uses, inside ones of its links and the front-door one."""
    names = sorted({link.vrf for link in links if link.vrf} | ({device.front_vrf} if device.front_vrf else set()))
    lines: Lines = []
    for name in names:
        if device.platform.is_xe:
            lines += [f"vrf definition {name}", " !", " address-family ipv4", " exit-address-family", "!"]
        else:
            lines += [f"ip vrf {name}", "!"]
    return lines


def member(device: Device, name: str) -> Lines:
    """The line that puts an interface into a VRF."""
    if not name:
        return []
    return [f" {'' if device.platform.is_xe else 'ip '}vrf forwarding {name}"]


def tunnel(device: Device) -> Lines:
    """The line that sends a tunnel's packets through the front door."""
    return [f" tunnel vrf {device.front_vrf}"] if device.front_vrf else []


def keyring(device: Device, keys: list[tuple[str, str]]) -> Lines:
    """Keys of IKEv1 peers: `crypto isakmp key` knows the global table only, a VRF needs a keyring. keys: (peer, key)."""
    if not device.front_vrf or not keys:
        return []
    lines = [f"crypto keyring FRONT vrf {device.front_vrf}  "]
    lines += dict.fromkeys(
        f"  pre-shared-key address {peer}{' 0.0.0.0' if peer == '0.0.0.0' else ''} key {key}" for peer, key in keys
    )
    return [*lines, "!"]
