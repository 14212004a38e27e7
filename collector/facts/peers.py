"""Peers: every far end that is configured, and every one that runs, per binding.

Configured peers come from the bindings; flows, sessions, NHRP mappings and IKE SAs are laid over them by interface,
map tag and address. What runs without a place in the configuration is a peer of its own: of an acceptor where one
stands there, else `unknown` with the disagreement said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, TypeVar

from collector.config import recovery_of
from collector.facts import ike
from collector.facts.clock import DeviceClock
from collector.facts.tables import Seen, Tables
from collector.model import (
    Address,
    Binding,
    ConfigLine,
    ConfigType,
    CryptoConfig,
    Dpd,
    Evidence,
    IkeSa,
    IpsecFlow,
    NhrpEntry,
    Peer,
    PeerSpec,
    Recovery,
    Session,
    Spi,
)

T = TypeVar("T")

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
_NOT_APPLICABLE = frozenset({ConfigType.SD_WAN, ConfigType.MANUAL_IPSEC, ConfigType.GETVPN})
_EVIDENCE = 4  # lines of one kind that are kept as proof


@dataclass(slots=True, kw_only=True)
class _Draft:
    """One peer while it is being put together."""

    binding: Binding | None
    spec: PeerSpec | None = None
    address: Address | None = None
    interface: str | None = None
    runtime: bool = False
    config_type: ConfigType = ConfigType.UNKNOWN
    disagreement: str = ""
    flows: list[Seen[IpsecFlow]] = field(default_factory=list)
    sessions: list[Seen[Session]] = field(default_factory=list)
    nhrp: list[Seen[NhrpEntry]] = field(default_factory=list)
    ike: list[Seen[IkeSa]] = field(default_factory=list)


class Roster:
    """The drafts of one device, found by binding and address in constant time."""

    def __init__(self, config: CryptoConfig | None) -> None:
        self.config = config
        self.read = config is not None and config.readable in {"full", "runtime"}
        self.bindings = config.bindings if config is not None else ()
        self.drafts: dict[tuple[int, str], _Draft] = {}
        self.by_interface: dict[str, list[int]] = {}
        self.by_map: dict[str, list[int]] = {}
        self.by_local: dict[Address, list[int]] = {}
        self.by_address: dict[Address, list[_Draft]] = {}
        self.virtual: list[int] = []
        for number, binding in enumerate(self.bindings):
            if binding.interface:
                self.by_interface.setdefault(binding.interface.lower(), []).append(number)
            if binding.map_name:
                self.by_map.setdefault(binding.map_name, []).append(number)
            if binding.config_type in _VIRTUAL_TYPES:
                self.virtual.append(number)
            for address in binding.local:
                self.by_local.setdefault(address, []).append(number)

    def draft(self, number: int, binding: Binding | None, address: Address | None, text: str = "") -> _Draft:
        """The draft of one binding (below 0: none) and far end (address, else `text`), made where it is not there."""
        key = (number, str(address) if address is not None else text)
        found = self.drafts.get(key)
        if found is None:
            found = self.drafts[key] = _Draft(binding=binding, address=address)
            if address is not None:
                self.by_address.setdefault(address, []).append(found)
        return found

    def at(self, interface: str | None, tag: str | None) -> list[int]:
        """The bindings that a runtime row names by its interface or map tag; unapplied and shut ones bind nothing."""
        head = _HEAD.match(tag) if tag else None
        name = (interface or (head["interface"] if head else "") or "").lower()
        found = self.by_interface.get(name, [])
        if not found and name.startswith("virtual-access"):
            found = self.virtual
        if not found and not name and tag:
            found = self.by_map.get(tag, [])
        if tag and not head:
            named = [number for number in found if self.bindings[number].map_name == tag]
            found = named or found
        return [number for number in found if self.bindings[number].applied and not self.bindings[number].shutdown]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What peers are made of: one device's configuration, tables and clock."""

    device: str
    config: CryptoConfig | None
    tables: Tables
    clock: DeviceClock
    taken: Mapping[str, datetime | None] = field(default_factory=dict)  # when each configuration was read


