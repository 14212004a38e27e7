"""One session a device at a time, `audit` included: a file lock per device, freed by the kernel with its process."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from collector.errors import ErrorCode, SessionError, StateError


def slug(name: str) -> str:
    """A device's name as a file name: harmless characters and a piece of its hash."""
    return f"{re.sub(r'[^A-Za-z0-9._-]', '_', name)[:40].lstrip('.')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


@contextmanager
def device_lock(folder: Path | None, name: str, *, patience: float = 3.0) -> Iterator[None]:
    """Hold the device's lock for the block; SessionError E_NOT_STARTED where another visit holds it."""
    if folder is None:
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(folder / f"{slug(name)}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StateError(f"cannot use the state folder {folder}: {error.strerror}") from None
    try:
        end = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() >= end:
                    raise SessionError(
                        ErrorCode.NOT_STARTED,
                        "another visit of this device is under way",
                        phase="run",
                        hint="wait for the other run or audit to end",
                    ) from None
                time.sleep(0.2)
        yield
    finally:
        os.close(handle)
