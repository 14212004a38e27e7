"""The fleet: which devices, in which order, how many at once, what to ask them."""

from __future__ import annotations

from collector.collect.plan import Knowledge, far_end_for, plan_for, relook_for
from collector.collect.sweep import Outcome, Progress, Settings, arithmetic, sweep

__all__ = [
    "Knowledge",
    "Outcome",
    "Progress",
    "Settings",
    "arithmetic",
    "far_end_for",
    "plan_for",
    "relook_for",
    "sweep",
]
