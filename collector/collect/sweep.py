"""The fleet run: every device one row, whatever happens to it.

One thread decides (who may log in now), daemon threads visit: concurrent.futures joins its threads when the
interpreter ends, and a hung worker must not keep a cron job alive. At most 100 threads a process.
"""

from __future__ import annotations

import heapq
import json
import math
import queue
import random
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

from collector.collect.bucket import Bucket
from collector.collect.gate import CANARIES, EnableGate, Gate, Word, key_of
from collector.collect.lock import device_lock
from collector.collect.plan import plan_for
from collector.errors import CODES, CollectorError, ErrorCode, Retry, SessionError
from collector.model import Device, Failure, Snapshot
from collector.session import Cancel, Limits, Plan, Secrets, Trust, close_shared, ending, visit
from collector.session.dial import TEMPORARY
from collector.session.trust import locked, replace_file

MOST_WORKERS = 100
LATER = 30.0  # seconds before a further visit to a device that had no free line


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a fleet is visited.

    plan: what to ask a device. state: the folder for device locks and for the memory of refused credentials.
    limits: how long each wait of a visit may last, where not the usual. saved: a snapshot of this run that is already there (resume): that device is not logged in again.
    last_visit: when a device was last visited, so that the longest-unvisited go first where time will not suffice.
    say: the arithmetic and other lines for stderr. jitter: seconds at most before a retry.
    """

    secrets: Secrets
    trust: Trust
    plan: Callable[[Device], Plan] = plan_for
    workers: int = 20
    logins_per_second: float = 5.0
    max_runtime: timedelta | None = None
    state: Path | None = None
    saved: Callable[[Device], Snapshot | None] = lambda _device: None
    last_visit: Callable[[Device], datetime | None] = lambda _device: None
    say: Callable[[str], None] = lambda _line: None
    visit_seconds: float = 4.0
    retries: bool = True
    jitter: float = 2.0
    later: float = LATER
    signals: bool = True
    limits: Limits | None = None
    lock_patience: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the run is, after each change."""

    total: int
    done: int
    failed: int
    running: int
    device: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The run in figures. rows: devices handed to `on_snapshot`, always all. interrupted: the signal's number."""

    rows: int
    complete: int
    partial: int
    failed: int
    logins: int
    resumed: int = 0
    interrupted: int | None = None
    codes: tuple[tuple[str, int], ...] = ()


def sweep(
    devices: Sequence[Device],
    settings: Settings,
    on_snapshot: Callable[[Snapshot], None],
    on_progress: Callable[[Progress], None] = lambda _progress: None,
) -> Outcome:
    """Visit every device once (and again where its failure says so); `on_snapshot` is called once a device.

    Both callbacks run in the calling thread. Snapshots are handed over as they come and not kept. SIGINT and SIGTERM
    end the run in the main thread: what came is handed over, the rest is NOT_STARTED or DEADLINE.
    """
    run = _Run(devices, settings, on_snapshot, on_progress)
    with _signals(run, settings.signals):
        return run.run()


def arithmetic(devices: int, settings: Settings) -> str:
    """What the rate of logins means for this fleet, in one line, told before the first login."""
    rate = settings.logins_per_second
    least = devices / rate
    needed = max(1, math.ceil(rate * settings.visit_seconds))
    line = f"{devices} devices / {rate:g} logins per second = {least:.0f} s at least"
    line += f"; {min(needed, devices)} workers keep that pace at {settings.visit_seconds:.0f} s a visit"
    if needed > settings.workers and devices > settings.workers:
        line += f" ({settings.workers} are set: {devices * settings.visit_seconds / settings.workers:.0f} s)"
    if settings.max_runtime is not None and _too_short(devices, settings):
        line += (
            f"; {settings.max_runtime.total_seconds():.0f} s of --max-runtime will not suffice: "
            "the longest-unvisited go first"
        )
    return line


def _too_short(devices: int, settings: Settings) -> bool:
    if settings.max_runtime is None:
        return False
    pace = min(settings.logins_per_second, settings.workers / settings.visit_seconds)
    return devices / pace > settings.max_runtime.total_seconds()


