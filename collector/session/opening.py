"""From a device to the raw bytes of its shell: address, jump host, credentials, connection."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from collector.errors import ErrorCode, SessionError
from collector.model import Device
from collector.session.authenticate import Credentials, Login
from collector.session.classify import left
from collector.session.connection import Connection, Guard, HostKeyRule, PumpedWire, Wire, wire_of
from collector.session.dial import check_host, dial
from collector.session.jump import through
from collector.session.limits import Phases
from collector.session.secrets import Secrets
from collector.session.sshconfig import Route, route
from collector.session.trust import Trust

if TYPE_CHECKING:
    from collector.session.visit import Cancel


@contextmanager
def opened(
    device: Device,
    deadline: float,
    *,
    secrets: Secrets,
    trust: Trust,
    cancel: Cancel,
    told: Callable[[str], None],
    before_login: Callable[[], None] = lambda: None,
    phases: Phases | None = None,
) -> Iterator[tuple[Wire | PumpedWire, Callable[[], str]]]:
    """The shell of `device`, closed hard when the block ends. SessionError for every way in which that fails.

    Beside it: what gives the reason that the router named for leaving, as the end of a sentence (mostly it names none).
    """
    way = route(device)
    credentials = _credentials(device, way, secrets)
    check_host(way.host)
    phases = phases or Phases(handshake=device.timeout.connect.total_seconds())
    sock = _socket(device, way, deadline, credentials, trust=trust, told=told, phases=phases, before_login=before_login)
    guard = Guard(phases, deadline)
    connection = Connection(
        sock,
        host=way.host,
        port=way.port,
        platform="cisco_xe" if device.platform == "cisco_xe" else "cisco_ios",
        profile=device.ssh.profile,
        rule=HostKeyRule(
            trust=trust,
            host=way.host,
            port=way.port,
            mode=device.ssh.host_key,
            known_hosts=device.ssh.known_hosts,
            told=told,
        ),
        login=Login(credentials, before_login),
        guard=guard,
    )
    with cancel.covering(lambda: _shut(guard, sock)):
        try:
            connection.open()
            channel: Any = connection.remote_conn
            channel.set_combine_stderr(combine=True)  # a refusal on the second stream is part of the answer
            yield wire_of(connection), lambda: left(guard.transport)
        except EOFError:
            raise SessionError(ErrorCode.CONN_LOST, "the connection ended", phase="command") from None
        finally:
            guard.leave()
            connection.close_hard()


def _shut(guard: Guard, sock: Any) -> None:
    if guard.transport is not None:
        guard.transport.close_hard(0)
    with contextlib.suppress(OSError, EOFError):
        sock.close()


def _credentials(device: Device, way: Route, secrets: Secrets) -> Credentials:
    username = way.username if device.username is None and way.username else secrets.username(device)
    password = secrets.resolve(device.password, "password") if device.password is not None else None
    return Credentials(username=username, password=password, keys=device.ssh.keys)


def _socket(
    device: Device,
    way: Route,
    deadline: float,
    credentials: Credentials,
    *,
    trust: Trust,
    told: Callable[[str], None],
    phases: Phases,
    before_login: Callable[[], None],
) -> Any:
    seconds = min(device.timeout.connect.total_seconds(), max(deadline - time.monotonic(), 0.1))
    if way.jump is None:
        return dial(way.host, way.port, seconds)
    return through(
        way.jump,
        (way.host, way.port),
        seconds,
        credentials=credentials,
        rule=lambda host, port: HostKeyRule(
            trust=trust, host=host, port=port, mode=device.ssh.host_key, known_hosts=device.ssh.known_hosts, told=told
        ),
        phases=phases,
        before_login=before_login,
    )
