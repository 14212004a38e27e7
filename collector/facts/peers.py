"""Peers: every far end that is configured, and every one that runs, per binding.

The roster puts them together; here each becomes a Peer: its IKE SA, its SPIs, what recovery can do for it, with proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, TypeVar

from collector.config import recovery_of
from collector.facts import ike
from collector.facts.clock import DeviceClock
from collector.facts.roster import Draft, Roster, type_of_runtime
from collector.facts.tables import Seen, Tables
from collector.model import (
    NO_IKE,
    Address,
    Binding,
    ConfigLine,
    ConfigType,
    CryptoConfig,
    Dpd,
    Evidence,
    IkeSa,
    Incident,
    IpsecFlow,
    NhrpEntry,
    Peer,
    Recovery,
    Session,
    Spi,
)

T = TypeVar("T")

_EVIDENCE = 4  # lines of one kind that are kept as proof


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
    for flow in tables.flows.rows:
        roster.lay_flow(flow)
    for session in tables.sessions.rows:
        roster.lay_session(session)
    for entry in tables.nhrp.rows:
        roster.lay_nhrp(entry)
    for table in (tables.isakmp.table, tables.ikev2.table):
        for row in table.rows:
            roster.lay_ike(row)
    roster.open_acceptors()
    known = roster.read or tables.flows.known or tables.sessions.known or bool(roster.drafts)
    if not known:
        return None
    return tuple(
        _peer(draft, ground, alone=draft.address is None or len(roster.by_address.get(draft.address, ())) <= 1)
        for draft in roster.drafts.values()
    )


def with_accepted(known: tuple[Peer, ...] | None, incidents: Sequence[Incident]) -> tuple[Peer, ...] | None:
    """The peers, and those that only an incident brought in: an acceptor's peer of which no table has a row any more.

    It takes the place of the acceptor's own row, which stands for whoever has not come in yet.
    """
    rows = {(peer.address, peer.binding): peer for peer in known or ()}
    late = {
        (one.peer.address, one.peer.binding): one.peer
        for one in incidents
        if one.peer is not None and (one.peer.address, one.peer.binding) not in rows
    }
    if not late:
        return known
    bindings = {peer.binding for peer in late.values()}
    kept = (peer for peer in known or () if peer.seen != "acceptor" or peer.binding not in bindings)
    return (*kept, *late.values())


def _peer(draft: Draft, ground: Ground, *, alone: bool) -> Peer:
    binding, spec, config, tables = draft.binding, draft.spec, ground.config, ground.tables
    local = _local_ends(draft)
    version = binding.ike_version if binding is not None else None
    known = ike.Ike()
    if draft.address is not None and draft.config_type not in NO_IKE:
        ends = ike.Ends(local=local, peer=draft.address, version=version, alone=alone)
        known = ike.ike(ends, tables, draft.sessions, ground.clock)
    version = known.version or version  # the SA that runs is the truth, the configuration may hold more than one way
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
        why=f"{why}; {known.why}" if known.why and known.state == "unknown" and spec is None else why,
        ike_sa=known.state,
        ike_since=known.since,
        session_since=known.session_since,
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
    draft: Draft, version: Literal[1, 2] | None, config: CryptoConfig | None
) -> tuple[ConfigType, Recovery, str]:
    if draft.disagreement and draft.config_type not in NO_IKE:
        text = f"configuration and running state disagree: {draft.disagreement}"
        return ConfigType.UNKNOWN, Recovery.UNPROVEN, text
    if draft.binding is None:
        if draft.config_type in NO_IKE:
            return draft.config_type, Recovery.NOT_APPLICABLE, f"{draft.config_type} by its running map tag"
        text = "the crypto configuration was not read" if config is None else "no configured binding has this peer"
        return ConfigType.UNKNOWN, Recovery.UNPROVEN, text
    found, why = recovery_of(
        draft.binding, draft.spec, config_type=draft.config_type, ike_version=version, address=draft.address
    )
    return draft.config_type, found, why


def accepted(binding: Binding, address: Address, local: Address, ground: Ground) -> Peer:
    """A peer that an acceptor takes and that left only a trace: an IKMP_NO_SA message, a dead IKE SA."""
    draft = Draft(binding=binding, address=address)
    type_of_runtime(draft, binding, "")
    return replace(_peer(draft, ground, alone=True), local_address=local)


def _runtime_name(draft: Draft) -> str:
    tag = _first(seen.record.map_tag for seen in draft.flows)
    return tag or draft.interface or "none"


def _local_ends(draft: Draft) -> frozenset[Address]:
    ends = set(draft.binding.local if draft.binding is not None else ())
    for seen in draft.flows:
        ends |= {address for address in (seen.record.local_address, seen.record.local_endpoint) if address is not None}
    return frozenset(ends)


def _first_local(draft: Draft) -> Address | None:
    for seen in draft.flows:
        if seen.record.local_address is not None:
            return seen.record.local_address
        if seen.record.local_endpoint is not None:
            return seen.record.local_endpoint
    if draft.binding is not None and draft.binding.local:
        return draft.binding.local[0]
    for session in draft.sessions:
        if session.record.local is not None:
            return session.record.local
        for row in session.record.ike:
            if row.local is not None:
                return row.local
    return None


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)


def _spis(draft: Draft, tables: Tables, direction: str) -> tuple[Spi, ...] | None:
    """SPIs now installed in one direction; `None` where the table could not be read for this peer."""
    found: dict[Spi, None] = {}
    for seen in draft.flows:
        sas = seen.record.inbound if direction == "in" else seen.record.outbound
        found.update(dict.fromkeys(sa.spi for sa in sas if sa.spi))
        if direction == "out" and seen.record.outbound_spi:
            found[seen.record.outbound_spi] = None
    if direction == "out":  # `show dmvpn detail` tells the outbound SPI of each flow
        shown = (flow.outbound_spi for seen in draft.sessions for flow in seen.record.flows)
        found.update(dict.fromkeys(spi for spi in shown if spi))
    if not found and not tables.flows.proves_absence_of(draft.address):
        return None
    return tuple(found)


def _remaining(draft: Draft) -> timedelta | None:
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


def _nat(draft: Draft, known: ike.Ike) -> bool | None:
    """NAT traversal: UDP encapsulation or port 4500 shows it; SAs without it, or an IKE SA that says no, show none."""
    sas = [sa for seen in draft.flows for sa in (*seen.record.inbound, *seen.record.outbound)]
    ports = {seen.record.peer_port for seen in draft.flows} | {seen.record.peer_port for seen in draft.sessions}
    if known.nat or 4500 in ports or any(sa.udp_encaps for sa in sas):
        return True
    return False if known.nat is False or sas else None


def _evidence(draft: Draft, ground: Ground) -> tuple[Evidence, ...]:
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
