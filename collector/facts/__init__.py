"""Facts: one device's captures joined into its typed truth, peers and incidents included."""

from __future__ import annotations

from collector.facts.build import build
from collector.facts.settle import settle

__all__ = ["build", "settle"]
