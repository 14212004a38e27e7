"""Ends waits that have no limit of their own: one thread for all visits of the process, gone when nothing is armed.

Some waits of the SSH library (a pty request never answered) end only when the transport is closed under them.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable


class Watchdog:
    """Calls an action when its moment (monotonic seconds) comes, unless it was cancelled before."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._armed: dict[int, tuple[float, Callable[[], None]]] = {}
        self._numbers = itertools.count()
        self._running = False

    def arm(self, moment: float, action: Callable[[], None]) -> int:
        """Have `action` called at `moment`; the number returned cancels it. Actions are short and raise nothing."""
        with self._changed:
            number = next(self._numbers)
            self._armed[number] = (moment, action)
            if not self._running:
                self._running = True
                threading.Thread(target=self._watch, name="visit-watchdog", daemon=True).start()
            self._changed.notify()
            return number

    def cancel(self, number: int | None) -> None:
        """Forget an action; no harm where it is done or was never armed."""
        with self._changed:
            if number is not None and self._armed.pop(number, None) is not None:
                self._changed.notify()

    def _watch(self) -> None:
        while True:
            with self._changed:
                if not self._armed:
                    self._running = False
                    return
                now = time.monotonic()
                due = [number for number, (moment, _) in self._armed.items() if moment <= now]
                actions = [self._armed.pop(number)[1] for number in due]
                if not actions:
                    self._changed.wait(min(moment for moment, _ in self._armed.values()) - now)
            for action in actions:
                action()


WATCHDOG = Watchdog()  # one thread for the process, however many visits
