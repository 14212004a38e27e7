"""Visits by several processes. Each has at most 100 threads and a socket to this one, which alone decides about logins.

Not `ProcessPoolExecutor`: there one process that dies breaks the pool and takes every other visit with it, and the
interpreter waits for it at its end. Not `fork`: this process has threads and an open ledger.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from collector.collect.hands import MOST_THREADS, Job, LostError, Visit
from collector.collect.messages import Answer, Broken, Ended, Go, Hello, Kept, Matter, Order, Problem, Question, Said
from collector.collect.visits import failed, row
from collector.errors import CollectorError, ErrorCode, SessionError
from collector.model import Device, Snapshot
from collector.session import Secrets, Trust
from collector.session.environment import minimal

SPARE = 8  # processes that may be started for others that died, in one run
LEAVING = 1.0  # seconds that a process has to leave by itself
LISTENING = 10  # seconds in which a process must read what it is told
NEEDED = ("SSH_AUTH_SOCK", "LD_LIBRARY_PATH", "SPI_DEBUG")  # beside the usual variables; secrets stay with the run
DEFERRED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(slots=True, eq=False)
class Member:
    """One worker process and the visits in it."""

    process: subprocess.Popen[bytes]
    connection: Connection
    lock: threading.Lock = field(default_factory=threading.Lock)
    jobs: dict[int, tuple[Job, Visit]] = field(default_factory=dict)
    alive: bool = True

    def send(self, message: object) -> bool:
        """False where nobody listens any more; a process that reads nothing for long is taken for hung, and ended."""
        with self.lock:
            try:
                self.connection.send(message)
            except OSError:
                self.process.kill()
                return False
        return True

    def close(self) -> None:
        """Let go of the socket."""
        with self.lock:
            self.connection.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What this process answers for all. pace: seconds until a job's login may go out. told: a line for a person."""

    secrets: Secrets
    trust: Trust
    pace: Callable[[Job], float]
    told: Callable[[str], None]

    def answer(self, question: Question, job: Job | None) -> Answer:
        """What the run's own secrets, trust and bucket say."""
        try:
            value = self._value(question, job)
        except CollectorError as error:
            return Answer(number=question.number, problem=Problem.of(error))
        return Answer(number=question.number, value=value)

    def _value(self, question: Question, job: Job | None) -> object:
        given: tuple = question.arguments  # type: ignore[type-arg]
        match question.matter:
            case Matter.LOGIN:
                return self.pace(job) if job is not None else 0.0
            case Matter.KEYS:
                return self.trust.keys(*given)
            case Matter.CHECK:
                return self.trust.check(*given)
            case Matter.IDENTIFY:
                name, hostname, serial, pin = given
                return self.trust.identify(name, hostname=hostname, serial=serial, pin=pin)
            case Matter.SECRET:
                return self.secrets.resolve(*given).reveal()  # to our own child, over its socket


def jump_of(device: Device) -> str | None:
    """The jump host on the way to a device, wherever it is named."""
    if device.ssh.config_file is None:
        return device.ssh.jump
    from collector.session.sshconfig import route  # noqa: PLC0415 - loads the SSH library

    try:
        return route(device).jump
    except SessionError:  # the visit will say so
        return None


