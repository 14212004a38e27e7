"""What each device said of itself when it was first visited: hostname and serial number, pinned under its name.

`identities.json` holds them all and is replaced whole; `identities.journal` beside it takes one line for each new pin,
so that the first run over 20,000 routers does not write 20,000 whole files. The journal is folded into the file when it
has grown to an eighth of it, and at the end of a run; folding it twice changes nothing.
"""

from __future__ import annotations

import json
from pathlib import Path

from collector.errors import ErrorCode, SessionError, StateError
from collector.session.files import append_line, flush, locked, replace_file, stamp

SMALL = 64  # pins up to which the file is written whole each time
SHARE = 8

Names = dict[str, dict[str, str]]


class Identities:
    """The pinned identities of one state folder; `folder` None: kept in memory only. Calls come one at a time."""

    def __init__(self, folder: Path | None) -> None:
        self._file = folder / "identities.json" if folder else None
        self._journal = folder / "identities.journal" if folder else None
        self._names: Names = {}
        self._stamp: object = None  # of both files, as they were last read or written here
        self._waiting = 0  # lines of the journal

    def says_the_same(self, name: str, said: dict[str, str]) -> bool:
        """True where all that is said is pinned, by the files as they were last read, unchanged since."""
        if self._file is None or self._stamp is None or self._stamp != self._stamps():
            return False
        return said.items() <= self._names.get(name, {}).items()

    def pin(self, name: str, said: dict[str, str]) -> Path | None:
        """Compare and pin what is new; the file to flush, if one has grown. SessionError E_IDENTITY on a contradiction."""
        with locked(self._file):
            return self._note(name, said) if not self._compared(name, said) else None

    def compare(self, name: str, said: dict[str, str]) -> bool:
        """True where all that is said is pinned; SessionError E_IDENTITY on a contradiction. Nothing is pinned."""
        with locked(self._file):
            return self._compared(name, said)

    def _compared(self, name: str, said: dict[str, str]) -> bool:
        """The same; the lock is held."""
        self._refresh()
        pinned = self._names.get(name, {})
        for key, value in said.items():
            if pinned.get(key, value) != value:
                raise SessionError(
                    ErrorCode.IDENTITY,
                    f"{name} is pinned with the {key} {pinned[key]!r}, the device says {value!r}",
                    phase="prompt",
                )
        return said.items() <= pinned.items()

    def forget(self, name: str) -> Path | None:
        """Let the next visit pin it anew; the file to flush, if one has grown."""
        with locked(self._file):
            self._refresh()
            return self._note(name, None) if name in self._names else None

    def of(self, name: str) -> dict[str, str]:
        """What is pinned under it: hostname, serial."""
        with locked(self._file):
            self._refresh()
        return dict(self._names.get(name, {}))

    def hostnames(self) -> dict[str, str]:
        """Name -> the hostname that is pinned under it."""
        with locked(self._file):
            self._refresh()
        return {name: said["hostname"] for name, said in self._names.items() if "hostname" in said}

    def settle(self) -> None:
        """Fold the journal into the file, at the end of a run."""
        if self._journal is not None and self._journal.exists():
            with locked(self._file):
                self._refresh()
                self._fold()

    def _note(self, name: str, said: dict[str, str] | None) -> Path | None:
        if self._journal is None:
            _apply(self._names, name, said)
            return None
        append_line(self._journal, json.dumps([name, said]))
        _apply(self._names, name, said)
        self._waiting += 1
        self._stamp = self._stamps()
        if len(self._names) <= SMALL or self._waiting * SHARE >= len(self._names):
            self._fold()
            return None
        return self._journal

    def _fold(self) -> None:
        assert self._file is not None
        assert self._journal is not None
        replace_file(self._file, json.dumps(self._names, sort_keys=True, indent=1) + "\n")
        try:
            self._journal.unlink(missing_ok=True)
        except OSError as error:
            raise StateError(f"{self._journal}: {error.strerror}") from None
        self._waiting = 0
        self._stamp = self._stamps()

    def _stamps(self) -> object:
        return stamp(self._file), stamp(self._journal)

    def _refresh(self) -> None:
        """Read both files where they are not as they were left; the lock is held."""
        now = self._stamps()
        if self._file is None or self._journal is None or self._stamp == now:
            return
        try:
            names: Names = json.loads(self._file.read_text(encoding="utf-8")) if self._file.exists() else {}
        except (OSError, ValueError) as error:
            raise StateError(f"pinned identities {self._file}: {error}") from None
        try:
            lines = self._journal.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            lines = []
        except OSError as error:
            raise StateError(f"pinned identities {self._journal}: {error.strerror}") from None
        for line in lines:
            try:
                name, said = json.loads(line)
            except (ValueError, TypeError):  # cut by a power cut or a full disk: its visit was told so
                continue
            _apply(names, name, said)
        self._names, self._waiting, self._stamp = names, len(lines), now


def _apply(names: Names, name: str, said: dict[str, str] | None) -> None:
    if said is None:
        names.pop(name, None)
    else:
        names.setdefault(name, {}).update(said)


__all__ = ["Identities", "flush"]
