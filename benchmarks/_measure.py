"""What each side of `visits` says of itself, as one line of JSON. Standard library only: both venvs import it."""

from __future__ import annotations

import json
import resource
import threading
import time
from pathlib import Path


def cpu() -> float:
    """Seconds of processor time that this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def resident() -> float:
    """MB of this process in memory now."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1000
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


FIRST = 3


class Meter:
    """Processor and wall time between `begin` and `say`; resident memory while all sessions are open.

    hold: how many sessions wait for each other before they close; 0 for none. The first three pass: we let no
    more log in before a credential has worked.
    """

    def __init__(self, hold: int) -> None:
        self.at_once = 0.0
        self._before = 0.0
        self._passed = 0
        self._lock = threading.Lock()
        self._barrier = threading.Barrier(hold, action=self._all_open) if hold else None

    def begin(self) -> None:
        self._before = resident()
        self._cpu, self._wall = cpu(), time.perf_counter()

    def last_command(self) -> None:
        """Called by each session behind its last answer, while it is open."""
        if self._barrier is None:
            return
        with self._lock:
            self._passed += 1
            passes = self._passed <= FIRST
        if not passes:
            self._barrier.wait(60)

    def _all_open(self) -> None:
        self.at_once = resident() - self._before

    def say(self, texts: dict[str, dict[str, str]]) -> None:
        """texts: router -> command -> the raw answer."""
        said = {
            "cpu": cpu() - self._cpu,
            "wall": time.perf_counter() - self._wall,
            "whole_cpu": cpu(),
            "devices": sum(len(answers) > 0 for answers in texts.values()),
            "answers": sum(len(answers) for answers in texts.values()),
            "bytes": sum(len(text) for answers in texts.values() for text in answers.values()),
            "growth": self.at_once,
        }
        print(json.dumps(said), flush=True)
