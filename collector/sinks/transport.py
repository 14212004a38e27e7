"""One HTTP request to a tracker: no redirects, no compression, an answer of bounded size in bounded time."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3

from collector.errors import InventoryError
from collector.sinks.delivery import MASK, DeliveryError, Request, Settings, reference

WHOLE_SECONDS = 45.0
MAX_ANSWER = 4 * 1024 * 1024
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
REFUSED = frozenset({401, 403})
LONGEST_WAIT = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """status, and the body's first MAX_ANSWER bytes."""

    status: int
    data: bytes


def base_url(settings: Settings, *, masked: bool = False) -> str:
    """The sink's `url` without its last slash. Raises InventoryError with the place.

    A chat's webhook has its key in its address: such a one is given by reference, and not looked up where it is `masked`.
    """
    place = f"sinks.{settings.name}.url"
    given = settings.options.get("url")
    if not isinstance(given, dict):
        url = settings.text("url")
    elif masked:
        return MASK
    else:
        url = settings.secrets.resolve(reference(given, place), place).reveal()
    url = url.rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise InventoryError("is no http(s) address without user", place=place)
    return url


def pool_of(settings: Settings) -> urllib3.PoolManager:
    """Connections for one sink. ca_file: the PEM file of a private authority. Raises InventoryError."""
    authority = settings.options.get("ca_file")
    tls: dict[str, Any] = {}
    if authority:
        path = Path(str(authority)).expanduser()
        if not path.is_file():
            raise InventoryError(f"there is no file {path}", place=f"sinks.{settings.name}.ca_file")
        tls["ca_certs"] = str(path)
    return urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=20), retries=False, **tls)


def send(
    pool: urllib3.PoolManager, request: Request, *, ok: tuple[int, ...] = (), seconds: float = WHOLE_SECONDS
) -> Answer:
    """Send `request`; the answer where its status is one of `ok` (default: 2xx). Raises DeliveryError.

    seconds: for the whole of it; a server that sends a byte now and then is cut off.
    """
    where = urlsplit(request.url).netloc
    opened: list[Any] = []
    late = threading.Event()
    try:
        with within(seconds, lambda: _cut(opened, late)):
            status, headers, data = _exchange(pool, request, opened)
    except urllib3.exceptions.SSLError as error:
        raise DeliveryError(f"{request.purpose}: {where}: {error}", stop=True) from None
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        if isinstance(error, ValueError) and not isinstance(error, urllib3.exceptions.HTTPError):
            raise DeliveryError(f"{request.purpose}: no such request can be sent ({error})", final=True) from None
        what = f"took longer than {seconds:g} s" if late.is_set() else f"did not answer ({type(error).__name__})"
        raise DeliveryError(f"{request.purpose}: {where} {what}", stop=True) from None
    if late.is_set():
        raise DeliveryError(f"{request.purpose}: {where} took longer than {seconds:g} s", stop=True)
    if status in (ok or range(200, 300)):
        return Answer(status, data)
    raise _refusal(request, where, status, headers, data)


def _exchange(pool: urllib3.PoolManager, request: Request, opened: list[Any]) -> tuple[int, Mapping[str, str], bytes]:
    connections = pool.connection_from_url(request.url)
    connections.ConnectionCls = _recorded(connections.ConnectionCls, opened)
    response = connections.urlopen(
        request.method,
        _target(request.url),
        headers={"Accept-Encoding": "identity", **request.headers},
        body=request.body.encode() if request.body else None,
        redirect=False,
        preload_content=False,
    )
    try:
        return response.status, response.headers, response.read(MAX_ANSWER, decode_content=False)
    finally:
        response.close()


def _target(url: str) -> str:
    parts = urllib3.util.parse_url(url)
    return parts.request_uri


def _recorded(kind: Any, opened: list[Any]) -> Any:
    if getattr(kind, "opened", None) is opened:
        return kind

    class Recorded(kind):  # type: ignore[misc] # the pool's own class, http or https
        """A connection that can be cut from outside."""

        def connect(self) -> None:
            super().connect()
            opened.append(self)

    return Recorded


def _cut(opened: list[Any], late: threading.Event) -> None:
    late.set()
    for connection in opened:
        cut(getattr(connection, "sock", None))


def cut(connected: socket.socket | None) -> None:
    """End a connection under the feet of whoever reads from it."""
    try:
        if connected is not None:
            connected.shutdown(socket.SHUT_RDWR)
    except OSError:  # already gone
        return


@contextmanager
def within(seconds: float, end: Callable[[], None]) -> Iterator[None]:
    """Call `end` from another thread when the block takes longer than `seconds`."""
    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _refusal(request: Request, where: str, status: int, headers: Mapping[str, str], data: bytes) -> DeliveryError:
    text = data[:300].decode("utf-8", "replace")
    if 300 <= status < 400:
        text = "a redirect is not followed: is the url right?"
    wait = retry_after(headers.get("Retry-After"), datetime.now(UTC))  # noqa: TID251 - a date in an answer is wall clock
    return DeliveryError(
        f"{request.purpose}: HTTP {status} from {where}: {text}",
        retry_after=wait,
        final=status not in RETRIED and status not in REFUSED,
        stop=status in REFUSED or (status in {429, 503} and wait is not None),
    )


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds of a Retry-After header (RFC 9110, section 10.2.3: seconds or a date), at most a day."""
    if not value:
        return None
    if value.strip().isdecimal():
        return min(float(value), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return min(max((at - now).total_seconds(), 1.0), LONGEST_WAIT) if at.tzinfo is not None else None
