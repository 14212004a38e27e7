"""inventory.yaml for a lab: the same keys that a real fleet uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from collector.lab.model import Network

USERNAME = "SPI_LAB_USERNAME"
PASSWORD = "SPI_LAB_PASSWORD"
SECRET = "SPI_LAB_SECRET"
READY = "# all routers listen"


def tree(network: Network, where: Mapping[str, tuple[str, int]], *, host_key: str = "accept-new") -> dict[str, Any]:
    """The inventory as plain values; credentials are references to variables."""
    groups = sorted({group for device in network.devices for group in device.groups})
    return {
        "version": 1,
        "defaults": {
            "platform": "cisco_ios",
            "username": {"env": USERNAME},
            "password": {"env": PASSWORD},
            "secret": {"env": SECRET},
            "ssh": {"host_key": host_key},
            "logins_per_second": 50,
        },
        "groups": {group: {"data": {"role": group}} for group in groups},
        "hosts": {
            device.name: {
                "hostname": where[device.name][0],
                "port": where[device.name][1],
                "platform": device.platform.netmiko,
                "groups": list(device.groups),
                "data": dict(device.data),
            }
            for device in network.devices
        },
    }


def text(network: Network, where: Mapping[str, tuple[str, int]], *, host_key: str = "accept-new") -> str:
    """The same as YAML."""
    return yaml.safe_dump(tree(network, where, host_key=host_key), sort_keys=False, allow_unicode=True)
