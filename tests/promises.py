"""Helpers for tests of what the whole product promises: the command in a process of its own, against servers of ours."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
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
        timeout=more.pop("timeout", 400),
        check=False,
        **more,
    )


@contextmanager
def starting(*arguments: str, **more: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Start the command; it is killed when the block ends, should it still run."""
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
    with subprocess.Popen(command(*arguments), stdin=subprocess.DEVNULL, env=environment(), **pipe) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until(true: Callable[[], object], process: subprocess.Popen[bytes], *, seconds: float = 300) -> None:
    """Wait for a condition; where the process ends before it, or it does not come true, its last words are shown."""
    end = time.monotonic() + seconds
    while not true():
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            raise AssertionError(process.communicate())
        time.sleep(0.02)
