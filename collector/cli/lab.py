"""`lab`: the simulated fleet alone, for developers and trainers."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from collector.cli.output import tell, write_whole
from collector.errors import UsageError
from collector.inventory.load import near


def lab(
    scenario: Annotated[str, typer.Argument(help="A scenario's name or the path of a scenario file.")] = "demo",
    host: Annotated[
        str, typer.Option("--host", help="Loopback address; each router gets one of its own near it.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="First port; 0 takes free ones.", min=0, max=65535)] = 0,
    inventory: Annotated[
        Path | None, typer.Option("--inventory", "-i", help="Write the fleet's inventory here.")
    ] = None,
    seconds: Annotated[int, typer.Option("--seconds", help="Stop by itself after so long; 0: on Ctrl-C.", min=0)] = 0,
    faults: Annotated[
        str | None,
        typer.Option(
            "--faults", help="Instead of a scenario: servers that fail in these ways (a,b), `all`, or `list`."
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the faults' randomness.")] = 1,
) -> int:
    """Start simulated routers on loopback and wait; the inventory to reach them goes to stdout or a file."""
    if faults is not None:
        return _faulty(faults, seed, inventory, seconds)
    if not host.startswith("127.") and host != "::1":
        raise UsageError(f"{host} is no loopback address; the lab's passwords are public")
    running = start_lab(scenario, host=host, base_port=port)
    try:
        _wait(running.inventory(), running.environment(), len(running.addresses), inventory, seconds)
    finally:
        running.stop()
    return 0


def _wait(text: str, environment: Mapping[str, str], count: int, inventory: Path | None, seconds: int) -> None:
    """Tell how to reach what listens, then wait for the end."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if inventory is None:
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        write_whole(inventory, [text])
    for name, value in environment.items():
        tell(f"export {name}={value}")
    tell(f"{count} routers listen; Ctrl-C ends them")
    stop.wait(seconds or None)


_WITH_ENABLE = ", secret: {env: SPI_LAB_SECRET}"  # not for `priv1`, which is about a login that has none


def _faulty(wanted: str, seed: int, inventory: Path | None, seconds: int) -> int:
    """Servers that fail on purpose: one a fault, seeded."""
    try:
        from collector.lab.faults import ENABLE, FAULTS, PASSWORD, USERNAME, Faults  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError(f"the lab needs {error.name}: pip install 'spi-collector[lab]'") from None
    if wanted == "list":
        for name, fault in FAULTS.items():
            sys.stdout.write(f"{name:<22} {fault.about}\n")
        return 0
    names = list(FAULTS) if wanted == "all" else [name.strip() for name in wanted.split(",")]
    for name in names:
        if name not in FAULTS:
            hint = near(name, FAULTS)
            raise UsageError(f"--faults {name}: no such fault" + (f" - {hint}" if hint else "; see --faults list"))
    environment = {"SPI_LAB_USERNAME": USERNAME, "SPI_LAB_PASSWORD": PASSWORD, "SPI_LAB_SECRET": ENABLE}
    with Faults(seed=seed) as running:
        servers = {name: running.start(name) for name in names}
        hosts = "".join(
            f"  {name}: {{hostname: {s.host}, port: {s.port}{_WITH_ENABLE if name.startswith('enable-') else ''}}}\n"
            for name, s in servers.items()
        )
        text = (
            "version: 1\ndefaults:\n  username: {env: SPI_LAB_USERNAME}\n  password: {env: SPI_LAB_PASSWORD}\n"
            f"  logins_per_second: 50\nhosts:\n{hosts}"
        )
        _wait(text, environment, len(servers), inventory, seconds)
    return 0


def start_lab(scenario: str, *, host: str = "127.0.0.1", base_port: int = 0):  # type: ignore[no-untyped-def]  # noqa: ANN201 - RunningLab, known only where asyncssh is
    """A running lab, or a UsageError that says what is missing."""
    try:
        from collector import lab as room  # noqa: PLC0415 - an extra

        return room.start(scenario, host=host, base_port=base_port)
    except ImportError as error:
        raise UsageError(f"the lab needs {error.name}: pip install 'spi-collector[lab]'") from None
    except OSError as error:
        raise UsageError(f"the lab cannot listen on {host}: {error.strerror}; try --port 0") from None
