"""The SSH transport without a thread: who waits for an answer reads the socket, and has the library handle what came.

The library gives every connection a thread of its own, which wakes its owner by events, and is woken for the header and
for the rest of each packet. In a fleet run that is half of a login's processor time. Here the visit's own thread reads
all that the socket holds and hands whole packets to the library's handlers; each wait ends at `until`, so that no
watchdog is needed. Connections to jump hosts, which many visits share, keep the library's thread.

What it leans on stands in the tables below: `missing` names what a version of the library does not have; visits then
take the library's thread.
"""

from __future__ import annotations

import inspect
import math
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

import paramiko
from paramiko.auth_handler import AuthOnlyHandler
from paramiko.packet import Packetizer
from paramiko.transport import ServiceRequestingTransport

from collector.session.transport import LARGEST_PACKET, AuthHandler, BoundedPacketizer, NotSsh, Transport

_READ = 65_536
_LONGEST = 86_400.0  # seconds that a call waits
_STALLED = 10.0  # seconds without a byte, within a packet that has begun
_IGNORE, _DISCONNECT, _DEBUG, _KEXINIT, _UNIMPLEMENTED = 2, 1, 4, 20, 3  # RFC 4253, section 12
_KEX_FIRST, _KEX_LAST = 30, 41
_CIPHER = inspect.signature(Packetizer.set_inbound_cipher)

_LEANS_ON: dict[type, tuple[str, ...]] = {
    Packetizer: (
        "read_message",
        "set_inbound_cipher",
        "send_message",
        "write_all",
        "read_all",
        "need_rekey",
        "start_handshake",
        "close",
        "closed",
    ),
    ServiceRequestingTransport: (
        "_check_banner",
        "_channel_handler_table",
        "_enforce_strict_kex",
        "_expect_packet",
        "_parse_disconnect",
        "_parse_service_accept",
        "_really_parse_kex_init",
        "_send_kex_init",
        "_send_message",
        "_send_user_message",
        "ensure_session",
        "get_auth_handler",
        "open_session",
        "start_client",
    ),
    AuthOnlyHandler: ("_client_handler_table", "_handler_table", "send_auth_request", "wait_for_response"),
}
_HELD_BY_TRANSPORT = (
    "_channels",
    "_expected_packet",
    "_handler_table",
    "active",
    "auth_handler",
    "channel_events",
    "channels_seen",
    "clear_to_send",
    "in_kex",
    "initial_kex_done",
    "kex_engine",
    "packetizer",
)
_HELD_BY_CHANNEL = ("_unlink", "closed", "eof_received", "event", "out_window_size", "recv", "recv_ready", "sendall")
_TOLD_OF_A_CIPHER = ("block_size", "mac_size", "etm", "aead")


def missing() -> tuple[str, ...]:
    """What this version of the library does not have of all that the pump leans on."""
    ours, theirs = socket.socketpair()
    try:
        probe, channel = ServiceRequestingTransport(ours), paramiko.Channel(0)
        return (
            *(
                f"{each.__name__}.{name}"
                for each, names in _LEANS_ON.items()
                for name in names
                if not hasattr(each, name)
            ),
            *(f"Transport.{name}" for name in _HELD_BY_TRANSPORT if not hasattr(probe, name)),
            *(f"Channel.{name}" for name in _HELD_BY_CHANNEL if not hasattr(channel, name)),
            *(f"set_inbound_cipher({name})" for name in _TOLD_OF_A_CIPHER if name not in _CIPHER.parameters),
        )
    except (AttributeError, TypeError, ValueError) as error:
        return (str(error),)
    finally:
        ours.close()
        theirs.close()


class TimeIsUpError(EOFError):
    """`until` came, or a packet stalled: an end of the connection, to the library around it."""


class _Timed:
    """Reads and writes that end in time, on anything with `settimeout`: a channel through a jump host."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def recv(self, size: int, seconds: float) -> bytes:
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

    def recv(self, size: int, seconds: float) -> bytes:
        if seconds <= 0:
            return self._sock.recv(size, socket.MSG_DONTWAIT)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(seconds))
        return self._sock.recv(size)

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
        told = _CIPHER.bind(self, *arguments, **more).arguments
        self._block, self._mac = told["block_size"], told["mac_size"]
        self._clear = bool(told.get("aead") or told.get("etm"))

    def whole(self) -> bool:
        """True where a packet can be read without waiting, or with an encrypted length has begun."""
        came = self._came
        if len(came) < self._block:
            return False
        if not self._clear:
            return True
        length = int.from_bytes(came[:4], "big")
        return length > LARGEST_PACKET or len(came) >= 4 + length + self._mac

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
        seconds = self._left(end)
        try:
            chunk = self._sock.recv(_READ, seconds)
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

    def _left(self, end: float) -> float:
        """Seconds to `end`, or to `until` where that is nearer; a peer that never stops sending meets `until` too."""
        now = time.monotonic()
        if now >= self.until:
            raise self.over("too late")
        return max(min(end, self.until) - now, 0.0)


class PumpedAuthHandler(AuthHandler):
    """Reads while it waits for the reply."""

    def wait_for_response(self, event: Any) -> Any:
        """As the library's, which then finds the event set."""
        self.transport.pump(event.is_set)
        return super().wait_for_response(event)


