"""A worker process: visits the devices that it is given, keeps what they say, and asks the run before it dares anything.

Started by `crew` with the socket as its standard input. It leaves when the other end closes, however the run ended: a
thread that hangs in a visit cannot keep it. Signals are blocked from the start: the run decides what they mean.
"""

from __future__ import annotations

import itertools
import os
import queue
import sys
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from collector.collect import visits
from collector.collect.garbage import rare_collections
from collector.collect.hands import MOST_THREADS
from collector.collect.messages import (
    Answer,
    Broken,
    Ended,
    Go,
    Hello,
    Kept,
    Matter,
    Order,
    Question,
    Said,
)
from collector.collect.pool import Pool
from collector.errors import CollectorError, ErrorCode, Retry, SessionError
from collector.model import Reference, Snapshot
from collector.session import Cancel, HostKey, Secret, Secrets, Trust, close_shared

PATIENCE = 120.0  # seconds for an answer: a command that gives a password may take 30


class Line:
    """The worker's end of the socket: questions and their answers, in any order."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._open: dict[int, queue.SimpleQueue[Answer]] = {}

    def say(self, message: Question | Said | Ended) -> None:
        """Send, whole. Where nobody listens any more, there is nothing left to do."""
        with self._lock:
            try:
                self._connection.send(message)
            except OSError:
                _leave()

    def ask(self, matter: Matter, *arguments: object, visit: int = 0) -> Any:
        """The run's answer. Raises what it raised there."""
        number, answers = next(self._numbers), queue.SimpleQueue[Answer]()
        self._open[number] = answers
        try:
            self.say(Question(number=number, matter=matter, arguments=arguments, visit=visit))
            answer = answers.get(timeout=PATIENCE)
        except queue.Empty:
            raise SessionError(ErrorCode.INTERNAL, f"no answer about {matter.name.lower()}", phase="any") from None
        finally:
            del self._open[number]
        if answer.problem is not None:
            raise answer.problem.error()
        return answer.value

    def answered(self, answer: Answer) -> None:
        """Hand an answer to who waits for it."""
        if (waiting := self._open.get(answer.number)) is not None:
            waiting.put(answer)


class FarSecrets(Secrets):
    """Secrets are looked up by the run, once for all processes."""

    def __init__(self, line: Line) -> None:
        super().__init__({})
        self._line = line

    def resolve(self, reference: Reference, purpose: str) -> Secret:
        """As `Secrets.resolve`."""
        return Secret(self._line.ask(Matter.SECRET, reference, purpose))


class FarTrust(Trust):
    """Keys and identities are judged and pinned by the run."""

    def __init__(self, line: Line) -> None:
        super().__init__(None)
        self._line = line

    def keys(self, host: str, port: int, override: str | None = None) -> tuple[HostKey, ...]:
        """As `Trust.keys`."""
        found: tuple[HostKey, ...] = self._line.ask(Matter.KEYS, host, port, override)
        return found

    def check(self, host: str, port: int, key: HostKey, mode: Any, override: str | None = None) -> bool:
        """As `Trust.check`."""
        return bool(self._line.ask(Matter.CHECK, host, port, key, mode, override))

    def identify(self, name: str, *, hostname: str | None = None, serial: str | None = None, pin: bool = True) -> bool:
        """As `Trust.identify`."""
        return bool(self._line.ask(Matter.IDENTIFY, name, hostname, serial, pin))


class Worker:
    """What one process does with the devices that it is given."""

    def __init__(self, hello: Hello, line: Line) -> None:
        self._hello = hello
        self._line = line
        self._means = visits.Means(
            secrets=FarSecrets(line),
            trust=FarTrust(line),
            cancel=Cancel(),
            told=lambda text: line.say(Said(line=text)),
            limits=hello.limits,
            state=hello.state,
            lock_patience=hello.lock_patience,
        )
        self._pool = Pool(MOST_THREADS, "visit")

    def go(self, task: Go) -> None:
        """Begin a visit; the run is told when it is over."""
        self._pool.submit(lambda: self._line.say(Ended(number=task.number, brought=self._visit(task))))

    def cancel(self) -> None:
        """End what is under way."""
        threading.Thread(target=self._means.cancel.fire, daemon=True).start()

    def _visit(self, task: Go) -> Snapshot | Kept | Broken:
        work = self._hello.work
        snapshot = visits.one_visit(
            task.device, lambda: work.plan(task.device, task.brief), self._means, lambda: self._pace(task.number)
        )
        if visits.again(snapshot.failures, last=task.last) is not Retry.NO:
            return visits.better(task.best, snapshot)
        try:
            return self._kept(task, snapshot)
        except CollectorError as error:
            return Broken(message=str(error), known=True)
        except Exception as error:  # noqa: BLE001 - told to the run, which ends as if it had happened there
            return Broken(message=f"{type(error).__name__}: {error}", known=False)

    def _kept(self, task: Go, snapshot: Snapshot) -> Kept:
        best = visits.better(task.best, snapshot)
        value = self._hello.work.keep(best, task.brief)
        return Kept(failures=best.failures, captured=bool(best.captures), value=value)

    def _pace(self, visit: int) -> None:
        time.sleep(self._line.ask(Matter.LOGIN, visit=visit))


def _leave() -> NoReturn:
    """At once, whatever threads hang."""
    os._exit(0)


def main() -> None:
    """Serve until the run says END or its end of the socket is closed."""
    connection = Connection(os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    with rare_collections(), suppress(EOFError, OSError):
        _serve(connection)
    _leave()


def _serve(connection: Connection) -> None:
    sys.path[:] = connection.recv()  # first of all: what follows may name modules found there alone
    hello = connection.recv()
    line = Line(connection)
    worker = Worker(hello, line)
    while True:
        message = connection.recv()
        if isinstance(message, Go):
            worker.go(message)
        elif isinstance(message, Answer):
            line.answered(message)
        elif message is Order.CANCEL:
            worker.cancel()
        else:
            close_shared()
            return


if __name__ == "__main__":
    main()
