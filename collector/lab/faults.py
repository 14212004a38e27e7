"""Servers that go wrong on purpose: one registry, fault name -> script, seeded.

Every byte that a client sends is kept with its time; authentications and channels are counted. Servers listen on
loopback, end by themselves after `lifetime` seconds, and belong to one `Faults` (an event loop in a thread of its own).
Like IOS: a newline before the prompt, echo by character, the caret line, a second channel closes the connection.
Kinds of server: bare sockets (below SSH), asyncssh shells, and small paramiko servers for what asyncssh does not offer.
"""

# ruff: noqa: ARG001, ARG002 - every script has the same signature
from __future__ import annotations

import asyncio
import contextlib
import random
import re
import socket
import struct
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Self

import asyncssh

USERNAME, PASSWORD, ENABLE = "netops", "lab-Password-1", "lab-Enable-1"


@dataclass(slots=True)
class Record:
    """What a server saw. typed: (monotonic seconds, bytes) of every shell; methods: authentication requests."""

    connections: int = 0
    channels: int = 0
    passwords: int = 0  # answers to a password question of any method
    keys: int = 0
    typed: list[tuple[float, bytes]] = field(default_factory=list)
    logins: list[float] = field(default_factory=list)

    def bytes_typed(self) -> bytes:
        """All that was typed, in order."""
        return b"".join(data for _, data in self.typed)

    def lines(self) -> list[str]:
        """The lines typed."""
        return [line for line in re.split(r"[\r\n]", self.bytes_typed().decode("utf-8", "replace")) if line]


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """What a well-behaved shell says. outputs: command -> text with one line feed a line."""

    hostname: str = "R1"
    sign: str = "#"
    greeting: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    enable: str | None = None  # the enable secret, `None`: no password asked


OUTPUTS: dict[str, str] = {
    "show privilege": "Current privilege level is 15\n",
    "show clock": "12:00:00.123 UTC Tue Nov 24 2026\n",
    "show version": (
        "Cisco IOS Software, C2900 Software (C2900-UNIVERSALK9-M), Version 15.1(4)M12, RELEASE SOFTWARE (fc1)\n"
        "Technical Support: http://www.cisco.com/techsupport\n"
        "\n"
        "ROM: System Bootstrap, Version 15.0(1r)M15, RELEASE SOFTWARE (fc1)\n"
        "\n"
        "R1 uptime is 2 weeks, 3 days, 4 hours, 5 minutes\n"
        "System returned to ROM by power-on\n"
        'System image file is "flash0:c2900-universalk9-mz.SPA.151-4.M12.bin"\n'
        "\n"
        "Cisco CISCO2911/K9 (revision 1.0) with 483328K/40960K bytes of memory.\n"
        "Processor board ID FTX0000A1B2\n"
        "Configuration register is 0x2102\n"
    ),
    "show logging": (
        "Syslog logging: enabled (0 messages dropped, 0 messages rate-limited, 0 flushes, 0 overruns, "
        "xml disabled, filtering disabled)\n"
        "\n"
        "    Console logging: disabled\n"
        "    Buffer logging:  level informational, 3 messages logged, xml disabled,\n"
        "                    filtering disabled\n"
        "\n"
        "Log Buffer (65536 bytes):\n"
        "\n"
        "Nov 24 11:58:01.100: %SYS-5-CONFIG_I: Configured from console by vty0 (198.51.100.7)\n"
        "Nov 24 11:59:01.200: %SYS-5-CONFIG_I: Configured from console by vty0 (198.51.100.7)\n"
    ),
    "show crypto isakmp sa": "IPv4 Crypto ISAKMP SA\ndst             src             state          conn-id status\n\n",
}
LOG_LINE = b"\r\n*Nov 24 12:00:01.123: %SYS-5-CONFIG_I: Configured from console by vty1 (198.51.100.8)\r\n"


