"""Memory: the ledger, the life of a finding, the lock of a run."""

from __future__ import annotations

from collector.history.findings import entries, entry_of
from collector.history.ledger import Ledger, open_ledger, transaction
from collector.history.life import Absence, Entry, seen, unseen
from collector.history.lock import run_lock
from collector.history.past import history_of
from collector.history.pictures import Wanted, devices_at, far_ends_of
from collector.history.runs import (
    keep_snapshots,
    last_run,
    last_visits,
    not_seen_last,
    remember,
    snapshots,
)

__all__ = [
    "Absence",
    "Entry",
    "Ledger",
    "Wanted",
    "devices_at",
    "entries",
    "entry_of",
    "far_ends_of",
    "history_of",
    "keep_snapshots",
    "last_run",
    "last_visits",
    "not_seen_last",
    "open_ledger",
    "remember",
    "run_lock",
    "seen",
    "snapshots",
    "transaction",
    "unseen",
]
