"""Whose turn it is: the jobs that wait, a line for each credential, so that one that has to wait holds up no other.

While a credential is not proven only three visits are open with it, and a router that is down keeps its place for two
connect timeouts. So the first in each line are a few that most likely answer, from all over the fleet: a dead site at the
head of the inventory would hold up everybody else.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from enum import Enum, auto

from collector.collect.hands import Job
from collector.model import Device

LIKELY = 12  # of a credential, put first
RECENT = timedelta(hours=1)  # before the newest visit of all: they were up then
HELD = 200  # jobs of one line that are passed over for want of room, each time


class Turn(Enum):
    """What became of a job that was asked for."""

    TAKEN = auto()  # it waits no more
    PASSED = auto()  # it keeps its place, the next in its line may go
    LINE_WAITS = auto()  # its credential has to wait
    ALL_WAIT = auto()


class Turns:
    """The jobs in order; those of one credential keep theirs, those of several take turns by it."""

    def __init__(self, jobs: Sequence[Job], last_visit: Callable[[Device], datetime | None]) -> None:
        self._next = 0
        self._lines: dict[str, deque[tuple[int, Job]]] = {}
        self._heads: list[tuple[int, str]] = []  # a heap: the first of each line that is not empty
        by_key: dict[str, list[Job]] = {}
        for job in jobs:
            by_key.setdefault(job.key, []).append(job)
        first = {job: None for line in by_key.values() for job in likely(line, last_visit)}
        for job in (*first, *(job for job in jobs if job not in first)):
            self.add(job)

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def __bool__(self) -> bool:
        return bool(self._heads)

    def __iter__(self) -> Iterator[Job]:
        return (job for line in self._lines.values() for _, job in line)

    def add(self, job: Job) -> None:
        """At the end."""
        line = self._lines.setdefault(job.key, deque())
        if not line:
            heapq.heappush(self._heads, (self._next, job.key))
        line.append((self._next, job))
        self._next += 1

    def go_round(self, asked: Callable[[Job], Turn]) -> None:
        """Ask one job after the other, until all wait."""
        waiting: list[str] = []
        passed: dict[str, list[tuple[int, Job]]] = {}
        while self._heads:
            key = self._heads[0][1]
            line = self._lines[key]
            said = asked(line[0][1])
            if said is Turn.ALL_WAIT:
                break
            heapq.heappop(self._heads)
            if said is Turn.LINE_WAITS:
                waiting.append(key)
                continue
            entry = line.popleft()
            if said is Turn.PASSED:
                passed.setdefault(key, []).append(entry)
            if line and len(passed.get(key, ())) <= HELD:
                heapq.heappush(self._heads, (line[0][0], key))
        for key in waiting:
            heapq.heappush(self._heads, (self._lines[key][0][0], key))
        if passed:
            for key, entries in passed.items():
                self._lines[key].extendleft(reversed(entries))
            self._heads = [(line[0][0], key) for key, line in self._lines.items() if line]
            heapq.heapify(self._heads)


def likely(line: Sequence[Job], last_visit: Callable[[Device], datetime | None]) -> list[Job]:
    """A few jobs of a credential that most likely answer: read in the last run, if any was, and far from each other, the
    first three above all. None of a few: their order is as good.
    """
    visits = [(job, at) for job in line if (at := last_visit(job.device)) is not None]
    newest = max((at for _, at in visits), default=None)
    pool = [job for job, at in visits if newest is not None and at >= newest - RECENT] or line
    if len(line) <= LIKELY:
        return []
    many = min(LIKELY, len(pool))
    places = [*range(0, many, 4), *range(1, many, 4), *range(2, many, 4), *range(3, many, 4)]
    return [pool[(2 * place + 1) * len(pool) // (2 * many)] for place in places]
