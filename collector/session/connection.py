"""One SSH connection to one router, on netmiko: from a TCP socket to a shell, each step with an end.

The only module that imports netmiko. Its `CiscoIosSSH` builds the client and asks for pty and shell; what it does by
guess (host keys, login, prompt search, `disconnect`) is replaced.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import paramiko
from netmiko import log as netmiko_log
from netmiko.cisco.cisco_ios import CiscoIosSSH

from collector.errors import ErrorCode
from collector.session.authenticate import Login
from collector.session.classify import classify
from collector.session.hooks import missing
from collector.session.limits import Phases
from collector.session.packets import TimedChannel
from collector.session.pump import PumpedTransport
from collector.session.transport import FOREVER, Transport
from collector.session.trust import HostKey, Trust
from collector.session.watchdog import WATCHDOG

for _name in ("paramiko", "netmiko"):  # their debug logs show what we type; their errors are typed by us
    _logger = logging.getLogger(_name)
    _logger.addHandler(logging.NullHandler())
    if _logger.level == logging.NOTSET:
        _logger.setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKeyRule:
    """How the server's key is judged. host, port: under which it is pinned."""

    trust: Trust
    host: str
    port: int
    mode: Any = "accept-new"
    known_hosts: str | None = None
    told: Callable[[str], None] = lambda _line: None

    def pinned(self) -> tuple[HostKey, ...]:
        """The keys to ask for first."""
        return self.trust.keys(self.host, self.port, self.known_hosts)

    def judge(self, key: Any) -> None:
        """SessionError unless the key is the pinned one or may be pinned now."""
        shown = to_host_key(key)
        if self.trust.check(self.host, self.port, shown, self.mode, self.known_hosts):
            self.told(f"pinned the host key of {self.host} port {self.port}: {shown}")


def to_host_key(key: Any) -> HostKey:
    """A key of the library as it stands in known_hosts."""
    return HostKey(type=key.get_name(), blob=key.get_base64())


TRANSPORT: type[Transport] = Transport if missing() else PumpedTransport  # of a visit; without hooks, a thread each


class Guard:
    """Ends the phases of one login when a phase's time, or the device's, is over.

    A transport that reads in the visit's thread ends its own waits; under one with a thread the watchdog closes.
    """

    def __init__(self, phases: Phases, deadline: float) -> None:
        self.phases = phases
        self.deadline = deadline
        self.phase = "handshake"
        self.transport: Transport | None = None
        self._label = "device"  # what is over at the moment
        self._moment = deadline
        self._fired: str | None = None
        self._armed: int | None = None

    @property
    def expired(self) -> str | None:
        """The phase that ran out of time, or "device"."""
        transport = self.transport
        return self._fired or (
            self._label if isinstance(transport, PumpedTransport) and transport.out_of_time else None
        )

    def watch(self, transport: Transport) -> None:
        """The connection that the phases are about: there is nothing to end before."""
        self.transport = transport
        self._bound()

    def enter(self, phase: str, seconds: float) -> None:
        """Begin a phase that may take `seconds`."""
        self.leave()
        self.phase = phase
        moment = time.monotonic() + seconds
        self._label = phase if moment <= self.deadline else "device"
        self._moment = min(moment, self.deadline)
        self._bound()

    def leave(self) -> None:
        """The phase ended by itself."""
        self._fired = self.expired
        self._label, self._moment = "device", self.deadline
        if isinstance(self.transport, PumpedTransport):
            self.transport.until = self.deadline
        if self._armed is not None:
            WATCHDOG.cancel(self._armed)
            self._armed = None

    def _bound(self) -> None:
        if isinstance(self.transport, PumpedTransport):
            self.transport.until = self._moment
        elif self.transport is not None:
            label = self._label
            self._armed = WATCHDOG.arm(self._moment, lambda: self._fire(label))

    def _fire(self, label: str) -> None:
        self._fired = label
        if self.transport is not None:
            self.transport.close_hard(0)


