"""Visits a fleet and judges what it said: what `sweep`, `audit` and `demo` have in common.

A second wave goes at once to the routers that the first one's incidents name as senders: they look healthy to
themselves, and only their SAs prove what is stale. What came is kept on disk (`spool`), not in memory.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from collector import facts as facts_room
from collector import snapshot as snapshots
from collector.cli import pipeline
from collector.cli.desk import Brief, Desk, kept
from collector.cli.gist import Gist, beside, concerned, far_ends, wanted
from collector.cli.signals import noted
from collector.cli.spool import Spool, Spooled
from collector.collect import Elsewhere, Knowledge, Outcome, Progress, Settings, plan_for, sweep
from collector.errors import CollectorError, Exit
from collector.history import Wanted
from collector.model import Address, Device, FarEnd, History, Policy, Report, Snapshot
from collector.session import Plan, Secrets, Trust
from collector.snapshot.names import slug

FEW_ENDS = 100  # far ends for which no further process is started

Visits = Callable[[Sequence[Device], Settings, Callable[[Snapshot], None], Callable[[Progress], None]], Outcome]
"""How a wave of visits is made: `collect.sweep`, or one that needs no network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a run is asked to do. spool: a private folder that outlives the report.

    far_ends: look at routers that incidents name. plan_of: what to ask a device, given what is remembered of it.
    processes: how many visit; several only with a plan_of that can be pickled.
    visits, now: how routers are visited, and the time of the run.
    """

    devices: Sequence[Device]
    policy: Policy
    mode: str
    spool: Path
    state: Path | None = None
    save: Path | None = None
    resume_since: datetime | None = None  # saved snapshots that ended after this are not asked for again
    workers: int = 20
    processes: int = 1
    logins_per_second: float = 5.0
    max_runtime: timedelta | None = None
    audit: bool = False
    far_ends: bool = True
    say: Callable[[str], None] = lambda _line: None
    told: Callable[[str], None] | None = None  # host keys that were pinned; else as `say`
    history_of: Callable[[str], History] = pipeline.no_history
    last_visit: Mapping[str, datetime] = field(default_factory=dict)
    plan_of: Callable[[Device, Knowledge], Plan] = plan_for
    ask: Callable[[str], str] | None = None
    hidden: frozenset[str] = frozenset()  # variables with secrets of others than devices
    stopped: Callable[[], int | None] | None = None  # the signal that came, if any; None: the run listens by itself
    beside: Sequence[Device] = ()  # of the inventory, not asked for: visited where an incident names one as its sender
    devices_at: Callable[[Address], Sequence[str]] = lambda _address: ()  # by the ledger
    remembered: Callable[[Wanted], Sequence[FarEnd]] = lambda _wanted: ()
    visits: Visits = sweep
    now: Callable[[], datetime] = pipeline.now


@dataclass(frozen=True, slots=True, kw_only=True)
class Visited:
    """A run's report, where what the routers said lies, the devices' names, each finding's decision path by its id, and
    the signal that ended it early.
    """

    report: Report
    spool: Spool
    names: tuple[str, ...]
    paths: Mapping[str, str]
    interrupted: int | None = None


def run(order: Order) -> Visited:
    """Visit, look at the named far ends, join, judge. After a signal: judge what came."""
    if order.stopped is not None:
        return _run(order, order.stopped)
    with noted() as caught:
        return _run(order, lambda: caught.number)


def _run(order: Order, stopped: Callable[[], int | None]) -> Visited:
    order = replace(order, stopped=stopped)
    started = order.now()
    fleet = _Fleet(order, Spool(order.spool), Secrets(ask=order.ask, hidden=order.hidden), Trust(order.state), {})
    outcome = _wave(fleet, order.devices, {}, order.max_runtime)
    named = far_ends(tuple(fleet.gists.values())) if order.far_ends and not (outcome.interrupted or stopped()) else {}
    left = order.max_runtime - (order.now() - started) if order.max_runtime is not None else None
    if named and (left is None or left > timedelta()):
        second = [device for device in order.devices if device.name in named]
        order.say(f"{len(second)} far ends are looked at: {', '.join(device.name for device in second[:8])}")
        outcome = _wave(fleet, second, named, left)
    if order.beside and not (outcome.interrupted or stopped()):
        outcome = _look_beside(fleet, left) or outcome
    _settle(fleet)
    reported = {device.name for device in order.devices}
    devices = Spooled(fleet.spool, sorted(name for name in fleet.gists if name in reported))
    paths: dict[str, str] = {}
    report = pipeline.conclude(devices, mode=order.mode, started_at=started, now=order.now, paths=paths)
    return Visited(
        report=report, spool=fleet.spool, names=devices.names, paths=paths, interrupted=outcome.interrupted or stopped()
    )


@dataclass(frozen=True, slots=True)
class _Fleet:
    """A run under way. gists: of each device that was visited."""

    order: Order
    spool: Spool
    secrets: Secrets
    trust: Trust
    gists: dict[str, Gist]

    def knowledge(self, device: Device, peers: tuple[str, ...] | None, counters: Mapping[str, int]) -> Knowledge:
        """What its plan has to know. peers: of those devices that name it a far end."""
        if peers is not None and device.name in self.gists:
            return Knowledge(peers=peers, ike_versions=self.gists[device.name].ike_versions, configuration=False)
        if peers is not None:
            return Knowledge(peers=peers)
        known = {} if self.order.audit else counters  # a person waits for whether they rise now, not since the last run
        return Knowledge(audit=self.order.audit, counters=known, thresholds=self.order.policy.thresholds)

    def brief(self, device: Device, peers: tuple[str, ...] | None) -> Brief:
        """What one visit needs; asked in the thread to which the ledger belongs."""
        history = self.order.history_of(device.name)
        return Brief(
            place=self.spool.place(device.name),
            history=history,
            knowledge=self.knowledge(device, peers, _counters(history)),
            visited=device.name in self.gists,
            far_end=peers is not None,
        )


def _counters(history: History) -> dict[str, int]:
    return {sample.name: sample.packets for sample in history.counters}


def _look_beside(fleet: _Fleet, left: timedelta | None) -> Outcome | None:
    """Visit routers that were not asked for, where an incident names them: for the join, not for the report."""
    order = fleet.order
    gists = tuple(fleet.gists.values())
    named = beside(gists, order.beside, order.devices_at)
    if not named or (left is not None and left <= timedelta()):
        return None
    devices = [device for device in order.beside if device.name in named]
    order.say(f"the far end is looked at too: {', '.join(device.name for device in devices[:8])}")
    return _wave(fleet, devices, named, left)


def _settle(fleet: _Fleet) -> None:
    """Join the devices that an incident concerns; the others have nothing to join."""
    gists = tuple(fleet.gists.values())
    remembered = fleet.order.remembered(wanted(gists))
    names = sorted(concerned(gists))
    for facts in facts_room.settle([fleet.spool.get(name) for name in names], remembered):
        fleet.spool.put(facts)


def _wave(
    fleet: _Fleet, devices: Sequence[Device], peers: Mapping[str, tuple[str, ...]], max_runtime: timedelta | None
) -> Outcome:
    order = fleet.order
    desk = Desk(spool=fleet.spool.folder, save=order.save, policy=order.policy, plan_of=order.plan_of)
    processes = 1 if peers and len(devices) <= FEW_ENDS else order.processes
    counters = {  # here and not in `plan`: the ledger belongs to this thread
        device.name: _counters(order.history_of(device.name)) for device in devices if processes == 1 and not peers
    }

    def plan(device: Device) -> Plan:
        named = peers.get(device.name)
        return desk.planned(
            device, fleet.knowledge(device, named, counters.get(device.name, {})), far_end=named is not None
        )

    def brief(device: Device) -> Brief:
        return fleet.brief(device, peers.get(device.name))

    def keep(snapshot: Snapshot) -> None:
        name = snapshot.device.name
        fleet.gists[name] = kept(fleet.spool, snapshot, brief(snapshot.device), policy=order.policy, save=order.save)

    def took(device: Device, gist: object) -> None:
        assert isinstance(gist, Gist)
        fleet.spool.written(device.name)
        fleet.gists[device.name] = gist

    def saved(device: Device) -> Snapshot | None:
        return _saved(order, device) if not peers else None

    settings = Settings(
        secrets=fleet.secrets,
        trust=fleet.trust,
        plan=plan,
        workers=order.workers,
        processes=processes,
        elsewhere=Elsewhere(work=desk, brief=brief, took=took),
        logins_per_second=order.logins_per_second,
        max_runtime=max_runtime,
        state=order.state,
        saved=saved,
        last_visit=lambda device: order.last_visit.get(device.name),
        say=order.say,
        told=order.told,
        stopped=order.stopped or (lambda: None),
    )
    with progress(len(devices)) as show:
        return order.visits(devices, settings, keep, show)


def _saved(order: Order, device: Device) -> Snapshot | None:
    """The snapshot that an interrupted run of the same fleet left, where it is whole and recent."""
    if order.resume_since is None or order.save is None:
        return None
    folder = order.save / slug(device.name)
    if not folder.is_dir():
        return None
    try:
        found = snapshots.read(folder)
    except CollectorError:
        return None
    recent = found.finished_at is not None and found.finished_at >= order.resume_since
    return replace(found, device=device) if recent and found.captures and not found.failures else None


@contextmanager
def progress(total: int) -> Iterator[Callable[[Progress], None]]:
    """A bar on stderr, only where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _progress: None
        return
    from rich.console import Console  # noqa: PLC0415 - only for people
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - as above
    from rich.progress import Progress as Bar  # noqa: PLC0415 - as above

    columns = (TextColumn("visiting"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[note]}"))
    with Bar(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("visiting", total=total, note="")

        def show(state: Progress) -> None:
            bar.update(
                task, completed=state.done, total=state.total, note=f"{state.failed} failed, {state.running} open"
            )

        yield show


def signal_exit(interrupted: int | None) -> Exit | None:
    """130 or 143 where a signal ended the run."""
    return {1: Exit.TERMINATED, 2: Exit.INTERRUPTED, 15: Exit.TERMINATED}.get(interrupted or 0)
