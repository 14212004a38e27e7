"""The device file of netmiko's command line tools (~/.netmiko.yml): names with settings, and groups as lists of names."""

from __future__ import annotations

from pathlib import Path

from collector.inventory.importers.common import Found, Order, mapping, text, yaml_of


def read(order: Order) -> tuple[Found, ...]:
    """The devices of the file; group `all` is every device and left out. Raises InventoryError."""
    tree = yaml_of(Path(order.source).expanduser(), order)
    groups = {str(name): value for name, value in tree.items() if isinstance(value, list)}
    hosts = {
        str(name): mapping(value) for name, value in tree.items() if isinstance(value, dict) and name != "__meta__"
    }
    return tuple(
        Found(
            name=name,
            hostname=text(raw.get("host")) or text(raw.get("ip")),
            platform=text(raw.get("device_type")),
            port=raw.get("port"),
            username=raw.get("username"),
            password=raw.get("password"),
            secret=raw.get("secret"),
            groups=tuple(group for group, members in groups.items() if name in members),
        )
        for name, raw in hosts.items()
    )
