"""Shells that go wrong, over asyncssh: a script is played on each session channel."""

# ruff: noqa: ARG001, D103 - every script has the same signature, and FAULTS says what it is about
from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from collector.lab.faults_shell import LOG_LINE, Shell

ShellScript = Callable[[Shell], Awaitable[None]]


async def plain(shell: Shell) -> None:
    await shell.serve()


async def silent(shell: Shell) -> None:
    """A shell without a prompt."""
    while True:
        await shell.read()


async def motd_slow(shell: Shell) -> None:
    for _ in range(20):
        await shell.send(b"* authorised use only *\r\n")
        await asyncio.sleep(0.3)
    await shell.serve()


async def pw_expired(shell: Shell) -> None:
    await shell.send(b"\r\nYour password has expired.\r\nEnter new password: ")
    await silent(shell)


async def enable_trap(shell: Shell) -> None:
    """After `enable`, a log line speaks of a password; the question never comes."""
    await shell.send(b"\r\n" + shell.prompt)
    while (line := await shell.line()) != "enable":
        await shell.answer(line)
    await shell.send(b"*Nov 24 12:00:01.123: %AAA-4-BADPASS: bad password:\r\nuser failed to give a password: x\r\n")
    await silent(shell)


async def enable_error(shell: Shell) -> None:
    await shell.send(b"\r\n" + shell.prompt)
    while True:
        line = await shell.line()
        if line == "enable":
            await shell.send(b"% Error in authentication.\r\n\r\n" + shell.prompt)
        else:
            await shell.answer(line)


def on(command: str, act: Callable[[Shell, str], Awaitable[bool | None]]) -> ShellScript:
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


async def rename(shell: Shell, line: str) -> bool:
    shell.hostname = "OTHER"
    return True


async def log_after(shell: Shell, line: str) -> None:
    await shell.send(_body(shell, line) + shell.prompt + LOG_LINE)


async def log_in(shell: Shell, line: str) -> None:
    prompt = shell.prompt
    await shell.send(_body(shell, line) + prompt[:1] + LOG_LINE + prompt[1:])


async def log_arrow(shell: Shell) -> None:
    await shell.send(
        b"\r\n" + shell.prompt + b"\r\n*Nov 24 12:00:01.123: %SEC-6-IPACCESSLOGP: list 101 denied tcp "
        b"198.51.100.9(4242) -> 192.0.2.1(22), 1 packet\r\n"
    )
    while True:
        await shell.answer(await shell.line())


async def prompt_in_output(shell: Shell, line: str) -> None:
    text = _body(shell, line)
    middle = len(text) // 2
    await shell.send(text[:middle] + b"user typed " + shell.prompt + b" show run\r\n" + shell.prompt + b"\r\n")
    await asyncio.sleep(0.02)
    await shell.send(text[middle:] + shell.prompt)


async def more(shell: Shell, line: str) -> None:
    await shell.send(_body(shell, line)[:200] + b"\r\n --More-- ")
    await silent(shell)


async def late_prompt(shell: Shell, line: str) -> bool:
    """A prompt; and once it was believed, as the next line shows, the answer that should have stood before it."""
    await shell.send(shell.prompt)
    shell.pending += await shell.read()
    return True


async def no_echo(shell: Shell) -> None:
    await shell.send(b"\r\n" + shell.prompt)
    while True:
        await shell.answer(await shell.line(echo=False))


async def hang_mid(shell: Shell, line: str) -> None:
    await shell.send(_body(shell, line)[:150])
    await silent(shell)


async def drop_mid(shell: Shell, line: str) -> None:
    await shell.send(_body(shell, line)[:150])
    shell.process.channel.get_connection().abort()
    raise EOFError


async def close_mid(shell: Shell, line: str) -> None:
    await shell.send(_body(shell, line)[:150])
    shell.process.exit(0)
    raise EOFError


async def endless_slow(shell: Shell, line: str) -> None:
    while True:
        await shell.send(b"and one more line of no end\r\n")
        await asyncio.sleep(0.2)


async def endless_fast(shell: Shell, line: str) -> None:
    block = b"and one more line of no end at all, as fast as it goes\r\n" * 600
    while True:
        await shell.send(block)


async def slow(seconds: float, shell: Shell, line: str) -> bool:
    await asyncio.sleep(seconds)
    return True


async def huge(mebibytes: int, shell: Shell, line: str) -> None:
    row = b"Nov 24 11:59:01.200: %SYS-5-CONFIG_I: Configured from console by vty0 (198.51.100.7)\r\n"
    for _ in range(mebibytes):
        await shell.send(row * ((1 << 20) // len(row)))
    await shell.send(shell.prompt)


async def non_utf8(shell: Shell, line: str) -> None:
    data = _body(shell, line) + b"caf\xe9 \xff\xfe and caf\xc3\xa9\r\n"
    for index in range(0, len(data), 7):
        await shell.send(data[index : index + 7])
        if index % 5 == 0:
            await asyncio.sleep(0)
    await shell.send(shell.prompt)


async def ansi(shell: Shell, line: str) -> None:
    await shell.send(b"\x1b[0m\x1b]0;title\x07" + _body(shell, line) + b"\x00\x07\x1b[1m" + shell.prompt + b"\x1b[0m")


async def ask_in_command(shell: Shell, line: str) -> None:
    await shell.send(b"Enter new password: ")
    await silent(shell)


async def random_delays(shell: Shell, line: str) -> None:
    data = _body(shell, line) + shell.prompt
    index = 0
    while index < len(data):
        size = shell.rng.randint(1, 40)
        await shell.send(data[index : index + size])
        index += size
        await asyncio.sleep(shell.rng.random() * 0.01)


async def refuse(text: str, shell: Shell, line: str) -> None:
    await shell.send(text.replace("\n", "\r\n").encode() + shell.prompt)


async def narrow(shell: Shell) -> None:
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