class _Checked(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
    """Called for every key, as no key is loaded into the client: before any authentication."""

    def __init__(self, rule: HostKeyRule) -> None:
        self.rule = rule

    def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:  # noqa: ARG002 - the library's signature
        self.rule.judge(key)


@dataclass(slots=True)
class _GuardedLogin:
    """The login as a phase of the guard."""

    login: Login
    guard: Guard

    def authenticate(self, transport: Any) -> list[str]:
        self.guard.leave()
        self.login.before()
        self.guard.enter("auth", self.guard.phases.auth)
        result = self.login.authenticate(transport)
        self.guard.enter("channel", self.guard.phases.channel)
        return result


class Connection(CiscoIosSSH):  # type: ignore[misc]
    """netmiko's connection with typed failures. `shell` is the raw channel; nothing is typed here."""

    def __init__(
        self,
        sock: Any,
        *,
        host: str,
        port: int,
        platform: str,
        profile: str,
        rule: HostKeyRule,
        login: Login,
        guard: Guard,
    ) -> None:
        super().__init__(host=host, port=port, device_type=platform, auto_connect=False, sock=sock)
        self._profile = profile
        self._rule = rule
        self._login = login
        self._guard = guard
        self.key_policy = _Checked(rule)
        self.remote_conn_pre = None

    def open(self) -> None:
        """Handshake, host key, login, channel, pty, shell; SessionError with the code of what failed."""
        guard = self._guard
        guard.enter("handshake", guard.phases.handshake)
        try:
            self.establish_connection()
            guard.leave()
            if guard.expired:
                raise EOFError  # noqa: TRY301 - the watchdog closed it in the last moment
        except Exception as error:  # noqa: BLE001 - whatever the library raises is classified, one place
            guard.leave()
            failure = classify(error, phase=guard.phase, expired=guard.expired, transport=guard.transport)
            if failure.code is ErrorCode.SSH_ALGO and self._profile == "legacy":
                failure.hint = f"not even with profile legacy (paramiko {paramiko.__version__}): is it `netmiko[par4]`?"
            self.close_hard()
            raise failure from None

    def _transport(self, sock: Any, **more: Any) -> Transport:
        guard = self._guard
        transport = TRANSPORT(
            sock,
            profile=self._profile,
            pinned=self._rule.pinned(),
            on_channel=lambda: guard.enter("shell", guard.phases.shell),
            **more,
        )
        guard.watch(transport)
        return transport

    def _connect_params_dict(self) -> dict[str, Any]:
        """Netmiko's parameters, with our transport, login and no wall-clock limits."""
        parameters: dict[str, Any] = super()._connect_params_dict()
        parameters |= {
            "username": self._login.credentials.username,
            "password": None,
            "timeout": None,
            "banner_timeout": FOREVER,
            "auth_timeout": FOREVER,
            "channel_timeout": FOREVER,
            "look_for_keys": False,
            "allow_agent": False,
            "transport_factory": self._transport,
            "auth_strategy": _GuardedLogin(self._login, self._guard),
        }
        return parameters

    def _get_ssh_client_instance(self) -> paramiko.SSHClient:
        """A client that looks for host keys nowhere: they are ours to judge, and its search makes a class each time."""
        client: paramiko.SSHClient = super()._get_ssh_client_instance()
        client._host_keys = client._system_host_keys = {}  # noqa: SLF001 - it has no door for "none"
        return client

    def close_hard(self) -> None:
        """Close without a word to the router; 0.2 s at most."""
        netmiko_log.removeFilter(self._secrets_filter)
        if self._guard.transport is not None:
            self._guard.transport.close_hard()
        with contextlib.suppress(OSError, EOFError):
            self.sock.close()
        self.remote_conn = None
        self.remote_conn_pre = None

    def disconnect(self) -> None:
        """As `close_hard`: netmiko's own types `exit` and waits."""
        self.close_hard()

    def _try_session_preparation(self, force_data: bool = True) -> None:  # noqa: FBT001, FBT002 - the library's signature
        """Nothing is typed to prepare."""

    def write_channel(self, out_data: str) -> NoReturn:
        """Closed: there is one door, `shell.Shell`."""
        raise ForbiddenWriteError(f"netmiko wanted to type {len(out_data)} character(s)")


_ALL = 1 << 20
_SEND = 5.0  # seconds


class ForbiddenWriteError(RuntimeError):
    """A defect of this program: something other than the shell's door wanted to type."""


class _Channel:
    """The shell's channel."""

    def __init__(self, connection: Connection) -> None:
        self._channel: Any = connection.remote_conn

    def write(self, data: bytes) -> None:
        """Send all of `data`, which is one short line."""
        self._channel.settimeout(_SEND)
        try:
            self._channel.sendall(data)
        except OSError:
            raise EOFError from None


class Wire(_Channel):
    """The shell's channel as plain reads and writes of bytes."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._timed = TimedChannel(self._channel)

    def read(self, seconds: float) -> bytes | None:
        """Bytes that came, `b""` at the end of the connection, `None` where nothing came in `seconds`."""
        try:
            return self._timed.recv(_ALL, seconds)
        except TimeoutError:
            return None
        except OSError:
            return b""


class PumpedWire(_Channel):
    """The same over a transport that reads in the thread that waits."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._transport: Any = self._channel.transport

    def read(self, seconds: float) -> bytes | None:
        """As `Wire.read`; TimeoutError where an SSH packet began and did not end."""
        channel, end = self._channel, time.monotonic() + seconds
        while not channel.recv_ready():
            if self._transport.out_of_time:
                raise TimeoutError
            if channel.closed or channel.eof_received or not self._transport.active:
                return b""
            with contextlib.suppress(Exception):  # the connection is over then: the next turn tells
                if not self._transport.serve(end):
                    return None
                if time.monotonic() >= end and not channel.recv_ready():
                    return None
        with contextlib.suppress(Exception):  # what came counts, if the window can no more be widened
            return channel.recv(_ALL)  # type: ignore[no-any-return]
        return b""

    def write(self, data: bytes) -> None:
        """As `Wire.write`, by pieces where the server's window is small; TimeoutError where it takes nothing."""
        end = time.monotonic() + _SEND
        try:
            while data:
                self._transport.room(1, end)
                if not self._transport.active or self._channel.closed:
                    raise EOFError
                room = self._channel.out_window_size
                if room < 1:
                    raise TimeoutError
                super().write(data[:room])
                data = data[room:]
        except paramiko.SSHException:
            raise EOFError from None


def wire_of(connection: Connection) -> Wire | PumpedWire:
    """The open shell of a connection."""
    return PumpedWire(connection) if issubclass(TRANSPORT, PumpedTransport) else Wire(connection)
