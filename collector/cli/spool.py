"""Facts on disk: a run over 20,000 routers holds one device's facts at a time, and a few addresses of each.

Only devices that an incident concerns, at either end, are joined in memory; the others go from disk to the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from collector.cli.packed import pack, unpack
from collector.errors import StateError
from collector.history.codec import snapshot_blob, snapshot_of
from collector.history.pictures import Wanted
from collector.model import Address, Device, Facts, Snapshot, Spi, State, to_address

SUSPECT = frozenset({State.PERSISTENT, State.PENDING, State.INSUFFICIENT_DATA})

BOTH = frozenset({1, 2})
HELD = 200  # devices whose facts stay in memory: a bound of some 30 MB, and most inventories never touch the disk


@dataclass(frozen=True, slots=True, kw_only=True)
class Gist:
    """What of one device other devices may ask for.

    flows: (source, destination) of its incidents; suspects: those of them in a state that calls for the far end.
    shown: peers whose SAs it has shown; "all", or None where no SAs were read. ike_versions: what its tunnels speak. read:
    anything came back.
    """

    name: str
    addresses: frozenset[Address]
    flows: tuple[tuple[Address, Address], ...]
    suspects: tuple[tuple[Address, Address], ...]
    wanted: frozenset[Spi]
    outbound: frozenset[Spi]
    shown: frozenset[str] | str | None
    ike_versions: frozenset[int]
    read: bool

    def shows(self, peer: Address) -> bool:
        """Whether its SAs with `peer` were read."""
        return self.shown == "all" or (self.shown is not None and str(peer) in self.shown)

    def has_shown(self, peer: Address) -> bool:
        """Whether its SAs with `peer` were read, or cannot be read at all."""
        return not self.read or self.shows(peer)


def gist_of(facts: Facts) -> Gist:
    """The gist of one device."""
    addresses = {to_address(facts.device.host)}
    if facts.config is not None:
        addresses |= {a for interface in facts.config.interfaces for a in (*interface.addresses, *interface.virtual)}
        addresses |= {a for binding in facts.config.bindings for a in binding.local}
    addresses |= {peer.local_address for peer in facts.peers or ()}
    flows = [
        (incident.source, incident.destination, incident.state)
        for incident in facts.incidents or ()
        if incident.source is not None and incident.destination is not None
    ]
    return Gist(
        name=facts.device.name,
        addresses=frozenset(address for address in addresses if address is not None),
        flows=tuple((source, destination) for source, destination, _ in flows),
        suspects=tuple((source, destination) for source, destination, state in flows if state in SUSPECT),
        wanted=frozenset(key.spi for incident in facts.incidents or () for key in incident.keys if key.spi is not None),
        outbound=frozenset(sa.spi for flow in facts.flows or () for sa in flow.outbound),
        shown=_shown(facts),
        ike_versions=frozenset(peer.ike_version for peer in facts.peers or () if peer.ike_version) or BOTH,
        read=bool(facts.captures),
    )


def _shown(facts: Facts) -> frozenset[str] | str | None:
    if facts.flows is None:
        return None
    return "all" if facts.flows_filter is None else frozenset(facts.flows_filter.split(", "))


def owners(gists: Iterable[Gist]) -> dict[Address, tuple[str, ...]]:
    """Which devices have an address: as inventory host, on an interface, or as the local end of a tunnel."""
    found: dict[Address, list[str]] = {}
    for gist in gists:
        for address in gist.addresses:
            found.setdefault(address, []).append(gist.name)
    return {address: tuple(sorted(names)) for address, names in found.items()}


def far_ends(gists: Sequence[Gist]) -> dict[str, tuple[str, ...]]:
    """Devices that another one's incident names as sender and that have not shown their SAs: name -> peers to look at."""
    by_address = owners(gists)
    known = {gist.name: gist for gist in gists}
    wanted: dict[str, list[str]] = {}
    for gist in gists:
        for source, destination in gist.suspects:
            for name in by_address.get(source, ()):
                if name != gist.name and not known[name].has_shown(destination):
                    wanted.setdefault(name, []).append(str(destination))
    return {name: tuple(dict.fromkeys(peers)) for name, peers in sorted(wanted.items())}


def beside(
    gists: Sequence[Gist], devices: Sequence[Device], devices_at: Callable[[Address], Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """Devices beside those of a run that its incidents may name as sender, by their host or by what `devices_at` knows
    of an address: name -> peers to look at.
    """
    by_address = owners(gists)
    by_host: dict[Address | None, list[str]] = {}
    for device in devices:
        by_host.setdefault(to_address(device.host), []).append(device.name)
    names = {device.name for device in devices} - {gist.name for gist in gists}
    found: dict[str, list[str]] = {}
    for gist in gists:
        for source, destination in gist.suspects:
            if not by_address.get(source):
                for name in names.intersection((*by_host.get(source, ()), *devices_at(source))):
                    found.setdefault(name, []).append(str(destination))
    return {name: tuple(dict.fromkeys(peers)) for name, peers in sorted(found.items())}


def wanted(gists: Sequence[Gist]) -> Wanted:
    """Whose pictures the ledger is asked for: of senders that this run did not see."""
    by_address = owners(gists)
    known = {gist.name: gist for gist in gists}
    flows: set[tuple[Address, Address]] = set()
    spis: set[Spi] = set()
    for gist in gists:
        unseen = {
            (source, destination)
            for source, destination in gist.flows
            if not any(known[name].shows(destination) for name in by_address.get(source, ()) if name != gist.name)
        }
        flows |= unseen
        spis |= gist.wanted if unseen else frozenset()
    return Wanted(
        sources=frozenset(source for source, _ in flows),
        destinations=frozenset(destination for _, destination in flows),
        spis=frozenset(spis),
    )


def concerned(gists: Sequence[Gist]) -> frozenset[str]:
    """Devices that an incident concerns: those that have one, own one end of it, or hold its SPI outbound."""
    by_address = owners(gists)
    wanted = frozenset(spi for gist in gists for spi in gist.wanted)
    names = {gist.name for gist in gists if gist.flows or gist.wanted or gist.outbound & wanted}
    for gist in gists:
        for source, destination in gist.flows:
            names |= set(by_address.get(source, ())) | set(by_address.get(destination, ()))
    return frozenset(names)


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
