"""Simulated Cisco routers: one model of a VPN network, answered over real SSH or rendered without a network.

with start("demo") as lab: ...             routers on loopback; `lab.inventory()`, `lab.environment()`
render_snapshot("demo", "hub-mad", [...])  the same answers without SSH
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collector.lab.offline import render_snapshot

if TYPE_CHECKING:
    from collector.lab.running import RunningLab

__all__ = ["render_snapshot", "start"]


def start(scenario: Any = "demo", **options: Any) -> RunningLab:
    """`running.start`, imported when asked for: asyncssh is an extra, and rendering does without it."""
    from collector.lab import running  # noqa: PLC0415 - see above

    return running.start(scenario, **options)
