"""Through a jump host: one connection to it per process, a channel in it per device.

The bastion sees one login, not one a device. What fails at it is E_JUMP with its name and its own code: the router is
not to blame.
"""

from __future__ import annotations

import hmac
import re
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import paramiko

from collector.errors import ErrorCode, SessionError
from collector.session.authenticate import Credentials, Login
from collector.session.classify import classify
from collector.session.connection import Guard, HostKeyRule
from collector.session.dial import check_host, dial
from collector.session.limits import Phases
from collector.session.transport import Transport

_JUMP = re.compile(
    r"(?:(?P<user>[A-Za-z0-9._-]{1,64})@)?(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[^@\[\]:,\s]{1,253})(?::(?P<port>\d{1,5}))?"
)
_SALT = secrets.token_bytes(32)
MEMORY = 60.0  # seconds that a failed jump host is not tried again
REFUSED = {
    1: "administratively prohibited",
    2: "the connection failed",
    3: "unknown channel type",
    4: "resource shortage",
}


@dataclass(frozen=True, slots=True)
class _Key:
    host: str
    port: int
    username: str
    proof: bytes  # a fingerprint of password and key: what one credential opened, or was refused, is not another's


class _Shared:
    """The open connections to jump hosts of this process. A dead one is replaced at the next use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[_Key, threading.Lock] = {}
        self._open: dict[_Key, Transport] = {}
        self._failed: dict[_Key, tuple[float, SessionError]] = {}

    def transport(self, key: _Key, connect: Callable[[], Transport]) -> Transport:
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            known = self._open.get(key)
            if known is not None and known.is_active():
                return known
            failed = self._failed.get(key)
            if failed is not None and (
                failed[1].code is ErrorCode.AUTH_REJECTED or time.monotonic() - failed[0] < MEMORY
            ):
                raise failed[1]  # a refused password is not tried again for every device behind it
            try:
                self._open[key] = connect()
            except SessionError as error:
                self._failed[key] = (time.monotonic(), error)
                raise
            return self._open[key]

    def close(self) -> None:
        """Close all; the next use connects anew."""
        with self._lock:
            transports = list(self._open.values())
            self._open.clear()
            self._failed.clear()
        for transport in transports:
            transport.close_hard()


SHARED = _Shared()


def close_jumps() -> None:
    """Close the connections to jump hosts, at the end of a run."""
    SHARED.close()


def through(
    jump: str,
    target: tuple[str, int],
    seconds: float,
    *,
    credentials: Credentials,
    rule: Callable[[str, int], HostKeyRule],
    phases: Phases,
    before_login: Callable[[], None] = lambda: None,
) -> Any:
    """A channel to `target` through `jump` (`[user@]host[:port]`), to be used as a socket.

    before_login: called before a login at the jump host itself. What fails at the jump host is E_JUMP; what fails behind
    it is the router's (E_TCP_REFUSED, E_TIMEOUT_CONNECT).
    """
    found = _JUMP.fullmatch(jump)
    if found is None or int(found["port"] or 22) not in range(1, 65536):
        raise SessionError(
            ErrorCode.JUMP,
            f"{jump.rpartition('@')[2][:80]!r} is no jump host (one hop: [user@]host[:port])",
            phase="connect",
        )
    host, port = found["host"].strip("[]"), int(found["port"] or 22)
    user = found["user"] or credentials.username
    login = Login(Credentials(username=user, password=credentials.password, keys=credentials.keys), before_login)
    try:
        check_host(host)
        transport = SHARED.transport(
            _Key(host, port, user, _fingerprint(credentials)),
            lambda: _connect(host, port, seconds, login=login, rule=rule(host, port), phases=phases),
        )
        rule(host, port).judge(transport.get_remote_server_key())  # by this device's rule, whoever opened it
    except SessionError as error:
        raise SessionError(
            ErrorCode.JUMP,
            f"jump host {host} port {port}: {error.code}: {error.message}",
            phase="connect",
            hint=error.hint,
            cause=error.code,
        ) from None
    return _channel(transport, host, target, seconds)


def _fingerprint(credentials: Credentials) -> bytes:
    password = credentials.password.reveal() if credentials.password is not None else ""
    return hmac.digest(_SALT, f"{credentials.keys}\0{password}".encode("utf-8", "surrogatepass"), "sha256")


def _connect(host: str, port: int, seconds: float, *, login: Login, rule: HostKeyRule, phases: Phases) -> Transport:
    guard = Guard(phases, time.monotonic() + seconds + phases.handshake + phases.auth)
    sock = dial(host, port, seconds)
    transport = guard.transport = Transport(sock, profile="modern", pinned=rule.pinned())
    guard.enter("handshake", phases.handshake)
    try:
        transport.start_client()
        rule.judge(transport.get_remote_server_key())
        guard.leave()
        login.before()
        guard.enter("auth", phases.auth)
        login.authenticate(transport)
        guard.leave()
    except Exception as error:  # noqa: BLE001 - whatever the library raises is classified, one place
        guard.leave()
        failure = classify(error, phase=guard.phase, expired=guard.expired, transport=transport)
        transport.close_hard()
        raise failure from None
    transport.set_keepalive(15)
    return transport


def _channel(transport: Transport, host: str, target: tuple[str, int], seconds: float) -> Any:
    try:
        return transport.open_channel("direct-tcpip", target, ("127.0.0.1", 0), timeout=seconds)
    except paramiko.ChannelException as error:
        if error.code == 2:  # the jump host tried, and the router (or the path to it) refused
            raise SessionError(
                ErrorCode.TCP_REFUSED,
                f"{target[0]} port {target[1]}: refused or unreachable from {host}",
                phase="connect",
            ) from None
        why = REFUSED.get(error.code, str(error))
        raise SessionError(ErrorCode.JUMP, f"jump host {host} opens no channel: {why}", phase="connect") from None
    except (paramiko.SSHException, EOFError, OSError):
        if transport.is_active():
            raise SessionError(
                ErrorCode.TIMEOUT_CONNECT,
                f"no answer from {target[0]} port {target[1]} through {host}",
                phase="connect",
            ) from None
        raise SessionError(ErrorCode.JUMP, f"jump host {host}: the connection was lost", phase="connect") from None
