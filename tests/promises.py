"""Helpers for tests of what the whole product promises: the command in a process of its own, against servers of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from collector.lab.faults import ENABLE, PASSWORD, USERNAME, FaultServer

CREDENTIALS = {"SPI_P_USER": USERNAME, "SPI_P_PASSWORD": PASSWORD, "SPI_P_ENABLE": ENABLE}


def inventory_of(servers: Iterable[tuple[str, FaultServer]], file: Path, *, more: str = "", rate: int = 100) -> Path:
    """An inventory of fault servers at `file`; more: further lines under `defaults:`."""
    hosts = "".join(f"  {name}: {{hostname: {server.host}, port: {server.port}}}\n" for name, server in servers)
    file.write_text(
        "version: 1\ndefaults:\n  username: {env: SPI_P_USER}\n  password: {env: SPI_P_PASSWORD}\n"
        f"  secret: {{env: SPI_P_ENABLE}}\n  logins_per_second: {rate}\n{more}hosts:\n{hosts}",
        encoding="utf-8",
    )
    file.chmod(0o600)
    return file


def command(*arguments: str, python: Iterable[str] = ()) -> list[str]:
    return [sys.executable, *python, "-m", "collector", *arguments]


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    return {**os.environ, **CREDENTIALS, **(more or {})}


def spi(*arguments: str, env: Mapping[str, str] | None = None, **more: Any) -> subprocess.CompletedProcess[bytes]:
    """Run the command to its end."""
    return subprocess.run(
        command(*arguments, python=more.pop("python", ())),
        capture_output="stdout" not in more,
        stdin=subprocess.DEVNULL,
        env=environment(env),
        timeout=more.pop("timeout", 100),
        check=False,
        **more,
    )


def starting(*arguments: str, **more: Any) -> subprocess.Popen[bytes]:
    """Start the command; the caller ends it."""
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
    return subprocess.Popen(command(*arguments), stdin=subprocess.DEVNULL, env=environment(), **pipe)
