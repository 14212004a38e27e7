"""The SSH transport without a thread: who waits for an answer reads the socket, and has the library handle what came.

The library gives every connection a thread of its own, which wakes its owner by events, and is woken for the header and
for the rest of each packet. In a fleet run that is half of a login's processor time. Here the visit's own thread reads
all that the socket holds and hands whole packets to the library's handlers; each wait ends at `until`, so that no
watchdog is needed. Connections to jump hosts, which many visits share, keep the library's thread.

What it leans on stands in `hooks`, which names what a version of the library does not have; visits then take the
library's thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import paramiko

from collector.session.packets import PumpedPacketizer
from collector.session.transport import AuthHandler, Transport

_IGNORE, _DISCONNECT, _DEBUG, _KEXINIT, _UNIMPLEMENTED = 2, 1, 4, 20, 3  # RFC 4253, section 12
_KEX_FIRST, _KEX_LAST = 30, 41


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