@contextmanager
def _signals(run: _Run, wanted: bool) -> Iterator[None]:  # noqa: FBT001 - private
    """SIGINT and SIGTERM stop the run; the handlers before are put back."""
    if not wanted or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _frame: FrameType | None) -> None:
        run.interrupted = number

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(slots=True, eq=False)
class _Job:
    """One device on its way through the run."""

    device: Device
    key: str
    attempts: int = 0
    ended: bool = False
    best: Snapshot | None = None


@dataclass(order=True, slots=True)
class _Due:
    moment: float
    number: int
    job: _Job = field(compare=False)


class _Run:
    def __init__(
        self,
        devices: Sequence[Device],
        settings: Settings,
        on_snapshot: Callable[[Snapshot], None],
        on_progress: Callable[[Progress], None],
    ) -> None:
        self.settings = settings
        self.on_snapshot = on_snapshot
        self.on_progress = on_progress
        self.interrupted: int | None = None
        self.workers = max(1, min(settings.workers, MOST_WORKERS))
        self.jobs = [_Job(device, key_of(device)) for device in _ordered(devices, settings)]
        self.waiting: deque[_Job] = deque(self.jobs)
        self.due: list[_Due] = []
        self.running: set[int] = set()
        self.starts = Bucket(settings.logins_per_second)
        self.logins = Bucket(settings.logins_per_second)
        self.gates: dict[str, Gate] = {}
        self.enable_gates: dict[str, EnableGate] = {}
        self.refused_before = _load_refused(settings.state)
        self.jumps: set[str] = set()
        self.cancel = Cancel()
        self.tasks: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self.results: queue.SimpleQueue[tuple[_Job, Snapshot]] = queue.SimpleQueue()
        self.threads = 0
        self.random = random.Random()  # noqa: S311 - jitter, no secret
        self.login_count = 0
        self.resumed = 0
        self.tally: dict[str, int] = {"complete": 0, "partial": 0, "failed": 0}
        self.codes: dict[str, int] = {}

    # -- the loop -------------------------------------------------------------------------------------------------

    def run(self) -> Outcome:
        started = time.monotonic()
        limit = self.settings.max_runtime
        end = started + limit.total_seconds() if limit is not None else math.inf
        self._resume()
        if self.waiting:
            self.settings.secrets.ask_ahead(job.device for job in self.waiting)
            self.settings.say(arithmetic(len(self.waiting), self.settings))
        while (self.waiting or self.due or self.running) and self.interrupted is None and time.monotonic() < end:
            wait = self._start_all()
            self._collect(min(wait, max(0.0, end - time.monotonic()), 0.25))
        if self.waiting or self.due or self.running:
            self._cut_short()
        for _ in range(self.threads):
            self.tasks.put(None)
        close_shared()
        self.settings.trust.settle()
        _save_refused(self.settings.state, self.refused_before, self.gates)
        return Outcome(
            rows=sum(self.tally.values()),
            complete=self.tally["complete"],
            partial=self.tally["partial"],
            failed=self.tally["failed"],
            logins=self.login_count,
            resumed=self.resumed,
            interrupted=self.interrupted,
            codes=tuple(sorted(self.codes.items())),
        )

    def _resume(self) -> None:
        for job in self.jobs:
            snapshot = self.settings.saved(job.device)
            if snapshot is not None and ending(snapshot.failures) is None:
                self.resumed += 1
                self._hand_over(job, snapshot)
        self.waiting = deque(job for job in self.jobs if not job.ended)

    def _start_all(self) -> float:
        """Start what may start now; the seconds until something else may."""
        now = time.monotonic()
        while self.due and self.due[0].moment <= now:
            self.waiting.append(heapq.heappop(self.due).job)
        wait = self.due[0].moment - now if self.due else 1.0
        held: list[_Job] = []
        while self.waiting and len(self.running) < self.workers:
            job = self.waiting.popleft()
            gate = self._gate(job)
            if why := self._stopped(job):
                self._skip(job, why)
                continue
            if gate.word(time.monotonic()) is not Word.GO:
                held.append(job)
                if len(held) > 200:  # the rest of a held fleet need not be looked at each time
                    break
                continue
            tokens = 2.0 if self._new_jump(job) else 1.0
            if not self.starts.take(tokens):
                held.append(job)
                wait = min(wait, self.starts.wait_for(tokens))
                break
            self._start(job, gate)
        self.waiting.extendleft(reversed(held))
        return max(wait, 0.001)

    def _start(self, job: _Job, gate: Gate) -> None:
        if job.device.ssh.jump:
            self.jumps.add(job.device.ssh.jump)
        gate.begins()
        job.attempts += 1
        self.running.add(id(job))
        self.tasks.put(job)
        if self.threads < min(self.workers, len(self.running)):
            self.threads += 1
            threading.Thread(target=self._work, name=f"visit-{self.threads}", daemon=True).start()
        self._progress(job.device.name)

    def _new_jump(self, job: _Job) -> bool:
        return job.device.ssh.jump is not None and job.device.ssh.jump not in self.jumps

    def _collect(self, seconds: float) -> None:
        try:
            job, snapshot = self.results.get(timeout=seconds)
        except queue.Empty:
            return
        while True:
            self._ended(job, snapshot)
            try:
                job, snapshot = self.results.get_nowait()
            except queue.Empty:
                return

    def _ended(self, job: _Job, snapshot: Snapshot) -> None:
        self.running.discard(id(job))
        if job.ended:
            return
        failure = ending(snapshot.failures)
        code = failure.code if failure is not None else None
        self._gate(job).ended(job.device.name, code, time.monotonic())
        if (enable := self._enable_gate(job)) is not None:
            enable.ended(job.device.name, code)
        retry = _retry(failure) if failure is not None else Retry.NO
        job.best = _better(job.best, snapshot)
        if self.settings.retries and job.attempts < 2 and retry in {Retry.ONCE, Retry.LATER}:
            delay = self.settings.later if retry is Retry.LATER else 0.2
            moment = time.monotonic() + delay + self.random.random() * self.settings.jitter
            heapq.heappush(self.due, _Due(moment, id(job), job))
            return
        self._hand_over(job, job.best)

    # -- rows -----------------------------------------------------------------------------------------------------

    def _hand_over(self, job: _Job, snapshot: Snapshot) -> None:
        job.ended, job.best = True, None
        failures = snapshot.failures
        kind = "complete" if not failures else "partial" if snapshot.captures else "failed"
        self.tally[kind] += 1
        for failure in failures:
            self.codes[failure.code.value] = self.codes.get(failure.code.value, 0) + 1
        self.on_snapshot(snapshot)
        self._progress(job.device.name)

    def _progress(self, name: str) -> None:
        self.on_progress(
            Progress(
                total=len(self.jobs),
                done=sum(self.tally.values()),
                failed=self.tally["failed"],
                running=len(self.running),
                device=name,
            )
        )

    def _stopped(self, job: _Job) -> str:
        """Why this device's credential is not tried any more, in words; "" where it is."""
        enable = self._enable_gate(job)
        return self._gate(job).stopped or (enable.stopped if enable is not None else "")

    def _skip(self, job: _Job, why: str) -> None:
        failure = _failure(ErrorCode.AUTH_SKIPPED, "auth", f"not tried, as this credential is in doubt: {why}")
        self._hand_over(job, job.best or _row(job.device, failure))

    def _cut_short(self) -> None:
        """Time is over or a signal came: close what is open, name what is missing, wait for nobody."""
        why = f"signal {self.interrupted}" if self.interrupted is not None else "--max-runtime"
        running = [job for job in self.jobs if id(job) in self.running]
        self.cancel.fire()
        end = time.monotonic() + 1.0
        while self.running and (left := end - time.monotonic()) > 0:
            try:
                job, snapshot = self.results.get(timeout=left)
            except queue.Empty:
                break
            self.running.discard(id(job))
            if not job.ended:
                self._hand_over(job, _better(job.best, snapshot))
        for job in running:
            if not job.ended:
                failure = _failure(ErrorCode.DEADLINE, "run", f"{why} came while it was visited")
                self._hand_over(job, job.best or _row(job.device, failure))
        for job in self.jobs:
            if not job.ended:
                failure = _failure(ErrorCode.NOT_STARTED, "run", f"{why} came first")
                self._hand_over(job, job.best or _row(job.device, failure))

    # -- gates ----------------------------------------------------------------------------------------------------

    def _gate(self, job: _Job) -> Gate:
        if job.key not in self.gates:
            self.gates[job.key] = Gate(canaries=1 if job.key in self.refused_before else CANARIES)
        return self.gates[job.key]

    def _enable_gate(self, job: _Job) -> EnableGate | None:
        secret = job.device.secret
        if secret is None:
            return None
        return self.enable_gates.setdefault(f"{secret.kind} {secret.value}", EnableGate())

    # -- workers --------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while (job := self.tasks.get()) is not None:
            self.results.put((job, self._visit(job.device)))

    def _visit(self, device: Device) -> Snapshot:
        """One visit; nothing that goes wrong in it, ours included, ends the run."""
        locks = self.settings.state / "locks" if self.settings.state is not None else None
        try:
            with device_lock(locks, device.name, patience=self.settings.lock_patience):
                return visit(
                    device,
                    self.settings.plan(device),
                    secrets=self.settings.secrets,
                    trust=self.settings.trust,
                    limits=self.settings.limits,
                    cancel=self.cancel,
                    told=self.settings.say,
                    before_login=self._pace,
                )
        except SessionError as error:
            return _row(device, Failure(code=error.code, phase=error.phase, message=error.message, hint=error.hint))
        except Exception as error:  # noqa: BLE001 - THE broad one: a defect costs one device, not the run
            known = isinstance(error, CollectorError)
            words = str(error) if known else f"{type(error).__name__} in the worker"
            return _row(device, _failure(ErrorCode.INTERNAL, "any", words))

    def _pace(self) -> None:
        """Wait for this login's turn on the server's clock."""
        self.login_count += 1
        time.sleep(min(self.logins.reserve(), 10.0))


