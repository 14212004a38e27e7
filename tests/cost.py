"""What a piece of work costs in CPU time, on machines that are busy with other things too."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of this thread for one run, without the collector of garbage that others made."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        begun = time.thread_time()
        work()
        return time.thread_time() - begun
    finally:
        if was_on:
            gc.enable()


def cheap(work: Callable[[], object], seconds: float, *, attempts: int = 5) -> bool:
    """True where a run stays under `seconds`; a first one may have met a cold cache or a busy neighbour."""
    return any(cpu(work) < seconds for _ in range(attempts))


def linear(work: Callable[[int], Callable[[], object]], small: int, large: int, *, attempts: int = 6) -> bool:
    """True where `work(large)` costs no more than its share of `work(small)`, two and a half times over.

    work: makes the piece of work of that size, which is not measured. Quadratic work never passes where large is four
    times small or more; linear work does, in one of the attempts, however busy the machine is.
    """
    work(small)()
    return any(cpu(work(large)) < 2.5 * large / small * max(cpu(work(small)), 0.01) for _ in range(attempts))