class Shell:
    """A simulated exec shell over one SSH channel."""

    def __init__(self, process: Any, record: Record, router: Router, rng: random.Random) -> None:
        self.process = process
        self.record = record
        self.router = router
        self.rng = rng
        self.hostname = router.hostname
        self.sign = router.sign
        self.pending = b""

    @property
    def prompt(self) -> bytes:
        """As it stands on the line."""
        return f"{self.hostname}{self.sign}".encode()

    async def send(self, data: bytes) -> None:
        """Write, and wait until the client has room for more."""
        self.process.stdout.write(data)
        await self.process.stdout.drain()

    async def read(self) -> bytes:
        """What was typed, kept with its time; EOFError when the client is gone."""
        data = await self.process.stdin.read(4096)
        if not data:
            raise EOFError
        raw: bytes = data if isinstance(data, bytes) else data.encode()
        self.record.typed.append((time.monotonic(), raw))
        return raw

    async def line(self, *, echo: bool = True) -> str:
        """The next line typed, echoed by character."""
        typed = bytearray()
        while True:
            while self.pending:
                character, self.pending = self.pending[:1], self.pending[1:]
                if character in b"\r\n":
                    await self.send(b"\r\n")
                    return typed.decode("utf-8", "replace")
                typed += character
                if echo:
                    self.process.stdout.write(character)
            self.pending += await self.read()

    async def serve(self) -> None:
        """Greet, then answer line by line."""
        await self.send(self.router.greeting.replace("\n", "\r\n").encode() + b"\r\n" + self.prompt)
        while True:
            await self.answer(await self.line())

    async def answer(self, line: str) -> None:
        """One line's output and the prompt."""
        text = self.output(line)
        if line == "enable" and self.sign == ">":
            await self.enable()
        await self.send(text.replace("\n", "\r\n").encode() + self.prompt)

    async def enable(self) -> None:
        """Ask for the enable secret as IOS does, three times."""
        for _ in range(3):
            if self.router.enable is not None:
                await self.send(b"Password: ")
                said = await self.line(echo=False)
                if said != self.router.enable:
                    continue
            self.sign = "#"
            return
        await self.send(b"% Bad secrets\r\n\r\n")

    def output(self, line: str) -> str:
        """What the line prints, one line feed a line."""
        if not line.strip() or line.startswith("terminal ") or line == "enable":
            return ""
        outputs = self.router.outputs or OUTPUTS
        if line in outputs:
            return outputs[line]
        caret = " " * (len(self.hostname) + 1) + "^"
        return f"{caret}\n% Invalid input detected at '^' marker.\n\n"


ShellScript = Callable[[Shell], Awaitable[None]]
SocketScript = Callable[[socket.socket, Record, random.Random], None]


@dataclass(slots=True)
class FaultServer:
    """One listening server."""

    fault: str
    port: int
    record: Record
    host: str = "127.0.0.1"
    stop: Callable[[], None] = lambda: None


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


