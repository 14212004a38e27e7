"""Files that outlive a run: changed under a lock, whole at any moment, mode 0600.

A file is replaced (temporary file, fsync, rename) or grows by a line; its lock is a file beside it, which the kernel
frees with the process.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from collector.errors import StateError


@contextmanager
def locked(path: Path | None) -> Iterator[None]:
    """Hold `path`'s lock file while it is read and replaced; the kernel frees it with the process."""
    if path is None:
        yield
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path.with_name(f".{path.name}.lock"), flags, 0o600)
    except OSError as error:
        raise StateError(f"{path}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


_TORN = ".spi-new-"  # in the name of a file half written: known_hosts may lie in a folder of the user's own


def forget_torn(path: Path) -> None:
    """Remove what a killed process left half written beside `path`. Its lock is held: nobody else writes there."""
    for entry in path.parent.glob(f".{glob.escape(path.name)}{_TORN}*"):
        entry.unlink(missing_ok=True)


def replace_file(path: Path, text: str) -> None:
    """Write `path` whole or not at all, mode 0600: temporary file beside it, fsync, replace, fsync the folder.

    The caller holds `locked(path)`.
    """
    try:
        forget_torn(path)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}{_TORN}")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _sync(path.parent)
    except OSError as error:
        raise StateError(f"{path}: {error.strerror}") from None


def append_line(path: Path, line: str) -> None:
    """Let `path` grow by one line, or not at all; the caller holds `locked(path)` and calls `flush` when it let go.

    A last line without an end, as a power cut or a full disk leaves one, is ended first: it stays a line of its own.
    """
    octets = f"{line}\n".encode("utf-8", "surrogateescape")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            status = os.fstat(descriptor)
            if status.st_mode & 0o177:
                os.fchmod(descriptor, 0o600)
            size = status.st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                octets = b"\n" + octets
            try:
                written = os.pwrite(descriptor, octets, size)
                if written < len(octets):
                    os.pwrite(descriptor, octets[written:], size + written)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StateError(f"{path}: {error.strerror}") from None


def flush(path: Path) -> None:
    """Have what was appended to `path` on the disk. Without the lock: those who append at once wait together."""
    try:
        _sync(path)
        _sync(path.parent)
    except OSError as error:
        raise StateError(f"{path}: {error.strerror}") from None


def _sync(place: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def stamp(path: Path | None) -> object:
    """Equal as long as a file was not changed; None where there is none."""
    try:
        found = os.stat(path) if path is not None else None  # noqa: PTH116 - asked six times a visit
    except OSError:
        found = None
    return (found.st_mtime_ns, found.st_size, found.st_ino) if found is not None else None
