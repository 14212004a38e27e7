"""Rows of `show crypto map` and `show crypto dynamic-map` -> CryptoMapEntry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from collector.commands.blocks import Doubt, Doubts
from collector.model import CryptoMapEntry
from collector.parse import Row

SELF_TEST = "NiStTeSt1"  # the map of IOS's own crypto self-test: its list of interfaces may outlive it, with no entry


@dataclass(slots=True)
class _Open:
    """An entry whose lines are still coming."""

    row: Row
    values: dict[str, str] = field(default_factory=dict)
    peers: list[str] = field(default_factory=list)
    braces: int = 0
    closed: bool = False  # the list of transform sets stands last, before the interfaces


def fold(rows: Iterable[Row], doubts: Doubts) -> Iterator[CryptoMapEntry]:
    """Rows -> entries. Interfaces of a map hold for all its sequences.

    Doubts: a transform-set list that does not end, an entry twice, a map whose interface list never came.
    """
    answer = _Answer(doubts)
    for row in rows:
        answer.take(row)
    answer.finish()
    yield from answer.made()


class _Answer:
    def __init__(self, doubts: Doubts) -> None:
        self.doubts = doubts
        self.entries: list[CryptoMapEntry] = []
        self.keys: set[tuple[str, int | None]] = set()
        self.open: _Open | None = None
        self.local: dict[str, str] = {}
        self.using: dict[str, dict[str, None]] = {}  # ordered sets
        self.listing: str | None = None  # the map whose interfaces are being listed
        self.last: dict[str, tuple[int, bool]] = {}  # per map: its last entry's line, and whether a list followed

    def take(self, row: Row) -> None:
        kind = row.first
        if kind in {"NAME", "TEMPLATE"}:
            self.finish()
            self.open = _Open(row)
        elif kind == "BEFORE":
            self.local[row.text("BEFORE")] = row.text("LOCAL_INTERFACE")
        elif kind == "USING":
            self._using(row)
        elif kind == "INTERFACE":
            self._interface(row)
        elif kind != "NONE":
            self._line(row, kind)

    def _using(self, row: Row) -> None:
        self.listing = row.text("USING")
        self.using.setdefault(self.listing, {})
        if self.listing == SELF_TEST:
            return
        if self.open is None or self.open.row.text("NAME") != self.listing:
            self._doubt(row, "the interfaces of another map")
        elif "USING" in self.open.values:
            self._doubt(row, "the interfaces of this entry come twice")
        else:
            self.open.values["USING"] = self.listing

    def _interface(self, row: Row) -> None:
        if self.listing is None:
            self._doubt(row, "an interface outside of a list")
        else:
            self.using[self.listing][row.text("INTERFACE")] = None

    def _line(self, row: Row, kind: str) -> None:
        if self.open is None or self.listing is not None:
            self._doubt(row, "a line of an entry whose first line is missing")
        elif self.open.closed:
            self._doubt(row, f"{kind.lower().replace('_', ' ')} after the transform sets: of another entry?")
        elif kind == "PEER":
            self.open.peers.append(row.text("PEER"))
        elif kind in {"OPEN", "CLOSED"}:
            self.open.braces += 1 if kind == "OPEN" else -1
            self.open.closed = kind == "CLOSED"
            if self.open.braces not in {0, 1}:
                self._doubt(row, "a list of transform sets inside another")
        elif kind in self.open.values:
            self._doubt(row, f"{kind.lower().replace('_', ' ')} of an entry comes twice")
        else:
            self.open.values[kind] = row.text(kind)

    def finish(self) -> None:
        self.listing = None
        if self.open is None:
            return
        entry, self.open = self.open, None
        name = entry.row.text("NAME")
        sequence = int(entry.row.text("SEQUENCE"))
        if not entry.peers and "INCOMPLETE" not in entry.values and _kind(entry) in {"ipsec-isakmp", "manual"}:
            self._doubt(entry.row, f"map {name} {sequence} has no peer, and no warning that it has none")
        if entry.braces:
            self._doubt(entry.row, "its list of transform sets does not end: cut?")
        if (name, sequence) in self.keys:
            self._doubt(entry.row, f"map {name} {sequence} stands twice")
        self.keys.add((name, sequence))
        self.last[name] = (entry.row.line, "USING" in entry.values or bool(entry.row.text("TEMPLATE")))
        self.entries.append(_entry(entry, name, sequence))

    def made(self) -> Iterator[CryptoMapEntry]:
        for name, (line, listed) in self.last.items():
            if not listed:
                self.doubts.append(Doubt(line=line, text=f"no list of interfaces after map {name}: cut?"))
        for entry in self.entries:
            yield replace(
                entry,
                interfaces=tuple(self.using.get(entry.name, ())),
                local_address_interface=self.local.get(entry.name),
            )

    def _doubt(self, row: Row, text: str) -> None:
        self.doubts.append(Doubt(line=row.line, text=text))


def _entry(entry: _Open, name: str, sequence: int) -> CryptoMapEntry:
    values = entry.values
    responder = values.get("RESPONDER")
    return CryptoMapEntry(
        line=entry.row.line,
        name=name,
        sequence=sequence,
        kind=_kind(entry),
        peers=tuple(entry.peers),
        access_list=values.get("ACCESS_LIST") or None,
        dynamic_map=values.get("DYNAMIC") or values.get("BORN_OF"),
        isakmp_profile=values.get("ISAKMP_PROFILE"),
        ikev2_profile=values.get("IKEV2_PROFILE"),
        responder_only=None if responder is None else responder == "Y",
    )


def _kind(entry: _Open) -> str:
    """What made the entry: a line of its own tells, the word behind the number does not."""
    values, printed = entry.values, entry.row.text("KIND")
    if entry.row.text("TEMPLATE"):
        return "dynamic-template"
    if "DYNAMIC" in values:
        return "dynamic"
    if "BORN_OF" in values:
        return "dynamic-instance"
    if "PROFILE_NAME" in values or "INSTANCE" in values or "-head-" in entry.row.text("NAME"):
        return "tunnel"
    return {"ipsec-manual": "manual", "gdoi": "gdoi"}.get(printed, "ipsec-isakmp")


def begins_entry(line: str) -> bool:
    """A line (stripped) that begins an entry: `Crypto Map "VPN" 10`, not `Crypto Map: "VPN" idb:`."""
    return line.startswith("Crypto Map") and not line[10:].lstrip(" IPv46").startswith(":")
