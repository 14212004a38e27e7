"""From a device's host to a connected TCP socket, within its budget, or a typed failure."""

from __future__ import annotations

import ipaddress
import queue
import re
import socket
import threading
import time

from collector.errors import ErrorCode, SessionError

_HOSTNAME = re.compile(
    r"(?=.{1,253}\.?$)(?!-)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62}){0,126}\.?"
)
TEMPORARY = "the resolver says: try again"  # a failure with these words may be retried

_Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]


def check_host(host: str) -> None:
    """Refuse what is neither a hostname nor an address: it would end up in other programs' words."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if not _HOSTNAME.fullmatch(host):
            raise SessionError(
                ErrorCode.DNS, f"{host[:80]!r} is neither a host name nor an address", phase="resolve"
            ) from None


def dial(host: str, port: int, seconds: float) -> socket.socket:
    """A TCP connection to `host`, all its addresses tried in turn, in `seconds` altogether."""
    check_host(host)
    end = time.monotonic() + seconds
    last: SessionError | None = None
    for family, address in _resolve(host, port, seconds):
        left = end - time.monotonic()
        if left <= 0:
            break
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.settimeout(left)
        try:
            connection.connect(address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            connection.close()
            last = _failure(error, host, port, seconds)
        else:
            return connection
    raise last or _too_late(host, port, seconds)


def _too_late(host: str, port: int, seconds: float) -> SessionError:
    return SessionError(
        ErrorCode.TIMEOUT_CONNECT, f"no answer from {host} port {port} within {seconds:.0f} s", phase="connect"
    )


def _failure(error: OSError, host: str, port: int, seconds: float) -> SessionError:
    if isinstance(error, TimeoutError):
        return _too_late(host, port, seconds)
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return SessionError(
            ErrorCode.REFUSED_EARLY, f"{host} port {port} took the connection and reset it", phase="handshake"
        )
    if isinstance(error, ConnectionError):
        return SessionError(ErrorCode.TCP_REFUSED, f"{host} port {port}: connection refused", phase="connect")
    return SessionError(
        ErrorCode.TIMEOUT_CONNECT, f"{host} port {port}: {error.strerror or type(error).__name__}", phase="connect"
    )


def _resolve(host: str, port: int, seconds: float) -> list[_Address]:
    """The addresses of a name; a resolver that does not come back is left behind in its thread."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return (
            _look_up(host, port)
            if "%" in host
            else [(socket.AF_INET, (host, port)) if found.version == 4 else (socket.AF_INET6, (host, port, 0, 0))]
        )
    answers: queue.SimpleQueue[list[_Address] | SessionError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(_look_up(host, port))
        except SessionError as error:
            answers.put(error)

    threading.Thread(target=ask, name=f"resolve-{host}", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise SessionError(
            ErrorCode.DNS, f"{host}: {TEMPORARY} (no answer within {seconds:.0f} s)", phase="resolve"
        ) from None
    if isinstance(answer, SessionError):
        raise answer
    return answer


def _look_up(host: str, port: int) -> list[_Address]:
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        words = TEMPORARY if error.errno == socket.EAI_AGAIN else "no such name"
        raise SessionError(ErrorCode.DNS, f"{host}: {words}", phase="resolve") from None
    except (UnicodeError, OSError):
        raise SessionError(ErrorCode.DNS, f"{host}: no such name", phase="resolve") from None
    return [(row[0], row[4]) for row in rows]  # type: ignore[misc]
