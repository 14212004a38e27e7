"""A sign of life after a run, for a dead man's switch: a GET to a URL, or a file that is touched.

Sent when a run has ended and read a device; a run that read none, was refused the lock or died sends nothing, and the
other side raises the alarm. A heartbeat that fails is told and changes no exit code: the run itself was well.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from collector.errors import UsageError

SECONDS = 15.0


def checked(target: str | None) -> str | None:
    """`target` where it can be used at all, before the first login. Raises UsageError."""
    if target is None:
        return None
    if "://" in target:
        parts = urlsplit(target)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UsageError("--heartbeat: is no http(s) address")
    elif not Path(target).parent.is_dir():
        raise UsageError(f"--heartbeat: {Path(target).parent} is no folder")
    return target


def beat(target: str) -> str:
    """Send it; "" or what went wrong. A URL is never told whole: its path is often the only secret."""
    if "://" not in target:
        try:
            with Path(target).open("ab"):
                os.utime(target)
        except OSError as error:
            return f"the heartbeat could not touch {target}: {error.strerror}"
        return ""
    import logging  # noqa: PLC0415 - only where a URL is given

    import urllib3  # noqa: PLC0415 - as above

    from collector.sinks.delivery import DeliveryError, Request  # noqa: PLC0415 - as above
    from collector.sinks.transport import send  # noqa: PLC0415 - as above

    logging.getLogger("urllib3").setLevel(logging.WARNING)  # below that it logs the path of every request
    pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=10), retries=False)
    try:
        send(pool, Request(method="GET", url=target, purpose="heartbeat"), seconds=SECONDS)
    except DeliveryError as error:
        return error.message
    return ""
