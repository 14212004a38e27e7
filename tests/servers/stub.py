"""Small servers on loopback that note what they are told: HTTP with answers by a function, SMTP with a script."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Told:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Reply:
    """What to answer. drip: seconds between single bytes of the body."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drip: float = 0.0


@dataclass
class Stub:
    """told: every request. url: where it listens."""

    url: str
    told: list[Told] = field(default_factory=list)


@contextmanager
def http(answer: Callable[[Told], Reply], *, tls: Any = None) -> Iterator[Stub]:
    """A server that answers by `answer`, one thread a request; ended with the block."""
    stub = Stub("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            told = Told(
                self.command,
                self.path,
                {key.title(): value for key, value in self.headers.items()},
                self.rfile.read(length).decode(),
            )
            stub.told.append(told)
            reply = answer(told)
            data = b"" if reply.body is None else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for key, value in {"Content-Length": str(len(data)), **reply.headers}.items():
                self.send_header(key, value)
            self.end_headers()
            try:
                if not reply.drip:
                    self.wfile.write(data)
                    return
                for byte in data:
                    self.wfile.write(bytes([byte]))
                    time.sleep(reply.drip)
            except OSError:
                return

        def log_message(self, *_: Any) -> None:
            return

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler._answer)

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            return

    server = Quiet(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    stub.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass
class Mailbox:
    """messages: each DATA as text. lines: all that the client typed, the messages left out."""

    port: int
    messages: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    tls: Any = None
    refuse: dict[str, str] = field(default_factory=dict)
    mute: bool = False
    over: threading.Event = field(default_factory=threading.Event)

    def talk(self, connection: Any) -> None:
        """One connection."""
        if self.mute:
            self.over.wait(60)
            return
        connection.sendall(b"220 stub ESMTP\r\n")
        if self.lines_of(connection, features=["STARTTLS"] if self.tls else []) == "STARTTLS":
            with self.tls.wrap_socket(connection, server_side=True) as secure:
                self.lines_of(secure, features=["AUTH PLAIN"])

    def lines_of(self, connection: Any, *, features: list[str]) -> str:
        """Answer line by line until the client leaves or turns to TLS; the verb that ended it."""
        file = connection.makefile("rb")
        answers = {"STARTTLS": "220 go", "AUTH": "235 ok", "DATA": "354 go", "QUIT": "221 bye", **self.refuse}
        greeting = ["stub", *features]
        answers["EHLO"] = "\r\n".join(f"250{'-' if one is not greeting[-1] else ' '}{one}" for one in greeting)
        while line := file.readline():
            text = line.decode().strip()
            self.lines.append(text)
            verb = text.split(" ")[0].split(":")[0].upper()
            connection.sendall(answers.get(verb, "250 ok").encode() + b"\r\n")
            if verb in {"QUIT", "STARTTLS"}:
                return verb
            if verb == "DATA":
                body = b""
                while (part := file.readline()) not in {b".\r\n", b""}:
                    body += part
                self.messages.append(body.decode())
                connection.sendall(b"250 taken\r\n")
        return ""


@contextmanager
def smtp(*, tls: Any = None, refuse: dict[str, str] | None = None, mute: bool = False) -> Iterator[Mailbox]:
    """An SMTP server (RFC 5321) for one message a connection. refuse: verb -> answer instead of 250."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    box = Mailbox(listener.getsockname()[1], tls=tls, refuse=refuse or {}, mute=mute)

    def serve() -> None:
        while not box.over.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            connection.settimeout(60)
            with connection, suppress(OSError):
                box.talk(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield box
    finally:
        box.over.set()
        thread.join(5)
        listener.close()
