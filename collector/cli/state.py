"""Where a run keeps what it remembers: `--state`, else SPI_STATE, else the user's XDG state folder."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from collector.errors import StateError
from collector.history import Ledger, open_ledger
from collector.history.ledger import FILE

NAME = "spi-collector"


def folder(option: Path | None) -> Path:
    """The state folder, made (0700) where it is missing; told where others can write to it. Raises StateError."""
    chosen = option or _from_environment()
    try:
        chosen.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(
            f"cannot make the state folder {chosen}: {error.strerror}; name another with --state"
        ) from None
    if not os.access(chosen, os.W_OK | os.X_OK):
        raise StateError(f"cannot write to the state folder {chosen}; name another with --state")
    _look_at_mode(chosen)
    return chosen


@cache
def _look_at_mode(chosen: Path) -> None:
    """Said once. Not refused: volumes of containers are often made so, and nobody else is in there."""
    mode = stat.S_IMODE(chosen.stat().st_mode)
    if mode & 0o022:
        sys.stderr.write(
            f"note: others can write to the state folder {chosen} (mode {mode:04o}): who can decides which host keys are "
            "trusted; chmod 700\n"
        )


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
