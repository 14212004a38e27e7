"""SIGINT, SIGTERM and SIGHUP while a fleet is visited."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def heeded(stop: Callable[[int], None]) -> Iterator[None]:
    """In the block `stop` is told of each; afterwards who heard them before hears them again. Only in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def told(number: int, _frame: FrameType | None) -> None:
        stop(number)

    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN  # nohup
    before = {number: signal.signal(number, told) for number in STOPPING if not (ignored and number == signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
