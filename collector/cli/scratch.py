"""A private folder for one run, gone with it; what killed runs left is removed by the next one.

Each folder is held by a `flock` on itself, which the kernel frees when its process dies, however it dies: a folder whose
lock can be had belongs to nobody. The state folder itself is locked for the moment in which folders are made or
removed, so that none is taken away between being made and being held.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from collector.errors import StateError

PREFIX = "run-"
DEMO = "spi-demo-"


@contextmanager
def scratch(state: Path) -> Iterator[Path]:
    """A folder (0700) inside `state` for the block. Raises StateError where the disk refuses."""
    handle = None
    try:
        with _held(state):
            _forget_dead(state, PREFIX)
            folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=state))
            handle = _hold(folder)
    except OSError as error:
        raise StateError(f"cannot use the state folder {state}: {error.strerror or error}") from None
    with _gone_after(folder, handle):
        yield folder


@contextmanager
def passing() -> Iterator[Path]:
    """The same in the system's folder for temporary files, for who has no state folder.

    That folder belongs to everybody, so nothing waits for its lock: a folder that another start took for dead, in the
    moment before it was held, is left alone and a new one made.
    """
    base = Path(tempfile.gettempdir())
    handle = None
    try:
        _forget_dead(base, DEMO)
        while handle is None:
            folder = Path(tempfile.mkdtemp(prefix=DEMO, dir=base))
            with suppress(FileNotFoundError):
                handle = _hold(folder)
            if handle is not None and not folder.exists():
                os.close(handle)
                handle = None
    except OSError as error:
        raise StateError(f"cannot use {base}: {error.strerror or error}") from None
    with _gone_after(folder, handle):
        yield folder


@contextmanager
def _gone_after(folder: Path, handle: int | None) -> Iterator[None]:
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if handle is not None:
            os.close(handle)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _hold(folder: Path) -> int | None:
    """The folder's lock, or None where another process has it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _forget_dead(state: Path, prefix: str) -> None:
    """Remove the folders of runs that are no more. Links, files and whatever belongs to others stay."""
    for entry in state.iterdir():
        if not entry.name.startswith(prefix) or entry.is_symlink() or not entry.is_dir():
            continue
        with suppress(OSError):
            if entry.stat().st_uid != os.getuid():
                continue
            handle = _hold(entry)
            if handle is not None:
                try:
                    shutil.rmtree(entry, ignore_errors=True)
                finally:
                    os.close(handle)
