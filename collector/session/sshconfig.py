"""Which way to a device: the inventory's word, then (only where asked) an ssh_config file's HostName, Port, User, ProxyJump.

No program is run because a file says so: neither a ProxyCommand nor a `Match exec`, which the library would run in a shell
while it looks a host up.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import paramiko

from collector.errors import ErrorCode, SessionError
from collector.model import Device

_MATCH = re.compile(r"\s*match(?:\s*=\s*|\s+)(.+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where to connect. username: only what the ssh_config file says, for a device that names none."""

    host: str
    port: int
    username: str | None = None
    jump: str | None = None


def route(device: Device) -> Route:
    """The route of `device`. SessionError E_CREDENTIAL where its ssh_config file cannot be read."""
    if device.ssh.config_file is None:
        return Route(host=device.host, port=device.port, jump=device.ssh.jump)
    path = Path(device.ssh.config_file).expanduser()
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        if _runs_a_program(text):
            words = f"ssh_config {path} has a `Match exec`: no program is run; use `Match host`"
            raise SessionError(ErrorCode.CREDENTIAL, words, phase="credential")
        found = paramiko.SSHConfig.from_text(text).lookup(device.host)
    except OSError as error:
        raise SessionError(ErrorCode.CREDENTIAL, f"ssh_config {path}: {error.strerror}", phase="credential") from None
    except KeyError:  # the library asks for our own name, which a container may not know
        words = f"ssh_config {path}: the user who runs this has no name here; set LOGNAME"
        raise SessionError(ErrorCode.CREDENTIAL, words, phase="credential") from None
    except (paramiko.SSHException, ValueError) as error:
        raise SessionError(ErrorCode.CREDENTIAL, f"ssh_config {path}: {error}"[:200], phase="credential") from None
    if "proxycommand" in found:
        raise SessionError(
            ErrorCode.JUMP,
            f"ssh_config {path} has a ProxyCommand for {device.host}: no program is run; use ProxyJump or `ssh.jump`",
            phase="connect",
        )
    port = str(found.get("port", device.port))
    if not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        words = f"ssh_config {path}: {port[:20]!r} is no port"
        raise SessionError(ErrorCode.CREDENTIAL, words, phase="credential")
    proxy = found.get("proxyjump")
    return Route(
        host=str(found.get("hostname", device.host)),
        port=int(port) if device.port == 22 else device.port,
        username=str(found["user"]) if "user" in found else None,
        jump=device.ssh.jump or (None if proxy in {None, "none"} else str(proxy)),
    )


def _runs_a_program(text: str) -> bool:
    """Whether a Match line has the keyword `exec`. ValueError where its quotes do not close, as the library has it."""
    matches = filter(None, map(_MATCH.match, text.split("\n")))
    return any(word.lstrip("!").lower() == "exec" for found in matches for word in shlex.split(found[1]))
