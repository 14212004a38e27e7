"""SIGINT, SIGTERM and SIGHUP: what a run has brought is judged and remembered before it leaves with 130 or 143.

A terminal that closes ends a run as SIGTERM does; one that was started with `nohup` goes on. A second signal ends it at
once, if it comes a moment later: `timeout`, shells and terminals send what they send once to the process and once to
its group.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
MOMENT = 1.0  # seconds in which signals are one


class TerminatedError(BaseException):
    """SIGTERM or SIGHUP, where nothing has to be finished first. Like KeyboardInterrupt no Exception: nobody takes it for a fault."""


@dataclass(slots=True)
class Caught:
    """The first signal that came, `None` before."""

    number: int | None = None


def raise_on_sigterm() -> None:
    """Let SIGTERM and SIGHUP unwind the stack as Ctrl-C does: temporary folders go, locks are freed."""
    for number in heeded():
        if number != signal.SIGINT:
            signal.signal(number, _raise)


def heeded() -> tuple[signal.Signals, ...]:
    """`WATCHED`, without SIGHUP where who started this process has it ignored."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return tuple(number for number in WATCHED if not (ignored and number == signal.SIGHUP))


def _raise(number: int, _frame: FrameType | None = None) -> None:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise TerminatedError


@contextmanager
def noted() -> Iterator[Caught]:
    """Note the first signal and go on: what is being written is finished. The second one ends the block at once.

    Signals reach the main thread only; in another one nothing is ever noted.
    """
    caught = Caught()
    if threading.current_thread() is not threading.main_thread():
        yield caught
        return
    first = 0.0

    def note(number: int, _frame: FrameType | None) -> None:
        nonlocal first
        if caught.number is None:
            caught.number, first = number, time.monotonic()
        elif time.monotonic() - first > MOMENT:
            _raise(number)

    before = {number: signal.signal(number, note) for number in heeded()}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def held_back() -> Iterator[None]:
    """A signal in the block counts at its end: one in the middle of an import may be lost, or be taken for its failure."""
    with noted() as caught:
        yield
    if caught.number is not None:
        _raise(caught.number)
