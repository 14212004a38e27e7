"""Fewer searches for garbage while a fleet is visited.

A visit leaves some 200 objects in cycles, so the interpreter searches for garbage at every third one, in all that the
other visits are at work with: 0.3 to 0.5 ms of a visit's 6. At ten times the number it is 0.05 ms.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_MADE = 7_000  # objects more made than freed before the next search; 700 is usual


@contextmanager
def rare_collections() -> Iterator[None]:
    """While the block runs, or for good in a process that only visits."""
    before = gc.get_threshold()
    gc.set_threshold(max(_MADE, before[0]) if before[0] else 0, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
