"""Memory: the ledger, the life of a finding, the lock of a run."""

from __future__ import annotations

from collector.history.ledger import (
    Ledger,
    entries,
    entry_of,
    history_of,
    keep_snapshots,
    last_run,
    last_visits,
    open_ledger,
    remember,
    snapshots,
)
from collector.history.life import Absence, Entry, seen, unseen
from collector.history.lock import run_lock

__all__ = [
    "Absence",
    "Entry",
    "Ledger",
    "entries",
    "entry_of",
    "history_of",
    "keep_snapshots",
    "last_run",
    "last_visits",
    "open_ledger",
    "remember",
    "run_lock",
    "seen",
    "snapshots",
    "unseen",
]
