"""One key of one incident, and who may have sent with it: what joins of this run and of earlier ones have in common."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from collector.correlate.fleet import Fleet, Hit
from collector.model import (
    ConfigType,
    Evidence,
    Facts,
    FarEnd,
    FarPeer,
    Incident,
    Join,
    Outcome,
    Spi,
    SpiState,
    clock_shift,
    last_age_of,
)

Grade = Literal["exact", "nat", "spi-only"]

_SMALL = 0x1000  # below: reserved and hand-made numbers, which repeat
_NO_IKE = frozenset({ConfigType.GETVPN, ConfigType.MANUAL_IPSEC})
_LIFETIMES = (timedelta(hours=1), timedelta(hours=8), timedelta(days=1))  # what people configure
_CLOCKS = timedelta(seconds=5)  # what two times of one collector may differ by


@dataclass(frozen=True, slots=True)
class Ask:
    """One key of one incident, and where to look: among the devices of this run, and those that the ledger remembers."""

    device: int
    facts: Facts
    incident: Incident
    key: SpiState
    fleet: Fleet
    past: Fleet
    window: timedelta

    @property
    def spi(self) -> Spi:
        """The key's SPI: only joinable keys are asked for."""
        assert self.key.spi is not None
        return self.key.spi

    @property
    def last_age(self) -> timedelta | None:
        """Age of the last line, `None` where a line has none."""
        return last_age_of(self.key.sightings)

    def line(self, last: bool) -> datetime | None:  # noqa: FBT001 - first or last
        """The first or the last line in the common time."""
        times = [s.at for s in self.key.sightings if s.at is not None]
        if len(times) < len(self.key.sightings):
            return None
        shift = clock_shift(self.facts)
        return None if shift is None or not times else (max(times) if last else min(times)) + shift

    def stopped(self) -> bool:
        """Whether the log proves that the lines have stopped."""
        log, age = self.facts.log, self.last_age
        needed = self.facts.policy.thresholds.pending_age if len(self.key.sightings) == 1 else self.window
        return log is not None and log.covers is not None and age is not None and needed <= age <= log.covers

    def later_than(self, time: datetime | None) -> bool:
        """Whether a line came after `time`."""
        last = self.line(last=True)
        return last is not None and time is not None and last > time + _CLOCKS


def senders(ask: Ask, among: Fleet) -> tuple[Grade | None, list[Hit]]:
    """The hits of the best grade that there is, this router's own left out."""
    incident = ask.incident
    graded: dict[Grade, list[Hit]] = {}
    for hit in among.outbound.get(ask.spi, ()):
        if hit.end.name == ask.facts.device.name:
            continue
        from_source, to_destination = incident.source in hit.local, incident.destination in hit.remote
        if from_source and to_destination:
            grade: Grade = "exact"
        elif from_source or to_destination or hit.nat:
            grade = "nat"
        elif _small(ask):
            continue
        else:
            grade = "spi-only"
        graded.setdefault(grade, []).append(hit)
    for grade in ("exact", "nat", "spi-only"):
        if grade in graded:
            return grade, graded[grade]
    return None, []


def _small(ask: Ask) -> bool:
    peer = ask.incident.peer
    return ask.spi < _SMALL or (peer is not None and peer.config_type in _NO_IKE)


def told(ask: Ask, among: Fleet, sender: Hit | None, grade: Grade | None) -> Join:
    """The join without its outcome: who S is, and what S knows of R."""
    if sender is None:
        return Join(device=None, grade=None, outcome=Outcome.FAR_END_UNKNOWN, spi=ask.spi)
    seen_as = sender.flow.peer or sender.flow.remote_endpoint
    peer = among.peer(sender.device, seen_as, sender.flow.interface)
    join = Join(
        device=sender.end.name,
        grade=grade,
        outcome=Outcome.FAR_END_UNKNOWN,
        sa_remaining=sender.sa.remaining if sender.sa is not None and sender.sa.timed else None,
        sender_seen_as=seen_as,
        sender_local=sender.flow.local_endpoint or sender.flow.local_address,
        chance=among.sas / 2**32 if grade == "spi-only" else None,
        spi=ask.spi,
        evidence=_proof(sender.end, ask.spi),
    )
    return with_peer(join, peer)


def with_peer(join: Join, peer: FarPeer | None) -> Join:
    """The join with what S knows of its peer R."""
    if peer is None:
        return join
    return replace(
        join,
        sender_ike_sa=peer.ike_sa,
        sender_dpd=peer.dpd,
        sender_vrf=peer.vrf,
        evidence=(*join.evidence, *peer.evidence),
    )


def owner_of(join: Join, name: str, incident: Incident) -> Join:
    """Nobody's SA told: the one device that has the source is taken to see the flow as this router does."""
    return replace(join, device=name, sender_seen_as=incident.destination, sender_local=incident.source)


def _proof(end: FarEnd, spi: Spi) -> tuple[Evidence, ...]:
    line = end.lines.get(spi)
    return (line,) if line is not None else ()


def least_age(sender: Hit, remaining: timedelta | None) -> timedelta:
    """How old the SA is at least: its lifetime, as configured or as people configure it, minus what is left."""
    if remaining is None:
        return timedelta()
    configured = sender.end.lifetime
    if configured is not None and configured >= remaining:
        return configured - remaining
    return min((life - remaining for life in _LIFETIMES if life >= remaining), default=timedelta())
