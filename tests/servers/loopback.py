"""What every server of the tests needs: a free port on loopback, and to know when it answers."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_up(ask: Callable[[], object], *, seconds: float, name: str) -> None:
    """Ask until an answer comes; RuntimeError when none came in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            ask()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{name} did not start")
