"""What is done with a device where it is visited: what to ask, and where its answers and facts are put.

In a run with several processes each has a copy of the desk, made from its pickle, and a brief for each visit: only they
write to a device's files while it is visited. What comes back to the run is a gist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from collector import facts as facts_room
from collector import snapshot as snapshots
from collector.cli.gist import Gist, gist_of
from collector.cli.spool import Spool
from collector.collect import Knowledge, far_end_for, plan_for
from collector.errors import ErrorCode
from collector.model import Device, History, Policy, Snapshot
from collector.session import Plan

UNTRIED = frozenset({ErrorCode.NOT_STARTED, ErrorCode.AUTH_SKIPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What one visit needs of what the run knows.

    place: the number of its files in the spool. visited: it was read in this run already. far_end: another device's
    incident names it.
    """

    place: int
    history: History
    knowledge: Knowledge
    visited: bool = False
    far_end: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The same for all devices of a run. spool: the folder of the run; save: the user's own, if any."""

    spool: Path
    save: Path | None
    policy: Policy
    plan_of: Callable[[Device, Knowledge], Plan] = plan_for

    def plan(self, device: Device, brief: object) -> Plan:
        """What to ask."""
        assert isinstance(brief, Brief)
        return self.planned(device, brief.knowledge, far_end=brief.far_end)

    def planned(self, device: Device, knowledge: Knowledge, *, far_end: bool) -> Plan:
        """The same, without the rest of a brief."""
        return far_end_for(device, knowledge) if far_end else self.plan_of(device, knowledge)

    def keep(self, snapshot: Snapshot, brief: object) -> Gist:
        """Snapshot and facts to the disk."""
        assert isinstance(brief, Brief)
        spool = Spool(self.spool, held=0)
        spool.places[snapshot.device.name] = brief.place
        return kept(spool, snapshot, brief, policy=self.policy, save=self.save)


def kept(spool: Spool, snapshot: Snapshot, brief: Brief, *, policy: Policy, save: Path | None) -> Gist:
    """Put away what one visit brought, joined with what an earlier one of this run did."""
    before = spool.snapshot(snapshot.device.name) if brief.visited else None
    merged = joined(replace(before, device=snapshot.device), snapshot) if before is not None else snapshot
    spool.put_snapshot(merged)
    if save is not None and tried(merged):
        snapshots.write(merged, save)
    facts = facts_room.build(merged, policy, brief.history)
    spool.put(facts)
    return gist_of(facts)


def tried(snapshot: Snapshot) -> bool:
    """Whether anybody went to the device. Where not, what an earlier run saved of it stays."""
    return bool(snapshot.captures) or not all(failure.code in UNTRIED for failure in snapshot.failures)


def joined(first: Snapshot, second: Snapshot) -> Snapshot:
    """Two visits of one run to one device, as one snapshot: the later look at a command stands last."""
    return replace(
        first,
        captures=(*first.captures, *second.captures),
        failures=(*first.failures, *second.failures),
        finished_at=second.finished_at,
        hostname=first.hostname or second.hostname,
    )
