"""The network between a client and a router: its round trip, and how bytes come.

A relay on the router's public address, below SSH: the handshake feels the distance too.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

CHUNK = 1400
PACE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """rtt: seconds there and back. trickle: what the router sends comes as 1,400 bytes every 10 ms."""

    rtt: float = 0.0
    trickle: bool = False

    @property
    def plain(self) -> bool:
        """True where nothing stands in between."""
        return not self.rtt and not self.trickle


class Relay:
    """Carries connections on a router's public address to 127.0.0.1:inner as the wire does."""

    def __init__(self, wire: Wire, inner: int) -> None:
        self._wire = wire
        self._inner = inner
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, host: str, port: int) -> int:
        """Listen; the port in use."""
        self._server = await asyncio.start_server(self._carry, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Cut every connection and wait until the last byte is dropped."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        ends = {writer}
        self._writers |= ends
        with contextlib.suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._inner)
            ends.add(far_writer)
            self._writers |= ends
            await asyncio.gather(
                _pump(reader, far_writer, self._wire.rtt / 2, trickle=False),
                _pump(far_reader, writer, self._wire.rtt / 2, trickle=self._wire.trickle),
            )
        for end in ends:
            end.close()
        self._writers -= ends


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, *, trickle: bool) -> None:
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    sender = asyncio.create_task(_send(queue, writer, trickle=trickle))
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            queue.put_nowait((loop.time() + delay, data))
    queue.put_nowait((loop.time() + delay, b""))
    await sender


async def _send(queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter, *, trickle: bool) -> None:
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):
        while True:
            due, data = await queue.get()
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            if not data:
                break
            step = CHUNK if trickle else len(data)
            for at in range(0, len(data), step):
                writer.write(data[at : at + step])
                await writer.drain()
                if trickle and len(data) > at + step:
                    await asyncio.sleep(PACE)
    with contextlib.suppress(OSError, RuntimeError):
        writer.close()
