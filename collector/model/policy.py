"""Policy: thresholds, levels and mutes. All figures are ours; Cisco only says "more than one" and "persists"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum


class Level(StrEnum):
    """How loud a finding is."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for error, 1 for warning, 2 for note: sorts the loudest first."""
        return ("error", "warning", "note").index(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The knobs of the decision table."""

    persistent_span: timedelta = timedelta(seconds=55)
    pending_age: timedelta = timedelta(minutes=3)
    active_window: timedelta = timedelta(minutes=3)
    relook_after: timedelta = timedelta(seconds=130)
    recurring_min: int = 3
    recurring_warn: int = 3  # a day
    lifetime_tolerance: float = 0.10
    scan_same_spi_sources: int = 2
    scan_same_spi_window: timedelta = timedelta(minutes=10)
    scan_sources: int = 3
    counter_noise: float = 10.0  # packets an hour
    counter_runs: int = 3
    frequent_spis: int = 5  # a day
    frequent_peers: int = 3
    failover_window: timedelta = timedelta(minutes=5)
    join_guard: timedelta = timedelta(seconds=120)
    join_max_age: timedelta = timedelta(minutes=10)
    resolved_max_age: timedelta = timedelta(hours=24)
    dpd_many_peers: int = 50
    full_log_max: int = 1024 * 1024  # bytes
    cpu_guard: int = 85  # percent over one minute from which a router is not asked for whole SA tables
    close_runs: int = 3  # clean runs in a row before a finding is resolved
    retention: timedelta = timedelta(days=90)  # what the ledger keeps


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """A finding that someone answers for, or a maintenance window. Matches when every given field matches.

    since, until: a day (whole, in UTC) or a moment (aware, exclusive at its end). since `None`: from ever.
    """

    reason: str
    owner: str
    until: date | datetime
    rule: str | None = None
    peer: str | None = None
    device: str | None = None
    since: date | datetime | None = None

    def started(self, at: datetime) -> bool:
        """Whether the window has begun at `at` (aware)."""
        if self.since is None:
            return True
        return at >= self.since if isinstance(self.since, datetime) else _day(at) >= self.since

    def over(self, at: datetime) -> bool:
        """Whether the window has ended at `at` (aware)."""
        return at >= self.until if isinstance(self.until, datetime) else _day(at) > self.until

    def covers(self, at: datetime) -> bool:
        """Whether `at` (aware) lies in the window."""
        return self.started(at) and not self.over(at)


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a site may tune. `levels` maps a rule id to a level or "off"; opt-in rules run when named there."""

    fail_on: Level | None = Level.ERROR  # None: never
    thresholds: Thresholds = Thresholds()
    levels: Mapping[str, str] = field(default_factory=dict)
    mutes: tuple[Mute, ...] = ()
    site_rules: str | None = None  # a folder of rule modules