def build(ground: Ground) -> tuple[Peer, ...] | None:
    """All peers, `None` where neither the configuration nor any runtime table could tell one."""
    roster, tables = Roster(ground.config), ground.tables
    _configured(roster)
    for flow in tables.flows.rows:
        _lay_flow(roster, flow)
    for session in tables.sessions.rows:
        _lay_session(roster, session)
    for entry in tables.nhrp.rows:
        _lay_nhrp(roster, entry)
    for table in (tables.isakmp.table, tables.ikev2.table):
        for row in table.rows:
            _lay_ike(roster, row)
    known = roster.read or tables.flows.known or tables.sessions.known or bool(roster.drafts)
    if not known:
        return None
    return tuple(
        _peer(draft, ground, alone=draft.address is None or len(roster.by_address.get(draft.address, ())) <= 1)
        for draft in roster.drafts.values()
    )


def _configured(roster: Roster) -> None:
    for number, binding in enumerate(roster.bindings):
        if binding.config_type is ConfigType.GETVPN and not binding.peers:
            draft = roster.draft(number, binding, None, "group")
            draft.config_type = binding.config_type
        for spec in binding.peers:
            draft = roster.draft(number, binding, spec.address, spec.text)
            draft.spec, draft.config_type = spec, binding.config_type


def _lay_flow(roster: Roster, seen: Seen[IpsecFlow]) -> None:
    flow = seen.record
    for draft in _seats(roster, flow.peer, flow.interface, flow.map_tag, flow.local_address):
        draft.flows.append(seen)


def _lay_session(roster: Roster, seen: Seen[Session]) -> None:
    session = seen.record
    local = next((row.local for row in session.ike if row.local is not None), None)
    for draft in _seats(roster, session.peer, session.interface, None, local):
        draft.sessions.append(seen)
        _reseat(roster, draft, session)


def _reseat(roster: Roster, draft: _Draft, session: Session) -> None:
    """Of several acceptors on one interface the session names the right one: by its profile, or as an EzVPN client
    (IKE configuration mode, extended authentication).
    """
    if draft.spec is not None or draft.binding is None or not draft.binding.acceptor:
        return
    here = [roster.bindings[n] for n in roster.at(session.interface, None) if roster.bindings[n].acceptor]
    by_profile = [b for b in here if session.profile and session.profile in {b.isakmp_profile, b.ikev2_profile}]
    client = any(letter in row.capabilities for row in session.ike for letter in "CX")
    by_mode = [b for b in here if b.config_type is ConfigType.EZVPN_SERVER] if client else []
    for binding in (by_profile or by_mode)[:1]:
        draft.binding = binding
        _type_of_runtime(draft, binding, "")


def _lay_nhrp(roster: Roster, seen: Seen[NhrpEntry]) -> None:
    entry = seen.record
    if entry.nbma is None or "local" in entry.flags or entry.type not in {"static", "dynamic"}:
        return
    at = roster.at(entry.interface, None)
    if roster.read and not at:
        return  # NHRP on an unprotected tunnel is no IPsec peer
    known = roster.by_address.get(entry.nbma, [])
    if not roster.read and not known:
        return
    for draft in _seats(roster, entry.nbma, entry.interface, None, None):
        draft.nhrp.append(seen)
        if entry.type == "static" and draft.spec is None and roster.config is not None and roster.read:
            draft.disagreement = f"NHRP maps {entry.nbma} statically, the configuration at hand does not"


