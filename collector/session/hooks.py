"""What `pump` and `packets` lean on in the SSH library, beside its public face: looked for before the first visit.

The hooks that `transport` leans on have a test of their own; without one of these, visits take the library's thread.
"""

from __future__ import annotations

import inspect
import socket

import paramiko
from paramiko.auth_handler import AuthOnlyHandler
from paramiko.packet import Packetizer
from paramiko.transport import ServiceRequestingTransport

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
_HELD_BY_CHANNEL = (
    "_unlink",
    "closed",
    "eof_received",
    "event",
    "in_buffer",
    "send",
    "out_window_size",
    "recv",
    "recv_ready",
    "sendall",
)
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
