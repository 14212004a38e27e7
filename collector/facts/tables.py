"""The state of each table: what the last looks show, and whether an absence in them proves anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic, TypeVar

from collector.config import interface_name
from collector.errors import ErrorCode
from collector.facts.clock import DeviceClock
from collector.facts.looks import Look, Looks
from collector.model import (
    Address,
    CaptureStatus,
    DmvpnPeer,
    DmvpnSession,
    IkeSa,
    IpsecFlow,
    NhrpEntry,
    Session,
    SpiLookup,
)

R = TypeVar("R")

_TUNNEL_TAG = re.compile(r"(Tunnel\d+)-(?:vesen-)?head-\d+$")

IPSEC_SA = "show crypto ipsec sa"
ISAKMP_SA = "show crypto isakmp sa"
IKEV2_SA = "show crypto ikev2 sa"
IKEV2_SESSION = "show crypto ikev2 session"
SESSION = "show crypto session"
SESSION_BRIEF = "show crypto session brief"
SPI_LOOKUP = "show crypto ipsec spi-lookup"
NHRP = "show ip nhrp"
DMVPN = "show dmvpn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(Generic[R]):
    """One record with the look that shows it."""

    record: R
    look: Look


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Generic[R]):
    """What is known of one table.

    whole: absence proves that the router has no such row. peers: the peers for which it does, where not whole.
    asked: somebody asked; False where no capture is there at all.
    """

    rows: tuple[Seen[R], ...] = ()
    whole: bool = False
    peers: frozenset[Address] = frozenset()
    asked: bool = False
    look: Look | None = None  # the look that made it whole, else the last
    by_peer: dict[Address | None, tuple[Seen[R], ...]] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether anything was read at all."""
        return self.whole or bool(self.peers) or bool(self.rows)

    def of(self, peer: Address | None) -> tuple[Seen[R], ...]:
        """The rows of one peer."""
        return self.by_peer.get(peer, ())

    @property
    def records(self) -> tuple[R, ...]:
        """The rows without their looks."""
        return tuple(row.record for row in self.rows)

    def proves_absence_of(self, peer: Address | None) -> bool:
        """Whether a row of `peer` would have been seen."""
        return self.whole or (peer is not None and peer in self.peers)


def table(looks: Iterable[Look], kind: type[R]) -> Table[R]:
    """The state of one table from all its looks, in the order taken.

    A whole look replaces what stood before; a look at one peer replaces that peer's rows; a partial or unproven look
    adds what it shows. The last word on the whole table decides: after a refused look nothing is proven any more.
    """
    rows: list[Seen[R]] = []
    whole, asked, decisive = False, False, None
    peers: set[Address] = set()
    for look in looks:
        asked = True
        fresh = [Seen(record=record, look=look) for record in look.reading.records if isinstance(record, kind)]
        proven = look.parsed and all(sound(row.record) for row in fresh)
        fresh = [row for row in fresh if sound(row.record)]
        if look.extent == "all":
            rows, whole, peers, decisive = fresh, proven, set(), look
            continue
        if look.peer is not None:
            mine = look.peer
            rows = [row for row in rows if _peer_of(row.record) != mine]
            peers = peers | {mine} if proven else peers - {mine}
            whole = whole and proven
        rows += fresh
        decisive = decisive or look
    kept = tuple(_once(rows))
    index: dict[Address | None, list[Seen[R]]] = {}
    for row in kept:
        index.setdefault(_peer_of(row.record), []).append(row)
    return Table(
        rows=kept,
        whole=whole,
        peers=frozenset(peers),
        asked=asked,
        look=decisive,
        by_peer={peer: tuple(mine) for peer, mine in index.items()},
    )


def sound(record: object) -> bool:
    """Whether a block of `show crypto ipsec sa` agrees with itself; else a heading was lost, and SAs stand elsewhere.

    Its current outbound SPI is no inbound SA (manual keys may share one SPI), and a tag `Tunnel3-head-0` stands under
    that tunnel (with `shared` the tag bears the profile's name).
    """
    if not isinstance(record, IpsecFlow):
        return True
    inbound, outbound = {sa.spi for sa in record.inbound}, {sa.spi for sa in record.outbound}
    if record.outbound_spi is not None and record.outbound_spi in inbound and record.outbound_spi not in outbound:
        return False
    tunnel = _TUNNEL_TAG.match(record.map_tag or "")
    return tunnel is None or record.interface is None or tunnel[1].lower() == record.interface.lower()


def _beside(
    known: Table[R],
    looks: Sequence[Look],
    made_of: Callable[[object], R | None],
    key: Callable[[R], object],
    *,
    poorer: bool = False,
) -> Table[R]:
    """`known` and what another command tells of the same things; it proves no absence, and the later look speaks.

    poorer: the other command tells less, and speaks only of what `known` does not have.
    """
    if known.whole and known.look is not None:
        looks = [look for look in looks if look.order > known.look.order]
    newer = [
        Seen(record=made, look=look)
        for look in looks
        for record in look.reading.records
        if (made := made_of(record)) is not None
    ]
    if not newer:
        return known
    told: dict[object, int] = {}
    for row in known.rows:
        told[key(row.record)] = max(row.look.order, told.get(key(row.record), -1))
    newer = [row for row in newer if row.look.order > told.get(key(row.record), -1)]
    if poorer:
        newer = [row for row in newer if key(row.record) not in told]
    fresh = {key(row.record) for row in newer}
    kept = (*(row for row in known.rows if key(row.record) not in fresh), *newer)
    index: dict[Address | None, list[Seen[R]]] = {}
    for row in kept:
        index.setdefault(_peer_of(row.record), []).append(row)
    return replace(known, rows=kept, by_peer={peer: tuple(mine) for peer, mine in index.items()})


