"""What all faulty servers share: what each saw, and a healthy router's shell, which the scripts let go wrong.

Like IOS: a newline before the prompt, echo by character, the caret line.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

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


@dataclass(slots=True)
class FaultServer:
    """One listening server."""

    fault: str
    port: int
    record: Record
    host: str = "127.0.0.1"
    stop: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """What a well-behaved shell says. outputs: command -> text with one line feed a line."""

    hostname: str = "R1"
    sign: str = "#"
    greeting: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    enable: str | None = None  # the enable secret, `None`: no password asked


HEALTHY = Router()

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

    def __init__(self, process: Any, record: Record, router: Router, rng: Random) -> None:
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
