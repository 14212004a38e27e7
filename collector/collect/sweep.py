"""The fleet run: every device one row, whatever happens to it.

One thread decides (who may log in now); others visit, in this process (`hands`) or, where one core does not keep the
pace, in further ones (`crew`). At most 100 threads a process.
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
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from collector.collect.bucket import Bucket
from collector.collect.crew import Crew, Office
from collector.collect.gate import CANARIES, EnableGate, Gate, Word, key_of
from collector.collect.hands import MOST_THREADS, Hands, Job, Results, Threads
from collector.collect.messages import Broken, Brought, Hello, Kept, Lost
from collector.collect.settings import Outcome, Progress, Settings, arithmetic, too_short
from collector.collect.visits import Means, again, better, failed, row
from collector.errors import ErrorCode, Retry, SessionError, StateError
from collector.model import Device, Failure, Snapshot
from collector.session import Cancel, ending
from collector.session.trust import locked, replace_file

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def sweep(
    devices: Sequence[Device],
    settings: Settings,
    on_snapshot: Callable[[Snapshot], None],
    on_progress: Callable[[Progress], None] = lambda _progress: None,
) -> Outcome:
    """Visit every device once (and again where its failure says so); `on_snapshot` is called once a device.

    Both callbacks run in the calling thread. Snapshots are handed over as they come and not kept. SIGINT, SIGTERM and
    SIGHUP end the run in the main thread: what came is handed over, the rest is NOT_STARTED or DEADLINE. What several
    processes visit goes to `elsewhere.took`; rows of devices that were not visited go to `on_snapshot` all the same.
    """
    run = _Run(devices, settings, on_snapshot, on_progress)
    with _signals(run, settings.signals):
        return run.run()


@contextmanager
def _signals(run: _Run, wanted: bool) -> Iterator[None]:  # noqa: FBT001 - private
    """SIGINT, SIGTERM and SIGHUP stop the run; the handlers before are put back."""
    if not wanted or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _frame: FrameType | None) -> None:
        run.interrupted = number

    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN  # nohup
    heeded = [number for number in STOPPING if not (ignored and number == signal.SIGHUP)]
    before = {number: signal.signal(number, stop) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(order=True, slots=True)
class _Due:
    moment: float
    number: int
    job: Job = field(compare=False)


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
        self.processes = settings.processes if settings.elsewhere is not None else 1
        self.workers = max(1, min(settings.workers, MOST_THREADS * self.processes))
        self.jobs = [Job(device, key_of(device)) for device in _ordered(devices, settings)]
        self.waiting: deque[Job] = deque(self.jobs)
        self.due: list[_Due] = []
        self.running: set[int] = set()
        self.starts = Bucket(settings.logins_per_second)
        self.logins = Bucket(settings.logins_per_second)
        self.gates: dict[str, Gate] = {}
        self.enable_gates: dict[str, EnableGate] = {}
        self.refused_before = _load_refused(settings.state)
        self.jumps: set[str] = set()
        self.results: Results = queue.SimpleQueue()
        self.hands = self._hands()
        self.random = random.Random()  # noqa: S311 - jitter, no secret
        self.login_count = 0
        self.counting = threading.Lock()
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
        try:
            while (self.waiting or self.due or self.running) and self.interrupted is None and time.monotonic() < end:
                wait = self._start_all()
                self._collect(min(wait, max(0.0, end - time.monotonic()), 0.25))
            if self.waiting or self.due or self.running:
                self._cut_short()
        finally:
            self.hands.close()
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
        held: list[Job] = []
        while self.waiting and len(self.running) < self.workers:
            job = self.waiting.popleft()
            gate = self._gate(job)
            if why := self._stopped(job):
                self._skip(job, why)
                continue
            if gate.word(time.monotonic()) is not Word.GO or not self.hands.room(job):
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

    def _start(self, job: Job, gate: Gate) -> None:
        if job.device.ssh.jump:
            self.jumps.add(job.device.ssh.jump)
        job.attempts += 1
        job.dared = False
        self.running.add(id(job))
        gate.begins()
        if not self.hands.begin(job, last=self._last(job)):
            self.results.put(
                (job, row(job.device, failed(ErrorCode.NOT_STARTED, "run", "no process is left to visit it")))
            )
        self._progress(job.device.name)

    def _last(self, job: Job) -> bool:
        return not self.settings.retries or job.attempts >= 2

    def _new_jump(self, job: Job) -> bool:
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

    def _ended(self, job: Job, brought: Brought) -> None:
        self.running.discard(id(job))
        if job.ended:
            return
        if isinstance(brought, Broken):
            raise StateError(brought.message) if brought.known else RuntimeError(brought.message)
        if isinstance(brought, Lost):
            self._lost(job, brought)
            return
        failure = ending(brought.failures)
        code = failure.code if failure is not None else None
        self._gate(job).ended(job.device.name, code, time.monotonic())
        if (enable := self._enable_gate(job)) is not None:
            enable.ended(job.device.name, code)
        if isinstance(brought, Kept):
            self._took(job, brought)
            return
        retry = again(brought.failures, last=self._last(job))
        job.best = better(job.best, brought)
        if retry is not Retry.NO:
            delay = self.settings.later if retry is Retry.LATER else 0.2
            moment = time.monotonic() + delay + self.random.random() * self.settings.jitter
            heapq.heappush(self.due, _Due(moment, id(job), job))
            return
        self._hand_over(job, job.best)

    def _lost(self, job: Job, brought: Lost) -> None:
        """The process died: one failure a device, and its login counts as one that may have been rejected."""
        gate = self._gate(job)
        if job.dared:
            gate.lost(job.device.name)
        else:
            gate.ended(job.device.name, ErrorCode.INTERNAL, time.monotonic())
        failure = failed(ErrorCode.INTERNAL, "any", f"the process that visited it ended ({brought.how})")
        self._hand_over(job, job.best or row(job.device, failure))

    # -- rows -----------------------------------------------------------------------------------------------------

    def _hand_over(self, job: Job, snapshot: Snapshot) -> None:
        self._count(job, snapshot.failures, captured=bool(snapshot.captures))
        self.on_snapshot(snapshot)
        self._progress(job.device.name)

    def _took(self, job: Job, kept: Kept) -> None:
        assert self.settings.elsewhere is not None
        self._count(job, kept.failures, captured=kept.captured)
        self.settings.elsewhere.took(job.device, kept.value)
        self._progress(job.device.name)

    def _count(self, job: Job, failures: tuple[Failure, ...], *, captured: bool) -> None:
        job.ended, job.best = True, None
        self.tally["complete" if not failures else "partial" if captured else "failed"] += 1
        for failure in failures:
            self.codes[failure.code.value] = self.codes.get(failure.code.value, 0) + 1

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

    def _stopped(self, job: Job) -> str:
        """Why this device's credential is not tried any more, in words; "" where it is."""
        enable = self._enable_gate(job)
        return self._gate(job).stopped or (enable.stopped if enable is not None else "")

    def _skip(self, job: Job, why: str) -> None:
        failure = failed(ErrorCode.AUTH_SKIPPED, "auth", f"not tried, as this credential is in doubt: {why}")
        self._hand_over(job, job.best or row(job.device, failure))

    def _cut_short(self) -> None:
        """Time is over or a signal came: close what is open, name what is missing, wait for nobody."""
        why = f"signal {self.interrupted}" if self.interrupted is not None else "--max-runtime"
        running = [job for job in self.jobs if id(job) in self.running]
        self.hands.cancel()
        end = time.monotonic() + 1.0
        while self.running and (left := end - time.monotonic()) > 0:
            try:
                self._salvage(*self.results.get(timeout=left))
            except queue.Empty:
                break
        self.hands.close()  # from here on nobody writes but this thread
        while not self.results.empty():
            self._salvage(*self.results.get())
        for job in running:
            if not job.ended:
                failure = failed(ErrorCode.DEADLINE, "run", f"{why} came while it was visited")
                self._hand_over(job, job.best or row(job.device, failure))
        for job in self.jobs:
            if not job.ended:
                failure = failed(ErrorCode.NOT_STARTED, "run", f"{why} came first")
                self._hand_over(job, job.best or row(job.device, failure))

    def _salvage(self, job: Job, brought: Brought) -> None:
        """What came after the end was called."""
        if isinstance(brought, Lost):
            return
        self.running.discard(id(job))
        if job.ended:
            return
        if isinstance(brought, Broken):
            raise StateError(brought.message) if brought.known else RuntimeError(brought.message)
        if isinstance(brought, Kept):
            self._took(job, brought)
        else:
            self._hand_over(job, better(job.best, brought))

    # -- gates ----------------------------------------------------------------------------------------------------

    def _gate(self, job: Job) -> Gate:
        if job.key not in self.gates:
            self.gates[job.key] = Gate(canaries=1 if job.key in self.refused_before else CANARIES)
        return self.gates[job.key]

    def _enable_gate(self, job: Job) -> EnableGate | None:
        secret = job.device.secret
        if secret is None:
            return None
        return self.enable_gates.setdefault(f"{secret.kind} {secret.value}", EnableGate())

    # -- hands ----------------------------------------------------------------------------------------------------

    def _hands(self) -> Hands:
        settings = self.settings
        if self.processes > 1 and settings.elsewhere is not None:
            return Crew(
                self.processes,
                self.results,
                hello=Hello(
                    work=settings.elsewhere.work,
                    limits=settings.limits,
                    state=settings.state,
                    lock_patience=settings.lock_patience,
                ),
                office=Office(secrets=settings.secrets, trust=settings.trust, pace=self._pace, told=settings.say),
                brief=settings.elsewhere.brief,
                jump=_jump,
            )
        means = Means(
            secrets=settings.secrets,
            trust=settings.trust,
            cancel=Cancel(),
            told=settings.say,
            limits=settings.limits,
            state=settings.state,
            lock_patience=settings.lock_patience,
        )
        return Threads(self.results, means=means, plan=settings.plan, pace=self._pace)

    def _pace(self, job: Job) -> float:
        """Seconds until this login's turn on the server's clock."""
        job.dared = True
        with self.counting:
            self.login_count += 1
        return min(self.logins.reserve(), 10.0)


def _jump(device: Device) -> str | None:
    """The jump host on the way to a device, wherever it is named."""
    if device.ssh.config_file is None:
        return device.ssh.jump
    from collector.session.sshconfig import route  # noqa: PLC0415 - loads paramiko

    try:
        return route(device).jump
    except SessionError:  # the visit will say so
        return None


def _ordered(devices: Sequence[Device], settings: Settings) -> list[Device]:
    if not too_short(len(devices), settings):
        return list(devices)
    never = datetime.min.replace(tzinfo=UTC)
    return sorted(devices, key=lambda device: settings.last_visit(device) or never)


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


__all__ = ["sweep"]
