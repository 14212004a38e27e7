"""One SSH visit to one router: log in once, type allowed lines, bring back captures and typed failures.

Importing this costs no netmiko: the library is loaded by the first visit.
"""

from __future__ import annotations

import sys

from collector.session.limits import Limits, Phases
from collector.session.secrets import Secret, Secrets
from collector.session.trust import HostKey, Trust
from collector.session.visit import Cancel, Plan, ending, visit


def close_shared() -> None:
    """Close what visits share (connections to jump hosts), at the end of a run."""
    if (jump := sys.modules.get("collector.session.jump")) is not None:
        jump.close_jumps()


__all__ = [
    "Cancel",
    "HostKey",
    "Limits",
    "Phases",
    "Plan",
    "Secret",
    "Secrets",
    "Trust",
    "close_shared",
    "ending",
    "visit",
]
