"""The life of a finding: new, ongoing, reopened, resolved. Pure; closing is stricter than opening.

A finding opens when a rule says so (rules never open an error from one log line). It closes only after `close_runs`
runs in a row that reached the device, read what the rule needs, and proved the trouble gone. A run that could not
look changes nothing; one that saw drops or lines again without a finding begins the count anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from collector.model import Finding, TunnelEnds, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """Whether a run that did not report a finding proved it gone, and why (not), for a person.

    contrary: the run saw signs of the trouble, not merely nothing: what earlier runs proved is worth no more.
    """

    proven: bool
    why: str
    contrary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One finding in the ledger. clean_runs: runs in a row that proved absence. note: why it is still open."""

    finding: Finding
    clean_runs: int = 0
    opened_run: str = ""
    last_run: str = ""
    resolved_at: datetime | None = None
    note: str = ""


def seen(entry: Entry | None, finding: Finding, run: str, *, in_part: bool = False) -> Entry:
    """A run reports `finding`; `entry` is what the ledger had of it.

    in_part: the run did not look at all that a verdict needs: its `unknown` does not take the place of a `fail`.
    """
    if entry is None:
        return Entry(finding=replace(finding, state="new", runs_seen=1), opened_run=run, last_run=run)
    again = entry.finding.state == "resolved"
    if in_part and not again and entry.finding.verdict is Verdict.FAIL and finding.verdict is Verdict.UNKNOWN:
        last_seen = _later(entry.finding.last_seen, finding.last_seen)
        kept = replace(entry.finding, state="ongoing", runs_seen=entry.finding.runs_seen + 1, last_seen=last_seen)
        return replace(
            entry, finding=kept, clean_runs=0, last_run=run, note="seen again, in captures that tell no more"
        )
    merged = replace(
        finding,
        state="reopened" if again else "ongoing",
        runs_seen=entry.finding.runs_seen + 1,
        first_seen=_earlier(entry.finding.first_seen, finding.first_seen) if not again else finding.first_seen,
        last_seen=_later(entry.finding.last_seen, finding.last_seen),
        ends=_ends(entry.finding.ends, finding.ends),
    )
    return Entry(finding=merged, opened_run=run if again else entry.opened_run, last_run=run)


def unseen(entry: Entry, absence: Absence, *, close_runs: int, at: datetime) -> Entry:
    """A run does not report the finding of `entry`."""
    if entry.finding.state == "resolved":
        return entry
    if not absence.proven:
        return replace(entry, clean_runs=0 if absence.contrary else entry.clean_runs, note=absence.why)
    clean = entry.clean_runs + 1
    if clean < close_runs:
        return replace(entry, clean_runs=clean, note=f"{absence.why}; {clean} of {close_runs} clean runs")
    closed = replace(entry.finding, state="resolved")
    return replace(entry, finding=closed, clean_runs=clean, resolved_at=at, note=absence.why)


def _ends(before: TunnelEnds | None, now: TunnelEnds | None) -> TunnelEnds | None:
    """What a run saw of a tunnel's ends; its far end as an earlier run knew it, where this one could not look there."""
    if before is None or now is None or now.far_device is not None or before.far_device is None:
        return now or before
    same = (before.local, before.remote) == (now.local, now.remote)
    return replace(before, vrf=now.vrf or before.vrf) if same else now


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(filter(None, (one, other)), default=None)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)
