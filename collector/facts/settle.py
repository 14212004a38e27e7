"""Both ends: joins laid over the incidents of all devices of a run, and the states that a join decides (DOMAIN 6, 7.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from collector.correlate import joins
from collector.facts.states import active_window, flow_state
from collector.model import Facts, Incident, Join, Outcome, SpiState, State


def settle(facts: Sequence[Facts]) -> tuple[Facts, ...]:
    """The same devices in the same order, each incident with its far end."""
    windows = [
        active_window((incident.last_age for incident in one.incidents or ()), one.policy.thresholds) for one in facts
    ]
    found = joins(facts, windows)
    return tuple(
        one
        if one.incidents is None
        else replace(
            one,
            incidents=tuple(
                _settled(incident, found.get((number, place), ()), one) for place, incident in enumerate(one.incidents)
            ),
        )
        for number, one in enumerate(facts)
    )


def _settled(incident: Incident, joined: Sequence[Join | None], facts: Facts) -> Incident:
    if not any(joined):
        return incident
    limit = facts.policy.thresholds.persistent_span
    pairs = [(_decided(key, join, limit), join) for key, join in zip(incident.keys, joined, strict=True)]
    leading = flow_state([key for key, _ in pairs])
    join = next((join for key, join in pairs if key is leading and join is not None), None)
    join = join or next((join for _, join in pairs if join is not None), None)
    return replace(incident, keys=tuple(key for key, _ in pairs), state=leading.state, why=leading.why, join=join)


def _decided(key: SpiState, join: Join | None, persistent_span: timedelta) -> SpiState:
    """The rows of 7.2 that a join decides, in their order; an altered line (row 1) is never joined."""
    if join is None or (key.state is State.INSUFFICIENT_DATA and join.outcome is Outcome.FAR_END_UNKNOWN):
        return key
    if join.outcome is Outcome.REKEY_RACE and key.row not in {2, 3}:
        return replace(key, state=State.TRANSIENT, why=join.why, row=2)
    if join.outcome is Outcome.DRAINING and key.row != 2 and _span(key) is not None:
        span = _span(key)
        if span is not None and span < persistent_span:
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


def _span(key: SpiState) -> timedelta | None:
    times = [s.at for s in key.sightings if s.at is not None]
    if len(key.sightings) == 1:
        return timedelta()
    return max(times) - min(times) if len(times) == len(key.sightings) else None
