"""Where visits are made: by threads of this process, or (`crew`) by processes. The run decides, hands carry out."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass
from typing import Protocol

from collector.collect import visits
from collector.collect.messages import Kept
from collector.collect.pool import Pool
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


Visit = Future[Snapshot | Kept]
"""One visit under way. Raises LostError, or what keeps the run from going on (disk full)."""


class LostError(BrokenExecutor):
    """The process went with the visit in it; how, in words. Others' visits are none the worse for it."""


class Hands(Protocol):
    """Visits under way."""

    def room(self, job: Job) -> bool:
        """Whether this job could begin now."""

    def begin(self, job: Job, *, last: bool) -> Visit:
        """Visit. last: no further visit would follow."""

    def cancel(self) -> None:
        """End all visits; they still bring what they have."""

    def close(self) -> None:
        """Let go of everything, at once: what is not done by then is not waited for."""


class Threads:
    """Visits by threads of this process."""

    def __init__(self, *, means: visits.Means, plan: Callable[[Device], Plan], pace: Callable[[Job], float]) -> None:
        self._pool = Pool(MOST_THREADS, "visit")
        self._means = means
        self._plan = plan
        self._pace = pace

    def room(self, job: Job) -> bool:
        """The run counts."""
        del job
        return True

    def begin(self, job: Job, *, last: bool) -> Visit:
        """In a thread of its own."""
        del last
        return self._pool.submit(self._visit, job)

    def cancel(self) -> None:
        """Close the connections under the visits."""
        self._means.cancel.fire()

    def close(self) -> None:
        """Nobody is waited for."""
        self._pool.shutdown(wait=False)
        close_shared()

    def _visit(self, job: Job) -> Snapshot:
        return visits.one_visit(
            job.device, lambda: self._plan(job.device), self._means, lambda: self._wait_for_turn(job)
        )

    def _wait_for_turn(self, job: Job) -> None:
        if (seconds := self._pace(job)) > 0:
            time.sleep(seconds)
