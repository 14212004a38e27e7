"""`concurrent.futures` for a run that must end: threads that the interpreter does not wait for.

`ThreadPoolExecutor` joins its threads when the interpreter ends, however it was shut down: one visit that hangs would
keep a cron job alive.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import partial
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Pool(Executor):
    """At most `most` daemon threads, each begun when a task finds none idle. One thread submits."""

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._tasks: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = threading.Semaphore(0)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As `Executor.submit`."""
        future: Future[T] = Future()
        self._tasks.put((future, partial(fn, *args, **kwargs)))
        if not self._idle.acquire(blocking=False) and len(self._threads) < self._most:
            name = f"{self._name}-{len(self._threads) + 1}"
            self._threads.append(threading.Thread(target=self._work, name=name, daemon=True))
            self._threads[-1].start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as in Executor
        """As `Executor.shutdown`; without `wait` nobody waits, not even the interpreter at its end."""
        with suppress(queue.Empty):
            while cancel_futures:
                if (task := self._tasks.get_nowait()) is not None:
                    task[0].cancel()
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads if wait else ():
            thread.join()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            self._carry_out(*task)
            del task  # nor its result: this thread may be idle for long

    def _carry_out(self, future: Future[Any], call: Callable[[], Any]) -> None:
        """The thread counts as idle before its result is known: who waits for that may bring the next task at once."""
        if not future.set_running_or_notify_cancel():
            self._idle.release()
            return
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
            self._idle.release()
            future.set_exception(error)
        else:
            self._idle.release()
            future.set_result(result)
