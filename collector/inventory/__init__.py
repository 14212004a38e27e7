"""The inventory: which routers, how to reach them, what to call trouble."""

from __future__ import annotations

from collector.inventory.load import Inventory, from_text, load, load_policy, near

__all__ = ["Inventory", "from_text", "load", "load_policy", "near"]