def _ordered(devices: Sequence[Device], settings: Settings) -> list[Device]:
    if not _too_short(len(devices), settings):
        return list(devices)
    never = datetime.min.replace(tzinfo=UTC)
    return sorted(devices, key=lambda device: settings.last_visit(device) or never)


def _failure(code: ErrorCode, phase: str, message: str) -> Failure:
    return Failure(code=code, phase=phase, message=message, hint=CODES[code].hint)


def _row(device: Device, failure: Failure) -> Snapshot:
    now = datetime.now(UTC)  # noqa: TID251 - a run's own time
    return Snapshot(device=device, captures=(), failures=(failure,), started_at=now, finished_at=now)


def _retry(failure: Failure) -> Retry:
    if failure.code is ErrorCode.DNS and TEMPORARY in failure.message:
        return Retry.ONCE
    return CODES[failure.code].retry


def _better(before: Snapshot | None, now: Snapshot) -> Snapshot:
    """The visit that brought more; of two equal ones the later."""
    if before is None:
        return now

    def worth(snapshot: Snapshot) -> tuple[bool, int]:
        return ending(snapshot.failures) is None, sum(capture.complete for capture in snapshot.captures)

    return before if worth(before) > worth(now) else now


def _load_refused(state: Path | None) -> frozenset[str]:
    """The credentials that the last run stopped: this one tries a single canary with them."""
    if state is None:
        return frozenset()
    try:
        return frozenset(json.loads((state / "refused.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return frozenset()


def _save_refused(state: Path | None, before: frozenset[str], gates: dict[str, Gate]) -> None:
    if state is None:
        return
    stopped = {key for key, gate in gates.items() if gate.stopped}
    proven = {key for key, gate in gates.items() if gate.proven and not gate.stopped}
    now = (before | stopped) - proven
    if now != before:
        path = state / "refused.json"
        with locked(path):
            replace_file(path, json.dumps(sorted(now)) + "\n")


__all__ = ["Outcome", "Progress", "Settings", "arithmetic", "sweep"]
