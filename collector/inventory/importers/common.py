"""What all importers share: the host that they find, and how it becomes keys of ours."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from collector.errors import InventoryError
from collector.inventory.schema import PLATFORMS

MAX_BYTES = 20 * 1024 * 1024
SECRET_LIKE = re.compile(r"pass|secret|token|communit|vault|private|credential|(?:^|_)(?:key|psk|auth)", re.IGNORECASE)
_ENV = re.compile(r"\{\{\s*lookup\(\s*['\"](?:ansible\.builtin\.)?env['\"]\s*,\s*['\"]([A-Za-z_]\w*)['\"]\s*\)\s*\}\}")
_FILE = re.compile(r"\{\{\s*lookup\(\s*['\"](?:ansible\.builtin\.)?file['\"]\s*,\s*['\"]([^'\"{}]+)['\"]\s*\)\s*\}\}")
_NAME = re.compile(r"[\s/\\\x00-\x1f]+")
CREDENTIALS = {"username": "SPI_USERNAME", "password": "SPI_PASSWORD", "secret": "SPI_SECRET"}
SPELLINGS = {**PLATFORMS, "cisco-ios": "cisco_ios", "cisco-ios-xe": "cisco_xe", "cisco_ios_xe": "cisco_xe"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to read. place: stands in errors. options: the kind's own keys, as written."""

    kind: str
    source: str
    place: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One host of another tool, as it stands there. Secrets travel no further than `tree_of`."""

    name: str
    hostname: str | None = None
    platform: str | None = None
    port: object = None
    username: object = None
    password: object = field(default=None, repr=False)
    secret: object = field(default=None, repr=False)
    groups: tuple[str, ...] = ()
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """tree: keys of our inventory. notes: what was left out or replaced, for a person."""

    tree: dict[str, Any]
    notes: tuple[str, ...] = ()


def tree_of(hosts: Iterable[Found], order: Order, *, standalone: bool) -> Imported:
    """Hosts -> tree. Platforms that are not IOS are left out with a note; shared values go to `defaults`."""
    notes: Counter[str] = Counter()
    entries: dict[str, dict[str, Any]] = {}
    for host in hosts:
        name = _NAME.sub("-", host.name.strip()).lstrip("-")
        platform = SPELLINGS.get(host.platform.strip().lower()) if host.platform else None
        if host.platform and platform is None:
            notes[f"platform {host.platform} is not ours: left out"] += 1
            continue
        if not name:
            notes["no usable name: left out"] += 1
            continue
        if name in entries:
            raise InventoryError(f"the host {name!r} stands twice", place=order.place)
        entry: dict[str, Any] = {"hostname": host.hostname, "platform": platform, "port": _port(host, order)}
        entry |= {key: _credential(key, getattr(host, key), notes, standalone=standalone) for key in CREDENTIALS}
        entry["groups"] = [_NAME.sub("-", group) for group in host.groups]
        entry["data"] = {
            key: text for key, value in host.data.items() if (text := _datum(key, value, notes)) is not None
        }
        entries[name] = {key: value for key, value in entry.items() if value not in (None, [], {})}
    tree: dict[str, Any] = {"version": 1}
    if standalone:
        tree["defaults"] = _shared(entries)
    tree["groups"] = {group: {} for group in sorted({g for entry in entries.values() for g in entry.get("groups", ())})}
    tree["hosts"] = entries
    told = tuple(f"{what} ({count} host{'s' if count > 1 else ''})" for what, count in sorted(notes.items()))
    return Imported(tree=tree, notes=told)


def _port(host: Found, order: Order) -> int | None:
    if host.port is None or host.port == "":
        return None
    if not re.fullmatch(r"\d{1,5}", str(host.port)):
        raise InventoryError(f"{host.port!r} is no port", place=f"{order.place}: {host.name}")
    return int(str(host.port))


def _credential(key: str, value: object, notes: Counter[str], *, standalone: bool) -> object:
    """A reference, a user name, or nothing: never a secret itself."""
    if value is None or value == "":
        return None
    text = value if isinstance(value, str) else ""
    for pattern, kind in ((_ENV, "env"), (_FILE, "file")):
        match = pattern.fullmatch(text.strip())
        if match:
            return {kind: match[1]}
    if key == "username" and text and "{{" not in text:
        return text
    variable = CREDENTIALS[key]
    if standalone:
        notes[f"a {key} stands in the source and was not copied: {{env: {variable}}} takes its place"] += 1
        return {"env": variable}
    notes[f"a {key} stands in the source and is not read: give it here by reference"] += 1
    return None


def _datum(key: str, value: object, notes: Counter[str]) -> str | None:
    if SECRET_LIKE.search(key):
        notes[f"data.{key} may be a secret: left out"] += 1
        return None
    return str(value) if isinstance(value, (str, int, float, bool)) and "{{" not in str(value) else None


def _shared(entries: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Values that all hosts have in common, taken out of them; credentials nobody has, by reference."""
    shared: dict[str, Any] = {}
    for key in ("platform", "port", *CREDENTIALS):
        values = [entry.get(key) for entry in entries.values()]
        if values and values[0] is not None and all(value == values[0] for value in values):
            shared[key] = values[0]
            for entry in entries.values():
                del entry[key]
    for key in ("username", "password"):
        if key not in shared and any(key not in entry for entry in entries.values()):
            shared[key] = {"env": CREDENTIALS[key]}
    return shared


class _Loader(yaml.SafeLoader):
    """Safe YAML in which tags of other tools (`!vault`, `!unsafe`) are values that nobody can read."""


class Unreadable:
    """A value behind a tag: there, and not for us."""


_Loader.add_multi_constructor("!", lambda _loader, _suffix, _node: Unreadable())


def text_of(path: Path, order: Order) -> str:
    """A file's text. Raises InventoryError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InventoryError(f"{path} cannot be read: {error.strerror}", place=order.place) from None
    if len(data) > MAX_BYTES:
        raise InventoryError(f"{path} is larger than {MAX_BYTES // 1024 // 1024} MB", place=order.place)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InventoryError(f"{path} is not UTF-8 (byte {error.start})", place=order.place) from None


def yaml_of(path: Path, order: Order) -> dict[str, Any]:
    """A YAML or JSON file's mapping; an empty file is an empty one. Raises InventoryError."""
    try:
        value = yaml.load(text_of(path, order), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        raise InventoryError(f"{path}{where}: is no YAML", place=order.place) from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InventoryError(f"{path}: keys are wanted at its top", place=order.place)
    return value


def mapping(value: object) -> dict[str, Any]:
    """`value` where it is a mapping, else an empty one."""
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else {}


def text(value: object) -> str | None:
    """A scalar as text; `None` for nothing, a tag or a structure."""
    return str(value) if isinstance(value, (str, int, float)) and str(value).strip() else None