def _brief(record: object) -> Session | None:
    """A line of `show crypto session brief`, its interface in full words (`Tu0`)."""
    if not isinstance(record, Session):
        return None
    return replace(record, interface=interface_name(record.interface) if record.interface else None)


def _in_full(nhrp: Table[NhrpEntry]) -> Table[NhrpEntry]:
    """The mappings, their interfaces in full words (`show ip nhrp brief`: `Tu0`); no mapping has a peer to index."""
    rows = tuple(
        replace(row, record=replace(row.record, interface=interface_name(row.record.interface)))
        if row.record.interface
        else row
        for row in nhrp.rows
    )
    return replace(nhrp, rows=rows, by_peer={None: rows} if rows else {})


def _session_key(session: Session) -> object:
    return session.interface, session.peer


def _session(record: object) -> Session | None:
    """A crypto session of `show dmvpn detail`."""
    if not isinstance(record, DmvpnSession) or record.peer is None or not record.status:
        return None
    return Session(
        line=record.line,
        interface=record.interface,
        status=record.status,
        peer=record.peer,
        peer_text=str(record.peer),
        peer_port=next((row.remote_port for row in record.ike), None),
        local=record.local,
        fvrf=record.fvrf,
        phase1_id=record.phase1_id,
        ike=record.ike,
        flows=record.flows,
    )


def _mapping(record: object) -> NhrpEntry | None:
    """The NHRP mapping that a peer of `show dmvpn` stands for."""
    if not isinstance(record, DmvpnPeer) or record.nbma is None:
        return None
    letters = record.attributes
    return NhrpEntry(
        line=record.line,
        target=str(record.tunnel_address),
        interface=record.interface,
        nbma=record.nbma,
        type="static" if "S" in letters else "dynamic" if "D" in letters else "incomplete",
        flags=(*(("local",) if "L" in letters else ()), *(("no-socket",) if "X" in letters else ())),
    )


def _once(rows: list[Seen[R]]) -> Iterable[Seen[R]]:
    """A row of a partial look may repeat one that is there: the later look speaks."""
    last: dict[object, Seen[R]] = {}
    for row in rows:
        last[_identity(row.record, row.look)] = row
    return last.values()


def _identity(record: object, look: Look) -> object:
    if isinstance(record, IpsecFlow):
        named = (record.interface, record.map_tag, record.vrf, record.local_ident, record.remote_ident, record.peer)
        return (*named, record.local_address) if any(part is not None for part in named) else (look.order, record.line)
    return (look.order, getattr(record, "line", 0))


def _peer_of(record: object) -> Address | None:
    return record.peer if isinstance(record, IpsecFlow | Session) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class IkeTable:
    """The IKE SAs of one version. missing_command: the image does not know this version, which is an honest none."""

    table: Table[IkeSa]
    missing_command: bool = False
    by_address: dict[Address, list[Seen[IkeSa]]] = field(default_factory=dict)

    @property
    def readable(self) -> bool:
        """Whether the absence of a row proves that there is no such SA."""
        return self.table.whole or self.missing_command


def ike_table(looks: Looks, *names: str) -> IkeTable:
    """The IKE SA table behind the named commands."""
    found = looks.of(*names)
    state = table(found, IkeSa)
    last = found[-1] if found else None
    missing = (
        last is not None
        and "ikev2" in last.name  # any image with IPsec knows ISAKMP: there the same words are a view that forbids it
        and last.reading.status is CaptureStatus.REFUSED
        and last.reading.code is ErrorCode.CMD_INVALID
        and not state.rows
    )
    index: dict[Address, list[Seen[IkeSa]]] = {}
    for row in state.rows:
        for address in {row.record.local, row.record.remote} - {None}:
            assert address is not None
            index.setdefault(address, []).append(row)
    return IkeTable(table=state, missing_command=missing, by_address=index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """All runtime tables of one device."""

    flows: Table[IpsecFlow]
    flows_before: Table[IpsecFlow]  # the look before the last, for what rose in between
    isakmp: IkeTable
    ikev2: IkeTable
    sessions: Table[Session]
    nhrp: Table[NhrpEntry]
    lookup: Table[SpiLookup]
    flows_at: datetime | None  # device time
    flows_taken_at: datetime | None


def read(looks: Looks, clock: DeviceClock) -> Tables:
    """The tables behind `looks`."""
    ipsec = looks.of(IPSEC_SA)
    flows = table(ipsec, IpsecFlow)
    look = max((row.look for row in flows.rows), key=lambda look: look.order, default=flows.look)
    sessions, nhrp = table(looks.of(SESSION), Session), _in_full(table(looks.of(NHRP), NhrpEntry))
    dmvpn = looks.of(DMVPN)[-1:]
    return Tables(
        flows=flows,
        flows_before=table(ipsec[:-1], IpsecFlow),
        isakmp=ike_table(looks, ISAKMP_SA),
        ikev2=ike_table(looks, IKEV2_SA) if looks.of(IKEV2_SA) else ike_table(looks, IKEV2_SESSION),
        sessions=_beside(
            _beside(sessions, dmvpn, _session, _session_key),
            looks.of(SESSION_BRIEF)[-1:],
            _brief,
            _session_key,
            poorer=True,
        ),
        nhrp=_beside(nhrp, dmvpn, _mapping, lambda row: (row.interface, row.nbma)),
        lookup=table(looks.of(SPI_LOOKUP), SpiLookup),
        flows_at=clock.at(look),
        flows_taken_at=None if look is None else look.taken_at,
    )
