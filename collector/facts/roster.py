"""The roster: every far end of one device being put together, found by binding and address in constant time.

Configured peers come first; flows, sessions, NHRP mappings and IKE SAs are laid over them by interface, map tag and
address. A row that has no place becomes the acceptor's (dynamic map, mGRE, DVTI) where one stands there, else a peer of
its own, with the disagreement said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from collector.facts.tables import Seen
from collector.model import (
    NO_IKE,
    Address,
    Binding,
    ConfigType,
    CryptoConfig,
    IkeSa,
    IpsecFlow,
    NhrpEntry,
    PeerSpec,
    Session,
)

_HEAD = re.compile(r"(?P<interface>\S+?)-(?P<vesen>vesen-)?head-\d+$", re.IGNORECASE)
_TUNNEL_TYPES = frozenset(
    {
        ConfigType.GRE_TUNNEL_PROTECTION,
        ConfigType.MGRE_STATIC_NHRP,
        ConfigType.MGRE_DYNAMIC_NHRP,
        ConfigType.SVTI,
        ConfigType.SD_WAN,
    }
)
_VIRTUAL_TYPES = frozenset({ConfigType.DVTI, ConfigType.EZVPN_SERVER})
GROUP = "group"  # the text that stands for the address of a GETVPN group
ANYONE = "anyone"  # the text that stands for the peers that an acceptor may take


@dataclass(slots=True, kw_only=True)
class Draft:
    """One peer while it is being put together."""

    binding: Binding | None
    spec: PeerSpec | None = None
    address: Address | None = None
    interface: str | None = None
    config_type: ConfigType = ConfigType.UNKNOWN
    disagreement: str = ""
    flows: list[Seen[IpsecFlow]] = field(default_factory=list)
    sessions: list[Seen[Session]] = field(default_factory=list)
    nhrp: list[Seen[NhrpEntry]] = field(default_factory=list)
    ike: list[Seen[IkeSa]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """The live bindings that one interface or map tag names. explicit: by configured address. accepting: those that take
    peers which are not configured one by one, EzVPN last. unnamed: those whose peers a configuration never names here.
    """

    numbers: tuple[int, ...] = ()
    explicit: dict[Address, tuple[int, ...]] = field(default_factory=dict)
    accepting: tuple[int, ...] = ()
    unnamed: tuple[int, ...] = ()


_NOWHERE = Seat()


class Roster:
    """The drafts of one device. numbers: places of bindings; below zero, drafts without a binding."""

    def __init__(self, config: CryptoConfig | None) -> None:
        self.config = config
        self.read = config is not None and config.readable in {"full", "runtime"}
        self.full = config is not None and config.readable == "full"
        self.bindings = config.bindings if config is not None else ()
        self.drafts: dict[tuple[int, Address | str], Draft] = {}
        self.by_address: dict[Address, list[Draft]] = {}
        self._by_interface: dict[str, list[int]] = {}
        self._by_map: dict[str, list[int]] = {}
        self._by_local: dict[Address, list[int]] = {}
        self._virtual: list[int] = []
        self._seats: dict[object, Seat] = {}
        for number, binding in enumerate(self.bindings):
            if binding.applied and not binding.shutdown:  # what is unapplied or shut binds nothing
                self._enter(number, binding)
            self._configured(number, binding)

    def _enter(self, number: int, binding: Binding) -> None:
        if binding.interface:
            self._by_interface.setdefault(binding.interface.lower(), []).append(number)
        if binding.map_name:
            self._by_map.setdefault(binding.map_name, []).append(number)
        if binding.config_type in _VIRTUAL_TYPES:
            self._virtual.append(number)
        for address in binding.local:
            self._by_local.setdefault(address, []).append(number)

    def _configured(self, number: int, binding: Binding) -> None:
        if binding.config_type is ConfigType.GETVPN and not binding.peers:
            self.draft(number, binding, None, GROUP).config_type = binding.config_type
        for spec in binding.peers:
            draft = self.draft(number, binding, spec.address, spec.text)
            draft.spec, draft.config_type = spec, binding.config_type

    def open_acceptors(self) -> None:
        """A row for each live acceptor that no running peer stands for: whoever may come in has a type, too."""
        taken = {id(draft.binding) for draft in self.drafts.values() if draft.spec is None}
        for number, binding in enumerate(self.bindings):
            live = binding.acceptor and binding.applied and not binding.shutdown
            if live and id(binding) not in taken:
                type_of_runtime(self.draft(number, binding, None, ANYONE), binding, "")

    def draft(self, number: int, binding: Binding | None, address: Address | None, text: str = "") -> Draft:
        """The draft of one binding and far end (address, else `text`), made where it is not there yet."""
        key = (number, address if address is not None else text)
        found = self.drafts.get(key)
        if found is None:
            found = self.drafts[key] = Draft(binding=binding, address=address)
            if address is not None:
                self.by_address.setdefault(address, []).append(found)
        return found

    def at(self, interface: str | None, tag: str | None) -> Seat:
        """The bindings that a runtime row names by its interface or map tag."""
        head = _HEAD.match(tag) if tag else None
        name = (interface or (head["interface"] if head else "") or "").lower()
        key = (name, None if head else tag)
        found = self._seats.get(key)
        if found is None:
            found = self._seats[key] = self._seat(self._named(name, None if head else tag))
        return found

    def _named(self, name: str, tag: str | None) -> list[int]:
        found = self._by_interface.get(name, [])
        if not found and name.startswith("virtual-access"):
            found = self._virtual
        if not found and not name and tag:
            found = self._by_map.get(tag, [])
        named = [number for number in found if self.bindings[number].map_name == tag] if tag else []
        return named or found

    def local(self, address: Address | None) -> Seat:
        """The bindings that have `address` as their local end."""
        if address is None:
            return _NOWHERE
        found = self._seats.get(address)
        if found is None:
            found = self._seats[address] = self._seat(self._by_local.get(address, []))
        return found

    def _seat(self, numbers: list[int]) -> Seat:
        explicit: dict[Address, tuple[int, ...]] = {}
        for number in numbers:
            for spec in self.bindings[number].peers:
                if spec.address is not None:
                    explicit[spec.address] = (*explicit.get(spec.address, ()), number)
        kinds = {number: self.bindings[number].config_type for number in numbers}
        return Seat(
            numbers=tuple(numbers),
            explicit=explicit,
            accepting=tuple(
                sorted(
                    (number for number in numbers if self.bindings[number].acceptor),
                    key=lambda number: kinds[number] is ConfigType.EZVPN_SERVER,
                )
            ),
            unnamed=tuple(
                number
                for number in numbers
                if kinds[number] in NO_IKE | {ConfigType.EZVPN_CLIENT} and not self.bindings[number].peers
            ),
        )

    # laying what runs over what is configured

    def lay_flow(self, seen: Seen[IpsecFlow]) -> None:
        """One block of `show crypto ipsec sa`."""
        flow = seen.record
        for draft in self._drafts_of(flow.peer, flow.interface, flow.map_tag, flow.local_address):
            draft.flows.append(seen)

    def lay_session(self, seen: Seen[Session]) -> None:
        """One block of `show crypto session`."""
        session = seen.record
        local = session.local or next((row.local for row in session.ike if row.local is not None), None)
        for draft in self._drafts_of(session.peer, session.interface, None, local):
            draft.sessions.append(seen)
            self._reseat(draft, session)

    def _reseat(self, draft: Draft, session: Session) -> None:
        """Of several acceptors on one interface the session names the right one: by its profile, or as an EzVPN client
        (IKE configuration mode, extended authentication).
        """
        if draft.spec is not None or draft.binding is None or not draft.binding.acceptor:
            return
        here = [self.bindings[number] for number in self.at(session.interface, None).accepting]
        by_profile = [b for b in here if session.profile and session.profile in {b.isakmp_profile, b.ikev2_profile}]
        client = any(letter in row.capabilities for row in session.ike for letter in "CX")
        by_mode = [b for b in here if b.config_type is ConfigType.EZVPN_SERVER] if client else []
        for binding in (by_profile or by_mode)[:1]:
            draft.binding = binding
            type_of_runtime(draft, binding, "")

    def lay_nhrp(self, seen: Seen[NhrpEntry]) -> None:
        """One NHRP mapping; on an unprotected tunnel it is no IPsec peer."""
        entry = seen.record
        if entry.nbma is None or "local" in entry.flags or entry.type not in {"static", "dynamic"}:
            return
        known = self.at(entry.interface, None).numbers
        if not known and (self.read or not self.by_address.get(entry.nbma)):
            return
        for draft in self._drafts_of(entry.nbma, entry.interface, None, None):
            draft.nhrp.append(seen)
            if entry.type == "static" and draft.spec is None and self.read:
                draft.disagreement = f"NHRP maps {entry.nbma} statically, the configuration at hand does not"

    def lay_ike(self, seen: Seen[IkeSa]) -> None:
        """An IKE SA alone makes a peer only where its local end is known to be ours and nothing else names the peer."""
        row = seen.record
        if not row.live:
            return
        ends = [(row.local, row.remote)] if row.oriented else [(row.local, row.remote), (row.remote, row.local)]
        if any(address in self.by_address for pair in ends for address in pair if address is not None):
            return
        for local, remote in ends:
            seat = self.local(local)
            if remote is None or not seat.numbers:
                continue
            number = (*seat.accepting, -1 - len(self.drafts))[0]
            binding = self.bindings[number] if number >= 0 else None
            draft = self.draft(number, binding, remote)
            draft.ike.append(seen)
            type_of_runtime(draft, binding, "")
            if binding is None:
                draft.disagreement = f"an IKE SA with {remote} is up and no configured peer has that address"
            return

    def _drafts_of(
        self, peer: Address | None, interface: str | None, tag: str | None, local: Address | None
    ) -> Iterator[Draft]:
        """The drafts that a runtime row belongs to: the configured peer, else an acceptor, else a peer of its own."""
        seat = self.at(interface, tag)
        if peer is None or peer.is_unspecified:
            yield from (self.drafts[n, GROUP] for n in seat.unnamed if (n, GROUP) in self.drafts)
            return
        if not seat.numbers and interface is None and tag is None:
            seat = self.local(local)
        explicit = seat.explicit.get(peer, ())
        for number in explicit:
            draft = self.drafts[number, peer]
            self._check_tag(draft, tag)
            yield draft
        if explicit:
            return
        named = self._by_name(seat, peer)
        if named is not None:
            yield named
            return
        astray = [] if seat.accepting or seat.unnamed else self._astray(peer, local)
        for draft in astray:
            where = f"on {interface}" if interface else f"under map {tag}" if tag else "elsewhere"
            name = draft.binding.name if draft.binding is not None else ""
            draft.disagreement = f"the configuration has {peer} in {name}, it runs {where}"
            yield draft
        if not astray:
            yield self._newcomer(peer, interface, tag, seat)

    def _astray(self, peer: Address, local: Address | None) -> list[Draft]:
        """Configured peers of that address and local end, where the running row names a place that has no such peer."""
        if not self.full or local is None:
            return []
        return [
            draft
            for draft in self.by_address.get(peer, ())
            if draft.spec is not None
            and draft.binding is not None
            and draft.binding.applied
            and not draft.binding.shutdown
            and local in draft.binding.local
        ]

    def _by_name(self, seat: Seat, peer: Address) -> Draft | None:
        """The peer by name of a tunnel or map: who runs there, and is none of the others, is whom the name means today.

        Not where several names wait for an address, or where the map takes peers that it does not name.
        """
        named = self._named_at(seat)
        for draft in named:
            if draft.address == peer:
                return draft
        waiting = [draft for draft in named if draft.address is None]
        if len(waiting) != 1 or seat.accepting:
            return None
        waiting[0].address = peer
        self.by_address.setdefault(peer, []).append(waiting[0])
        return waiting[0]

    def _named_at(self, seat: Seat) -> list[Draft]:
        return [
            self.drafts[number, spec.text]
            for number in seat.numbers
            for spec in self.bindings[number].peers
            if spec.address is None and (number, spec.text) in self.drafts
        ]

    def _newcomer(self, peer: Address, interface: str | None, tag: str | None, seat: Seat) -> Draft:
        numbers = seat.accepting or seat.unnamed
        if not numbers:
            for draft in self.by_address.get(peer, ()):  # a second row of the same runtime peer on the same interface
                if draft.binding is None and draft.interface == interface:
                    return draft
        binding = self.bindings[numbers[0]] if numbers else None
        draft = self.draft(numbers[0] if numbers else -1 - len(self.drafts), binding, peer)
        if draft.interface is None:
            draft.interface = interface
            type_of_runtime(draft, binding, tag or "")
        if binding is None and self.full:
            where = f"on {interface}" if interface else f"under map {tag}" if tag else "at runtime"
            names = ", ".join(one.spec.text for one in self._named_at(seat) if one.spec is not None)
            known = f"may be any of those by name ({names})" if names else "the configuration has no such peer there"
            draft.disagreement = draft.disagreement or f"{peer} runs {where}, {known}"
        self._check_tag(draft, tag)
        return draft

    def _check_tag(self, draft: Draft, tag: str | None) -> None:
        """The runtime map tag is independent proof (DOMAIN 4.2, 5): where it says another kind, say so."""
        if tag and draft.binding is not None and self.full and not _tag_fits(tag, draft.config_type, draft.binding):
            draft.disagreement = f"the configuration says {draft.config_type}, the running map tag is {tag}"


def _tag_fits(tag: str, kind: ConfigType, binding: Binding) -> bool:
    if tag == binding.map_name:
        return True
    head = _HEAD.match(tag)
    if head is None:
        return kind not in _TUNNEL_TYPES | _VIRTUAL_TYPES
    if head["vesen"]:
        return kind is ConfigType.SD_WAN
    if head["interface"].lower().startswith("virtual-access"):
        return kind in _VIRTUAL_TYPES
    return kind in _TUNNEL_TYPES if head["interface"].lower().startswith("tunnel") else True


def type_of_runtime(draft: Draft, binding: Binding | None, tag: str) -> None:
    """The type of a peer that no configuration names: the acceptor's, else what its map tag proves."""
    head = _HEAD.match(tag)
    if binding is not None:
        draft.config_type = binding.acceptor_type or binding.config_type
    elif head and head["vesen"]:
        draft.config_type = ConfigType.SD_WAN
    elif tag.endswith("-OSPF-MAP") or (draft.address is not None and draft.address.is_multicast):
        draft.config_type = ConfigType.MANUAL_IPSEC
