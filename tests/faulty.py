"""Helpers for tests that visit fault-injecting servers: devices, quick limits, what must be true of every visit."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from collector.lab.faults import ENABLE, PASSWORD, USERNAME, FaultServer
from collector.model import Capture, Device, Reference, Snapshot, SshSettings, Timeouts
from collector.session import Limits, Phases, Secrets, Trust, allow, visit

LINES = ("show version", "show clock", "show logging", "show crypto isakmp sa", "show clock")
QUICK = Limits(quiet=0.05, prompt=1.0, idle=1.5, strange=0.8, over=0.8, question=0.4, enable=2.0)
QUICK_PHASES = Phases(handshake=1.0, auth=1.0, channel=0.6, shell=1.0)


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
            connect=timedelta(seconds=more.pop("connect", 8)),
            command=timedelta(seconds=more.pop("command", 30)),
            device=timedelta(seconds=more.pop("seconds", 60)),
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
        phases=more.pop("phases", QUICK_PHASES),
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
    """Threads of our side that are still there (a closing one gets a moment)."""
    from collector.session.transport import Transport

    end = time.monotonic() + 0.5
    while True:
        left = [thread.name for thread in threading.enumerate() if isinstance(thread, Transport)]
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.02)
