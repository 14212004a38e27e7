"""Nornir's SimpleInventory: hosts.yaml, groups.yaml and defaults.yaml in one folder.

Precedence as there: host, its groups in listed order (depth first), defaults.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from collector.inventory.importers.common import Found, Order, mapping, text, yaml_of

MAX_DEPTH = 20


def read(order: Order) -> tuple[Found, ...]:
    """The hosts of the folder, or of the hosts file in it. Raises InventoryError."""
    path = Path(order.source).expanduser()
    file = path / "hosts.yaml" if path.is_dir() else path
    groups = _beside(file, "groups.yaml", order)
    defaults = _beside(file, "defaults.yaml", order)
    return tuple(_found(name, mapping(raw), groups, defaults) for name, raw in yaml_of(file, order).items())


def _beside(file: Path, name: str, order: Order) -> dict[str, Any]:
    beside = file.parent / name
    return yaml_of(beside, order) if beside.is_file() else {}


def _found(name: object, host: Mapping[str, Any], groups: Mapping[str, Any], defaults: Mapping[str, Any]) -> Found:
    names = list(dict.fromkeys(_groups(host, groups, 0)))
    layers = [host, *(mapping(groups.get(group)) for group in names), defaults]
    options = [mapping(mapping(layer.get("connection_options")).get("netmiko")) for layer in layers]

    def first(key: str) -> Any:
        """The connection's own value before the host's, as Nornir has it."""
        return next((layer[key] for layer in (*options, *layers) if layer.get(key) not in (None, "")), None)

    extras = next((extra for option in options if (extra := mapping(option.get("extras")))), {})
    data: dict[str, object] = {}
    for layer in layers:
        data = {**mapping(layer.get("data")), **data}
    return Found(
        name=str(name),
        hostname=text(first("hostname")),
        platform=text(first("platform")),
        port=first("port"),
        username=first("username"),
        password=first("password"),
        secret=extras.get("secret"),
        groups=tuple(names),
        data=data,
    )


def _groups(layer: Mapping[str, Any], groups: Mapping[str, Any], depth: int) -> Iterator[str]:
    named = layer.get("groups")
    for group in named if isinstance(named, list) and depth < MAX_DEPTH else ():
        yield str(group)
        yield from _groups(mapping(groups.get(group)), groups, depth + 1)