async def _plain(shell: Shell) -> None:
    await shell.serve()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way to go wrong. Exactly one of `shell` (asyncssh), `sock` (bare socket) or `server` (paramiko) is the script."""

    about: str
    shell: ShellScript | None = _plain
    sock: SocketScript | None = None
    server: str | None = None  # a server of faults_paramiko, by name
    router: Router = Router()
    algorithms: Mapping[str, Sequence[str]] = field(default_factory=dict)
    auth_banner: int = 0
    auth_hangs: bool = False
    password_expired: bool = False
    backlog_full: bool = False
    lifetime: float = 120.0


# -- shells -----------------------------------------------------------------------------------------------------------


async def _silent(shell: Shell) -> None:
    """A shell without a prompt."""
    while True:
        await shell.read()


async def _motd_slow(shell: Shell) -> None:
    for _ in range(20):
        await shell.send(b"* authorised use only *\r\n")
        await asyncio.sleep(0.3)
    await shell.serve()


async def _pw_expired(shell: Shell) -> None:
    await shell.send(b"\r\nYour password has expired.\r\nEnter new password: ")
    await _silent(shell)


async def _enable_trap(shell: Shell) -> None:
    """After `enable`, a log line speaks of a password; the question never comes."""
    await shell.send(b"\r\n" + shell.prompt)
    while (line := await shell.line()) != "enable":
        await shell.answer(line)
    await shell.send(b"*Nov 24 12:00:01.123: %AAA-4-BADPASS: bad password:\r\nuser failed to give a password: x\r\n")
    await _silent(shell)


async def _enable_error(shell: Shell) -> None:
    await shell.send(b"\r\n" + shell.prompt)
    while True:
        line = await shell.line()
        if line == "enable":
            await shell.send(b"% Error in authentication.\r\n\r\n" + shell.prompt)
        else:
            await shell.answer(line)


def _on(command: str, act: Callable[[Shell, str], Awaitable[bool | None]]) -> ShellScript:
    """A shell that is healthy but for one command; `act` returns True where the usual answer follows."""

    async def script(shell: Shell) -> None:
        await shell.send(b"\r\n" + shell.prompt)
        while True:
            line = await shell.line()
            if line.startswith(command) and not await act(shell, line):
                continue
            await shell.answer(line)

    return script


def _body(shell: Shell, line: str) -> bytes:
    return shell.output(line).replace("\n", "\r\n").encode()


async def _rename(shell: Shell, line: str) -> bool:
    shell.hostname = "OTHER"
    return True


async def _log_after(shell: Shell, line: str) -> None:
    await shell.send(_body(shell, line) + shell.prompt + LOG_LINE)


async def _log_in(shell: Shell, line: str) -> None:
    prompt = shell.prompt
    await shell.send(_body(shell, line) + prompt[:1] + LOG_LINE + prompt[1:])


async def _log_arrow(shell: Shell) -> None:
    await shell.send(
        b"\r\n" + shell.prompt + b"\r\n*Nov 24 12:00:01.123: %SEC-6-IPACCESSLOGP: list 101 denied tcp "
        b"198.51.100.9(4242) -> 192.0.2.1(22), 1 packet\r\n"
    )
    while True:
        await shell.answer(await shell.line())


async def _prompt_in_output(shell: Shell, line: str) -> None:
    text = _body(shell, line)
    middle = len(text) // 2
    await shell.send(text[:middle] + b"user typed " + shell.prompt + b" show run\r\n" + shell.prompt + b"\r\n")
    await asyncio.sleep(0.02)
    await shell.send(text[middle:] + shell.prompt)


async def _more(shell: Shell, line: str) -> None:
    await shell.send(_body(shell, line)[:200] + b"\r\n --More-- ")
    await _silent(shell)


async def _late_prompt(shell: Shell, line: str) -> bool:
    """A prompt; and once it was believed, as the next line shows, the answer that should have stood before it."""
    await shell.send(shell.prompt)
    shell.pending += await shell.read()
    return True


async def _no_echo(shell: Shell) -> None:
    await shell.send(b"\r\n" + shell.prompt)
    while True:
        await shell.answer(await shell.line(echo=False))


async def _hang_mid(shell: Shell, line: str) -> None:
    await shell.send(_body(shell, line)[:150])
    await _silent(shell)


async def _drop_mid(shell: Shell, line: str) -> None:
    await shell.send(_body(shell, line)[:150])
    shell.process.channel.get_connection().abort()
    raise EOFError


async def _close_mid(shell: Shell, line: str) -> None:
    await shell.send(_body(shell, line)[:150])
    shell.process.exit(0)
    raise EOFError


async def _endless_slow(shell: Shell, line: str) -> None:
    while True:
        await shell.send(b"and one more line of no end\r\n")
        await asyncio.sleep(0.2)


async def _endless_fast(shell: Shell, line: str) -> None:
    block = b"and one more line of no end at all, as fast as it goes\r\n" * 600
    while True:
        await shell.send(block)


async def _slow(seconds: float, shell: Shell, line: str) -> bool:
    await asyncio.sleep(seconds)
    return True


async def _huge(mebibytes: int, shell: Shell, line: str) -> None:
    row = b"Nov 24 11:59:01.200: %SYS-5-CONFIG_I: Configured from console by vty0 (198.51.100.7)\r\n"
    for _ in range(mebibytes):
        await shell.send(row * ((1 << 20) // len(row)))
    await shell.send(shell.prompt)


async def _non_utf8(shell: Shell, line: str) -> None:
    data = _body(shell, line) + b"caf\xe9 \xff\xfe and caf\xc3\xa9\r\n"
    for index in range(0, len(data), 7):
        await shell.send(data[index : index + 7])
        if index % 5 == 0:
            await asyncio.sleep(0)
    await shell.send(shell.prompt)


async def _ansi(shell: Shell, line: str) -> None:
    await shell.send(b"\x1b[0m\x1b]0;title\x07" + _body(shell, line) + b"\x00\x07\x1b[1m" + shell.prompt + b"\x1b[0m")


async def _ask_in_command(shell: Shell, line: str) -> None:
    await shell.send(b"Enter new password: ")
    await _silent(shell)


async def _random_delays(shell: Shell, line: str) -> None:
    data = _body(shell, line) + shell.prompt
    index = 0
    while index < len(data):
        size = shell.rng.randint(1, 40)
        await shell.send(data[index : index + size])
        index += size
        await asyncio.sleep(shell.rng.random() * 0.01)


async def _refuse(text: str, shell: Shell, line: str) -> None:
    await shell.send(text.replace("\n", "\r\n").encode() + shell.prompt)


async def _narrow(shell: Shell) -> None:
    """`terminal width` is refused; what is typed beyond column 80 wraps."""
    await shell.send(b"\r\n" + shell.prompt)
    while True:
        typed, column = bytearray(), len(shell.prompt)
        while True:
            if not shell.pending:
                shell.pending += await shell.read()
            character, shell.pending = shell.pending[:1], shell.pending[1:]
            if character in b"\r\n":
                await shell.send(b"\r\n")
                break
            typed += character
            column += 1
            shell.process.stdout.write(character if column % 80 else character + b"\r\n")
        line = typed.decode()
        if line.startswith("terminal width"):
            await shell.send(b"    ^\r\n% Invalid input detected at '^' marker.\r\n\r\n" + shell.prompt)
        else:
            await shell.answer(line)


# -- bare sockets -------------------------------------------------------------------------------------------------------


def _hold(connection: socket.socket) -> None:
    """Read until the client goes."""
    with contextlib.suppress(OSError):
        while connection.recv(4096):
            pass


def _tcp_silent(connection: socket.socket, record: Record, rng: random.Random) -> None:
    _hold(connection)


def _tcp_slow_ident(connection: socket.socket, record: Record, rng: random.Random) -> None:
    for byte in b"SSH-2.0-Cisco-1.25\r\n" * 20:
        connection.sendall(bytes([byte]))
        time.sleep(1)


def _tcp_pre_ident(connection: socket.socket, record: Record, rng: random.Random) -> None:
    while True:
        connection.sendall(b"welcome to this long greeting\r\n")
        time.sleep(0.001)


def _tcp_reset(connection: socket.socket, record: Record, rng: random.Random) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _tcp_close(connection: socket.socket, record: Record, rng: random.Random) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def _tcp_garbage(connection: socket.socket, record: Record, rng: random.Random) -> None:
    connection.sendall(b"\xff\xfb\x01\xff\xfb\x03\xff\xfd\x18\r\nUser Access Verification\r\n\r\nUsername: ")
    _hold(connection)


def _tcp_http(connection: socket.socket, record: Record, rng: random.Random) -> None:
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


def _kex_silent(connection: socket.socket, record: Record, rng: random.Random) -> None:
    connection.sendall(b"SSH-2.0-Cisco-1.25\r\n")
    _hold(connection)


def _ident_then_close(connection: socket.socket, record: Record, rng: random.Random) -> None:
    connection.sendall(b"SSH-2.0-Cisco-1.25\r\n")
    connection.recv(64)


def _ssh1(connection: socket.socket, record: Record, rng: random.Random) -> None:
    connection.sendall(b"SSH-1.5-Cisco-1.25\r\n")
    _hold(connection)


_LOW = Router(sign=">", enable=ENABLE)
_LOG = "show logging"

FAULTS: dict[str, Fault] = {
    "none": Fault(about="a healthy router"),
    "tcp-silent": Fault(about="accepts and says nothing", sock=_tcp_silent),
    "tcp-black-hole": Fault(about="the SYN is never answered", sock=_tcp_silent, backlog_full=True),
    "tcp-slow-ident": Fault(about="one byte of identification a second", sock=_tcp_slow_ident),
    "tcp-pre-ident": Fault(about="endless lines before the identification", sock=_tcp_pre_ident),
    "tcp-reset": Fault(about="reset before the identification", sock=_tcp_reset),
    "tcp-close": Fault(about="closed before the identification", sock=_tcp_close),
    "tcp-garbage": Fault(about="a telnet server", sock=_tcp_garbage),
    "tcp-http": Fault(about="a web server", sock=_tcp_http),
    "ssh1": Fault(about="speaks SSH 1.5 only", sock=_ssh1),
    "kex-silent": Fault(about="identification, then nothing", sock=_kex_silent),
    "ident-close": Fault(about="identification, then closed (VTYs full)", sock=_ident_then_close),
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
    "no-prompt": Fault(about="a shell without a prompt", shell=_silent),
    "motd-hash": Fault(
        about="a banner full of # and >", router=Router(greeting="####\n>>>> R1# > <ACME>#\nauthorised>\n")
    ),
    "motd-slow": Fault(about="a banner that takes 6 s", shell=_motd_slow),
    "pw-expired": Fault(about="the shell asks for a new password", shell=_pw_expired),
    "priv1": Fault(about="lands unprivileged", router=Router(sign=">")),
    "enable-good": Fault(about="enable with a secret", router=_LOW),
    "enable-bad": Fault(about="another enable secret", router=Router(sign=">", enable="another")),
    "enable-error": Fault(about="% Error in authentication", shell=_enable_error, router=_LOW),
    "enable-trap": Fault(about="`password` in a log line after enable", shell=_enable_trap, router=_LOW),
    "long-hostname": Fault(
        about="a hostname of 40 characters", router=Router(hostname="a-router-with-a-long-name-in-a-far-place")
    ),
    "config-mode": Fault(about="the prompt is that of configuration mode", router=Router(hostname="R1(config)")),
    "rename": Fault(about="the hostname changes", shell=_on(_LOG, _rename)),
    "log-after-prompt": Fault(about="a log line after the prompt", shell=_on(_LOG, _log_after)),
    "log-in-prompt": Fault(about="a log line splits the prompt", shell=_on(_LOG, _log_in)),
    "log-arrow": Fault(about="an ACL log line with -> at login", shell=_log_arrow),
    "prompt-in-output": Fault(about="prompt text inside the output", shell=_on(_LOG, _prompt_in_output)),
    "late-prompt": Fault(about="the prompt comes before the answer", shell=_on(_LOG, _late_prompt)),
    "random-delays": Fault(about="output in small pieces", shell=_on("show", _random_delays)),
    "more": Fault(about="--More-- despite length 0", shell=_on(_LOG, _more)),
    "no-width": Fault(about="terminal width refused, echo wraps", shell=_narrow),
    "no-echo": Fault(about="no echo", shell=_no_echo),
    "invalid": Fault(
        about="% Invalid input",
        shell=_on(_LOG, partial(_refuse, "        ^\n% Invalid input detected at '^' marker.\n\n")),
    ),
    "ambiguous": Fault(
        about="% Ambiguous command", shell=_on(_LOG, partial(_refuse, '% Ambiguous command:  "show log"\n'))
    ),
    "incomplete": Fault(about="% Incomplete command", shell=_on(_LOG, partial(_refuse, "% Incomplete command.\n\n"))),
    "denied": Fault(
        about="AAA denies a command", shell=_on(_LOG, partial(_refuse, "Command authorization failed.\n\n"))
    ),
    "strange-percent": Fault(
        about="a % line nobody listed", shell=_on(_LOG, partial(_refuse, "% No such thing here\n"))
    ),
    "slow3": Fault(about="a command takes 3 s", shell=_on(_LOG, partial(_slow, 3.0))),
    "slow30": Fault(about="a command takes 30 s", shell=_on(_LOG, partial(_slow, 30.0))),
    "hang-mid": Fault(about="the output stalls", shell=_on(_LOG, _hang_mid)),
    "drop-mid": Fault(about="the connection is cut in the output", shell=_on(_LOG, _drop_mid)),
    "close-mid": Fault(about="the channel closes in the output", shell=_on(_LOG, _close_mid)),
    "endless-slow": Fault(about="slow output without end", shell=_on(_LOG, _endless_slow)),
    "endless-fast": Fault(about="fast output without end", shell=_on("show crypto isakmp sa", _endless_fast)),
    "huge5": Fault(about="5 MB of honest log", shell=_on(_LOG, partial(_huge, 5))),
    "huge20": Fault(about="20 MB of honest log", shell=_on(_LOG, partial(_huge, 20))),
    "non-utf8": Fault(about="bytes that are not UTF-8", shell=_on(_LOG, _non_utf8)),
    "ansi": Fault(about="ANSI, OSC, NUL, BEL", shell=_on(_LOG, _ansi)),
    "ask-in-command": Fault(about="a password question instead of an answer", shell=_on(_LOG, _ask_in_command)),
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
            _start_socket(server, fault, rng)
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


async def _start_ssh(
    server: FaultServer, fault: Fault, router: Router, rng: random.Random, *, key: Any, port: int
) -> Callable[[], None]:
    if not _KEY:
        _KEY.append(asyncssh.generate_private_key("ssh-ed25519"))

    async def handle(process: Any) -> None:
        server.record.channels += 1
        script = fault.shell or _plain
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


def _close_all(sockets: tuple[socket.socket, ...]) -> None:
    for each in sockets:
        each.close()


def _start_socket(server: FaultServer, fault: Fault, rng: random.Random) -> None:
    listener = socket.create_server((server.host, 0), backlog=0 if fault.backlog_full else 64)
    server.port = listener.getsockname()[1]
    held: list[socket.socket] = []
    if fault.backlog_full:  # these stay in the backlog, the next SYN is dropped
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)  # noqa: FBT003 - the library's signature
            with contextlib.suppress(OSError):
                filler.connect((server.host, server.port))
            held.append(filler)
        server.stop = lambda: _close_all((*held, listener))
        return
    script = fault.sock
    assert script is not None
    listener.settimeout(0.2)
    stopped = threading.Event()
    end = time.monotonic() + fault.lifetime

    def talk(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(fault.lifetime)
            script(connection, server.record, rng)

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
                threading.Thread(target=talk, args=(connection,), name=f"fault-{server.fault}", daemon=True).start()

    thread = threading.Thread(target=accept, name=f"fault-{server.fault}", daemon=True)
    thread.start()

    def stop() -> None:
        stopped.set()
        for each in (listener, *held):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        thread.join(2)

    server.stop = stop
