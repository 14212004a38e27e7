"""Where a run keeps what it remembers: `--state`, else SPI_STATE, else the user's XDG state folder."""

from __future__ import annotations

import os
from pathlib import Path

from collector.errors import StateError

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


def _from_environment() -> Path:
    given = os.environ.get("SPI_STATE")
    if given:
        return Path(given)
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / NAME
