"""The classifier: what kind of tunnel leads to each peer, read from the running-config (DOMAIN section 4)."""

from __future__ import annotations

from collector.config.classify import classify
from collector.config.names import interface_name
from collector.config.recovery import recovery_of
from collector.config.runtime import map_type

__all__ = ["classify", "interface_name", "map_type", "recovery_of"]
