"""Runs of the command as processes of their own, forked from one that has loaded everything: so that many can be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

_PROGRAM = """
import json, os, sys
from collector.cli import _run
import collector.cli.app, collector.cli.tickets, collector.sinks.http, collector.history.outbox
for line in sys.stdin:
    order = json.loads(line)
    child = os.fork()
    if child == 0:
        out = os.open(order["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.stdout = open(1, "w", buffering=1, closefd=False)
        sys.stderr = open(2, "w", buffering=1, closefd=False)
        os._exit(int(_run(order["words"])))
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass
class Nursery:
    """out: what the runs print, in lines that are there as soon as they are said."""

    process: subprocess.Popen[str]
    out: Path
    child: int | None = None
    born: threading.Condition = field(default_factory=threading.Condition)

    def run(self, *words: str) -> int:
        """Run the command to its end; its exit code, -9 where it was killed."""
        said, told = self.process.stdout, self.process.stdin
        assert said is not None
        assert told is not None
        self._say(told, {"words": words, "out": str(self.out)})
        with self.born:
            self.child = int(said.readline())
            self.born.notify_all()
        code = int(said.readline())
        with self.born:
            self.child = None
        return code

    def _say(self, told: IO[str], order: dict[str, object]) -> None:
        told.write(json.dumps(order) + "\n")
        told.flush()

    def current(self) -> int:
        """The run that is under way; waits for one that is being born."""
        with self.born:
            assert self.born.wait_for(lambda: self.child is not None, 60)
            assert self.child is not None
            return self.child

    def kill(self, child: int) -> None:
        """SIGKILL for that run, if it is still the one under way: else its number may be somebody else's."""
        with self.born:
            if self.child == child:
                try:
                    os.kill(child, signal.SIGKILL)
                except ProcessLookupError:
                    return


@contextmanager
def nursery(folder: Path) -> Iterator[Nursery]:
    """One for the block; ended with it."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Nursery(process, folder / "said.txt")
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()