class Crew:
    """`count` processes, each begun when it is needed; one that died is replaced, a few times."""

    def __init__(
        self,
        count: int,
        *,
        hello: Hello,
        office: Office,
        brief: Callable[[Device], object],
    ) -> None:
        self._slots: list[Member | None] = [None] * count
        self._left = count + SPARE
        self._hello = hello
        self._office = office
        self._brief = brief
        self._homes: dict[str, int] = {}
        self._numbers = itertools.count(1)
        self._readers: list[threading.Thread] = []

    # -- hands ----------------------------------------------------------------------------------------------------

    def room(self, job: Job) -> bool:
        """Whether the process that would visit it has a thread left."""
        member = self._slots[self._slot(job)]
        return member is None or len(member.jobs) < MOST_THREADS

    def begin(self, job: Job, *, last: bool) -> Visit:
        """Give the job to the process that has least to do; to that of its jump host, if it has one."""
        number, visit = next(self._numbers), Visit()
        task = Go(number=number, device=job.device, brief=self._brief(job.device), best=job.best, last=last)
        while (member := self._member(self._slot(job))) is not None:
            member.jobs[number] = (job, visit)
            if member.send(task):
                return visit
            if member.jobs.pop(number, None) is None:  # its reader was quicker and has said that it is lost
                return visit
            member.alive = False
        visit.set_result(row(job.device, failed(ErrorCode.NOT_STARTED, "run", "no process is left to visit it")))
        return visit

    def cancel(self) -> None:
        """Have every process end its visits."""
        for member in self._members():
            member.send(Order.CANCEL)

    def close(self) -> None:
        """Every process is gone when this returns, and every thread of this one that listened to it."""
        members = list(self._members())
        for member in members:
            if not member.jobs:
                member.send(Order.END)
        end = time.monotonic() + LEAVING
        for member in members:
            if not member.jobs:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    member.process.wait(max(0.0, end - time.monotonic()))
            member.process.kill()
            member.process.wait()
        for reader in self._readers:
            reader.join(LEAVING)
        self._slots = [None] * len(self._slots)

    # -- members --------------------------------------------------------------------------------------------------

    def _members(self) -> Iterator[Member]:
        return (member for member in self._slots if member is not None)

    def _slot(self, job: Job) -> int:
        """Which process: all devices behind one jump host share its one connection, so they share a process."""
        jump = jump_of(job.device)
        if jump is not None and jump in self._homes:
            return self._homes[jump]
        loads = [len(member.jobs) if member is not None and member.alive else 0 for member in self._slots]
        slot = loads.index(min(loads))
        if jump is not None:
            self._homes[jump] = slot
        return slot

    def _member(self, slot: int) -> Member | None:
        """The process of a slot, started where there is none; another's where none can be started."""
        member = self._slots[slot]
        if member is not None and member.alive:
            return member
        if self._left > 0:
            self._left -= 1
            with contextlib.suppress(OSError):
                self._slots[slot] = self._started()
                return self._slots[slot]
        free = (each for each in self._members() if each.alive and len(each.jobs) < MOST_THREADS)
        return min(free, key=lambda each: len(each.jobs), default=None)

    def _started(self) -> Member:
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", LISTENING, 0))
        with theirs, _deferred():  # a process never wakes up to a signal that is the run's to judge
            process = subprocess.Popen(
                [sys.executable, "-m", "collector.collect.worker"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=None if os.environ.get("SPI_DEBUG") else subprocess.DEVNULL,
                env=minimal(also=(*NEEDED, *(name for name in os.environ if name.startswith("PYTHON")))),
            )
        member = Member(process, Connection(ours.detach()))
        member.send(sys.path)
        member.send(self._hello)
        reader = threading.Thread(target=self._listen, args=(member,), name="visit-crew", daemon=True)
        self._readers.append(reader)
        reader.start()
        return member

    # -- what they say --------------------------------------------------------------------------------------------

    def _listen(self, member: Member) -> None:
        try:
            while True:
                self._heard(member, member.connection.recv())
        except (EOFError, OSError):
            pass
        finally:
            member.alive = False
            member.close()
            how = _how(member.process)
            while member.jobs:
                _, (_, visit) = member.jobs.popitem()
                visit.set_exception(LostError(how))

    def _heard(self, member: Member, message: object) -> None:
        if isinstance(message, Ended):
            _, visit = member.jobs.pop(message.number, (None, None))
            if visit is not None:
                _done(visit, message.brought)
        elif isinstance(message, Said):
            self._office.told(message.line)
        elif isinstance(message, Question):
            job, _ = member.jobs.get(message.visit, (None, None))
            if message.matter is Matter.SECRET:  # a command that gives a password may take its time
                threading.Thread(target=self._answer, args=(member, message, job), daemon=True).start()
            else:
                self._answer(member, message, job)

    def _answer(self, member: Member, question: Question, job: Job | None) -> None:
        member.send(self._office.answer(question, job))


def _done(visit: Visit, brought: Snapshot | Kept | Broken) -> None:
    if isinstance(brought, Broken):
        visit.set_exception(brought.error())
    else:
        visit.set_result(brought)


def _how(process: subprocess.Popen[bytes]) -> str:
    """How a process ended, in words."""
    try:
        code = process.wait(LEAVING)
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait()
    return f"signal {-code}" if code < 0 else f"status {code}"


@contextmanager
def _deferred() -> Iterator[None]:
    """What is started in the block has these signals blocked; here they come a moment later."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, DEFERRED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
