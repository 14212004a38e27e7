"""Where a run keeps what it remembers: `--state`, else SPI_STATE, else the user's XDG state folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from collector.errors import StateError
from collector.history import Ledger, open_ledger
from collector.history.ledger import FILE

NAME = "spi-collector"


def folder(option: Path | None) -> Path:
    """The state folder, made (0700) where it is missing. Raises StateError."""
    chosen = option or _from_environment()
    try:
        chosen.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(
            f"cannot make the state folder {chosen}: {error.strerror}; name another with --state"
        ) from None
    if not os.access(chosen, os.W_OK | os.X_OK):
        raise StateError(f"cannot write to the state folder {chosen}; name another with --state")
    return chosen


@contextmanager
def known(folder: Path) -> Iterator[Ledger | None]:
    """The ledger in `folder`, to be read; None where no run was ever remembered there."""
    if not (folder / FILE).exists():
        yield None
        return
    with open_ledger(folder) as ledger:
        yield ledger


def _from_environment() -> Path:
    given = os.environ.get("SPI_STATE")
    if given:
        return Path(given)
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / NAME
