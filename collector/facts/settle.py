"""Both ends: joins laid over the incidents of all devices of a run, and the states that a join decides (DOMAIN 6, 7.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from collector.config import recovery_of
from collector.correlate import joins
from collector.facts.peers import with_accepted
from collector.facts.states import active_window, flow_state, lifetime_of, races, span_of
from collector.model import (
    Address,
    Binding,
    ConfigType,
    Facts,
    FarEnd,
    Incident,
    Join,
    Outcome,
    Peer,
    SpiState,
    State,
)


def settle(facts: Sequence[Facts], remembered: Sequence[FarEnd] = ()) -> tuple[Facts, ...]:
    """The same devices in the same order, each incident with its far end.

    remembered: routers as the ledger has them, for far ends that this run did not see.
    """
    windows = [
        active_window((incident.last_age for incident in one.incidents or ()), one.policy.thresholds) for one in facts
    ]
    found = joins(facts, windows, remembered)
    return tuple(
        one
        if one.incidents is None
        else _with_peers(
            one, [_settled(incident, found.get((number, at), ()), one) for at, incident in enumerate(one.incidents)]
        )
        for number, one in enumerate(facts)
    )


def _with_peers(facts: Facts, incidents: Sequence[Incident]) -> Facts:
    """The device with its settled incidents, and with the dynamic peers that only a join brought in."""
    bound = tuple(_bound(incident, facts) for incident in incidents)
    return replace(facts, incidents=bound, peers=with_accepted(facts.peers, bound))


def _bound(incident: Incident, facts: Facts) -> Incident:
    """A source without a trace here, whose router sends with the SPI all the same, is a peer of the acceptor it reaches."""
    join, source, destination = incident.join, incident.source, incident.destination
    if incident.peer is not None or join is None or source is None or destination is None or facts.config is None:
        return incident
    if join.outcome is not Outcome.STALE_CONFIRMED or join.grade not in {"exact", "nat"}:
        return incident
    here = sorted(
        (
            one
            for one in facts.config.bindings
            if one.acceptor and one.applied and not one.shutdown and (not one.local or destination in one.local)
        ),
        key=lambda one: one.config_type is ConfigType.EZVPN_SERVER,
    )
    if not here:
        return incident
    return replace(incident, peer=_accepted(here, source, destination, join, facts), bound="acceptor")


def _accepted(here: Sequence[Binding], source: Address, destination: Address, join: Join, facts: Facts) -> Peer:
    binding = here[0]
    kind = binding.acceptor_type or binding.config_type
    recovery, why = recovery_of(binding, None, config_type=kind, ike_version=binding.ike_version, address=source)
    others = ", ".join(f"{one.name} ({one.acceptor_type or one.config_type})" for one in here[1:])
    return Peer(
        address=source,
        local_address=destination,
        vrf=binding.fvrf,
        interface=binding.interface,
        binding=binding.name,
        config_type=kind,
        ike_version=binding.ike_version,
        recovery=recovery,
        why=f"{why}; no trace of it is left here, its other end {join.device} names this router as its peer"
        + (f"; it may also have come in by {others}" if others else ""),
        ike_sa="none" if _no_ike(binding.ike_version, source, facts) else "unknown",
        inbound=None if facts.flows is None else (),
        outbound=None if facts.flows is None else (),
        dpd=binding.dpd,
        seen="runtime",
        source=binding,
        evidence=join.evidence,
    )


def _no_ike(version: int | None, source: Address, facts: Facts) -> bool:
    """Whether the readable table(s) of its IKE version hold no live row of that source (DOMAIN 3.4)."""
    tables = {1: (facts.isakmp_sas,), 2: (facts.ikev2_sas,)}.get(version or 0, (facts.isakmp_sas, facts.ikev2_sas))
    return all(
        table is not None and not any(row.live and source in {row.local, row.remote} for row in table)
        for table in tables
    )


def _settled(incident: Incident, joined: Sequence[Join | None], facts: Facts) -> Incident:
    if not any(joined):
        return incident
    pairs = [(_decided(key, join, facts), join) for key, join in zip(incident.keys, joined, strict=True)]
    leading = flow_state([key for key, _ in pairs])
    join = next((join for key, join in pairs if key is leading and join is not None), None)
    join = join or next((join for _, join in pairs if join is not None), None)
    return replace(incident, keys=tuple(key for key, _ in pairs), state=leading.state, why=leading.why, join=join)


def _decided(key: SpiState, join: Join | None, facts: Facts) -> SpiState:
    """The rows of 7.2 that a join decides, in their order; an altered line (row 1) is never joined."""
    if join is None or (key.state is State.INSUFFICIENT_DATA and join.outcome is Outcome.FAR_END_UNKNOWN):
        return key
    if join.outcome is Outcome.REKEY_RACE and key.row not in {2, 3}:
        return replace(key, state=State.TRANSIENT, why=join.why, row=2)
    if join.outcome is Outcome.DRAINING and key.row != 2 and _short(key, facts):
        return replace(key, state=State.TRANSIENT, why=join.why, row=2)
    if join.outcome is Outcome.STALE_CONFIRMED and key.row != 2:
        return replace(key, state=State.PERSISTENT, why=_both(key, join), row=3)
    if join.outcome is Outcome.HEALED and key.row not in {2, 3, 10, 11}:
        return replace(key, state=State.HEALED, why=join.why, row=4)
    return key


def _both(key: SpiState, join: Join) -> str:
    if key.state is not State.PERSISTENT or key.why.startswith(join.why):
        return join.why if key.state is not State.PERSISTENT else key.why
    return f"{join.why}; {key.why}"


def _short(key: SpiState, facts: Facts) -> bool:
    """Whether the last lines lie within persistent_span; lines that were cut off may have spanned it."""
    if any(spot.code == "log-not-read" for spot in facts.blind_spots):
        return False
    limits = facts.policy.thresholds
    span = span_of(races(key.sightings, lifetime_of(facts.config), limits)[-1])
    return span is not None and span < limits.persistent_span
