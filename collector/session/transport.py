"""The SSH transport: which algorithms may be agreed on, and reads that have an end.

Leans on these hooks of paramiko (3.2 to 5): `_check_banner`, `_really_parse_kex_init`, `ensure_session`,
`Packetizer.read_all`, `start_handshake`. A test runs each of them.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import paramiko
from paramiko.auth_handler import AuthOnlyHandler
from paramiko.packet import Packetizer
from paramiko.transport import ServiceRequestingTransport

from collector.session.trust import HostKey

LARGEST_PACKET = 300_000  # OpenSSH's own limit is 256 KiB; the banner before authentication is one packet
FOREVER = 86_400.0  # the library's own limits go by the wall clock: ours end its waits

# What `modern` does not agree on, where the library has it at all (paramiko 5 has none of it).
_OLD: dict[str, tuple[str, ...]] = {
    "kex": ("diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group-exchange-sha1"),
    "keys": ("ssh-rsa", "ssh-dss"),
    "pubkeys": ("ssh-rsa", "ssh-dss"),
    "ciphers": ("aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc", "blowfish-cbc"),
    "macs": ("hmac-sha1", "hmac-sha1-96", "hmac-md5", "hmac-md5-96"),
}
_FIRST = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")  # a quarter less CPU; the rest stays on offer


class NotSsh(paramiko.SSHException):  # type: ignore[misc]
    """What answered is no SSH server, or sends packets that no router sends."""


class ClosedEarly(paramiko.SSHException):  # type: ignore[misc]
    """The server closed before the handshake was through."""


def _counted(message: Any, strings: int) -> None:
    """Behind so many strings stands a count, which the library believes: it would loop 2^32 times over an empty rest."""
    for _ in range(strings):
        message.get_binary()
    count = message.get_int()
    if count * 5 > len(message.get_remainder()):  # an entry is a length and at least one octet more
        raise NotSsh(f"a packet that announces {count} entries and does not hold them")
    message.rewind()


class BoundedPacketizer(Packetizer):  # type: ignore[misc]
    """Packets of a sane size; no timer thread for the handshake (the visit's watchdog ends it)."""

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:  # noqa: FBT001, FBT002 - the library's signature
        """As the library's, for lengths that a router may mean."""
        if n > LARGEST_PACKET:
            raise NotSsh(f"a packet of {n} bytes")
        return super().read_all(n, check_rekey)  # type: ignore[no-any-return]

    def start_handshake(self, timeout: float) -> None:
        """No timer of its own."""

    def read_some(self) -> bytes:
        """The next bytes before the packets begin; EOFError at their end."""
        return self._read_timeout(FOREVER)  # type: ignore[no-any-return]

    def give_back(self, rest: bytes) -> None:
        """What was read beyond the identification belongs to the packets."""
        self._Packetizer__remainder = rest


class AuthHandler(AuthOnlyHandler):  # type: ignore[misc]
    """The library makes the event that a reply sets only after it has sent the request, and calls `None` for "none"."""

    def _parse_userauth_info_request(self, m: Any) -> None:
        _counted(m, strings=3)
        super()._parse_userauth_info_request(m)

    def send_auth_request(
        self, username: str, method: str, finish_message: Callable[[Any], None] = lambda _message: None
    ) -> list[str]:
        """Send one USERAUTH_REQUEST (RFC 4252, section 5) and wait for the reply."""
        self.auth_method = method
        self.username = username
        self.auth_event = threading.Event()
        message = paramiko.Message()
        message.add_byte(bytes([50]))
        message.add_string(username)
        message.add_string("ssh-connection")
        message.add_string(method)
        finish_message(message)
        with self.transport.lock:
            self.transport._send_message(message)  # noqa: SLF001 - as the library's own handler does
        return self.wait_for_response(self.auth_event)  # type: ignore[no-any-return]


class Transport(ServiceRequestingTransport):  # type: ignore[misc]
    """A client transport that knows how far it came.

    server_ident: the server's identification once it was read. offer: what the server offered, by kind of algorithm.
    on_channel: called when the session channel is open.
    """

    packetizer_class: type[BoundedPacketizer] = BoundedPacketizer
    _active_check_timeout = 1.0  # the library wakes each idle session ten times a second; closing wakes it at once

    def __init__(
        self,
        sock: Any,
        *,
        profile: str,
        pinned: tuple[HostKey, ...],
        on_channel: Callable[[], None] = lambda: None,
        **_ignored: object,
    ) -> None:
        super().__init__(
            sock,
            disabled_algorithms=None if profile == "legacy" else {kind: list(names) for kind, names in _OLD.items()},
            packetizer_class=self.packetizer_class,
        )
        self.banner_timeout = self.handshake_timeout = self.auth_timeout = self.channel_timeout = FOREVER
        self.clear_to_send_timeout = FOREVER
        self.server_ident: str | None = None
        self.heard = ""  # what came before, or instead of, an identification
        self.offer: dict[str, list[str]] = {}
        self.goodbye: tuple[int, str] | None = None  # the reason that the server gave for leaving
        self._on_channel = on_channel
        self._accepted = threading.Event()
        self._prefer(pinned)

    def _filter_algorithm(self, type_: str) -> tuple[str, ...]:
        """As the library's, which goes through the lists sixteen times a login."""
        return _allowed(getattr(self, f"_preferred_{type_}"), tuple(self.disabled_algorithms.get(type_, ())))

    def _prefer(self, pinned: tuple[HostKey, ...]) -> None:
        options = self.get_security_options()
        ciphers = list(options.ciphers)
        options.ciphers = [name for name in _FIRST if name in ciphers] + [
            name for name in ciphers if name not in _FIRST
        ]
        types = {key.type for key in pinned}
        wanted = [name for name in options.key_types if _key_type(name) in types]
        if wanted:
            options.key_types = wanted + [name for name in options.key_types if name not in wanted]

    def _check_banner(self) -> None:
        """Read the identification: other lines may stand before it (RFC 4253, 4.2), other protocols may not."""
        buffer, lines = b"", 0
        while True:
            if lines > 20:
                time.sleep(0.05)  # an endless greeting costs the sender more than us
            try:
                chunk = self.packetizer.read_some()
            except (EOFError, ConnectionError):
                raise ClosedEarly(self.heard or buffer.decode("ascii", "replace").strip()[:80]) from None
            buffer += chunk
            while b"\n" in buffer:
                raw, buffer = buffer.split(b"\n", 1)
                _no_other_protocol(raw)
                line = raw.rstrip(b"\r").decode("utf-8", "replace")
                if line.startswith("SSH-"):
                    self.packetizer.give_back(buffer)
                    self._take_ident(line)
                    return
                lines += 1
                self.heard = self.heard or line.strip()[:80]
            _no_other_protocol(buffer)
            if buffer.rstrip().lower().endswith((b"username:", b"login:", b"password:")):
                raise NotSsh(f"it asks {buffer.strip()[-40:]!r}")

    def _take_ident(self, line: str) -> None:
        version = line.split("-", 2)
        if len(version) < 3 or version[1] not in {"2.0", "1.99"}:
            raise NotSsh(f"it speaks {line[:40]!r}, not SSH version 2")
        self.remote_version = self.server_ident = line[:255]

    def _really_parse_kex_init(self, m: Any, ignore_first_byte: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - the library's signature
        parsed: dict[str, Any] = super()._really_parse_kex_init(m, ignore_first_byte)
        if not ignore_first_byte and not self.offer:
            self.offer = {
                "key exchange": [
                    name for name in parsed["kex_algo_list"] if not name.startswith(("ext-info-", "kex-strict-"))
                ],
                "host key": list(parsed["server_key_algo_list"]),
                "cipher": list(parsed["server_encrypt_algo_list"]),
                "MAC": list(parsed["server_mac_algo_list"]),
            }
        return parsed

    def _parse_ext_info(self, msg: Any) -> None:
        _counted(msg, strings=0)
        super()._parse_ext_info(msg)

    def _parse_disconnect(self, m: Any) -> None:
        code = m.get_int()
        text = m.get_string()[:200].decode("utf-8", "replace")
        self.goodbye = (code, " ".join(text.split()))

    def _parse_service_accept(self, m: Any) -> None:
        super()._parse_service_accept(m)
        self._accepted.set()

    def ensure_session(self) -> None:
        """Ask for authentication once and wait for the answer by event; the library polls, and for ever."""
        if self._accepted.is_set():
            return
        message = paramiko.Message()
        message.add_byte(bytes([5]))  # SSH_MSG_SERVICE_REQUEST, RFC 4253 section 10
        message.add_string("ssh-userauth")
        self._send_message(message)
        self.wait_accepted()
        self.auth_handler = self.get_auth_handler()

    def wait_accepted(self) -> None:
        """Wait until the request for authentication is answered."""
        while not self._accepted.wait(0.1):
            if not self.is_active():
                raise self.get_exception() or EOFError()

    def get_auth_handler(self) -> AuthHandler:
        """The handler without the race."""
        return AuthHandler(self)

    def open_session(self, *arguments: Any, **more: Any) -> Any:
        """As the library's; the pty comes next."""
        channel = super().open_session(*arguments, **more)
        self._on_channel()
        return channel

    def close_hard(self, seconds: float = 0.2) -> None:
        """Shut the socket under the thread and join it: nothing is typed, nothing is waited for."""
        self.active = False
        # the shutdown comes first: it alone wakes the thread out of its read
        for end in (lambda: self.sock.shutdown(socket.SHUT_RDWR), self.packetizer.close, self.sock.close):
            try:
                end()
            except (OSError, EOFError, AttributeError, paramiko.SSHException):
                continue  # closed already, or a channel through a jump host that is gone
        if self.is_alive() and threading.current_thread() is not self:
            self.join(seconds)


@lru_cache(maxsize=256)
def _allowed(names: tuple[str, ...], disabled: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in disabled)


def _key_type(algorithm: str) -> str:
    return "ssh-rsa" if algorithm.startswith("rsa-sha2-") else algorithm


def _no_other_protocol(line: bytes) -> None:
    """Telnet's options and other binary talk are no greeting; neither is a line without end."""
    if b"\xff" in line or b"\x00" in line or len(line) > 4096:
        raise NotSsh(f"it begins with {line[:32]!r}")
