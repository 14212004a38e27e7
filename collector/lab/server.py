"""Routers over SSH: one listener each, all in one event loop.

A session is fed straight from the channel, without tasks: a router that nobody talks to costs a socket and nothing else.
Like IOS, a second channel on a connection ends the connection.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

import asyncssh
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from collector.lab.exec import PASSWORD, Shell
from collector.lab.world import World

USER = "lab"
TICK = 1.0  # seconds between looks at the log for `terminal monitor`


def host_key(seed: int, name: str) -> asyncssh.SSHKey:
    """The host key of a router: always the same for a scenario and a name, so that a pinned key stays good."""
    raw = hashlib.blake2b(f"{seed}|{name}|host key of the lab".encode(), digest_size=32).digest()
    pem = Ed25519PrivateKey.from_private_bytes(raw).private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    return asyncssh.import_private_key(pem)


class Router(asyncssh.SSHServer):
    """One connection to one router: password login, and one session."""

    def __init__(self, shared: Listening, name: str) -> None:
        self._shared = shared
        self._name = name
        self._connection: asyncssh.SSHServerConnection | None = None
        self._sessions = 0
        self._user = USER

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Kept, to be closed on a second channel."""
        self._connection = conn
        self._shared.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the library's signature
        """Gone."""
        if self._connection is not None:
            self._shared.connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        """Always a password."""
        self._user = username
        return True

    def password_auth_supported(self) -> bool:
        """Yes."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """`lab` and `lab`."""
        good = username == USER and password == PASSWORD
        self._shared.seen(self._name, "login" if good else "rejected")
        return good

    def session_requested(self) -> Session | bool:
        """The first channel gets the exec; a second ends the connection, as IOS does."""
        self._sessions += 1
        if self._sessions > 1:
            assert self._connection is not None
            self._connection.close()
            return False
        return Session(self._shared.world, self._name, self._user)


class Session(asyncssh.SSHServerSession[bytes]):
    """One VTY: carries bytes between a channel and a Shell."""

    def __init__(self, world: World, name: str, user: str) -> None:
        self._make: Callable[[], Shell] = lambda: Shell(world, name, user, self._send, self._end)
        self._shell: Shell | None = None
        self._ticker: asyncio.TimerHandle | None = None
        self._exec: str | None = None

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        """The channel to write to."""
        self._channel = chan

    def pty_requested(self, term_type: str, term_size: tuple[int, int, int, int], term_modes: object) -> bool:  # noqa: ARG002 - the library's signature
        """IOS takes any terminal and goes on with its own 24 by 80."""
        return True

    def shell_requested(self) -> bool:
        """Yes."""
        return True

    def exec_requested(self, command: str) -> bool:
        """One command, then the end of the connection."""
        self._exec = command
        return True

    def session_started(self) -> None:
        """Banners and prompt."""
        self._shell = self._make()
        if self._exec is not None:
            self._shell.screen.length = 0
            self._shell.feed(self._exec + "\r")
            self._shell.feed("exit\r")
            return
        self._shell.start()
        self._tick()

    def data_received(self, data: bytes, datatype: int | None) -> None:  # noqa: ARG002 - the library's signature
        """Keys: bytes, of which the router only knows Latin-1."""
        if self._shell is not None:
            self._shell.feed(data.decode("latin-1"))

    def eof_received(self) -> bool:
        """A client that says no more."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the library's signature
        """The line is free."""
        if self._ticker is not None:
            self._ticker.cancel()
        self._shell = None

    def _tick(self) -> None:
        if self._shell is not None:
            if self._shell.watching:
                self._shell.tick()
            self._ticker = asyncio.get_running_loop().call_later(TICK, self._tick)

    def _send(self, text: str) -> None:
        self._channel.write(text.encode("latin-1", "replace"))

    def _end(self) -> None:
        self._channel.exit(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """What all routers of a lab share; `connections` are those that live. seen(name, "login" | "rejected") is told of each password."""

    world: World
    seen: Callable[[str, str], None]
    options: asyncssh.SSHServerConnectionOptions
    connections: set[asyncssh.SSHServerConnection] = field(default_factory=set)

    async def listen(self, name: str, host: str, port: int) -> asyncssh.SSHAcceptor:
        """One router on one address. Raises OSError where the address is not to be had."""
        return await asyncssh.listen(
            host,
            port,
            options=self.options,
            server_factory=lambda: Router(self, name),
            server_host_keys=[host_key(self.world.network.seed, name)],
            reuse_address=True,
            backlog=32,
        )


def common_options() -> asyncssh.SSHServerConnectionOptions:
    """Options that all routers share; made once, as making them is the dear part of a listener."""
    return asyncssh.SSHServerConnectionOptions(
        line_editor=False,
        encoding=None,
        server_version="Cisco-1.25",
        keepalive_interval=0,
        login_timeout=60,
        compression_algs=None,
        kbdint_auth=False,
        public_key_auth=False,
    )
