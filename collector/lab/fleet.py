"""A scenario of any size: hubs with spokes on a DMVPN, some spokes with a VTI or a crypto map too, some in trouble."""

from __future__ import annotations

from typing import Any

from collector.lab import seeds

SPOKES = 50  # a hub
_MAKES = ("c2911", "c891", "isr4331", "c1841", "c8000v")


def tree(size: int, *, seed: int = 7, trouble: int = 5) -> dict[str, Any]:
    """A scenario's mapping of `size` routers; `trouble` per cent of the tunnels hold a stale SA at one end."""
    hubs = max(1, -(-size // (SPOKES + 1)))
    devices: dict[str, Any] = {}
    links: list[dict[str, Any]] = []
    for number in range(1, hubs + 1):
        make = ("asr1001x", "c8300")[number % 2]
        devices[f"hub-{number:03d}"] = {"platform": make, "wan": f"192.0.2.{number}/24", "groups": ["hubs"]}
    for number in range(1, size - hubs + 1):
        name = f"br-{number:05d}"
        home = f"hub-{number % hubs + 1:03d}"
        third, fourth = divmod(number, 250)
        devices[name] = {
            "platform": seeds.pick(_MAKES, seed, name),
            "wan": f"100.{64 + third // 250}.{third % 250}.{fourth + 1}/24",
            "groups": ["branches"],
            "recovery": seeds.number(3, seed, name, "recovery") == 0,
        }
        links.append({"name": name, "type": _type(seed, name), "between": [name, home]})
    return {
        "name": f"fleet-{size}",
        "seed": seed,
        "defaults": {"dpd": "off"},
        "devices": devices,
        "links": links,
        "trouble": [_trouble(seed, link) for link in links if seeds.number(100, seed, link["name"], "t") < trouble],
    }


def _type(seed: int, name: str) -> str:
    kinds = ("dmvpn", "dmvpn", "dmvpn", "dynamic-map", "svti", "gre", "static-map")
    return seeds.pick(kinds, seed, name, "type")


def _trouble(seed: int, link: dict[str, Any]) -> dict[str, Any]:
    receiver = link["between"][seeds.number(2, seed, link["name"], "r")]
    minutes = 3 + seeds.number(20, seed, link["name"], "since")
    return {"kind": "stale-sa", "link": link["name"], "receiver": receiver, "since": f"{minutes}m"}
