"""What the run and its worker processes say to each other, pickled, over a socket that nobody else can reach.

A worker asks before each login, for each key and identity, and for each secret: these are decided in one place, so that
a promise about the fleet does not depend on the number of processes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Protocol

from collector.errors import CollectorError, ErrorCode, SessionError, StateError
from collector.model import Device, Failure, Snapshot
from collector.session import Limits, Plan


class Work(Protocol):
    """What is done with a device where it is visited; pickled once to each process, so of frozen records only.

    brief: what one visit needs to know, as `Elsewhere.brief` gave it.
    """

    def plan(self, device: Device, brief: object) -> Plan:
        """What to ask it."""

    def keep(self, snapshot: Snapshot, brief: object) -> object:
        """Put away what came; what is given back goes to the run and should be small. Raises StateError (disk full)."""


# -- to a worker ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """The first word: what holds for all visits."""

    work: Work
    limits: Limits | None
    state: Path | None
    lock_patience: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Go:
    """Visit this device. best: what an earlier visit of this run brought. last: no further visit would follow."""

    number: int
    device: Device
    brief: object
    best: Snapshot | None
    last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An error on its way through the socket."""

    message: str
    code: ErrorCode | None = None
    phase: str = ""
    command: str | None = None
    hint: str = ""

    @classmethod
    def of(cls, error: CollectorError) -> Problem:
        """The error as data."""
        if isinstance(error, SessionError):
            return cls(
                message=error.message, code=error.code, phase=error.phase, command=error.command, hint=error.hint
            )
        return cls(message=str(error))

    def error(self) -> CollectorError:
        """And back."""
        if self.code is None:
            return StateError(self.message)
        return SessionError(self.code, self.message, phase=self.phase, command=self.command, hint=self.hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """To the question of that number; `value` may be a secret."""

    number: int
    value: object = field(default=None, repr=False)
    problem: Problem | None = None


class Order(Enum):
    """CANCEL: end the visits under way and say what they brought. END: leave."""

    CANCEL = auto()
    END = auto()


# -- from a worker ----------------------------------------------------------------------------------------------------


class Matter(Enum):
    """What is asked."""

    LOGIN = auto()
    KEYS = auto()
    CHECK = auto()
    IDENTIFY = auto()
    SECRET = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """visit: the number of the `Go` on whose behalf, where that matters."""

    number: int
    matter: Matter
    arguments: tuple[object, ...]
    visit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A line for a person."""

    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A visit that ended and whose snapshot was put away where it was made. value: what `Work.keep` gave back."""

    failures: tuple[Failure, ...]
    captured: bool
    value: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """What came could not be kept: the run cannot go on. known: an error of ours, else a defect."""

    message: str
    known: bool

    def error(self) -> Exception:
        """As it would have been raised here."""
        return StateError(self.message) if self.known else RuntimeError(self.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The visit of that number is over. A snapshot comes whole only where a further visit is to follow."""

    number: int
    brought: Snapshot | Kept | Broken
