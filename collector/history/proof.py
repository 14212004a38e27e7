"""What proves that a finding is gone. "Not collected" never does, nor a line that merely left the buffer."""

from __future__ import annotations

from datetime import datetime, timedelta

from collector.history.life import Absence
from collector.model import UNKNOWN_SPI, CaptureStatus, Facts, Finding, Incident, State, clock_shift

OPEN_STATES = frozenset(
    {State.PERSISTENT, State.PENDING, State.INSUFFICIENT_DATA, State.RECURRING_REKEY, State.SCAN, State.UNKNOWN_SOURCE}
)
CONFIG_RULES = frozenset({"SPI012", "SPI013", "SPI014"})


def absence(finding: Finding, facts: Facts | None, *, looked_before: datetime | None) -> Absence:
    """Whether `facts` of this run prove that `finding`, which it did not report, is gone.

    looked_before: when the device was last read before this run; the log must cover the time since then.
    """
    if facts is None:
        return Absence(proven=False, why="the device was not in this run")
    if not any(note.status is CaptureStatus.PARSED for note in facts.captures):
        return Absence(proven=False, why="the device was not read in this run")
    if finding.rule in CONFIG_RULES:
        return _config(facts)
    if finding.rule == "SPI015":
        return Absence(proven=True, why="what was hidden can be seen")
    return (
        _log(finding, facts, looked_before)
        or _counters(facts)
        or Absence(
            proven=True,
            why="the log covers the time since the last run without the SPI, and the drop counters are flat",
        )
    )


def _config(facts: Facts) -> Absence:
    if facts.config is None or facts.config.readable != "full" or facts.peers is None:
        return Absence(proven=False, why="the configuration was not read in this run")
    return Absence(proven=True, why="the configuration no longer shows it")


def _log(finding: Finding, facts: Facts, looked_before: datetime | None) -> Absence | None:
    if facts.log is None or facts.incidents is None or facts.sightings is None:
        return Absence(proven=False, why="the log was not read in this run")
    since = looked_before or finding.last_seen
    covered = facts.log.covers_since
    shift = clock_shift(facts)  # the looks are dated by the collector, the log by its router
    if covered is not None and shift is not None:
        covered += shift
    reaches = covered is not None and (since is None or covered <= since)
    for incident in facts.incidents:
        ours = _ours(finding, incident)
        if ours and reaches and since is not None and _old(incident, since, shift):
            continue
        if ours and incident.state in OPEN_STATES:
            seen = incident.state is not State.INSUFFICIENT_DATA
            return Absence(proven=False, why=f"the flow is still {incident.state.value}", contrary=seen)
        if ours and incident.state is State.HEALED:
            return None
    if not reaches:
        return Absence(proven=False, why="the log does not reach back to the last look: silence proves nothing")
    return None


def _old(incident: Incident, since: datetime, shift: timedelta | None) -> bool:
    """A flow of which the log cannot tell when it ended, and of which no line is younger than the last look."""
    if incident.state is not State.INSUFFICIENT_DATA or incident.last_seen is None:
        return False
    return all(key.state is State.INSUFFICIENT_DATA or key.state not in OPEN_STATES for key in incident.keys) and (
        incident.last_seen + (shift or timedelta()) < since
    )


def _ours(finding: Finding, incident: Incident) -> bool:
    """Whether an incident is of the finding's tunnel, as far as can be told: another own address is another tunnel."""
    ends = finding.ends
    if ends is not None and ends.local is not None and incident.destination not in {None, ends.local}:
        return False
    return (
        finding.peer is None
        or incident.source == finding.peer
        or (incident.peer is not None and incident.peer.address == finding.peer)
    )


def _counters(facts: Facts) -> Absence | None:
    noise = facts.policy.thresholds.counter_noise
    for counter in facts.counters or ():
        if counter.name not in UNKNOWN_SPI:
            continue
        if counter.delta is None and counter.packets:
            return Absence(proven=False, why=f"{counter.name} has no earlier sample to compare with")
        hours = timedelta(seconds=counter.delta_seconds or 0) / timedelta(hours=1)
        if counter.delta and counter.delta > noise * max(hours, 1 / 60):
            why = f"{counter.name} rose by {counter.delta} since the last sample"
            return Absence(proven=False, why=why, contrary=True)
    return None
