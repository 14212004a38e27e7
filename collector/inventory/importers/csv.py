"""A table with a heading: one router a line, separated by commas, semicolons or tabs; unknown columns become data."""

from __future__ import annotations

import csv
import re
from io import StringIO
from pathlib import Path

from collector.errors import InventoryError
from collector.inventory.importers.common import Found, Order, text_of

COLUMNS = {
    "name": ("name", "device", "device_name", "inventory_name"),
    "hostname": ("hostname", "host", "ip", "address", "ip_address", "management_ip", "mgmt_ip", "primary_ip"),
    "platform": ("platform", "device_type", "os", "network_os"),
    "port": ("port", "ssh_port"),
    "username": ("username", "user", "login"),
    "password": ("password", "pass"),
    "secret": ("secret", "enable", "enable_secret"),
    "groups": ("groups", "group"),
}
_KNOWN = {spelling: ours for ours, spellings in COLUMNS.items() for spelling in spellings}


def read(order: Order) -> tuple[Found, ...]:
    """The rows of the file. Raises InventoryError with the line."""
    content = text_of(Path(order.source).expanduser(), order)
    first = content.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    reader = csv.reader(StringIO(content, newline=""), delimiter=separator, strict=True)
    try:
        heading = [_column(cell) for cell in next(reader, [])]
        ours = [_KNOWN.get(cell, "") for cell in heading]
        if "name" not in ours and "hostname" not in ours:
            raise InventoryError(f"no column is called name or hostname: {first.strip()[:100]!r}", place=order.place)
        return tuple(_found(row, heading, ours, reader.line_num, order) for row in reader if any(map(str.strip, row)))
    except csv.Error as error:
        raise InventoryError(f"line {reader.line_num}: {error}", place=order.place) from None


def _column(cell: str) -> str:
    return re.sub(r"[\s-]+", "_", cell.strip().lower())


def _found(row: list[str], heading: list[str], ours: list[str], line: int, order: Order) -> Found:
    if len(row) > len(heading):
        raise InventoryError(f"line {line}: {len(row)} cells under {len(heading)} headings", place=order.place)
    known: dict[str, str] = {}
    data: dict[str, object] = {}
    for cell, column, key in zip(row, heading, ours, strict=False):
        value = cell.strip()
        if value and key and key not in known:
            known[key] = value
        elif value and not key and column:
            data[column] = value
    name = known.get("name") or known.get("hostname")
    if name is None:
        raise InventoryError(f"line {line}: neither name nor hostname", place=order.place)
    return Found(
        name=name,
        hostname=known.get("hostname"),
        platform=known.get("platform"),
        port=known.get("port"),
        username=known.get("username"),
        password=known.get("password"),
        secret=known.get("secret"),
        groups=tuple(re.split(r"[\s,;|]+", known["groups"])) if known.get("groups") else (),
        data=data,
    )
