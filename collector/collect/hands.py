"""Where visits are made: by threads of this process, or (`crew`) by processes. The run decides, hands carry out."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from collector.collect import visits
from collector.collect.messages import Brought
from collector.model import Device, Snapshot
from collector.session import Plan, close_shared

MOST_THREADS = 100  # in one process


@dataclass(slots=True, eq=False)
class Job:
    """One device on its way through the run. key: its credential. dared: its login was let through in this attempt."""

    device: Device
    key: str
    attempts: int = 0
    ended: bool = False
    dared: bool = False
    best: Snapshot | None = None


Results = queue.SimpleQueue[tuple[Job, Brought]]


class Hands(Protocol):
    """Visits under way."""

    def room(self, job: Job) -> bool:
        """Whether this job could begin now."""

    def begin(self, job: Job, *, last: bool) -> bool:
        """Visit; what comes goes into the queue of results. False where no process is left to do it."""

    def cancel(self) -> None:
        """End all visits; they still bring what they have."""

    def close(self) -> None:
        """Let go of everything, at once: nothing more is brought."""


class Threads:
    """Daemon threads and a queue: `concurrent.futures` joins its threads when the interpreter ends, and one that hangs
    in a visit must not keep a cron job alive.
    """

    def __init__(
        self,
        results: Results,
        *,
        means: visits.Means,
        plan: Callable[[Device], Plan],
        pace: Callable[[Job], float],
    ) -> None:
        self._results = results
        self._means = means
        self._plan = plan
        self._pace = pace
        self._tasks: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._threads = 0
        self._idle = threading.Semaphore(0)

    def room(self, job: Job) -> bool:
        """The run counts."""
        del job
        return True

    def begin(self, job: Job, *, last: bool) -> bool:
        """One more thread, unless one is idle."""
        del last
        if not self._idle.acquire(blocking=False):
            self._threads += 1
            threading.Thread(target=self._work, name=f"visit-{self._threads}", daemon=True).start()
        self._tasks.put(job)
        return True

    def cancel(self) -> None:
        """Close the connections under the visits."""
        self._means.cancel.fire()

    def close(self) -> None:
        """Nobody is waited for."""
        for _ in range(self._threads):
            self._tasks.put(None)
        close_shared()

    def _work(self) -> None:
        while (job := self._tasks.get()) is not None:
            device = job.device
            brought = visits.one_visit(
                device,
                lambda device=device: self._plan(device),  # type: ignore[misc]
                self._means,
                lambda job=job: time.sleep(self._pace(job)),  # type: ignore[misc]
            )
            self._idle.release()
            self._results.put((job, brought))
