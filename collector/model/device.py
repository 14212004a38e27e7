"""Device: what the inventory says of one router. No secret stands here, only references to secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Where a secret is to be had; resolved late, in the process that logs in.

    kind: env (a variable), file, command (run once a run), systemd (a credential's name), keyring ("service/user"),
    prompt (asked on the terminal once a run), literal (only `--username` and names that are no secret).
    """

    kind: Literal["env", "file", "command", "systemd", "keyring", "prompt", "literal"]
    value: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SshSettings:
    """How to reach and trust the router."""

    host_key: Literal["accept-new", "strict"] = "accept-new"
    known_hosts: str | None = None  # None: the state folder's own file
    profile: Literal["modern", "legacy"] = "modern"
    jump: str | None = None
    keys: str | None = None  # "agent" or the path of a key file
    config_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Budgets of one visit."""

    connect: timedelta = timedelta(seconds=8)
    command: timedelta = timedelta(seconds=30)
    device: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One router of the inventory. `platform` is netmiko's device_type: cisco_ios or cisco_xe."""

    name: str
    host: str
    platform: str = "cisco_ios"
    port: int = 22
    username: Reference | None = None
    password: Reference | None = None
    secret: Reference | None = None
    ssh: SshSettings = SshSettings()
    timeout: Timeouts = Timeouts()
    groups: tuple[str, ...] = ()
    data: Mapping[str, object] = field(default_factory=dict)
