"""Inventories of other tools as one of ours: one file each, one line here.

An importer reads its source and yields `Found` hosts; `tree_of` makes the keys of our inventory of them. No password
ever passes: where one stands in the source, a reference takes its place and a note says so.
"""

from __future__ import annotations

from collections.abc import Callable

from collector.errors import InventoryError
from collector.inventory.importers import ansible, csv, netbox, netmiko, nornir
from collector.inventory.importers.common import Found, Imported, Order, tree_of

IMPORTERS: dict[str, Callable[[Order], tuple[Found, ...]]] = {
    "ansible": ansible.read,
    "nornir": nornir.read,
    "netmiko": netmiko.read,
    "csv": csv.read,
    "netbox": netbox.read,
}

__all__ = ["IMPORTERS", "Found", "Imported", "Order", "import_tree"]


def import_tree(order: Order, *, standalone: bool) -> Imported:
    """The source of `order` as the tree of an inventory. Raises InventoryError naming the source.

    standalone: an inventory of its own (with defaults and references); else hosts for an `include:`, whose
    credentials come from the file that includes them.
    """
    reader = IMPORTERS.get(order.kind)
    if reader is None:
        raise InventoryError(f"{order.kind!r} is no kind: {', '.join(IMPORTERS)}", place=order.place)
    return tree_of(reader(order), order, standalone=standalone)
