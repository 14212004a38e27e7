"""`trust NAME`: ask a server for its host key, and nothing else. No name, no password, no login."""

from __future__ import annotations

import time

from collector.errors import SessionError
from collector.model import Device
from collector.session.trust import HostKey


def fetch(device: Device) -> HostKey:
    """The key that the device's server shows now; SessionError as for a visit. Not through a jump host."""
    from collector.session.classify import classify  # noqa: PLC0415 - paramiko is loaded by who needs it
    from collector.session.connection import TRANSPORT, Guard, to_host_key  # noqa: PLC0415 - the same
    from collector.session.dial import dial  # noqa: PLC0415 - with them
    from collector.session.limits import Phases  # noqa: PLC0415 - with them
    from collector.session.sshconfig import route  # noqa: PLC0415 - the same

    way = route(device)
    if way.jump is not None:
        from collector.errors import ErrorCode  # noqa: PLC0415 - rare

        raise SessionError(
            ErrorCode.JUMP,
            f"{device.name} is behind {way.jump}: fetch its key there and compare",
            phase="connect",
            hint="with `host_key: accept-new` the first visit pins it",
        )
    seconds = device.timeout.connect.total_seconds()
    guard = Guard(Phases(handshake=seconds), time.monotonic() + 2 * seconds)
    sock = dial(way.host, way.port, seconds)
    transport = guard.transport = TRANSPORT(sock, profile=device.ssh.profile, pinned=())
    guard.enter("handshake", seconds)
    try:
        transport.start_client()
        return to_host_key(transport.get_remote_server_key())
    except Exception as error:  # noqa: BLE001 - whatever the library raises is classified
        raise classify(error, phase="handshake", expired=guard.expired, transport=transport) from None
    finally:
        guard.leave()
        transport.close_hard()
