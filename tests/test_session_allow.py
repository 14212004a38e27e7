"""What may be typed is an exact string of the catalogue: thousands of generated lines find no way around."""

from __future__ import annotations

import ast
import random
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import collector
from collector.collect.plan import plan_for, relook_for
from collector.collect.view import Knowledge
from collector.commands import CATALOGUE
from collector.errors import UsageError
from collector.model import Device
from collector.session import allow
from collector.session.limits import Limits
from collector.session.shell import Shell
from collector.session.words import to_prompt

DANGEROUS = (
    "clear", "clear crypto sa", "configure terminal", "conf t", "debug crypto isakmp", "reload", "copy run start",
    "write memory", "wr", "delete flash:x", "show tech", "show tech-support", "show running-config", "show startup-config",
    "show crypto isakmp key", "show logging | redirect flash:x", "show logging | tee flash:x", "show version | append x",
    "show platform hardware qfp active statistics drop clear", "show clock detail ; reload", "do show clock", "enable",
    "sh clock", "show  clock", " show clock", "show clock ", "SHOW CLOCK", "show clock\n", "show clock\r", "show clock?",
    "show cl\tock", "show clock\x00", "show clóck", "terminal length 24", "terminal monitor", "exit", "", "\n", "undebug all",
    "no ip http", "show running-config | include .", "show running-config | section ^crypto",
    "show crypto ipsec sa peer", "show crypto ipsec sa peer 192.0.2.1 clear", "show crypto ipsec sa peer 192.0.2.1\nreload",
    "show crypto ipsec sa peer {peer}", "show crypto ipsec sa peer router.example", "show crypto ipsec sa peer 192.0.2.01",
    "show crypto ipsec sa peer 1.2.3.4 | redirect x", "show crypto ipsec sa vrf A B", "show crypto ipsec sa vrf |",
    "test crypto", "send log x", "monitor capture x", "tclsh", "guestshell run bash", "show logging | include x | redirect f:",
)  # fmt: skip


def exact_lines() -> set[str]:
    return {line for command in CATALOGUE for line in command.lines if "{" not in line} | set(allow.PREPARATION)


def independent(line: str) -> bool:
    """The rule again, by another hand: an exact line, or one whose last words are an address or a name."""
    if line in exact_lines():
        return True
    for command in CATALOGUE:
        for form in command.lines:
            pieces = form.split("{")
            if len(pieces) != 2:
                continue
            kind, _, after = pieces[1].partition("}")
            if not (line.startswith(pieces[0]) and line.endswith(after)):
                continue
            value = line[len(pieces[0]) : len(line) - len(after)]
            if kind == "peer" and value and all(c in "0123456789abcdef.:ABCDEF" for c in value) and len(value) < 40:
                return True
            if kind != "peer" and value.replace(".", "").replace("_", "").replace(":", "").replace("-", "").isalnum():
                return value.isascii()
    return False


def test_every_line_of_the_catalogue_may_be_typed_and_is_only_a_look():
    assert len(exact_lines()) > 15
    for line in allow.catalogue():
        filled = line.replace("{peer}", "192.0.2.1").replace("{vrf}", "BLUE").replace("{name}", "VPN-1")
        assert allow.allowed(filled), line
        assert len(filled) < 200
        assert allow.refuse(filled) is None


@pytest.mark.parametrize("line", DANGEROUS)
def test_what_changes_or_burdens_a_router_is_refused(line):
    assert not allow.allowed(line)
    with pytest.raises(UsageError, match="refused to type"):
        allow.check(line)


def test_a_hundred_thousand_generated_lines():
    rng = random.Random(5)
    words = sorted({word for line in allow.catalogue() for word in line.split()})
    evil = [
        "clear",
        "reload",
        "|",
        "redirect",
        "tee",
        "append",
        "debug",
        "configure",
        "\n",
        "\r",
        ";",
        "?",
        "key",
        "tech",
    ]
    values = ["192.0.2.1", "2001:db8::1", "BLUE", "256.1.1.1", "a" * 65, "-x", "x y", "0x1", "192.0.2.1 clear", "é"]
    lines = list(allow.catalogue())
    passed = 0
    for _ in range(100_000):
        form = rng.choice(lines)
        roll = rng.random()
        if roll < 0.3:
            line = form.replace("{peer}", rng.choice(values)).replace("{vrf}", rng.choice(values))
        elif roll < 0.6:
            at = rng.randrange(len(form))
            line = form[:at] + rng.choice([*evil, chr(rng.randrange(256))]) + form[at + rng.randrange(3) :]
        else:
            line = " ".join(rng.choice(words + evil) for _ in range(rng.randint(1, 8)))
        if allow.allowed(line):
            passed += 1
            assert independent(line), line
            assert line.isascii()
            assert line.isprintable()
            before_pipe = line.partition("|")[0].split()
            assert not {"clear", "debug", "tech", "tech-support", "key", "reload", "configure"} & set(before_pipe[1:4])
            assert not {"redirect", "tee", "append"} & set(line.split())
    assert passed > 1000  # the generator also makes good lines


@given(st.text(max_size=80))
@settings(max_examples=500, deadline=None)
def test_any_text_passes_only_by_the_rule(line):
    assert allow.allowed(line) == (independent(line) and allow.allowed(line))


class Silent:
    def __init__(self):
        self.written = []

    def read(self, seconds):  # noqa: ARG002 - a wire's signature
        return None

    def write(self, data):
        self.written.append(data)


def test_the_door_itself_refuses():
    wire = Silent()
    shell = Shell(wire, deadline=time.monotonic() + 5, limits=Limits())
    shell.prompt = to_prompt("R1#")
    for line in DANGEROUS:
        if line != "enable":
            with pytest.raises(UsageError):
                shell._type(line)
        with pytest.raises(UsageError):
            shell.ask(line)
    assert wire.written == []


def test_there_is_one_door():
    """Only shell.py writes to the wire, at one place; nothing else in the package calls a channel's send.

    packets.py's is the socket's, below SSH: it takes packets that the library has built. crew.py and worker.py speak to
    each other through the pipes of multiprocessing, and know nothing of the SSH libraries.
    """
    calls = []
    root = Path(collector.__file__).parent
    for path in sorted((root / "session").glob("*.py")) + sorted((root / "collect").glob("*.py")):
        source = path.read_text(encoding="utf-8")
        if path.name in {"crew.py", "worker.py"}:
            assert not [
                word for word in ("paramiko", "netmiko", "session.connection", "session.shell") if word in source
            ]
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                name = node.func.attr
                if name in {
                    "send_command",
                    "send_config_set",
                    "sendall",
                    "send",
                    "exec_command",
                    "write_channel",
                    "find_prompt",
                    "send_command_timing",
                }:
                    if path.name == "packets.py":
                        assert ast.unparse(node.func.value) == "self._sock"
                        continue
                    calls.append((path.name, name))
                if name == "write" and isinstance(node.func.value, ast.Attribute) and node.func.value.attr == "_wire":
                    calls.append((path.name, name))
    assert calls == [("connection.py", "sendall"), ("shell.py", "write")]


def test_plans_ask_only_what_may_be_typed():
    device = Device(name="r", host="192.0.2.9", platform="cisco_xe")
    for plan in (
        plan_for(device),
        plan_for(device, Knowledge(audit=True)),
        plan_for(device, Knowledge(peers=("192.0.2.1", "not an address", "2001:db8::1"))),
        relook_for(device, Knowledge(peers=("192.0.2.1",))),
    ):
        lines = plan(())
        assert lines
        assert all(allow.allowed(line) for line in lines)