def _lay_ike(roster: Roster, seen: Seen[IkeSa]) -> None:
    """An IKE SA alone makes a peer only where its local end is known to be ours and nothing else names the peer."""
    row = seen.record
    if not row.live:
        return
    ends = [(row.local, row.remote)] if row.oriented else [(row.local, row.remote), (row.remote, row.local)]
    if any(address in roster.by_address for pair in ends for address in pair if address is not None):
        return
    for local, remote in ends:
        numbers = roster.by_local.get(local, []) if local is not None else []
        if remote is None or not numbers:
            continue
        accepting = [number for number in numbers if roster.bindings[number].acceptor]
        for number in accepting[:1] or [-1]:
            binding = roster.bindings[number] if number >= 0 else None
            draft = roster.draft(number, binding, remote)
            draft.runtime = True
            draft.ike.append(seen)
            _type_of_runtime(draft, binding, "")
            if binding is None:
                draft.disagreement = f"an IKE SA with {remote} is up and no configured peer has that address"
        return


def _seats(
    roster: Roster, peer: Address | None, interface: str | None, tag: str | None, local: Address | None
) -> Iterator[_Draft]:
    """The drafts that a runtime row belongs to: the configured peer, else an acceptor, else a peer of its own."""
    numbers = roster.at(interface, tag)
    if peer is None or peer.is_unspecified:
        for number in numbers:
            if (number, "group") in roster.drafts:
                yield roster.drafts[number, "group"]
        return
    if not numbers and interface is None and tag is None and local is not None:
        numbers = roster.by_local.get(local, [])
    explicit = [number for number in numbers if (number, str(peer)) in roster.drafts]
    if explicit:
        for number in explicit:
            draft = roster.drafts[number, str(peer)]
            _check_tag(roster, draft, tag)
            yield draft
        return
    named = _by_name(roster, numbers)
    if named is not None:
        named.address = peer
        roster.by_address.setdefault(peer, []).append(named)
        roster.drafts[numbers[0], str(peer)] = roster.drafts.pop((numbers[0], named.spec.text if named.spec else ""))
        yield named
        return
    yield _newcomer(roster, peer, interface, tag, numbers)


def _by_name(roster: Roster, numbers: list[int]) -> _Draft | None:
    """The one peer by name of a tunnel: who runs there is whom the name means today."""
    if len(numbers) != 1:
        return None
    binding = roster.bindings[numbers[0]]
    if binding.acceptor or len(binding.peers) != 1 or binding.peers[0].address is not None:
        return None
    return roster.drafts.get((numbers[0], binding.peers[0].text))


def _newcomer(roster: Roster, peer: Address, interface: str | None, tag: str | None, numbers: list[int]) -> _Draft:
    accepting = sorted(
        (number for number in numbers if roster.bindings[number].acceptor),
        key=lambda number: roster.bindings[number].config_type is ConfigType.EZVPN_SERVER,
    )
    unnamed = [
        number
        for number in numbers
        if roster.bindings[number].config_type in _NOT_APPLICABLE | {ConfigType.EZVPN_CLIENT}
        and not roster.bindings[number].peers
    ]
    number = (accepting or unnamed or [-1])[0]
    place = number if number >= 0 else -1 - len(roster.drafts)
    if number < 0:
        for draft in roster.by_address.get(peer, ()):  # a second row of the same runtime peer on the same interface
            if draft.binding is None and draft.interface == interface:
                return draft
    binding = roster.bindings[number] if number >= 0 else None
    draft = roster.draft(place, binding, peer)
    draft.runtime, draft.interface = True, interface
    _type_of_runtime(draft, binding, tag or "")
    if binding is None and roster.read and roster.config is not None and roster.config.readable == "full":
        where = f"on {interface}" if interface else f"under map {tag}" if tag else "at runtime"
        draft.disagreement = draft.disagreement or f"{peer} runs {where}, the configuration has no such peer there"
        if draft.config_type not in _NOT_APPLICABLE:
            draft.config_type = ConfigType.UNKNOWN
    _check_tag(roster, draft, tag)
    return draft


def _type_of_runtime(draft: _Draft, binding: Binding | None, tag: str) -> None:
    if binding is not None:
        draft.config_type = binding.acceptor_type or binding.config_type
        return
    head = _HEAD.match(tag)
    if head and head["vesen"]:
        draft.config_type = ConfigType.SD_WAN
    elif tag.endswith("-OSPF-MAP") or (draft.address is not None and draft.address.is_multicast):
        draft.config_type = ConfigType.MANUAL_IPSEC


