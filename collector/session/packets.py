"""SSH packets out of one buffer that takes all that the socket holds; every wait ends at `until`."""

from __future__ import annotations

import inspect
import math
import socket
import struct
import sys
import threading
import time
from typing import Any

from paramiko.packet import Packetizer

from collector.session.transport import LARGEST_PACKET, BoundedPacketizer, NotSsh

_READ = 65_536
_LONGEST = 86_400.0  # seconds that a call waits
_STALLED = 10.0  # seconds without a byte, within a packet that has begun
_CIPHER = inspect.signature(Packetizer.set_inbound_cipher)


class TimeIsUpError(EOFError):
    """`until` came, or a packet stalled: an end of the connection, to the library around it."""


class TimedChannel:
    """Reads of a channel of the library that end in time: its own waits go by the wall clock."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self._came = threading.Event()
        channel.in_buffer.set_event(self._came)

    def recv(self, size: int, seconds: float) -> bytes:
        """What came, at most `size` bytes; TimeoutError where nothing came in `seconds`."""
        if not self._came.wait(min(max(seconds, 0.0), _LONGEST)):
            raise TimeoutError
        self._channel.settimeout(0.0)
        return self._channel.recv(size)  # type: ignore[no-any-return]


class _Timed:
    """Reads and writes that end in time, on anything with `settimeout`: a channel through a jump host."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._channel = TimedChannel(sock) if hasattr(sock, "in_buffer") else None

    def recv(self, size: int, seconds: float, *, whole: bool) -> bytes:  # noqa: ARG002 - it takes what there is
        if self._channel is not None:
            return self._channel.recv(size, seconds)
        self._sock.settimeout(min(seconds, _LONGEST))
        return self._sock.recv(size)  # type: ignore[no-any-return]

    def send(self, data: bytes, seconds: float) -> int:
        self._sock.settimeout(min(seconds, _LONGEST))
        return self._sock.send(data)  # type: ignore[no-any-return]


class _KernelTimed:
    """The same on a socket of Linux, which keeps the time itself: one system call instead of three.

    Python gives way to other threads at each call that may wait, and has to wait for its turn behind it.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        sock.settimeout(None)

    def recv(self, size: int, seconds: float, *, whole: bool) -> bytes:
        """whole: wait until all of `size` has come, or the time is over."""
        if seconds <= 0:
            return self._sock.recv(size, socket.MSG_DONTWAIT)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(seconds))
        return self._sock.recv(size, socket.MSG_WAITALL if whole else 0)

    def send(self, data: bytes, seconds: float) -> int:
        try:
            return self._sock.send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(max(seconds, 0.001)))
            return self._sock.send(data)


def _kernel_times(sock: Any) -> bool:
    return sys.platform == "linux" and sys.maxsize > 1 << 32 and isinstance(sock, socket.socket)


def _timeval(seconds: float) -> bytes:
    whole = int(min(seconds, _LONGEST))
    return struct.pack("@ll", whole, max(int((seconds - whole) * 1_000_000) if whole < _LONGEST else 0, 1))


class PumpedPacketizer(BoundedPacketizer):
    """Packets out of one buffer, which takes all that the socket has.

    until: the moment (monotonic seconds) that ends every wait. out_of_time: one came to it.
    """

    def __init__(self, sock: Any) -> None:
        super().__init__(sock)
        self.until = math.inf
        self.out_of_time = False
        self._sock: Any = _KernelTimed(sock) if _kernel_times(sock) else _Timed(sock)
        self._came = bytearray()
        self._block, self._mac, self._clear = 8, 0, True  # clear: a packet's length stands unencrypted before it

    def set_inbound_cipher(self, *arguments: Any, **more: Any) -> None:
        """As the library's; how a packet's end is known from its first bytes is remembered."""
        super().set_inbound_cipher(*arguments, **more)
        told = more if not arguments else _CIPHER.bind(self, *arguments, **more).arguments
        self._block, self._mac = told["block_size"], told["mac_size"]
        self._clear = bool(told.get("aead") or told.get("etm"))

    def whole(self) -> bool:
        """True where a packet can be read without waiting, or with an encrypted length has begun."""
        return len(self._came) >= self._block and self._lacking() == 0

    def ready(self, end: float) -> bool:
        """Wait until `end` for a packet. EOFError at the end of the connection."""
        while not self.whole():
            if not self._fill(end):
                return False
        return True

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:  # noqa: ARG002, FBT001, FBT002 - the library's signature
        """The next `n` bytes; TimeIsUpError where a packet that has begun does not end."""
        if n > LARGEST_PACKET:
            raise NotSsh(f"a packet of {n} bytes")
        came = self._came
        while len(came) < n:
            if not self._fill(min(self.until, time.monotonic() + _STALLED)):
                raise self.over("within a packet")
        found = bytes(came[:n])
        del came[:n]
        return found

    def write_all(self, out: bytes) -> None:
        """Send all; EOFError where the connection is gone, TimeIsUpError where nobody takes it."""
        while out:
            try:
                out = out[self._sock.send(out, self._left(time.monotonic() + _STALLED)) :]
            except (TimeoutError, BlockingIOError):
                raise self.over("nobody reads") from None
            except OSError:
                raise EOFError from None

    def read_some(self) -> bytes:
        """The next bytes before the packets begin."""
        if not self._came and not self._fill(self.until):
            raise self.over("no identification")
        found = bytes(self._came)
        self._came.clear()
        return found

    def give_back(self, rest: bytes) -> None:
        """What was read beyond the identification belongs to the packets."""
        self._came[:0] = rest

    def over(self, why: str) -> TimeIsUpError:
        """The end of a wait, noted: the library may turn it into another error."""
        self.out_of_time = True
        return TimeIsUpError(why)

    def _fill(self, end: float) -> bool:
        """Take what the socket holds, waiting for it until `end`; False where nothing came."""
        seconds, lacking = self._left(end), self._lacking()
        try:
            chunk = self._sock.recv(lacking or _READ, seconds, whole=lacking > 0)
        except (TimeoutError, BlockingIOError):
            return False
        except OSError:
            if self.closed:
                raise EOFError from None
            raise
        if not chunk:
            raise EOFError
        self._came += chunk
        return True

    def _lacking(self) -> int:
        """The bytes that the packet that has begun lacks: nothing can be done before they are here.

        0 where none has begun, where its length is encrypted, and where nobody sends such a length.
        """
        came = self._came
        if len(came) < 4 or not self._clear:
            return 0
        length = int.from_bytes(came[:4], "big")
        return max(4 + length + self._mac - len(came), 0) if length <= LARGEST_PACKET else 0

    def _left(self, end: float) -> float:
        """Seconds to `end`, or to `until` where that is nearer; a peer that never stops sending meets `until` too."""
        now = time.monotonic()
        if now >= self.until:
            raise self.over("too late")
        return max(min(end, self.until) - now, 0.0)
