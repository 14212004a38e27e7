"""The routers of the month. No dead peer detection anywhere: a stale SA lasts until it dies or somebody acts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from collector.lab import scenario
from collector.lab.model import Network

DEVICES: dict[str, dict[str, Any]] = {
    "hub-a": {"platform": "c8300", "wan": "192.0.2.1/24", "lan": "10.10.0.1/16", "log": {"size": 16384}},
    "hub-b": {"platform": "asr1001x", "wan": "192.0.2.2/24", "lan": "10.20.0.1/16", "log": {"size": 16384}},
    "asr-old": {"platform": "asr1002-old", "wan": "192.0.2.9/24", "lan": "10.40.0.1/16"},
    "br-1": {"platform": "c2911", "wan": "198.51.100.1/24", "lan": "10.31.1.1/24"},
    "br-2": {"platform": "isr4331", "wan": "198.51.100.2/24", "lan": "10.31.2.1/24"},
    "br-3": {"platform": "c891", "wan": "198.51.100.3/24", "lan": "10.31.3.1/24"},
    "br-4": {"platform": "c2911", "wan": "198.51.100.4/24", "lan": "10.31.4.1/24"},
    "br-5": {"platform": "c8000v", "wan": "198.51.100.5/24", "lan": "10.31.5.1/24"},
    "br-6": {"platform": "c2911", "wan": "198.51.100.6/24", "lan": "10.31.6.1/24", "recovery": True},
    "br-7": {"platform": "isr4331", "wan": "198.51.100.7/24", "lan": "10.31.7.1/24"},
    "br-8": {"platform": "c891", "wan": "198.51.100.8/24", "lan": "10.31.8.1/24"},
    "br-9": {"platform": "c2911", "wan": "198.51.100.9/24", "lan": "10.31.9.1/24"},
    "partner": {"platform": "c1841", "wan": "203.0.113.44/24", "lan": "10.99.1.1/24"},
}
LINKS: tuple[dict[str, Any], ...] = (
    {"name": "dmvpn-1", "type": "dmvpn", "between": ["br-1", "hub-a"], "lifetime": "4h"},
    {"name": "dmvpn-2", "type": "dmvpn", "between": ["br-2", "hub-a"]},
    {"name": "dmvpn-3", "type": "dmvpn", "between": ["br-3", "hub-a"], "lifetime": "8h"},
    {"name": "dynamic", "type": "dynamic-map", "between": ["br-8", "hub-a"], "lifetime": "8h"},
    {"name": "gre-1", "type": "gre", "between": ["br-1", "hub-b"]},
    {"name": "gre-4", "type": "gre", "between": ["br-4", "hub-b"], "lifetime": "8h"},
    {"name": "ikev2", "type": "svti", "between": ["br-5", "hub-b"], "ike": 2, "lifetime": "4h"},
    {"name": "lisbon", "type": "gre", "between": ["br-5", "asr-old"], "lifetime": "24h"},
    {"name": "svti", "type": "svti", "between": ["br-6", "hub-b"], "lifetime": "8h"},
    {"name": "map", "type": "static-map", "between": ["br-7", "hub-b"], "lifetime": "4h"},
    {"name": "twin-1", "type": "svti", "between": ["br-9", "hub-b"], "shared": True, "lifetime": "8h"},
    {"name": "twin-2", "type": "svti", "between": ["br-9", "hub-b"], "shared": True, "lifetime": "8h"},
    {"name": "partner", "type": "static-map", "between": ["partner", "hub-b"], "lifetime": "8h"},
)
UNMANAGED = frozenset({"partner"})
SMALL = frozenset({"hub-a", "hub-b", "asr-old", "br-1", "br-5", "partner"})


def build(epoch: datetime, *, seed: int, only: frozenset[str] | None = None) -> Network:
    """The network at rest. only: these routers and the links between them."""
    wanted = frozenset(DEVICES) if only is None else only
    links = [link for link in LINKS if wanted.issuperset(link["between"])]
    tree = {
        "name": "month",
        "seed": seed,
        "defaults": {"dpd": "off", "log": {"size": 8192}, "uptime": "90d"},
        "devices": {name: body for name, body in DEVICES.items() if name in wanted},
        "links": links,
    }
    return scenario.build(tree, epoch=epoch)


def key(network: Network, link: str, device: str) -> tuple[str, str]:
    """(receiver, source address) of what a router receives on a link: what a finding is told apart by."""
    found = network.link(link)
    assert found is not None
    return device, str(found.end(device).remote)


def managed(network: Network) -> tuple[str, ...]:
    """The routers that the inventory has."""
    return tuple(device.name for device in network.devices if device.name not in UNMANAGED)
