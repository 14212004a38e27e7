"""Faulty servers that asyncssh cannot play: keyboard-interactive, ssh-rsa host keys, requests left unanswered."""

# ruff: noqa: ARG002, S604 - the library's signatures; `shell` is how a request is answered
from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass
from typing import Any

import paramiko

from collector.lab.faults_shell import OUTPUTS, PASSWORD, USERNAME, FaultServer, Record
from collector.lab.faults_sockets import answer

_KEYS: dict[str, Any] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How one server behaves. rounds: the questions of keyboard-interactive, (text, echo), round by round."""

    methods: str = "password"
    rounds: tuple[tuple[tuple[str, bool], ...], ...] = ()
    closes_at_password: bool = False
    channel: str = "open"  # open | silent | refused
    pty: str = "given"  # given | silent
    shell: str = "given"
    disabled: tuple[tuple[str, tuple[str, ...]], ...] = ()


_ASK = (("Password: ", False),)

MANNERS: dict[str, Manner] = {
    "kbdint-one": Manner(methods="keyboard-interactive", rounds=(_ASK,)),
    "kbdint-two": Manner(methods="keyboard-interactive", rounds=((("Password: ", False), ("Passcode: ", False)),)),
    "kbdint-new": Manner(methods="keyboard-interactive", rounds=((("Enter NEW password: ", False),),)),
    "kbdint-echo": Manner(methods="keyboard-interactive", rounds=((("Password: ", True),),)),
    "kbdint-again": Manner(methods="keyboard-interactive", rounds=(_ASK, _ASK, _ASK)),
    "auth-close": Manner(closes_at_password=True),
    "channel-silent": Manner(channel="silent"),
    "channel-refused": Manner(channel="refused"),
    "pty-silent": Manner(pty="silent"),
    "shell-silent": Manner(shell="silent"),
    "hostkey-ssh-rsa": Manner(disabled=(("keys", ("rsa-sha2-256", "rsa-sha2-512")),)),
}


class _Server(paramiko.ServerInterface):  # type: ignore[misc]
    def __init__(self, manner: Manner, record: Record, transport: Any, released: threading.Event) -> None:
        self.manner = manner
        self.record = record
        self.transport = transport
        self.released = released
        self.round = 0

    def get_allowed_auths(self, username: str) -> str:
        return self.manner.methods

    def check_auth_none(self, username: str) -> int:
        return int(paramiko.AUTH_FAILED)

    def check_auth_password(self, username: str, password: str) -> int:
        self.record.passwords += 1
        self.record.logins.append(time.monotonic())
        if self.manner.closes_at_password:
            self.transport.close()
        right = username == USERNAME and password == PASSWORD
        return int(paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED)

    def check_auth_interactive(self, username: str, submethods: str) -> Any:
        return paramiko.InteractiveQuery("", "", *self.manner.rounds[0])

    def check_auth_interactive_response(self, responses: list[str]) -> Any:
        self.record.passwords += 1
        self.record.logins.append(time.monotonic())
        self.round += 1
        if self.round < len(self.manner.rounds):
            return paramiko.InteractiveQuery("", "", *self.manner.rounds[self.round])
        right = responses == [PASSWORD]
        return int(paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        self.record.channels += 1
        if self.manner.channel == "silent":
            self.released.wait()
        if self.manner.channel == "refused":
            return int(paramiko.OPEN_FAILED_RESOURCE_SHORTAGE)
        return int(paramiko.OPEN_SUCCEEDED)

    def check_channel_pty_request(self, *_: object) -> bool:
        if self.manner.pty == "silent":
            self.released.wait()
        return True

    def check_channel_shell_request(self, channel: Any) -> bool:
        if self.manner.shell == "silent":
            self.released.wait()
        threading.Thread(target=_exec, args=(channel, self.record), name="fault-shell", daemon=True).start()
        return True


def _exec(channel: Any, record: Record) -> None:
    """A minimal shell: echo, known outputs, prompt."""
    with contextlib.suppress(OSError, EOFError):
        channel.sendall(b"\r\nR1#")
        line = bytearray()
        while data := channel.recv(4096):
            record.typed.append((time.monotonic(), data))
            for byte in data:
                if byte in b"\r\n":
                    text = OUTPUTS.get(line.decode(), "").replace("\n", "\r\n")
                    channel.sendall(b"\r\n" + text.encode() + b"R1#")
                    line.clear()
                else:
                    line.append(byte)
                    channel.sendall(bytes([byte]))


def _key(kind: str) -> Any:
    if kind not in _KEYS:
        _KEYS[kind] = paramiko.RSAKey.generate(2048) if kind == "rsa" else paramiko.ECDSAKey.generate()
    return _KEYS[kind]


def start(server: FaultServer, name: str, lifetime: float) -> None:
    """Listen and serve `name`; sets the server's port and `stop`."""
    manner = MANNERS[name]
    listener = socket.create_server((server.host, 0))
    server.port = listener.getsockname()[1]
    stopped = threading.Event()
    transports: list[Any] = []
    key = _key("rsa" if manner.disabled else "ecdsa")

    def talk(connection: socket.socket) -> None:
        transport = paramiko.Transport(
            connection, disabled_algorithms={kind: list(names) for kind, names in manner.disabled}
        )
        transports.append(transport)
        transport.add_server_key(key)
        with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
            transport.start_server(server=_Server(manner, server.record, transport, stopped))
        stopped.wait(lifetime)
        transport.close()

    hush = answer(server, listener, talk, lifetime, stopped)

    def stop() -> None:
        hush()
        for transport in transports:
            transport.close()

    server.stop = stop