class PumpedTransport(Transport):
    """A client transport that works in the thread that waits. Any error on the way ends the connection."""

    packetizer_class = PumpedPacketizer
    _expected_packet: tuple[int, ...]

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._session: Any = None
        self._handling = False

    @property
    def until(self) -> float:
        """The moment (monotonic seconds) that ends every wait."""
        return self.packetizer.until  # type: ignore[no-any-return]

    @until.setter
    def until(self, moment: float) -> None:
        self.packetizer.until = moment

    @property
    def out_of_time(self) -> bool:
        """True where a wait came to `until`, or a packet did not end."""
        return self.packetizer.out_of_time  # type: ignore[no-any-return]

    def start_client(self, event: Any = None, timeout: float | None = None) -> None:  # noqa: ARG002 - the library's signature
        """Identification and key exchange."""
        self.active = True
        with _Ending(self):
            self.packetizer.write_all(f"{self.local_version}\r\n".encode())
            self._check_banner()
            self._send_kex_init()
            self._expect_packet(_KEXINIT)
        self.pump(lambda: self.initial_kex_done)

    def get_auth_handler(self) -> PumpedAuthHandler:
        """The handler that reads."""
        return PumpedAuthHandler(self)

    def open_session(self, *arguments: Any, **more: Any) -> Any:
        """As the library's."""
        self._session = super().open_session(*arguments, **more)
        return self._session

    def wait_accepted(self) -> None:
        """Read until the request for authentication is answered."""
        self.pump(self._accepted.is_set)

    def pump(self, done: Callable[[], bool]) -> None:
        """Read and handle packets until `done`; EOFError, or what the library raises."""
        while not done():
            with _Ending(self):
                if not self.packetizer.ready(self.until) or time.monotonic() >= self.until:
                    raise self.packetizer.over("no reply")
                self._take()

    def serve(self, end: float) -> bool:
        """Handle all that has come, waiting for it until `end`; False where nothing came."""
        with _Ending(self):
            if not self.packetizer.ready(min(end, self.until)):
                return False
            self._take()
            while self.active and self.packetizer.whole():
                self._take()
        return True

    def room(self, size: int, end: float) -> None:
        """Read until the server takes `size` more bytes on the session's channel, or `end`."""
        while self.active and self._session.out_window_size < size and time.monotonic() < end:
            self.serve(end)

    def _take(self) -> None:
        """One packet, to the library's handler for its type; as the library's own loop hands them out."""
        packets = self.packetizer
        if packets.need_rekey() and not self.in_kex:
            self._send_kex_init()
        kind, message = packets.read_message()
        if kind in {_IGNORE, _DEBUG}:
            self._enforce_strict_kex(kind)
            return
        if kind == _DISCONNECT:
            self._parse_disconnect(message)
            raise EOFError
        if self._expected_packet:
            if kind not in self._expected_packet:
                raise paramiko.SSHException(f"packet {kind} came, not one of {self._expected_packet}")
            self._expected_packet = ()
            if _KEX_FIRST <= kind <= _KEX_LAST:
                self.kex_engine.parse_next(kind, message)
                return
        self._handling = True
        try:
            self._hand_out(kind, message)
        finally:
            self._handling = False

    def _hand_out(self, kind: int, message: Any) -> None:
        if kind in self._channel_handler_table:
            number = message.get_int()
            channel = self._channels.get(number)
            if channel is not None:
                self._channel_handler_table[kind](channel, message)
            elif number not in self.channels_seen:
                raise paramiko.SSHException(f"packet {kind} for channel {number}, which was never open")
        elif kind in self._handler_table:
            self._handler_table[kind](message)
        elif self.auth_handler is not None and kind in self.auth_handler._handler_table:  # noqa: SLF001 - as the library's loop
            self.auth_handler._handler_table[kind](message)  # noqa: SLF001 - the same
        elif kind != _UNIMPLEMENTED:
            reply = paramiko.Message()
            reply.add_byte(bytes([_UNIMPLEMENTED]))
            reply.add_int(message.seqno)
            self._send_message(reply)

    def _send_user_message(self, data: Any) -> None:
        """Send; where the message asks for a reply (a channel, a pty, a shell), read until it is there."""
        if not self.active:
            return  # a channel that is collected later says goodbye to nobody
        if self._handling:
            if not self.clear_to_send.is_set():
                raise paramiko.SSHException("a request that wants a reply came within a key exchange")
            self._send_message(data)
            return
        self.pump(self.clear_to_send.is_set)
        self._send_message(data)
        self.pump(self._answered)

    def _answered(self) -> bool:
        return not self.channel_events and (self._session is None or self._session.event.is_set())

    def end(self) -> None:
        """What the library's thread does when it ends."""
        self.active = False
        for channel in self._channels.values():
            channel._unlink()  # noqa: SLF001 - as the library's loop
        for event in self.channel_events.values():
            event.set()


class _Ending:
    """A block in which any error ends the connection."""

    __slots__ = ("_transport",)

    def __init__(self, transport: PumpedTransport) -> None:
        self._transport = transport

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is not None:
            self._transport.end()
