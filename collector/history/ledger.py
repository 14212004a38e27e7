"""The ledger: one SQLite file under the state folder that remembers runs, SPIs, counters, findings and tickets."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from collector.errors import StateError
from collector.history.schema import migrate

FILE = "ledger.sqlite3"
BUSY_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Ledger:
    """An open ledger. Functions of this room take it, or inside a transaction its connection; no other room touches that."""

    connection: sqlite3.Connection
    folder: Path


@contextmanager
def open_ledger(folder: Path) -> Iterator[Ledger]:
    """Open (or create, mode 0600) the ledger in `folder`. Raises StateError with what to do."""
    path = folder / FILE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA journal_size_limit=67108864;"
        )
        migrate(connection)
    except (OSError, sqlite3.Error) as error:
        raise StateError(f"the ledger {path} cannot be used: {error}") from None
    try:
        yield Ledger(connection, folder)
    finally:
        connection.close()


@contextmanager
def transaction(ledger: Ledger) -> Iterator[sqlite3.Connection]:
    """One write, whole or not at all; what is written inside another is part of it. Raises StateError (disk full, locked)."""
    if ledger.connection.in_transaction:
        yield ledger.connection
        return
    try:
        ledger.connection.execute("BEGIN IMMEDIATE")
        try:
            yield ledger.connection
        except BaseException:
            ledger.connection.execute("ROLLBACK")
            raise
        ledger.connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise StateError(f"the ledger could not be written: {error}; what stood there before is untouched") from None
