"""Helpers for tests that visit fault-injecting servers: devices, quick limits, what must be true of every visit."""

from __future__ import annotations

import os
import pwd
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from collector.lab.faults import ENABLE, PASSWORD, USERNAME, FaultServer
from collector.model import Capture, Device, Reference, Snapshot, SshSettings, Timeouts
from collector.session import Limits, Phases, Secrets, Trust, allow, visit

LINES = ("show version", "show clock", "show logging", "show crypto isakmp sa", "show clock")
# What must come is waited for so long that a busy machine does not matter; a test whose limit has to fire shortens that one.
QUICK = Limits(quiet=0.05, prompt=60, idle=60, strange=0.8, question=0.4, enable=60)
PATIENT = Phases(handshake=60, auth=60, channel=60, shell=60)


def has_name() -> bool:
    """True where the user who runs the tests has a name: the programs of OpenSSH do nothing for others."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return True


def literal(value: str) -> Reference:
    return Reference(kind="literal", value=value)


def device_of(server: FaultServer, name: str = "", *, secret: bool = False, **more: Any) -> Device:
    password = more.pop("password", PASSWORD)
    return Device(
        name=name or f"{server.fault}-{server.port}",
        host=server.host,
        port=server.port,
        username=literal(USERNAME),
        password=literal(password) if password is not None else None,
        secret=literal(ENABLE) if secret else None,
        ssh=more.pop("ssh", SshSettings()),
        timeout=Timeouts(
            connect=timedelta(seconds=more.pop("connect", 60)),
            command=timedelta(seconds=more.pop("command", 60)),
            device=timedelta(seconds=more.pop("seconds", 110)),
        ),
    )


def once(lines: Iterable[str]) -> Any:
    """A plan that asks these lines, and no more."""
    wanted = tuple(lines)

    def plan(captures: tuple[Capture, ...]) -> tuple[str, ...]:
        return () if captures else wanted

    return plan


@dataclass
class Seen:
    """One visit and what it cost."""

    snapshot: Snapshot
    seconds: float
    server: FaultServer
    typed: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    @property
    def codes(self) -> list[str]:
        """What ended the visit: at most one."""
        return [failure.code.value for failure in self.snapshot.failures if not failure.code.startswith("E_CMD_")]

    def capture(self, command: str) -> Capture:
        return next(capture for capture in self.snapshot.captures if capture.command == command)


def look(server: FaultServer, device: Device | None = None, **more: Any) -> Seen:
    """Visit a server, quick limits by default."""
    typed: list[str] = []
    told: list[str] = []
    device = device or device_of(server, secret=more.pop("secret", False), **more.pop("settings", {}))
    lines = more.pop("lines", LINES)
    began = time.monotonic()
    snapshot = visit(
        device,
        once(lines),
        secrets=more.pop("secrets", None) or Secrets(),
        trust=more.pop("trust", None) or Trust(),
        limits=more.pop("limits", QUICK),
        phases=more.pop("phases", PATIENT),
        typed=typed.append,
        told=told.append,
        **more,
    )
    return Seen(snapshot, time.monotonic() - began, server, typed, told)


def assert_harmless(seen: Seen) -> None:
    """True of every visit: only allowed lines went out, no thread stays, no secret shows."""
    allowed = {*allow.PREPARATION, *LINES, allow.ENABLE, ENABLE}
    assert set(seen.server.record.lines()) <= allowed, seen.server.record.lines()
    raw = seen.server.record.bytes_typed()
    assert all(32 <= byte < 127 or byte == 10 for byte in raw), raw
    assert raw.count(b"\n") - len(seen.server.record.lines()) <= len(LINES) + 1  # empty lines: one a command at most
    assert seen.server.record.lines().count(ENABLE) <= 1
    shown = repr(seen.snapshot.captures) + repr(seen.snapshot.failures) + repr(seen.typed) + repr(seen.told)
    assert PASSWORD not in shown
    assert ENABLE not in shown


def client_threads() -> list[str]:
    """Threads of our side that are still there (closing ones get their time)."""
    from collector.session.transport import Transport

    return lasting(lambda: [thread.name for thread in threading.enumerate() if isinstance(thread, Transport)])


def lasting(look: Callable[[], list[str]], seconds: float = 20) -> list[str]:
    """What `look` still finds after a while; nothing, as soon as it finds nothing."""
    end = time.monotonic() + seconds
    while (left := look()) and time.monotonic() < end:
        time.sleep(0.02)
    return left
