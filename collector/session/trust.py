"""Whom we talk to: host keys pinned in a known_hosts file of our own, hostname and serial pinned beside it.

Both are 0600 and change under a lock. A new pin is a line at the end, so that a first run over a large fleet costs a
line a router and not a file; only `trust NAME` rewrites known_hosts. A changed key never gets a password (the key is
checked before authentication); a device that says another name than the pinned one attaches nothing to this name.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from collector.errors import ErrorCode, SessionError, StateError
from collector.session.files import append_line, flush, forget_torn, locked, replace_file, stamp
from collector.session.identities import Identities

_WILD = re.compile(r"\*+|\?|[^*?]+")


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
        self._identities = Identities(folder)
        self._indexes: dict[Path | None, tuple[object, _Index]] = {}
        self._looked: set[Path] = set()  # files beside which this process has looked for what a killed one left

    def known_hosts(self, override: str | None = None) -> Path | None:
        """The file in use: the inventory's own, else the state folder's."""
        if override:
            return Path(override).expanduser()
        return self._folder / "known_hosts" if self._folder else None

    def keys(self, host: str, port: int, override: str | None = None) -> tuple[HostKey, ...]:
        """The keys pinned for a server, in the order of the file; revoked ones are not among them."""
        with self._lock:
            return tuple(key for key, marker in self._entries(host, port, override) if not marker)

    def check(
        self, host: str, port: int, key: HostKey, mode: Literal["accept-new", "strict"], override: str | None = None
    ) -> bool:
        """Compare a server's key before anything of ours is sent. True where it was pinned just now.

        SessionError E_HOSTKEY_CHANGED or, in strict mode, E_HOSTKEY_UNKNOWN.
        """
        with self._lock:
            if self._known(host, port, key, mode, override):
                return False
            path = self.known_hosts(override)
            with locked(path):
                if self._known(host, port, key, mode, override):  # by another process, just now
                    return False
                self._append(host, port, key, override)
        if path is not None:
            flush(path)
        return True

    def _known(self, host: str, port: int, key: HostKey, mode: str, override: str | None) -> bool:
        """Whether `key` is pinned; False where it may be pinned now. SessionError where it may not."""
        name = entry_name(host, port)
        entries = list(self._entries(host, port, override))
        if any(marker == "@revoked" and known == key for known, marker in entries):
            raise SessionError(
                ErrorCode.HOSTKEY_CHANGED, f"the key of {name} is marked as revoked: {key}", phase="handshake"
            )
        known = [pinned for pinned, marker in entries if not marker]
        if key in known:
            return True
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
        return False

    def pin(self, host: str, port: int, key: HostKey, override: str | None = None) -> None:
        """Make `key` the one pinned key of a server (`trust NAME`), whatever stood there before."""
        path = self.known_hosts(override)
        with self._lock, locked(path):
            if any(not marker for _, marker in self._entries(host, port, override)):
                self._rewrite(host, port, key, override)
            else:
                self._append(host, port, key, override)
        if path is not None:
            flush(path)

    def identify(self, name: str, *, hostname: str | None = None, serial: str | None = None, pin: bool = True) -> bool:
        """Compare what the device says of itself with what was pinned under `name`; `pin` what is new.

        True where all of it is pinned now. SessionError E_IDENTITY where the hostname or the serial number is another.
        """
        said = {key: value for key, value in (("hostname", hostname), ("serial", serial)) if value}
        with self._lock:
            if self._identities.says_the_same(name, said):
                return True
            if not pin:
                return self._identities.compare(name, said)
            grown = self._identities.pin(name, said)
        if grown is not None:
            flush(grown)
        return True

    def identity(self, name: str) -> dict[str, str]:
        """The hostname and the serial number that are pinned under `name`, as far as they are known."""
        with self._lock:
            return self._identities.of(name)

    def forget_identity(self, name: str) -> None:
        """Let the next visit pin hostname and serial anew (`trust NAME`)."""
        with self._lock:
            grown = self._identities.forget(name)
        if grown is not None:
            flush(grown)

    def settle(self) -> None:
        """At the end of a run: one whole file of what was pinned in it."""
        with self._lock:
            self._identities.settle()

    def _entries(self, host: str, port: int, override: str | None) -> Iterator[tuple[HostKey, str]]:
        name = entry_name(host, port)
        plain, others = self._index(override)
        yield from plain.get(name, ())
        for patterns, key, marker in others:
            if _name_host(patterns, name):
                yield key, marker

    def _index(self, override: str | None) -> _Index:
        """The file by name, read again only where it changed: a fleet asks twice a visit."""
        path = self.known_hosts(override)
        now = stamp(path)
        kept = self._indexes.get(path)
        if kept is None or kept[0] != now:
            kept = (now, _index(self._lines(override)))
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

    def _append(self, host: str, port: int, key: HostKey, override: str | None) -> None:
        """One more line; the lock is held and nothing names the server yet. The index grows with the file."""
        name, path = entry_name(host, port), self.known_hosts(override)
        plain, _ = self._index(override)
        line = f"{name} {key.type} {key.blob}"
        if path is None:
            self._memory.append(line)
        else:
            if path not in self._looked:
                forget_torn(path)
                self._looked.add(path)
            append_line(path, line)
        plain.setdefault(name, []).append((key, ""))
        self._indexes[path] = (stamp(path), self._indexes[path][1])

    def _rewrite(self, host: str, port: int, key: HostKey, override: str | None) -> None:
        """`key` instead of what names the server; the lock is held."""
        name, path = entry_name(host, port), self.known_hosts(override)
        kept = (_without(line, name) for line in self._lines(override))
        lines = [*(line for line in kept if line is not None), f"{name} {key.type} {key.blob}"]
        if path is None:
            self._memory[:] = lines
            self._indexes.pop(None, None)
        else:
            replace_file(path, "\n".join(lines) + "\n")


# By name, and what must be tried in turn: lines with a hashed name, a wildcard or a name that is excepted.
_Index = tuple[dict[str, list[tuple[HostKey, str]]], list[tuple[tuple[str, ...], HostKey, str]]]


def _index(lines: list[str]) -> _Index:
    plain: dict[str, list[tuple[HostKey, str]]] = {}
    others: list[tuple[tuple[str, ...], HostKey, str]] = []
    for line in lines:
        words = line.split()
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        if len(words) < 3 or words[0].startswith("#") or marker == "@cert-authority":
            continue
        key = HostKey(type=words[1], blob=words[2])
        if not _whole(key):  # the beginning of a line that a power cut or a full disk left: OpenSSH passes it over too
            continue
        patterns = tuple(words[0].split(","))
        if any(pattern.startswith("|1|") or set(pattern) & set("*?!") for pattern in patterns):
            others.append((patterns, key, marker))
            continue
        for pattern in patterns:
            plain.setdefault(pattern.lower(), []).append((key, marker))
    return plain, others


def _whole(key: HostKey) -> bool:
    """Whether a blob is a key to its last octet: strings, each behind its length (RFC 4253 6.6), the first the type."""
    try:
        raw = base64.b64decode(key.blob, validate=True)
    except (binascii.Error, ValueError):
        return False
    place, parts = 0, 0
    while place + 4 <= len(raw):
        place += 4 + int.from_bytes(raw[place : place + 4], "big")
        parts += 1
    return place == len(raw) and parts > 1 and raw[4:].startswith(key.type.encode())


def _without(line: str, name: str) -> str | None:
    """A line of known_hosts that says nothing of `name` any more, and of other servers what it said; None: nothing left.

    Comments and marked lines (@revoked, @cert-authority) stay. From a wildcard the name is excepted.
    """
    words = line.split()
    if len(words) < 3 or words[0].startswith(("#", "@")):
        return line
    patterns = words[0].split(",")
    if not _name_host(patterns, name):
        return line
    left = [pattern for pattern in patterns if not _is_name(pattern, name)]
    if not left:
        return None
    if _name_host(left, name):
        left.append(f"!{name}")
    return line.replace(words[0], ",".join(left), 1)


def _name_host(patterns: Sequence[str], name: str) -> bool:
    """Whether the names of a line are those of `name`, as sshd(8) has it: wildcards, and `!` excepts a name."""
    if any(pattern.startswith("!") and _is_like(pattern[1:], name) for pattern in patterns):
        return False
    return any(_is_name(pattern, name) or _is_like(pattern, name) for pattern in patterns)


def _is_like(pattern: str, name: str) -> bool:
    """As a pattern: `*` and `?` are wildcards."""
    if "*" not in pattern and "?" not in pattern:
        return pattern.lower() == name
    pieces = (
        ".*" if piece[0] == "*" else "." if piece == "?" else re.escape(piece) for piece in _WILD.findall(pattern)
    )
    return re.fullmatch("".join(pieces), name, re.IGNORECASE) is not None


def _is_name(pattern: str, name: str) -> bool:
    """As a plain or hashed name."""
    if not pattern.startswith("|1|"):
        return pattern.lower() == name
    try:
        salt, digest = (base64.b64decode(part) for part in pattern.split("|")[2:4])
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)


__all__ = ["HostKey", "Trust", "entry_name", "locked", "replace_file"]
