"""Servers that go wrong below SSH: a script is played on each connection, in a thread of its own."""

# ruff: noqa: ARG001, D103 - every script has the same signature, and FAULTS says what it is about
from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
import time
from collections.abc import Callable

from collector.lab.faults_shell import FaultServer, Record

SocketScript = Callable[[socket.socket, Record, random.Random], None]


def _hold(connection: socket.socket) -> None:
    """Read until the client goes."""
    with contextlib.suppress(OSError):
        while connection.recv(4096):
            pass


def tcp_silent(connection: socket.socket, record: Record, rng: random.Random) -> None:
    _hold(connection)


def tcp_slow_ident(connection: socket.socket, record: Record, rng: random.Random) -> None:
    for byte in b"SSH-2.0-Cisco-1.25\r\n" * 20:
        connection.sendall(bytes([byte]))
        time.sleep(1)


def tcp_pre_ident(connection: socket.socket, record: Record, rng: random.Random) -> None:
    while True:
        connection.sendall(b"welcome to this long greeting\r\n")
        time.sleep(0.001)


def tcp_reset(connection: socket.socket, record: Record, rng: random.Random) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def tcp_close(connection: socket.socket, record: Record, rng: random.Random) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def tcp_garbage(connection: socket.socket, record: Record, rng: random.Random) -> None:
    connection.sendall(b"\xff\xfb\x01\xff\xfb\x03\xff\xfd\x18\r\nUser Access Verification\r\n\r\nUsername: ")
    _hold(connection)


def tcp_http(connection: socket.socket, record: Record, rng: random.Random) -> None:
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


def kex_silent(connection: socket.socket, record: Record, rng: random.Random) -> None:
    connection.sendall(b"SSH-2.0-Cisco-1.25\r\n")
    _hold(connection)


def ident_then_close(connection: socket.socket, record: Record, rng: random.Random) -> None:
    connection.sendall(b"SSH-2.0-Cisco-1.25\r\n")
    connection.recv(64)


def ssh1(connection: socket.socket, record: Record, rng: random.Random) -> None:
    connection.sendall(b"SSH-1.5-Cisco-1.25\r\n")
    _hold(connection)


def _close_all(sockets: list[socket.socket]) -> None:
    for each in sockets:
        each.close()


def start(
    server: FaultServer, script: SocketScript, rng: random.Random, lifetime: float, *, backlog_full: bool
) -> None:
    """Listen, and play `script` to each who connects. backlog_full: to nobody, as a SYN that is never answered."""
    listener = socket.create_server((server.host, 0), backlog=0 if backlog_full else 64)
    server.port = listener.getsockname()[1]
    if backlog_full:  # these stay in the backlog, the next SYN is dropped
        held: list[socket.socket] = [listener]
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)  # noqa: FBT003 - the library's signature
            with contextlib.suppress(OSError):
                filler.connect((server.host, server.port))
            held.append(filler)
        server.stop = lambda: _close_all(held)
        return

    def talk(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(lifetime)
            script(connection, server.record, rng)

    server.stop = answer(server, listener, talk, lifetime, threading.Event())


def answer(
    server: FaultServer,
    listener: socket.socket,
    talk: Callable[[socket.socket], None],
    lifetime: float,
    stopped: threading.Event,
) -> Callable[[], None]:
    """Hand each connection to `talk`, in a thread of its own, for `lifetime` seconds or until what comes back is called."""
    listener.settimeout(0.2)
    held = [listener]
    end = time.monotonic() + lifetime

    def accept() -> None:
        with listener:
            while not stopped.is_set() and time.monotonic() < end:
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                except OSError:  # `stop` shut it
                    return
                server.record.connections += 1
                held.append(connection)
                threading.Thread(target=talk, args=(connection,), name=thread.name, daemon=True).start()

    thread = threading.Thread(target=accept, name=f"fault-{server.fault}", daemon=True)
    thread.start()

    def stop() -> None:
        stopped.set()
        for each in held:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        thread.join(2)

    return stop
