"""Start a lab and stop it: in a thread of this process, or in a process of its own that ends with its parent.

with start("demo") as lab:
    lab.inventory()      # YAML for the collector's inventory
    lab.environment()    # the variables that it refers to
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncssh

from collector.errors import UsageError
from collector.lab import inventory, scenario
from collector.lab.exec import PASSWORD
from collector.lab.model import Network
from collector.lab.server import USER, Listening, common_options
from collector.lab.wire import Relay, Wire
from collector.lab.world import World, wall_clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a router listens."""

    host: str
    port: int


def start(
    name: str | Path | Mapping[str, Any] | Network = "demo",
    *,
    host: str = "127.0.0.1",
    base_port: int = 0,
    wire: Wire = Wire(),  # noqa: B008 - frozen
    clock: Callable[[], datetime] = wall_clock,
) -> RunningLab:
    """Start every router of a scenario in a thread of its own and wait until all listen.

    With the default host each router gets its own 127/8 address where the system has them, else its own port. base_port
    0: any free port; else that port on each address (or counted up from it on a single one). Raises UsageError for a
    bad scenario, OSError where a port is taken.
    """
    network = name if isinstance(name, Network) else scenario.load(name, epoch=clock())
    lab = RunningLab(World(network, clock), host, base_port, wire)
    lab.start()
    return lab


class RunningLab:
    """Routers that listen. A context manager; `stop` may be called twice."""

    def __init__(self, world: World, host: str, base_port: int, wire: Wire) -> None:
        self.world = world
        self.addresses: dict[str, Address] = {}
        self.logins: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self._host = host
        self._base_port = base_port
        self._wire = wire
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._acceptors: list[asyncssh.SSHAcceptor] = []
        self._relays: list[Relay] = []
        self._shared = Listening(world=world, seen=self._count, options=common_options())
        self._closed_ports: list[socket.socket] = []
        self._thread = threading.Thread(target=self._run, name="lab", daemon=True)

    def start(self) -> None:
        """Listen; raises what kept a router from it."""
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def stop(self) -> None:
        """Close every listener and connection."""
        if self._thread.is_alive():
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)

    def __enter__(self) -> Self:
        """Already started."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def typed(self, name: str) -> list[str]:
        """Every line that was entered on a router since the start, passwords left out."""
        return list(self.world.typed[name])

    def inventory(self, *, host_key: str = "accept-new") -> str:
        """inventory.yaml for these routers, credentials by reference to `environment()`."""
        where = {name: (address.host, address.port) for name, address in self.addresses.items()}
        return inventory.text(self.world.network, where, host_key=host_key)

    @staticmethod
    def environment() -> dict[str, str]:
        """The variables that the inventory refers to."""
        return {inventory.USERNAME: USER, inventory.PASSWORD: PASSWORD, inventory.SECRET: PASSWORD}

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._listen())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            self._failure = error
            self._ready.set()
        else:
            self._ready.set()
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._close())
            self._loop.close()

    async def _listen(self) -> None:
        spread = self._host == "127.0.0.1" and _has_loopback_net()
        for device in self.world.network.devices:
            number = device.number - 1
            host = f"127.{20 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}" if spread else self._host
            port = self._base_port + (0 if spread or not self._base_port else number)
            if device.unreachable:
                self.addresses[device.name] = self._refusing(host, port)
                continue
            near = (host, port) if self._wire.plain else ("127.0.0.1", 0)
            acceptor = await self._shared.listen(device.name, *near)
            self._acceptors.append(acceptor)
            if not self._wire.plain:
                relay = Relay(self._wire, acceptor.get_port())
                self._relays.append(relay)
                port = await relay.listen(host, port)
            self.addresses[device.name] = Address(host=host, port=port or acceptor.get_port())

    def _refusing(self, host: str, port: int) -> Address:
        """A port that is bound and not listened on: it refuses, and nobody else can take it."""
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        bound.bind((host, port))
        self._closed_ports.append(bound)
        return Address(host=host, port=bound.getsockname()[1])

    def _count(self, name: str, what: str) -> None:
        (self.logins if what == "login" else self.rejected)[name] += 1

    async def _close(self) -> None:
        for acceptor in self._acceptors:
            acceptor.close()
        for connection in tuple(self._shared.connections):
            connection.abort()
        await asyncio.gather(*(relay.close() for relay in self._relays))
        for bound in self._closed_ports:
            bound.close()
        tasks = [task for task in asyncio.all_tasks(self._loop) if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.01)  # transports say good-bye in the next turns of the loop


def start_process(
    name: str | Path = "demo", *, base_port: int = 0, rtt: float = 0.0, trickle: bool = False
) -> LabProcess:
    """The same in a process of its own. Raises UsageError with what that process said when it could not start."""
    command = [sys.executable, "-m", "collector.lab", str(name), "--base-port", str(base_port), "--rtt", str(rtt)]
    process = subprocess.Popen(  # noqa: S603 - our own module, and names that the caller gave
        command + (["--trickle"] if trickle else []),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        if line.rstrip() == inventory.READY:
            return LabProcess(process, "".join(lines))
        lines.append(line)
    _, message = process.communicate()
    raise UsageError(message.strip() or "the lab ended before it listened")


class LabProcess:
    """A lab in a process that ends when its standard input does: with `stop`, or with this process."""

    def __init__(self, process: subprocess.Popen[str], text: str) -> None:
        self._process = process
        self._text = text

    def inventory(self) -> str:
        """inventory.yaml for these routers."""
        return self._text

    @staticmethod
    def environment() -> dict[str, str]:
        """The variables that the inventory refers to."""
        return RunningLab.environment()

    def stop(self) -> None:
        """End it; by force where it does not end by itself."""
        try:
            self._process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def __enter__(self) -> Self:
        """Already started."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()


def _has_loopback_net() -> bool:
    """Linux answers on all of 127/8, other systems on 127.0.0.1 only."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("127.20.0.1", 0))
        except OSError:
            return False
    return True
