"""What every server of the tests needs: a free port on loopback, and to know when it answers."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def free_port() -> int:
    """A port that nobody listens on now, and that no other program is given by chance before our server has it."""
    first, last = _given_by_chance()
    candidates = [port for port in range(10_000, 65_000) if not first <= port <= last] or list(range(20_000, 30_000))
    for port in random.SystemRandom().sample(candidates, 200):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no free port on loopback")


def _given_by_chance() -> tuple[int, int]:
    """The ports that the system gives to who asks for any."""
    try:
        first, last = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()
    except OSError:
        return 32_768, 60_999
    return int(first), int(last)


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
