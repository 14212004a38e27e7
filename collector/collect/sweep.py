"""The fleet run: every device one row, whatever happens to it.

One thread decides (who may log in now); others visit, in this process (`hands`) or, where one core does not keep the
pace, in further ones (`crew`). At most 100 threads a process. Each visit under way is a `concurrent.futures.Future`.
"""

from __future__ import annotations

import heapq
import math
import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from contextlib import suppress
from dataclasses import dataclass, field

from collector.collect.bucket import Bucket
from collector.collect.crew import Crew, Office
from collector.collect.garbage import rare_collections
from collector.collect.gate import key_of
from collector.collect.gates import Gates
from collector.collect.hands import MOST_THREADS, Hands, Job, LostError, Threads, Visit
from collector.collect.messages import Hello, Kept
from collector.collect.settings import Outcome, Progress, Settings, arithmetic, in_turn
from collector.collect.turns import Turn, Turns
from collector.collect.visits import Means, again, better, failed, row
from collector.errors import ErrorCode, Retry
from collector.model import Device, Failure, Snapshot
from collector.session import Cancel, ending

LOOK = 0.25  # seconds at most until it is asked again whether to stop
LEAVING = 1.0  # seconds that visits have to bring what they have when the run is cut short


def sweep(
    devices: Sequence[Device],
    settings: Settings,
    on_snapshot: Callable[[Snapshot], None],
    on_progress: Callable[[Progress], None] = lambda _progress: None,
) -> Outcome:
    """Visit every device once (and again where its failure says so); `on_snapshot` is called once a device.

    Both callbacks run in the calling thread. Snapshots are handed over as they come and not kept. When time is over, or
    `settings.stopped` names a signal: what came is handed over, the rest is NOT_STARTED or DEADLINE. What several
    processes visit goes to `elsewhere.took`; rows of devices that were not visited go to `on_snapshot` all the same.
    """
    with rare_collections():
        return _Run(devices, settings, on_snapshot, on_progress).run()


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
        self.gates = Gates(settings.state)
        self.jobs = self.gates.in_turn([Job(device, key_of(device)) for device in in_turn(devices, settings)])
        self.waiting = Turns((), settings.last_visit)
        self.due: list[_Due] = []
        self.running: dict[Visit, Job] = {}
        self.done: queue.SimpleQueue[Visit] = queue.SimpleQueue()  # to wait for all that run costs as much as they are
        self.starts = Bucket(settings.logins_per_second)
        self.logins = Bucket(settings.logins_per_second)
        self.jumps: set[str] = set()
        self.hands = self._hands()
        self.random = random.Random()  # noqa: S311 - jitter, no secret
        self.login_count = 0
        self.counting = threading.Lock()
        self.resumed = 0
        self.tally: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()

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
            while (self.waiting or self.due or self.running) and not self._stopped() and time.monotonic() < end:
                pause = self._start_all()
                self._collect(min(pause, max(0.0, end - time.monotonic()), LOOK))
            if self.waiting or self.due or self.running:
                self._cut_short()
        finally:
            self.hands.close()
        self.settings.trust.settle()
        self.gates.remember()
        return Outcome(
            rows=self.tally.total(),
            complete=self.tally["complete"],
            partial=self.tally["partial"],
            failed=self.tally["failed"],
            logins=self.login_count,
            resumed=self.resumed,
            interrupted=self.interrupted,
            codes=tuple(sorted(self.codes.items())),
        )

    def _stopped(self) -> bool:
        self.interrupted = self.settings.stopped()
        return self.interrupted is not None

    def _resume(self) -> None:
        for job in self.jobs:
            snapshot = self.settings.saved(job.device)
            if snapshot is not None and ending(snapshot.failures) is None:
                self.resumed += 1
                self._hand_over(job, snapshot)
        self.waiting = Turns([job for job in self.jobs if not job.ended], self.settings.last_visit)

    # -- visits begin ---------------------------------------------------------------------------------------------

    def _start_all(self) -> float:
        """Start what may start now; the seconds until something else may."""
        now = time.monotonic()
        while self.due and self.due[0].moment <= now:
            self.waiting.add(heapq.heappop(self.due).job)
        pause = self.due[0].moment - now if self.due else 1.0

        def asked(job: Job) -> Turn:
            nonlocal pause
            if len(self.running) >= self.workers:
                return Turn.ALL_WAIT
            if why := self.gates.stopped(job):
                self._skip(job, why)
                return Turn.TAKEN
            if not self.gates.go(job):
                return Turn.LINE_WAITS
            if not self.hands.room(job):
                return Turn.PASSED
            tokens = 2.0 if self._new_jump(job) else 1.0
            if not self.starts.take(tokens):
                pause = min(pause, self.starts.wait_for(tokens))
                return Turn.ALL_WAIT
            self._start(job)
            return Turn.TAKEN

        self.waiting.go_round(asked)
        return max(pause, 0.001)

    def _start(self, job: Job) -> None:
        if job.device.ssh.jump:
            self.jumps.add(job.device.ssh.jump)
        job.attempts += 1
        job.dared = False
        self.gates.begins(job)
        visit = self.hands.begin(job, last=self._last(job))
        self.running[visit] = job
        visit.add_done_callback(self.done.put)
        self._progress(job.device.name)

    def _last(self, job: Job) -> bool:
        return not self.settings.retries or job.attempts >= 2

    def _new_jump(self, job: Job) -> bool:
        return job.device.ssh.jump is not None and job.device.ssh.jump not in self.jumps

    def _skip(self, job: Job, why: str) -> None:
        failure = failed(ErrorCode.AUTH_SKIPPED, "auth", f"not tried, as this credential is in doubt: {why}")
        self._hand_over(job, job.best or row(job.device, failure))

    # -- visits end -----------------------------------------------------------------------------------------------

    def _collect(self, seconds: float) -> None:
        """Take what visits have brought; wait for the first of them, no longer than this."""
        with suppress(queue.Empty):
            visit = self.done.get(timeout=seconds)
            while True:
                self._ended(self.running.pop(visit), visit)
                visit = self.done.get_nowait()

    def _ended(self, job: Job, visit: Visit) -> None:
        try:
            brought = visit.result()
        except LostError as lost:
            self.gates.lost(job)
            failure = failed(ErrorCode.INTERNAL, "any", f"the process that visited it ended ({lost})")
            self._hand_over(job, job.best or row(job.device, failure))
            return
        ended_by = ending(brought.failures)
        captured = brought.captured if isinstance(brought, Kept) else bool(brought.captures)
        self.gates.ended(job, ended_by, captured=captured)
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

    def _cut_short(self) -> None:
        """Time is over or a signal came: close what is open, name what is missing, wait for nobody."""
        why = f"signal {self.interrupted}" if self.interrupted is not None else "--max-runtime"
        self.hands.cancel()
        wait(self.running, timeout=LEAVING)
        self.hands.close()  # from here on nobody writes but this thread
        for visit, job in self.running.items():
            if visit.done():
                self._salvage(job, visit)
        for job in self.running.values():
            self._missing(job, ErrorCode.DEADLINE, f"{why} came while it was visited")
        for job in self.jobs:
            self._missing(job, ErrorCode.NOT_STARTED, f"{why} came first")

    def _salvage(self, job: Job, visit: Visit) -> None:
        """What came after the end was called."""
        try:
            brought = visit.result()
        except LostError:
            return
        if isinstance(brought, Kept):
            self._took(job, brought)
        else:
            self._hand_over(job, better(job.best, brought))

    def _missing(self, job: Job, code: ErrorCode, why: str) -> None:
        if not job.ended:
            self._hand_over(job, job.best or row(job.device, failed(code, "run", why)))

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
        self.codes.update(failure.code.value for failure in failures)

    def _progress(self, name: str) -> None:
        self.on_progress(
            Progress(
                total=len(self.jobs),
                done=self.tally.total(),
                failed=self.tally["failed"],
                running=len(self.running),
                device=name,
            )
        )

    # -- hands ----------------------------------------------------------------------------------------------------

    def _hands(self) -> Hands:
        settings = self.settings
        if self.processes > 1 and settings.elsewhere is not None:
            return Crew(
                self.processes,
                hello=Hello(
                    work=settings.elsewhere.work,
                    limits=settings.limits,
                    state=settings.state,
                    lock_patience=settings.lock_patience,
                ),
                office=Office(
                    secrets=settings.secrets, trust=settings.trust, pace=self._pace, told=settings.told or settings.say
                ),
                brief=settings.elsewhere.brief,
            )
        means = Means(
            secrets=settings.secrets,
            trust=settings.trust,
            cancel=Cancel(),
            told=settings.told or settings.say,
            limits=settings.limits,
            state=settings.state,
            lock_patience=settings.lock_patience,
        )
        return Threads(means=means, plan=settings.plan, pace=self._pace)

    def _pace(self, job: Job) -> float:
        """Seconds until this login's turn on the server's clock."""
        job.dared = True
        with self.counting:
            self.login_count += 1
        return min(self.logins.reserve(), 10.0)


__all__ = ["sweep"]
