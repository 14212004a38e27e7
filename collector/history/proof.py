"""What proves that a finding is gone. "Not collected" never does, nor a line that merely left the buffer."""

from __future__ import annotations

from datetime import datetime, timedelta

from collector.history.life import Absence
from collector.model import UNKNOWN_SPI, CaptureStatus, Facts, Finding, Incident, State, clock_shift, log_read_at

OPEN_STATES = frozenset(
    {State.PERSISTENT, State.PENDING, State.INSUFFICIENT_DATA, State.RECURRING_REKEY, State.SCAN, State.UNKNOWN_SOURCE}
)
CONFIG_RULES = frozenset({"SPI012", "SPI013", "SPI014"})
COUNTER_RULE = "SPI007"  # of a router: its drop counter rises, and no line tells whose packets these are


def absence(finding: Finding, facts: Facts | None, *, looked_before: datetime | None) -> Absence:
    """Whether `facts` of this run prove that `finding`, which it did not report, is gone.

    looked_before: up to when earlier runs saw the device's log; this one must cover the time since then.
    """
    if facts is None:
        return Absence(proven=False, why="the device was not in this run")
    if not any(note.status is CaptureStatus.PARSED for note in facts.captures):
        return Absence(proven=False, why="the device was not read in this run")
    if finding.rule in CONFIG_RULES:
        return _config(facts)
    if finding.rule == "SPI015":
        return _sight(finding, facts)
    if not finding.rule.startswith("SPI") and facts.peers is None:
        return Absence(proven=False, why="the peers were not read in this run")
    return (
        _log(finding, facts, looked_before)
        or _counters(finding, facts)
        or Absence(
            proven=True,
            why="the log covers the time since the last run without the SPI, and the drop counters are flat",
        )
    )


def _config(facts: Facts) -> Absence:
    if facts.config is None or facts.config.readable != "full" or facts.peers is None:
        return Absence(proven=False, why="the configuration was not read in this run")
    return Absence(proven=True, why="the configuration no longer shows it")


def _sight(finding: Finding, facts: Facts) -> Absence:
    """A visit asks for all that is needed, and says what it missed; a person pastes what seems worth it."""
    absent = [name for name in ("incidents", "peers", "recovery_configured") if getattr(facts, name) is None]
    if absent:
        return Absence(proven=False, why=f"not read in this run: {', '.join(absent)}")
    if facts.collected_at is None:
        read = {note.command for note in facts.captures if note.status is CaptureStatus.PARSED}
        asked = sorted({line.command for line in finding.evidence if line.command} - read)
        if asked or _uncounted(finding, facts):
            missed = ", ".join(f"`{command}`" for command in asked) or "the drop counters"
            return Absence(proven=False, why=f"not read in this run: {missed}")
    return Absence(proven=True, why="what was hidden can be seen")


def _log(finding: Finding, facts: Facts, looked_before: datetime | None) -> Absence | None:
    if facts.log is None or facts.incidents is None or facts.sightings is None:
        return Absence(proven=False, why="the log was not read in this run")
    since, read_at = looked_before or finding.last_seen, log_read_at(facts)
    if facts.log.clockless or (since is not None and read_at is not None and read_at < since):
        return Absence(proven=False, why="the log was not read since the last look, as far as its own time tells")
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


def _uncounted(finding: Finding, facts: Facts) -> bool:
    """Whether this run did not look at the drop counters, although earlier ones did, or the finding rests on them."""
    if facts.datapath_drops is not None or any(counter.name in UNKNOWN_SPI for counter in facts.counters or ()):
        return False
    return finding.rule == COUNTER_RULE or any(sample.name in UNKNOWN_SPI for sample in facts.history.counters)


def _counters(finding: Finding, facts: Facts) -> Absence | None:
    if _uncounted(finding, facts):
        return Absence(proven=False, why="the drop counters, which earlier runs read, were not read in this run")
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