def _check_tag(roster: Roster, draft: _Draft, tag: str | None) -> None:
    """The runtime map tag is independent proof (DOMAIN 4.2, 5): where it says another kind, say so."""
    if not tag or draft.binding is None or roster.config is None or roster.config.readable != "full":
        return
    head, kind = _HEAD.match(tag), draft.config_type
    if tag == draft.binding.map_name:
        fits = True
    elif head is None:
        fits = kind not in _TUNNEL_TYPES | _VIRTUAL_TYPES
    elif head["vesen"]:
        fits = kind is ConfigType.SD_WAN
    elif head["interface"].lower().startswith("virtual-access"):
        fits = kind in _VIRTUAL_TYPES
    elif head["interface"].lower().startswith("tunnel"):
        fits = kind in _TUNNEL_TYPES
    else:
        fits = True
    if not fits:
        draft.disagreement = f"the configuration says {kind}, the running map tag is {tag}"


def _peer(draft: _Draft, ground: Ground, *, alone: bool) -> Peer:
    binding, spec, config, tables = draft.binding, draft.spec, ground.config, ground.tables
    local = _local_ends(draft)
    version = binding.ike_version if binding is not None else None
    known = ike.Ike()
    if draft.address is not None and draft.config_type not in _NOT_APPLICABLE:
        ends = ike.Ends(local=local, peer=draft.address, version=version, alone=alone)
        known = ike.ike(ends, tables, draft.sessions, ground.clock)
    version = version or known.version
    config_type, recovery, why = _verdict(draft, version, config)
    return Peer(
        address=draft.address,
        name=spec.text if spec is not None and spec.by_name else None,
        local_address=_first_local(draft),
        vrf=(binding.fvrf if binding is not None else None) or _first(s.record.fvrf for s in draft.sessions),
        interface=draft.interface or (binding.interface if binding is not None else None),
        binding=binding.name if binding is not None else _runtime_name(draft),
        config_type=config_type,
        ike_version=version,
        recovery=recovery,
        why=f"{why}; {known.why}" if known.why and known.state == "unknown" and draft.runtime else why,
        ike_sa=known.state,
        ike_since=known.since,
        ike_evidence=known.evidence,
        inbound=_spis(draft, tables, "in"),
        outbound=_spis(draft, tables, "out"),
        sa_remaining=_remaining(draft),
        dpd=_dpd(binding, version, config),
        dpd_negotiated=known.dpd,
        nat_traversal=_nat(draft, known),
        session_status=_first(s.record.status for s in draft.sessions),
        seen="acceptor" if draft.address is None and spec is None else "explicit" if spec is not None else "runtime",
        source=binding,
        evidence=_evidence(draft, ground),
    )


def _verdict(
    draft: _Draft, version: Literal[1, 2] | None, config: CryptoConfig | None
) -> tuple[ConfigType, Recovery, str]:
    if draft.disagreement and draft.config_type not in _NOT_APPLICABLE:
        text = f"configuration and running state disagree: {draft.disagreement}"
        return ConfigType.UNKNOWN, Recovery.UNPROVEN, text
    if draft.binding is None:
        if draft.config_type in _NOT_APPLICABLE:
            return draft.config_type, Recovery.NOT_APPLICABLE, f"{draft.config_type} by its running map tag"
        text = "the crypto configuration was not read" if config is None else "no configured binding has this peer"
        return ConfigType.UNKNOWN, Recovery.UNPROVEN, text
    found, why = recovery_of(
        draft.binding, draft.spec, config_type=draft.config_type, ike_version=version, address=draft.address
    )
    return draft.config_type, found, why


