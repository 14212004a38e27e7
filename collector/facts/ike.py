"""Is an IKE SA with this peer up, none, or not known? The exact rule of DOMAIN 3.4.

A row counts for a binding only if its two addresses are that binding's local end and the peer. `none` needs a readable
table of the peer's IKE version without a live row, or a session `UP-NO-IKE` / `DOWN*` without an active IKE SA line.
Sources that contradict each other make it unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from collector.facts.clock import DeviceClock
from collector.facts.tables import IkeTable, Seen, Tables
from collector.model import Address, Evidence, IkeSa, Session

_LONGEST = timedelta(days=1)
_YOUNG = timedelta(hours=23)
_UP_WITH_IKE = frozenset({"UP-ACTIVE", "UP-IDLE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ike:
    """What is known of the IKE SA with one peer. nat, dpd: as negotiated, `None` where nothing shows it.

    session_since: since when its session has been up without a break, which outlives an IKE SA.
    """

    state: Literal["up", "none", "unknown"] = "unknown"
    why: str = ""
    since: datetime | None = None
    session_since: datetime | None = None
    version: Literal[1, 2] | None = None  # of the live SA
    nat: bool | None = None
    dpd: bool | None = None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """The two ends of one binding and peer. alone: no other binding has this peer, so a row of it can be no other's."""

    local: frozenset[Address]
    peer: Address
    version: Literal[1, 2] | None
    alone: bool = True


def ike(ends: Ends, tables: Tables, sessions: Iterable[Seen[Session]], clock: DeviceClock) -> Ike:
    """The IKE SA between `ends`; `sessions` are those of this binding and peer."""
    sessions = tuple(sessions)
    rows = [*_rows(ends, tables.isakmp), *_rows(ends, tables.ikev2)]
    live = [row for row, ours in rows if row.record.live and ours]
    foreign = [row for row, ours in rows if row.record.live and not ours]
    active = [seen for seen in sessions if _active(seen.record, ends)]
    without = [seen for seen in sessions if _without(seen.record, ends)]
    held = [seen for seen in sessions if seen.record.status in _UP_WITH_IKE]
    readable, lacking = _readable(ends, tables)
    up, none = bool(live or active), readable or bool(without)
    if up and (without or (readable and not live)):
        return _unknown("the tables contradict each other on the IKE SA", [*live, *active, *without])
    if up:
        return _up(live, active, clock)
    if none and (held or foreign):
        text = "the session is up with IKE" if held else "a live IKE SA with this address stands between other ends"
        return _unknown(f"{text}, yet no live row is this peer's", [*held, *foreign])
    if none:
        dead = [row for row, _ in rows if not row.record.live]
        return Ike(state="none", why=_why_none(ends, without, dead), evidence=_lines([*without, *dead]))
    return _unknown(f"{lacking} was not read whole" if lacking else "", [*foreign])


def _rows(ends: Ends, ike_table: IkeTable) -> Iterator[tuple[Seen[IkeSa], bool]]:
    """Rows with the peer at one end, and whether the other end is ours."""
    for seen in ike_table.by_address.get(ends.peer, ()):
        row = seen.record
        if row.oriented and row.remote != ends.peer:
            continue
        other = row.remote if row.local == ends.peer else row.local
        unknown_local = not ends.local or other is None
        yield seen, (other in ends.local) or (unknown_local and ends.alone)


def _active(session: Session, ends: Ends) -> bool:
    return any(row.state == "Active" and _fits(row.local, row.remote, ends) for row in session.ike)


def _fits(local: Address | None, remote: Address | None, ends: Ends) -> bool:
    return remote in {None, ends.peer} and (local is None or not ends.local or local in ends.local)


def _without(session: Session, ends: Ends) -> bool:
    stated = session.status == "UP-NO-IKE" or session.status.startswith("DOWN")
    return stated and not any(row.state == "Active" for row in session.ike) and session.peer == ends.peer


def _readable(ends: Ends, tables: Tables) -> tuple[bool, str]:
    """Whether the tables of the peer's IKE version (both, where it is not known) prove absence; else what is lacking."""
    lacking = []
    if ends.version != 2 and not tables.isakmp.readable:
        lacking.append("show crypto isakmp sa")
    if ends.version != 1 and not tables.ikev2.readable:
        lacking.append("show crypto ikev2 sa")
    if ends.version == 2 and tables.ikev2.missing_command:  # a peer of a version that the image does not know?
        lacking.append("show crypto ikev2 sa")
    return not lacking, " and ".join(lacking)


def _up(live: list[Seen[IkeSa]], active: list[Seen[Session]], clock: DeviceClock) -> Ike:
    ages: list[datetime] = []
    for row in live:
        at = clock.at(row.look)
        age = row.record.age or _oldest(row.record.version, row.record.remaining)
        if at is not None and age is not None:
            ages.append(at - age)
    for seen in active if not ages else ():
        at = clock.at(seen.look)
        left = [_oldest(line.version, line.lifetime) for line in seen.record.ike if line.state == "Active"]
        if at is not None:
            ages.extend(at - age for age in left if age is not None)
    up = [
        at - seen.record.uptime
        for seen in active
        if (at := clock.at(seen.look)) is not None and seen.record.uptime is not None
    ]
    if ages:  # a session outlives the rekey of its IKE SA: the earlier of the two is when they came to know each other
        ages += up
    versions = {row.record.version for row in live} | {
        line.version for seen in active for line in seen.record.ike if line.state == "Active"
    }
    return Ike(
        state="up",
        why="an IKE SA with this peer is up",
        since=min(ages, default=None),
        session_since=min(up, default=None),
        version=versions.pop() if len(versions) == 1 else None,
        nat=_any([row.record.nat for row in live] + [_letter(seen.record, "N") for seen in active]),
        dpd=_any([row.record.dpd for row in live] + [_letter(seen.record, "D") for seen in active]),
        evidence=_lines([*live, *active]),
    )


def _oldest(version: int, remaining: timedelta | None) -> timedelta | None:
    """The most that an IKEv1 SA can be old with so much of its life left: a day is the default, and the longest that IOS
    takes. With much less left than a day a shorter life may have been agreed on: then nothing is told.
    """
    if version != 1 or remaining is None or not _YOUNG <= remaining <= _LONGEST:
        return None
    return _LONGEST - remaining


def _letter(session: Session, letter: str) -> bool | None:
    told = [letter in line.capabilities for line in session.ike if line.state == "Active" and line.capabilities]
    return any(told) if told else None


def _any(values: list[bool | None]) -> bool | None:
    known = [value for value in values if value is not None]
    return any(known) if known else None


def _unknown(why: str, seen: Iterable[Seen[IkeSa] | Seen[Session]]) -> Ike:
    return Ike(why=why or "no table that would show it was read", evidence=_lines(seen))


def _why_none(ends: Ends, without: list[Seen[Session]], dead: list[Seen[IkeSa]]) -> str:
    if without:
        return f"the session with {ends.peer} is {without[0].record.status}: no IKE SA"
    if dead:
        row = dead[0].record
        return f"the only IKE SA with {ends.peer} is {row.state or 'not established'} {row.status}".rstrip()
    return f"no row for {ends.peer} in the IKE SA table"


def _lines(seen: Iterable[Seen[IkeSa] | Seen[Session]]) -> tuple[Evidence, ...]:
    found: list[Evidence] = []
    for item in list(seen)[:4]:  # a few lines prove it; a hub may have many
        found.append(item.look.evidence(item.record.line))
        if isinstance(item.record, Session):
            found += [item.look.evidence(row.line) for row in item.record.ike[:2]]
    return tuple(found)
