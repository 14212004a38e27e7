"""One run at a time: `flock`, which the kernel frees when its holder dies, with pid and start inside for a person."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from collector.errors import LockedError, StateError


@contextmanager
def run_lock(folder: Path, name: str = "run") -> Iterator[None]:
    """Hold `folder`/NAME.lock for the block. Raises LockedError (exit 75) naming the holder."""
    path = folder / f"{name}.lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StateError(f"cannot use the state folder {folder}: {error.strerror}") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(handle, 200).decode("utf-8", "replace").strip() or "no details"
            raise LockedError(f"another run holds the lock ({holder}); this one leaves without a login") from None
        started = datetime.now(UTC).isoformat(timespec="seconds")  # noqa: TID251 - told to a person only
        os.ftruncate(handle, 0)
        os.write(handle, f"pid {os.getpid()}, since {started}\n".encode())
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)
