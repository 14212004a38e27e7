"""One SSH visit to one router: log in once, type allowed lines, bring back captures and typed failures.

Importing this costs no netmiko: the library is loaded by the first visit.
"""

from __future__ import annotations

from collector.session.limits import Limits, Phases
from collector.session.secrets import Secret, Secrets
from collector.session.trust import HostKey, Trust
from collector.session.visit import Cancel, Plan, ending, visit

__all__ = ["Cancel", "HostKey", "Limits", "Phases", "Plan", "Secret", "Secrets", "Trust", "ending", "visit"]
