"""Servers that go wrong on purpose: one registry, fault name -> script, seeded.

Every byte that a client sends is kept with its time; authentications and channels are counted. Servers listen on
loopback, end by themselves after `lifetime` seconds, and belong to one `Faults` (an event loop in a thread of its own).
A second channel closes the connection, as with IOS.
Kinds of server: bare sockets below SSH (`faults_sockets`), asyncssh shells (`faults_scripts`), and small paramiko servers
for what asyncssh does not offer (`faults_paramiko`).
"""

# ruff: noqa: ARG002 - the library's signatures
from __future__ import annotations

import asyncio
import contextlib
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Self

import asyncssh

from collector.lab import faults_scripts as scripts
from collector.lab import faults_sockets as sockets
from collector.lab.faults_scripts import ShellScript
from collector.lab.faults_shell import ENABLE, HEALTHY, OUTPUTS, PASSWORD, USERNAME, FaultServer, Record, Router, Shell
from collector.lab.faults_sockets import SocketScript

__all__ = [
    "ENABLE",
    "FAULTS",
    "OUTPUTS",
    "PASSWORD",
    "USERNAME",
    "Fault",
    "FaultServer",
    "Faults",
    "Record",
    "Router",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way to go wrong. Exactly one of `shell` (asyncssh), `sock` (bare socket) or `server` (paramiko) is the script."""

    about: str
    shell: ShellScript | None = scripts.plain
    sock: SocketScript | None = None
    server: str | None = None  # a server of faults_paramiko, by name
    router: Router = HEALTHY
    algorithms: Mapping[str, Sequence[str]] = field(default_factory=dict)
    auth_banner: int = 0
    auth_hangs: bool = False
    password_expired: bool = False
    backlog_full: bool = False
    lifetime: float = 120.0


_LOW = Router(sign=">", enable=ENABLE)
_LOG = "show logging"

FAULTS: dict[str, Fault] = {
    "none": Fault(about="a healthy router"),
    "tcp-silent": Fault(about="accepts and says nothing", sock=sockets.tcp_silent),
    "tcp-black-hole": Fault(about="the SYN is never answered", sock=sockets.tcp_silent, backlog_full=True),
    "tcp-slow-ident": Fault(about="one byte of identification a second", sock=sockets.tcp_slow_ident),
    "tcp-pre-ident": Fault(about="endless lines before the identification", sock=sockets.tcp_pre_ident),
    "tcp-reset": Fault(about="reset before the identification", sock=sockets.tcp_reset),
    "tcp-close": Fault(about="closed before the identification", sock=sockets.tcp_close),
    "tcp-garbage": Fault(about="a telnet server", sock=sockets.tcp_garbage),
    "tcp-http": Fault(about="a web server", sock=sockets.tcp_http),
    "ssh1": Fault(about="speaks SSH 1.5 only", sock=sockets.ssh1),
    "kex-silent": Fault(about="identification, then nothing", sock=sockets.kex_silent),
    "ident-close": Fault(about="identification, then closed (VTYs full)", sock=sockets.ident_then_close),
    "kex-group1": Fault(about="group1-sha1 only", algorithms={"kex_algs": ["diffie-hellman-group1-sha1"]}),
    "kex-group14-sha1": Fault(about="group14-sha1 only", algorithms={"kex_algs": ["diffie-hellman-group14-sha1"]}),
    "cipher-3des": Fault(
        about="3des-cbc and hmac-sha1 only", algorithms={"encryption_algs": ["3des-cbc"], "mac_algs": ["hmac-sha1"]}
    ),
    "cipher-ctr": Fault(about="no GCM", algorithms={"encryption_algs": ["aes256-ctr"], "mac_algs": ["hmac-sha2-256"]}),
    "hostkey-ssh-rsa": Fault(about="ssh-rsa host key only", server="hostkey-ssh-rsa"),
    "auth-hang": Fault(about="the AAA server is silent", auth_hangs=True),
    "auth-close": Fault(about="closed at the password", server="auth-close"),
    "kbdint-one": Fault(about="keyboard-interactive, one prompt", server="kbdint-one"),
    "kbdint-two": Fault(about="password and passcode", server="kbdint-two"),
    "kbdint-new": Fault(about="asks for a new password", server="kbdint-new"),
    "kbdint-echo": Fault(about="asks with echo on", server="kbdint-echo"),
    "kbdint-again": Fault(about="asks again and again", server="kbdint-again"),
    "password-change": Fault(about="SSH_MSG_USERAUTH_PASSWD_CHANGEREQ", password_expired=True),
    "banner-big": Fault(about="an authentication banner of 200 kB", auth_banner=200_000),
    "banner-huge": Fault(about="an authentication banner of 1 MB", auth_banner=1_000_000),
    "channel-silent": Fault(about="channel-open unanswered", server="channel-silent"),
    "channel-refused": Fault(about="channel-open refused", server="channel-refused"),
    "pty-silent": Fault(about="pty request unanswered", server="pty-silent"),
    "shell-silent": Fault(about="shell request unanswered", server="shell-silent"),
    "no-prompt": Fault(about="a shell without a prompt", shell=scripts.silent),
    "motd-hash": Fault(
        about="a banner full of # and >", router=Router(greeting="####\n>>>> R1# > <ACME>#\nauthorised>\n")
    ),
    "motd-slow": Fault(about="a banner that takes 6 s", shell=scripts.motd_slow),
    "pw-expired": Fault(about="the shell asks for a new password", shell=scripts.pw_expired),
    "priv1": Fault(about="lands unprivileged", router=Router(sign=">")),
    "enable-good": Fault(about="enable with a secret", router=_LOW),
    "enable-bad": Fault(about="another enable secret", router=Router(sign=">", enable="another")),
    "enable-error": Fault(about="% Error in authentication", shell=scripts.enable_error, router=_LOW),
    "enable-trap": Fault(about="`password` in a log line after enable", shell=scripts.enable_trap, router=_LOW),
    "long-hostname": Fault(
        about="a hostname of 40 characters", router=Router(hostname="a-router-with-a-long-name-in-a-far-place")
    ),
    "config-mode": Fault(about="the prompt is that of configuration mode", router=Router(hostname="R1(config)")),
    "rename": Fault(about="the hostname changes", shell=scripts.on(_LOG, scripts.rename)),
    "log-after-prompt": Fault(about="a log line after the prompt", shell=scripts.on(_LOG, scripts.log_after)),
    "log-in-prompt": Fault(about="a log line splits the prompt", shell=scripts.on(_LOG, scripts.log_in)),
    "log-arrow": Fault(about="an ACL log line with -> at login", shell=scripts.log_arrow),
    "prompt-in-output": Fault(about="prompt text inside the output", shell=scripts.on(_LOG, scripts.prompt_in_output)),
    "late-prompt": Fault(about="the prompt comes before the answer", shell=scripts.on(_LOG, scripts.late_prompt)),
    "random-delays": Fault(about="output in small pieces", shell=scripts.on("show", scripts.random_delays)),
    "more": Fault(about="--More-- despite length 0", shell=scripts.on(_LOG, scripts.more)),
    "no-width": Fault(about="terminal width refused, echo wraps", shell=scripts.narrow),
    "no-echo": Fault(about="no echo", shell=scripts.no_echo),
    "invalid": Fault(
        about="% Invalid input",
        shell=scripts.on(_LOG, partial(scripts.refuse, "        ^\n% Invalid input detected at '^' marker.\n\n")),
    ),
    "ambiguous": Fault(
        about="% Ambiguous command",
        shell=scripts.on(_LOG, partial(scripts.refuse, '% Ambiguous command:  "show log"\n')),
    ),
    "incomplete": Fault(
        about="% Incomplete command", shell=scripts.on(_LOG, partial(scripts.refuse, "% Incomplete command.\n\n"))
    ),
    "denied": Fault(
        about="AAA denies a command",
        shell=scripts.on(_LOG, partial(scripts.refuse, "Command authorization failed.\n\n")),
    ),
    "strange-percent": Fault(
        about="a % line nobody listed", shell=scripts.on(_LOG, partial(scripts.refuse, "% No such thing here\n"))
    ),
    "slow3": Fault(about="a command takes 3 s", shell=scripts.on(_LOG, partial(scripts.slow, 3.0))),
    "slow30": Fault(about="a command takes 30 s", shell=scripts.on(_LOG, partial(scripts.slow, 30.0))),
    "hang-mid": Fault(about="the output stalls", shell=scripts.on(_LOG, scripts.hang_mid)),
    "drop-mid": Fault(about="the connection is cut in the output", shell=scripts.on(_LOG, scripts.drop_mid)),
    "close-mid": Fault(about="the channel closes in the output", shell=scripts.on(_LOG, scripts.close_mid)),
    "endless-slow": Fault(about="slow output without end", shell=scripts.on(_LOG, scripts.endless_slow)),
    "endless-fast": Fault(
        about="fast output without end", shell=scripts.on("show crypto isakmp sa", scripts.endless_fast)
    ),
    "huge5": Fault(about="5 MB of honest log", shell=scripts.on(_LOG, partial(scripts.huge, 5))),
    "huge20": Fault(about="20 MB of honest log", shell=scripts.on(_LOG, partial(scripts.huge, 20))),
    "non-utf8": Fault(about="bytes that are not UTF-8", shell=scripts.on(_LOG, scripts.non_utf8)),
    "ansi": Fault(about="ANSI, OSC, NUL, BEL", shell=scripts.on(_LOG, scripts.ansi)),
    "ask-in-command": Fault(
        about="a password question instead of an answer", shell=scripts.on(_LOG, scripts.ask_in_command)
    ),
}


class Faults:
    """A loop in a thread, and the servers started on it. Use as a context manager; nothing is left behind."""

    def __init__(self, seed: int = 1) -> None:
        self.seed = seed
        self.servers: list[FaultServer] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="faults", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop every server and the loop."""
        for server in self.servers:
            server.stop()
        asyncio.run_coroutine_threadsafe(_cancel_all(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def start(
        self,
        name: str,
        *,
        router: Router | None = None,
        host: str = "127.0.0.1",
        key: Any = None,
        port: int = 0,
        lifetime: float | None = None,
    ) -> FaultServer:
        """A server with the fault `name`, listening when this returns. lifetime: seconds, where not the usual."""
        fault = FAULTS[name] if lifetime is None else replace(FAULTS[name], lifetime=lifetime)
        rng = random.Random(f"{self.seed}/{name}/{len(self.servers)}")
        server = FaultServer(fault=name, port=0, record=Record(), host=host)
        if fault.sock is not None:
            sockets.start(server, fault.sock, rng, fault.lifetime, backlog_full=fault.backlog_full)
        elif fault.server is not None:
            from collector.lab.faults_paramiko import start  # noqa: PLC0415 - paramiko only where asked for

            start(server, fault.server, fault.lifetime)
        else:
            future = asyncio.run_coroutine_threadsafe(
                _start_ssh(server, fault, router or fault.router, rng, key=key, port=port), self._loop
            )
            stop = future.result(60)
            server.stop = partial(_soon, self._loop, stop)
        self.servers.append(server)
        return server


def _soon(loop: asyncio.AbstractEventLoop, act: Callable[[], None]) -> None:
    loop.call_soon_threadsafe(act)


async def _cancel_all() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0.05)  # aborted connections close their sockets in the next turns of the loop


_KEY: list[Any] = []


class _Door(asyncssh.SSHServer):
    """Who may log in; one session channel a connection."""

    def __init__(self, record: Record, fault: Fault, connections: set[Any]) -> None:
        self.record = record
        self.fault = fault
        self.connections = connections
        self.connection: Any = None

    def connection_made(self, conn: Any) -> None:
        self.connection = conn
        self.connections.add(conn)
        self.record.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self.connections.discard(self.connection)

    def begin_auth(self, username: str) -> bool:
        if self.fault.auth_banner:
            self.connection.send_auth_banner("x" * self.fault.auth_banner)
        return True

    def password_auth_supported(self) -> bool:
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        self.record.passwords += 1
        self.record.logins.append(time.monotonic())
        if self.fault.auth_hangs:
            await asyncio.sleep(self.fault.lifetime)
        if self.fault.password_expired:
            raise asyncssh.PasswordChangeRequired("your password has expired")
        return username == USERNAME and password == PASSWORD


async def _start_ssh(
    server: FaultServer, fault: Fault, router: Router, rng: random.Random, *, key: Any, port: int
) -> Callable[[], None]:
    if not _KEY:
        _KEY.append(asyncssh.generate_private_key("ssh-ed25519"))

    async def handle(process: Any) -> None:
        server.record.channels += 1
        script = fault.shell or scripts.plain
        with contextlib.suppress(EOFError, asyncssh.Error, ConnectionError, TimeoutError):
            await asyncio.wait_for(script(Shell(process, server.record, router, rng)), fault.lifetime)
        with contextlib.suppress(OSError, asyncssh.Error):
            process.exit(0)

    connections: set[Any] = set()
    listener = await asyncssh.create_server(
        lambda: _Door(server.record, fault, connections),
        server.host,
        port,
        server_host_keys=[key or _KEY[0]],
        process_factory=handle,
        encoding=None,
        line_editor=False,
        login_timeout=fault.lifetime,
        **dict(fault.algorithms),
    )
    server.port = listener.get_port()

    def stop() -> None:
        listener.close()
        for connection in list(connections):
            connection.abort()

    return stop
