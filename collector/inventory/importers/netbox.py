"""NetBox, through pynetbox (an extra): active devices with their primary address, platform, site, role and tenant."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from collector.errors import InventoryError
from collector.inventory.importers.common import Found, Order, mapping, text

SECONDS = 30
TOKEN = "NETBOX_TOKEN"  # noqa: S105 - the name of a variable


def read(order: Order) -> tuple[Found, ...]:
    """The devices that `filter` (NetBox's own query names; default: status=active) selects. Raises InventoryError.

    options: token ({env: NAME} or {file: PATH}; default: the variable NETBOX_TOKEN), filter, ca_file.
    """
    parts = urlsplit(order.source)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise InventoryError("is no http(s) address without user", place=f"{order.place}.url")
    try:
        import pynetbox  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - an extra
        import requests  # type: ignore[import-untyped,import-not-found,unused-ignore]  # noqa: PLC0415 - pynetbox brings it
    except ImportError:
        raise InventoryError("needs pynetbox: pip install 'spi-collector[netbox]'", place=order.place) from None
    api = pynetbox.api(order.source, token=_token(order))
    session = requests.Session()
    session.request = partial(session.request, timeout=SECONDS)  # requests waits forever by itself
    if order.options.get("ca_file"):
        session.verify = str(Path(str(order.options["ca_file"])).expanduser())
    api.http_session = session
    wanted = {"status": "active", **mapping(order.options.get("filter"))}
    try:
        return tuple(_found(device) for device in api.dcim.devices.filter(**wanted))
    except (pynetbox.RequestError, pynetbox.ContentError, requests.RequestException, ValueError) as error:
        status = getattr(getattr(error, "req", None), "status_code", None)
        said = f"HTTP {status}" if status else type(error).__name__
        raise InventoryError(
            f"{parts.netloc}: {said}", place=order.place, hint="url, token and filter right?"
        ) from None


def _found(device: Any) -> Found:
    raw = mapping(dict(device))  # what the list said; asking a record for more would be a request a device
    labels = {"site": raw.get("site"), "role": raw.get("role") or raw.get("device_role"), "tenant": raw.get("tenant")}
    address = text(mapping(raw.get("primary_ip")).get("address"))
    return Found(
        name=text(raw.get("name")) or "",
        hostname=address.partition("/")[0] if address else None,
        platform=_slug(raw.get("platform")),
        data={key: slug for key, value in labels.items() if (slug := _slug(value)) is not None},
    )


def _slug(value: Any) -> str | None:
    return text(mapping(value).get("slug"))


def _token(order: Order) -> str | None:
    """The token's value, from a variable or a file; `None`: NetBox is asked without one."""
    given: Mapping[str, Any] = mapping(order.options.get("token"))
    if order.options.get("token") is not None and (len(given) != 1 or not set(given) <= {"env", "file"}):
        raise InventoryError("say where it is: {env: NAME} or {file: PATH}", place=f"{order.place}.token")
    if "file" in given:
        try:
            return Path(str(given["file"])).expanduser().read_text(encoding="utf-8").strip()
        except OSError as error:
            raise InventoryError(f"{given['file']}: {error.strerror}", place=f"{order.place}.token") from None
    name = str(given.get("env", TOKEN))
    found = os.environ.get(name)
    if found is None and given:
        raise InventoryError(f"the variable {name} is not set", place=f"{order.place}.token")
    return found
