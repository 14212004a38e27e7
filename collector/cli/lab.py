"""`lab`: the simulated fleet alone, for developers and trainers."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from collector.cli.output import tell, write_whole
from collector.errors import UsageError


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
) -> int:
    """Start simulated routers on loopback and wait; the inventory to reach them goes to stdout or a file."""
    if not host.startswith("127.") and host != "::1":
        raise UsageError(f"{host} is no loopback address; the lab's passwords are public")
    running = start_lab(scenario, host=host, base_port=port)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        text = running.inventory()
        if inventory is None:
            sys.stdout.write(text)
            sys.stdout.flush()
        else:
            write_whole(inventory, [text])
        for name, value in running.environment().items():
            tell(f"export {name}={value}")
        tell(f"{len(running.addresses)} routers listen; Ctrl-C ends them")
        stop.wait(seconds or None)
    finally:
        running.stop()
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
