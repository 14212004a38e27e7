"""Run after run through the month, with the functions that `sweep` and `tickets apply` call, in their order.

Only the wire is missing: a visit types its lines into the lab's exec and takes the answers as the session would.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from collector.cli import fleet
from collector.cli.sweep import once
from collector.cli.tickets import Desk, bring_up_to_date
from collector.collect import Outcome, Progress, Settings, plan_for
from collector.errors import ErrorCode
from collector.history import open_ledger
from collector.history.tickets import Limits
from collector.lab.exec import Shell
from collector.lab.world import World
from collector.model import Capture, CaptureStatus, Device, Failure, Finding, Level, Policy, Snapshot
from collector.session.visit import captured
from month.network import managed
from month.script import Script
from month.tracker import Tracker

PERIOD = timedelta(days=30) / 5000
COMMAND = timedelta(seconds=0.3)  # from one prompt to the next
LOGIN = timedelta(seconds=0.2)  # between the logins of a wave


@dataclass(slots=True)
class Clock:
    """The time of the collector and of the network."""

    at: datetime

    def now(self) -> datetime:
        """Nobody waits for it."""
        return self.at

    def wait(self, seconds: float) -> None:
        """The second sample of a visit."""
        self.at += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run. seen: routers whose log was read; reached: routers that answered at all."""

    at: datetime
    seen: frozenset[str]
    reached: frozenset[str]


@dataclass(slots=True, kw_only=True)
class Diary:
    """What was noted on the way. findings: each that was ever reported, as it was last."""

    tracker: Tracker
    runs: list[Run] = field(default_factory=list)
    findings: dict[str, Finding] = field(default_factory=dict)
    visits: int = 0
    warnings: dict[str, int] = field(default_factory=dict)
    ledger_bytes: int = 0


@dataclass(slots=True)
class Wire:
    """Visits without a network."""

    world: World
    clock: Clock
    visits: int = 0

    def sweep(
        self,
        devices: Sequence[Device],
        settings: Settings,
        on_snapshot: Callable[[Snapshot], None],
        on_progress: Callable[[Progress], None],
    ) -> Outcome:
        """Stands for `collect.sweep`: all routers of a wave, their logins a moment apart."""
        del on_progress
        begin = latest = self.clock.at
        complete = 0
        for number, device in enumerate(devices):
            self.clock.at = begin + number * LOGIN
            snapshot = self.visit(device, settings)
            complete += not snapshot.failures
            on_snapshot(snapshot)
            latest = max(latest, self.clock.at)
        self.clock.at = latest
        return Outcome(
            rows=len(devices), complete=complete, partial=0, failed=len(devices) - complete, logins=len(devices)
        )

    def visit(self, device: Device, settings: Settings) -> Snapshot:
        """One login: what the plan asks for, as `session.visit` would bring it."""
        started = self.clock.at
        if self.world.device(device.name).unreachable:
            self.clock.at += timedelta(seconds=8)
            gone = Failure(code=ErrorCode.TIMEOUT_CONNECT, phase="connect", message="no answer")
            return Snapshot(device=device, captures=(), failures=(gone,), started_at=started, finished_at=self.clock.at)
        self.visits += 1
        plan = settings.plan(device)
        shell = Shell(self.world, device.name, "lab", lambda _text: None, lambda: None)
        captures: tuple[Capture, ...] = ()
        while lines := plan(captures):
            for line in lines:
                captures = (*captures, captured(line, shell.said(line), self.clock.at))
                self.clock.at += COMMAND
        return Snapshot(
            device=device,
            captures=captures,
            failures=tuple(capture.failure for capture in captures if capture.failure is not None),
            hostname=device.name,
            started_at=started,
            finished_at=self.clock.at,
        )


def through(
    script: Script,
    folder: Path,
    *,
    period: timedelta = PERIOD,
    on_run: Callable[[Run], None] = lambda _run: None,
    enough: Callable[[], bool] = lambda: False,
) -> Diary:
    """Live through a script. folder: for the ledger and the spool. enough: asked after each run, ends it early."""
    clock = Clock(script.epoch)
    tracker = Tracker(now=clock.now, away=lambda at: script.during("tracker away", "", at))
    diary = Diary(tracker=tracker)
    wire = Wire(World(script.network, clock.now), clock)
    devices = tuple(
        Device(name=router.name, host=str(router.wan.ip), platform=router.platform.netmiko)
        for router in script.network.devices
        if router.name in managed(script.network)
    )
    policy = Policy(mutes=script.mutes)
    (folder / "spool").mkdir()
    order = fleet.Order(
        devices=devices,
        policy=policy,
        mode="sweep",
        spool=folder / "spool",
        plan_of=partial(plan_for, pause=clock.wait, clock=clock.now),
        visits=wire.sweep,
        now=clock.now,
    )
    desk = Desk(name="desk", target=tracker, limits=Limits(), policy=policy, now=clock.now)
    with open_ledger(folder / "state") as ledger, contextlib.redirect_stdout(io.StringIO()) as out:
        due = script.epoch + period
        while due < script.end:
            clock.at = max(due, clock.at)
            due += period
            if script.during("no run", "", clock.at):
                continue
            visited, _ = once(order, ledger, Level.ERROR)
            with contextlib.redirect_stderr(out):
                bring_up_to_date(ledger, desk)
            out.seek(0)
            out.truncate()
            wire.world.typed.clear()
            diary.runs.append(_noted(diary, visited, clock.at))
            on_run(diary.runs[-1])
            if enough():
                break
        diary.ledger_bytes = sum(path.stat().st_size for path in (folder / "state").iterdir())
    diary.visits = wire.visits
    return diary


def _noted(diary: Diary, visited: fleet.Visited, at: datetime) -> Run:
    report = visited.report
    for finding in (*report.findings, *report.muted):
        known = diary.findings.get(finding.id)
        diary.findings[finding.id] = finding if known is None else replace(finding, peer=finding.peer or known.peer)
        if finding.state == "new" and finding.level is not Level.ERROR:
            diary.warnings[finding.rule] = diary.warnings.get(finding.rule, 0) + 1
    seen = {
        facts.device.name
        for facts in report.devices
        if any(
            note.command.startswith("show logging") and note.status is CaptureStatus.PARSED for note in facts.captures
        )
    }
    reached = {facts.device.name for facts in report.devices if facts.captures}
    return Run(at=at, seen=frozenset(seen), reached=frozenset(reached))
