"""The pool: what `concurrent.futures` promises of an executor, without waiting for who hangs."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from collector.collect.pool import Pool

PATIENCE = 60  # seconds: a bound for a broken pool, not a time that anything takes


def test_a_thread_that_hangs_keeps_no_interpreter_alive():
    program = (
        "import threading; from collector.collect.pool import Pool\n"
        "pool, begun = Pool(2, 'p'), threading.Event()\n"
        "pool.submit(lambda: (begun.set(), threading.Event().wait())); begun.wait()\n"
        "print(pool.submit(sum, (1, 2)).result(), flush=True); pool.shutdown(wait=False)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"3\n", b"")


def test_no_more_threads_than_are_needed_and_never_more_than_most():
    with Pool(3, "few") as pool:
        for number in range(20):
            assert pool.submit(pow, number, 2).result(PATIENCE) == number**2
        assert len(pool._threads) == 1  # one after the other
        go = threading.Event()
        waiting = [pool.submit(go.wait, PATIENCE) for _ in range(10)]
        assert len(pool._threads) == 3
        assert not any(future.done() for future in waiting)
        go.set()
        assert [future.result(PATIENCE) for future in waiting] == [True] * 10
        assert pool.submit(threading.current_thread).result(PATIENCE).daemon
    assert not any(thread.is_alive() for thread in pool._threads)  # as a context manager it waits


def test_what_a_task_raises_is_raised_where_its_result_is_asked_for():
    with Pool(1, "one") as pool:
        for kind in (ValueError, SystemExit):

            def fail(kind=kind):
                raise kind("so")

            with pytest.raises(kind, match="so"):
                pool.submit(fail).result(PATIENCE)
        assert pool.submit(len, "ab").result(PATIENCE) == 2  # its thread lives on


def test_what_has_not_begun_can_be_cancelled():
    go = threading.Event()
    with Pool(1, "one") as pool:
        first, second, third = pool.submit(go.wait, PATIENCE), pool.submit(len, ""), pool.submit(len, "a")
        assert second.cancel()
        go.set()
        assert third.result(PATIENCE) == 1
    pool = Pool(1, "one")
    go.clear()
    first, second = pool.submit(go.wait, PATIENCE), pool.submit(len, "")
    while not first.running():
        time.sleep(0.01)
    pool.shutdown(wait=False, cancel_futures=True)
    go.set()
    assert first.result(PATIENCE) is True
    assert second.cancelled()
