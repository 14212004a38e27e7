"""Facts on disk: a run over 20,000 routers holds one device's facts at a time.

Only devices that an incident concerns, at either end, are joined in memory; the others go from disk to the report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

from collector.cli.packed import pack, unpack
from collector.errors import StateError
from collector.history.codec import snapshot_blob, snapshot_of
from collector.model import Facts, Snapshot

HELD = 200  # devices whose facts stay in memory: a bound of some 30 MB, and most inventories never touch the disk


class Spool:
    """A folder with one device's snapshot and facts a file, private to this run."""

    def __init__(self, folder: Path, *, held: int = HELD) -> None:
        self.folder = folder
        self.most = held
        self.places: dict[str, int] = {}
        self.held: dict[str, Facts] = {}

    def place(self, name: str) -> int:
        """The number of a device's files."""
        return self.places.setdefault(name, len(self.places))

    def _path(self, name: str, kind: str) -> Path:
        return self.folder / f"{self.place(name):06d}.{kind}"

    def _write(self, path: Path, content: bytes) -> None:
        new = path.with_name(f"{path.name}.new")  # a process that is killed leaves the file as it was
        try:
            new.write_bytes(content)
            new.replace(path)
        except OSError as error:
            raise StateError(f"cannot write to {self.folder.parent}: {error.strerror}; this run is given up") from None

    def put_snapshot(self, snapshot: Snapshot) -> None:
        """Keep what a device said."""
        self._write(self._path(snapshot.device.name, "snapshot"), snapshot_blob(snapshot))

    def snapshot(self, name: str) -> Snapshot | None:
        """What a device said, without references to secrets."""
        path = self._path(name, "snapshot")
        return snapshot_of(path.read_bytes()) if path.exists() else None

    def blob(self, name: str) -> bytes:
        """The same, as it lies there."""
        return self._path(name, "snapshot").read_bytes()

    def put(self, facts: Facts) -> None:
        """Keep a device's facts: the first in memory, the rest on disk."""
        name = facts.device.name
        if name in self.held or len(self.held) < self.most:
            self.held[name] = facts
            return
        self._write(self._path(facts.device.name, "facts"), pack(facts))

    def written(self, name: str) -> None:
        """Another process of this run has written a device's files."""
        self.held.pop(name, None)

    def get(self, name: str) -> Facts:
        """A device's facts. Only this run writes here: the folder is 0700 and made for it."""
        if name in self.held:
            return self.held[name]
        found = unpack(self._path(name, "facts").read_bytes())
        assert isinstance(found, Facts)
        return found


class Spooled(Sequence[Facts]):
    """The devices of a run by name, each read from disk when asked for."""

    def __init__(self, spool: Spool, names: Sequence[str]) -> None:
        self.spool = spool
        self.names = tuple(names)

    @overload
    def __getitem__(self, index: int) -> Facts: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Facts]: ...

    def __getitem__(self, index: int | slice) -> Facts | Sequence[Facts]:
        """One device, or a further sequence that reads as lazily."""
        if isinstance(index, slice):
            return Spooled(self.spool, self.names[index])
        return self.spool.get(self.names[index])

    def __iter__(self) -> Iterator[Facts]:
        for name in self.names:
            yield self.spool.get(name)

    def __len__(self) -> int:
        return len(self.names)
