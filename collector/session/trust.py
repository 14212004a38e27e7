"""Whom we talk to: host keys pinned in a known_hosts file of our own, hostname and serial pinned beside it.

Both files are 0600, changed under a lock and replaced whole. A changed key never gets a password (the key is checked
before authentication); a device that says another name than the pinned one attaches nothing to this name.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import glob
import hashlib
import hmac
import json
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from collector.errors import ErrorCode, SessionError, StateError


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKey:
    """A server's public key as it stands in known_hosts: type ("ssh-ed25519") and base64."""

    type: str
    blob: str

    @property
    def fingerprint(self) -> str:
        """As OpenSSH shows it: `SHA256:...`."""
        try:
            raw = base64.b64decode(self.blob)
        except (binascii.Error, ValueError):
            return "SHA256:?"
        return "SHA256:" + base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")

    def __str__(self) -> str:
        return f"{self.type} {self.fingerprint}"


def entry_name(host: str, port: int) -> str:
    """The name under which known_hosts knows a server: `host`, or `[host]:port` off port 22."""
    return host.lower() if port == 22 else f"[{host.lower()}]:{port}"


class Trust:
    """Pinned keys and identities. `folder` None: kept in memory only (the demo, tests).

    told: called with one line whenever a key is pinned for the first time or an identity is.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._memory: list[str] = []
        self._names: dict[str, dict[str, str]] = {}
        self._indexes: dict[Path | None, tuple[object, _Index]] = {}
        self._known_names: tuple[object, dict[str, dict[str, str]]] = (None, {})

    def known_hosts(self, override: str | None = None) -> Path | None:
        """The file in use: the inventory's own, else the state folder's."""
        if override:
            return Path(override).expanduser()
        return self._folder / "known_hosts" if self._folder else None

    def keys(self, host: str, port: int, override: str | None = None) -> tuple[HostKey, ...]:
        """The keys pinned for a server, in the order of the file; revoked ones are not among them."""
        return tuple(key for key, marker in self._entries(host, port, override) if not marker)

    def check(
        self, host: str, port: int, key: HostKey, mode: Literal["accept-new", "strict"], override: str | None = None
    ) -> bool:
        """Compare a server's key before anything of ours is sent. True where it was pinned just now.

        SessionError E_HOSTKEY_CHANGED or, in strict mode, E_HOSTKEY_UNKNOWN.
        """
        name = entry_name(host, port)
        with self._lock:
            entries = list(self._entries(host, port, override))
            if any(marker == "@revoked" and known == key for known, marker in entries):
                raise SessionError(
                    ErrorCode.HOSTKEY_CHANGED, f"the key of {name} is marked as revoked: {key}", phase="handshake"
                )
            known = [pinned for pinned, marker in entries if not marker]
            if key in known:
                return False
            if known:
                raise SessionError(
                    ErrorCode.HOSTKEY_CHANGED,
                    f"{name} shows the key {key}; pinned is {', '.join(map(str, known))}. Nothing was sent to it",
                    phase="handshake",
                )
            if mode == "strict":
                raise SessionError(
                    ErrorCode.HOSTKEY_UNKNOWN, f"no key is pinned for {name}; it shows {key}", phase="handshake"
                )
            self._replace_keys(host, port, key, override, forget=False)
            return True

    def pin(self, host: str, port: int, key: HostKey, override: str | None = None) -> None:
        """Make `key` the one pinned key of a server (`trust NAME`), whatever stood there before."""
        with self._lock:
            self._replace_keys(host, port, key, override, forget=True)

    def identify(self, name: str, *, hostname: str | None = None, serial: str | None = None) -> None:
        """Compare what the device says of itself with what was pinned under `name`; pin what is new.

        SessionError E_IDENTITY where the hostname or the serial number is another one.
        """
        said = {key: value for key, value in (("hostname", hostname), ("serial", serial)) if value}
        if self._says_the_same(name, said):
            return
        with self._lock, self._names_open() as names:
            pinned = names.setdefault(name, {})
            for key, value in said.items():
                if key in pinned and pinned[key] != value:
                    raise SessionError(
                        ErrorCode.IDENTITY,
                        f"{name} is pinned with the {key} {pinned[key]!r}, the device says {value!r}",
                        phase="prompt",
                    )
                pinned.setdefault(key, value)

    def _says_the_same(self, name: str, said: dict[str, str]) -> bool:
        """True where all that is said is pinned, by the file as it was last read, unchanged since."""
        if self._folder is None:
            return False
        stamp, names = self._known_names
        pinned = names.get(name, {})
        return (
            stamp is not None and stamp == _stamp(self._folder / "identities.json") and said.items() <= pinned.items()
        )

    def forget_identity(self, name: str) -> None:
        """Let the next visit pin hostname and serial anew (`trust NAME`)."""
        with self._lock, self._names_open() as names:
            names.pop(name, None)

    def _entries(self, host: str, port: int, override: str | None) -> Iterator[tuple[HostKey, str]]:
        name = entry_name(host, port)
        plain, hashed = self._index(override)
        yield from plain.get(name, ())
        for pattern, key, marker in hashed:
            if _names_host(pattern, name):
                yield key, marker

    def _index(self, override: str | None) -> _Index:
        """The file by name, read again only where it changed: a fleet asks twice a visit."""
        path = self.known_hosts(override)
        stamp = _stamp(path)
        kept = self._indexes.get(path)
        if kept is None or path is None or kept[0] != stamp:
            kept = (stamp, _index(self._lines(override)))
            self._indexes[path] = kept
        return kept[1]

    def _lines(self, override: str | None) -> list[str]:
        path = self.known_hosts(override)
        if path is None:
            return self._memory
        try:
            return path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StateError(f"known hosts {path}: {error.strerror}") from None

    def _replace_keys(self, host: str, port: int, key: HostKey, override: str | None, *, forget: bool) -> None:
        name, path = entry_name(host, port), self.known_hosts(override)
        with locked(path):
            lines = list(self._lines(override))
            if forget:
                lines = [line for line in lines if not _line_names(line, name)]
            elif any(_line_names(line, name) and line.split()[-1] == key.blob for line in lines):
                return
            lines.append(f"{name} {key.type} {key.blob}")
            if path is None:
                self._memory = lines
            else:
                replace_file(path, "\n".join(lines) + "\n")

    @contextmanager
    def _names_open(self) -> Iterator[dict[str, dict[str, str]]]:
        """The pinned identities, written back where they changed."""
        if self._folder is None:
            yield self._names
            return
        path = self._folder / "identities.json"
        with locked(path):
            try:
                names: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
            except FileNotFoundError:
                names = {}
            except (OSError, ValueError) as error:
                raise StateError(f"pinned identities {path}: {error}") from None
            before = json.dumps(names, sort_keys=True)
            yield names
            if json.dumps(names, sort_keys=True) != before:
                replace_file(path, json.dumps(names, sort_keys=True, indent=1) + "\n")
            self._known_names = (_stamp(path), names)


_Index = tuple[dict[str, list[tuple[HostKey, str]]], list[tuple[str, HostKey, str]]]


def _stamp(path: Path | None) -> object:
    try:
        found = path.stat() if path is not None else None
    except OSError:
        found = None
    return (found.st_mtime_ns, found.st_size, found.st_ino) if found is not None else None


def _index(lines: list[str]) -> _Index:
    plain: dict[str, list[tuple[HostKey, str]]] = {}
    hashed: list[tuple[str, HostKey, str]] = []
    for line in lines:
        words = line.split()
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        if len(words) < 3 or words[0].startswith("#") or marker == "@cert-authority":
            continue
        key = HostKey(type=words[1], blob=words[2])
        for pattern in words[0].split(","):
            if pattern.startswith("|1|"):
                hashed.append((pattern, key, marker))
            else:
                plain.setdefault(pattern.lower(), []).append((key, marker))
    return plain, hashed


def _line_names(line: str, name: str) -> bool:
    words = line.split()
    if len(words) < 3 or words[0].startswith(("#", "@")):
        return False
    return any(_names_host(pattern, name) for pattern in words[0].split(","))


def _names_host(pattern: str, name: str) -> bool:
    """True where a known_hosts pattern (plain or hashed; no wildcards, a pin names one server) is `name`."""
    if not pattern.startswith("|1|"):
        return pattern.lower() == name
    try:
        salt, digest = (base64.b64decode(part) for part in pattern.split("|")[2:4])
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)


@contextmanager
def locked(path: Path | None) -> Iterator[None]:
    """Hold `path`'s lock file while it is read and replaced; the kernel frees it with the process."""
    if path is None:
        yield
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StateError(f"{path}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


_TORN = ".spi-new-"  # in the name of a file half written: known_hosts may lie in a folder of the user's own


def _forget_torn(path: Path) -> None:
    """Remove what a killed process left half written beside `path`. Its lock is held: nobody else writes there."""
    for entry in path.parent.glob(f".{glob.escape(path.name)}{_TORN}*"):
        entry.unlink(missing_ok=True)


def replace_file(path: Path, text: str) -> None:
    """Write `path` whole or not at all, mode 0600: temporary file beside it, fsync, replace, fsync the folder.

    The caller holds `locked(path)`.
    """
    try:
        _forget_torn(path)
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
        folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise StateError(f"{path}: {error.strerror}") from None