def accepted(binding: Binding, address: Address, local: Address, ground: Ground) -> Peer:
    """A peer that an acceptor takes and that left only a trace: an IKMP_NO_SA message, a dead IKE SA."""
    draft = _Draft(binding=binding, address=address, runtime=True)
    _type_of_runtime(draft, binding, "")
    return replace(_peer(draft, ground, alone=True), local_address=local)


def _runtime_name(draft: _Draft) -> str:
    tag = _first(seen.record.map_tag for seen in draft.flows)
    return tag or draft.interface or "none"


def _local_ends(draft: _Draft) -> frozenset[Address]:
    ends = set(draft.binding.local if draft.binding is not None else ())
    for seen in draft.flows:
        ends |= {address for address in (seen.record.local_address, seen.record.local_endpoint) if address is not None}
    return frozenset(ends)


def _first_local(draft: _Draft) -> Address | None:
    for seen in draft.flows:
        if seen.record.local_address is not None:
            return seen.record.local_address
        if seen.record.local_endpoint is not None:
            return seen.record.local_endpoint
    if draft.binding is not None and draft.binding.local:
        return draft.binding.local[0]
    for session in draft.sessions:
        for row in session.record.ike:
            if row.local is not None:
                return row.local
    return None


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)


def _spis(draft: _Draft, tables: Tables, direction: str) -> tuple[Spi, ...] | None:
    """SPIs now installed in one direction; `None` where the table could not be read for this peer."""
    found: dict[Spi, None] = {}
    for seen in draft.flows:
        sas = seen.record.inbound if direction == "in" else seen.record.outbound
        found.update(dict.fromkeys(sa.spi for sa in sas if sa.spi))
        if direction == "out" and seen.record.outbound_spi:
            found[seen.record.outbound_spi] = None
    if not found and not tables.flows.proves_absence_of(draft.address):
        return None
    return tuple(found)


def _remaining(draft: _Draft) -> timedelta | None:
    """Seconds left of the current outbound SA (of the one that ends first, with several flows)."""
    left = [
        sa.remaining
        for seen in draft.flows
        for sa in seen.record.outbound
        if sa.remaining is not None and (seen.record.outbound_spi in {None, sa.spi})
    ]
    return min(left, default=None)


def _dpd(binding: Binding | None, version: int | None, config: CryptoConfig | None) -> Dpd:
    if binding is not None and binding.dpd.mode != "unknown":
        return binding.dpd
    if config is None or version is None:
        return Dpd(mode="unknown")
    return config.dpd if version == 1 else config.dpd_ikev2


def _nat(draft: _Draft, known: ike.Ike) -> bool | None:
    """NAT traversal: UDP encapsulation or port 4500 shows it; SAs without it, or an IKE SA that says no, show none."""
    sas = [sa for seen in draft.flows for sa in (*seen.record.inbound, *seen.record.outbound)]
    ports = {seen.record.peer_port for seen in draft.flows} | {seen.record.peer_port for seen in draft.sessions}
    if known.nat or 4500 in ports or any(sa.udp_encaps for sa in sas):
        return True
    return False if known.nat is False or sas else None


def _evidence(draft: _Draft, ground: Ground) -> tuple[Evidence, ...]:
    lines: dict[tuple[str, int], ConfigLine] = {}
    for line in (*(draft.spec.evidence if draft.spec else ()), *(draft.binding.evidence if draft.binding else ())):
        lines.setdefault((line.command, line.line), line)
    written = [
        Evidence(
            device=ground.device,
            command=line.command,
            line=line.line,
            text=line.text,
            taken_at=ground.taken.get(line.command),
        )
        for line in lines.values()
    ]
    running = [item for rows in (draft.flows, draft.sessions, draft.nhrp, draft.ike) for item in _shown(rows)]
    return (*written, *running)


def _shown(rows: Sequence[Seen[IpsecFlow] | Seen[Session] | Seen[NhrpEntry] | Seen[IkeSa]]) -> Iterator[Evidence]:
    for seen in rows[:_EVIDENCE]:
        yield seen.look.evidence(seen.record.line)
