"""What can be typed at the exec beside `show`. A verb acts on the shell and gives the lines to print."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from collector.lab.render import Command, Lines, Look

if TYPE_CHECKING:
    from collector.lab.exec import Shell

Words = tuple[str, ...]
Verb = Callable[["Shell", Words], Lines]


def _enable(shell: Shell, words: Words) -> Lines:
    shell.ask_secret(int(words[1]) if len(words) > 1 else 15)
    return []


def _disable(shell: Shell, _: Words) -> Lines:
    shell.privilege = 1
    return []


def _leave(shell: Shell, _: Words) -> Lines:
    shell.end()
    return []


def _length(shell: Shell, words: Words) -> Lines:
    shell.screen.length = min(512, int(words[2]))
    return []


def _width(shell: Shell, words: Words) -> Lines:
    shell.screen.width = min(512, int(words[2]))
    return []


def _monitor(shell: Shell, words: Words) -> Lines:
    shell.watch(on="no" not in words)
    return []


def _configure(shell: Shell, _: Words) -> Lines:
    shell.config = "config"
    return ["Enter configuration commands, one per line.  End with CNTL/Z."]


def _clear(shell: Shell, words: Words) -> Lines:
    address = next((word for word in words[3:] if word.count(".") == 3), None)
    shell.world.clear(shell.name, IPv4Address(address) if address else None)
    return []


def _nothing(_: Shell, __: Words) -> Lines:
    return []


def _undebug(_: Shell, __: Words) -> Lines:
    return ["All possible debugging has been turned off"]


def _write_memory(_: Shell, __: Words) -> Lines:
    return ["Building configuration...", "[OK]"]


# pattern -> (what it does, privilege)
VERBS: dict[str, tuple[Verb, int]] = {
    "enable": (_enable, 0),
    "enable <number>": (_enable, 0),
    "disable": (_disable, 0),
    "exit": (_leave, 0),
    "logout": (_leave, 0),
    "quit": (_leave, 0),
    "terminal length <number>": (_length, 0),
    "terminal width <number>": (_width, 0),
    "terminal monitor": (_monitor, 2),
    "terminal no monitor": (_monitor, 2),
    "configure terminal": (_configure, 15),
    "clear crypto sa": (_clear, 15),
    "clear crypto sa peer <address>": (_clear, 15),
    "clear crypto sa entry <address> esp <word>": (_clear, 15),
    "clear crypto session remote <address>": (_clear, 15),
    "clear crypto isakmp": (_nothing, 15),
    "clear crypto isakmp <number>": (_nothing, 15),
    "clear logging": (_nothing, 15),
    "undebug all": (_undebug, 15),
    "write memory": (_write_memory, 15),
}
# Keywords of a real exec that no command here needs: they decide which abbreviations are ambiguous.
_OTHERS = (
    "show arp",
    "show access-lists",
    "show cdp neighbors",
    "show configuration",
    "show controllers",
    "show crypto ca certificates",
    "show crypto engine brief",
    "show crypto identity",
    "show history",
    "show hosts",
    "show interfaces",
    "show inventory",
    "show ip access-lists",
    "show ip interface brief",
    "show ip route",
    "show line",
    "show memory",
    "show ntp status",
    "show platform",
    "show policy-map",
    "show processes cpu",
    "show protocols",
    "show startup-config",
    "show tech-support",
    "show vrf",
    "debug all",
    "copy",
    "connect",
    "crypto",
    "ping",
    "reload",
    "resume",
    "ssh",
    "telnet",
    "traceroute",
    "where",
)


def _silent(_: Look) -> Lines:
    return []


def commands() -> tuple[Command, ...]:
    """Verbs and other keywords in the grammar's terms. A keyword of the latter kind answers nothing."""
    verbs = tuple(Command(pattern=pattern, render=_silent, level=level) for pattern, (_, level) in VERBS.items())
    return (*(Command(pattern=pattern, render=_silent) for pattern in _OTHERS), *verbs)
