"""The fleet: which devices, in which order, how many at once, what to ask them."""

from __future__ import annotations

from collector.collect.messages import Work
from collector.collect.plan import far_end_for, plan_for, relook_for
from collector.collect.settings import Elsewhere, Outcome, Progress, Settings, arithmetic, processes_for
from collector.collect.sweep import sweep
from collector.collect.view import Knowledge

__all__ = [
    "Elsewhere",
    "Knowledge",
    "Outcome",
    "Progress",
    "Settings",
    "Work",
    "arithmetic",
    "far_end_for",
    "plan_for",
    "processes_for",
    "relook_for",
    "sweep",
]
