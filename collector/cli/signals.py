"""SIGINT and SIGTERM: what a run has brought is judged and remembered before it leaves with 130 or 143."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

WATCHED = (signal.SIGINT, signal.SIGTERM)


class TerminatedError(BaseException):
    """SIGTERM, where nothing has to be finished first. Like KeyboardInterrupt no Exception: nobody takes it for a fault."""


@dataclass(slots=True)
class Caught:
    """The first signal that came, `None` before."""

    number: int | None = None


def raise_on_sigterm() -> None:
    """Let SIGTERM unwind the stack as Ctrl-C does: temporary folders go, locks are freed."""
    signal.signal(signal.SIGTERM, _raise)


def _raise(number: int, _frame: FrameType | None = None) -> None:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise TerminatedError


@contextmanager
def noted() -> Iterator[Caught]:
    """Note the first signal and go on: what is being written is finished. The second one ends the block at once."""
    caught = Caught()

    def note(number: int, _frame: FrameType | None) -> None:
        if caught.number is not None:
            _raise(number)
        caught.number = number

    before = {number: signal.signal(number, note) for number in WATCHED}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
