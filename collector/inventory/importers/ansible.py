"""Ansible inventories: INI, YAML, the JSON of `ansible-inventory --list`, or a folder of them; group_vars and host_vars.

Only what says how to reach a router is read (`ansible_host`, `ansible_port`, `ansible_user`, `ansible_password`,
`ansible_become_password`, `ansible_network_os`); a variable that is a template counts as not given. Programs are not
run. Precedence as there: all < parent group < child group < host.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from collector.errors import InventoryError
from collector.inventory.importers.common import Found, Order, Unreadable, mapping, text, text_of, yaml_of

MAX_STEPS = 200_000  # groups, hosts and expanded ranges visited in all
IGNORED = (".cfg", ".ini~", ".bak", ".md", ".txt", ".rst", ".orig", ".retry", ".pyc", "~")
YAML_ENDS = (".yml", ".yaml", ".json")
_SECTION = re.compile(r"\[([^\]:]+)(?::(children|vars|hosts))?\]")
_RANGE = re.compile(r"\[(\w+):(\w+)(?::(\d+))?\]")
HOST = ("ansible_host", "ansible_ssh_host")
PORT = ("ansible_port", "ansible_ssh_port")
USER = ("ansible_user", "ansible_ssh_user")
PASSWORD = ("ansible_password", "ansible_ssh_pass", "ansible_ssh_password")
BECOME = ("ansible_become_password", "ansible_become_pass")


@dataclass(slots=True)
class _Inventory:
    """What the sources say, while they are read. members, children: by group."""

    order: Order
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)  # of groups
    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    members: dict[str, dict[str, None]] = field(default_factory=dict)
    children: dict[str, dict[str, None]] = field(default_factory=dict)
    steps: int = 0

    def count(self) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise InventoryError(
                f"more than {MAX_STEPS} entries, or groups that hold themselves", place=self.order.place
            )

    def host(self, name: str, variables: Mapping[str, Any], group: str) -> None:
        self.count()
        self.hosts.setdefault(name, {}).update(variables)
        self.members.setdefault(group, {})[name] = None


def read(order: Order) -> tuple[Found, ...]:
    """The hosts, or those of the groups that the option `group` names. Raises InventoryError."""
    path = Path(order.source).expanduser()
    found = _Inventory(order)
    for file in _files(path, order):
        _file(file, found)
    folder = path if path.is_dir() else path.parent
    groups = _groups_of(found)
    for group in {"all", *found.members, *found.children}:
        found.variables.setdefault(group, {}).update(_beside(folder / "group_vars" / group, order))
    wanted = order.options.get("group")
    names = [wanted] if isinstance(wanted, str) else [str(name) for name in wanted or ()]
    unknown = [name for name in names if name not in {group for held in groups.values() for group in held}]
    if unknown:
        raise InventoryError(f"no group {unknown[0]!r} with hosts in it", place=order.place)
    return tuple(
        _found(host, found, groups.get(host, ()), folder)
        for host in found.hosts
        if not names or set(names) & set(groups.get(host, ()))
    )


def _files(path: Path, order: Order) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = [file for file in sorted(path.iterdir()) if file.is_file() and not file.name.startswith(".")]
    files = [file for file in files if not file.name.endswith(IGNORED)]
    if not files:
        raise InventoryError(f"{path} holds no inventory", place=order.place)
    return files


def _file(file: Path, found: _Inventory) -> None:
    if file.suffix in YAML_ENDS:
        tree = yaml_of(file, found.order)
        if "_meta" in tree:
            _listed(tree, found)
        else:
            for group, raw in tree.items():
                _group(str(group), raw, found, 0)
        return
    content = text_of(file, found.order)
    if content.startswith("#!") or (os.access(file, os.X_OK) and not content.lstrip().startswith(("[", "#", ";"))):
        raise InventoryError(
            f"{file} is a program",
            place=found.order.place,
            hint="import what `ansible-inventory --list` prints, as .json",
        )
    _ini(content, file, found)


def _group(name: str, raw: Any, found: _Inventory, depth: int) -> None:
    found.count()
    if depth > 20:
        raise InventoryError(f"groups nested too deep at {name}", place=found.order.place)
    tree = mapping(raw)
    found.variables.setdefault(name, {}).update(mapping(tree.get("vars")))
    found.members.setdefault(name, {})
    for pattern, variables in mapping(tree.get("hosts")).items():
        for host in _expanded(pattern, found):
            found.host(host, mapping(variables), name)
    for child, inner in mapping(tree.get("children")).items():
        found.children.setdefault(name, {})[child] = None
        _group(child, inner, found, depth + 1)


def _listed(tree: Mapping[str, Any], found: _Inventory) -> None:
    variables = mapping(mapping(tree.get("_meta")).get("hostvars"))
    for name, raw in tree.items():
        if name == "_meta":
            continue
        group = mapping(raw)
        found.variables.setdefault(name, {}).update(mapping(group.get("vars")))
        for host in group.get("hosts") or ():
            found.host(str(host), mapping(variables.get(str(host))), name)
        for child in group.get("children") or ():
            found.children.setdefault(name, {})[str(child)] = None


def _ini(content: str, file: Path, found: _Inventory) -> None:
    group, kind = "ungrouped", "hosts"
    for number, raw in enumerate(content.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith(("#", ";")):
            continue
        section = _SECTION.fullmatch(line.partition(" #")[0].strip())
        if section:
            group, kind = section[1].strip(), section[2] or "hosts"
            found.members.setdefault(group, {})
            continue
        try:
            if kind == "vars":
                key, _, value = line.partition("=")
                words = shlex.split(value, comments=True)
                found.variables.setdefault(group, {})[key.strip()] = " ".join(words)
                continue
            words = shlex.split(line, comments=True)
        except ValueError as error:
            raise InventoryError(f"{file} line {number}: {error}", place=found.order.place) from None
        if not words:
            continue
        if kind == "children":
            found.count()
            found.children.setdefault(group, {})[words[0]] = None
            continue
        for host in _expanded(words[0], found):
            _ini_host(host, words[1:], group, found)


def _ini_host(host: str, words: list[str], group: str, found: _Inventory) -> None:
    variables: dict[str, Any] = {key: value for key, equals, value in (w.partition("=") for w in words) if equals}
    name, colon, port = host.rpartition(":")
    if colon and port.isdecimal() and name.count(":") == 0:
        host, variables = name, {"ansible_port": port, **variables}
    found.host(host, variables, group)


def _expanded(pattern: str, found: _Inventory) -> Iterator[str]:
    """`br[01:03]` and `r[a:c]`, several in one name too."""
    match = _RANGE.search(pattern)
    if match is None:
        found.count()
        yield pattern
        return
    first, last, step = match[1], match[2], int(match[3] or 1) or 1
    if first.isdecimal() and last.isdecimal():
        middles: Iterator[str] = (str(n).zfill(len(first)) for n in range(int(first), int(last) + 1, step))
    elif len(first) == len(last) == 1:
        middles = (chr(n) for n in range(ord(first), ord(last) + 1, step))
    else:
        raise InventoryError(f"{pattern!r}: no such range", place=found.order.place)
    for middle in middles:
        yield from _expanded(pattern[: match.start()] + middle + pattern[match.end() :], found)


def _groups_of(found: _Inventory) -> dict[str, tuple[str, ...]]:
    """Host -> its groups, the nearest first; `all` and `ungrouped` are left out."""
    parents: dict[str, list[str]] = {}
    for group, children in found.children.items():
        for child in children:
            parents.setdefault(child, []).append(group)
    above: dict[str, tuple[str, ...]] = {}
    for group in {*found.members, *parents}:
        seen: dict[str, None] = {group: None}
        row = [group]
        while row:
            row = [up for one in row for up in parents.get(one, ()) if up not in seen]
            for up in row:
                found.count()
                seen.setdefault(up)
        above[group] = tuple(seen)
    result: dict[str, dict[str, None]] = {}
    for group in sorted(found.members, key=lambda one: (-len(above[one]), one)):
        for host in found.members[group]:
            result.setdefault(host, {}).update(dict.fromkeys(above[group]))
    return {host: tuple(g for g in held if g not in {"all", "ungrouped"}) for host, held in result.items()}


def _beside(path: Path, order: Order) -> dict[str, Any]:
    """group_vars/NAME, NAME.yml, NAME.yaml, NAME.json or a folder NAME of them."""
    files = [path.with_name(path.name + end) for end in ("", *YAML_ENDS)]
    if path.is_dir():
        files += [file for file in sorted(path.iterdir()) if file.suffix in YAML_ENDS]
    result: dict[str, Any] = {}
    for file in files:
        if file.is_file() and not text_of(file, order).startswith("$ANSIBLE_VAULT"):
            result.update(yaml_of(file, order))
    return result


def _found(name: str, found: _Inventory, groups: tuple[str, ...], folder: Path) -> Found:
    layers = [
        {**found.hosts[name], **_beside(folder / "host_vars" / name, found.order)},
        *(found.variables.get(group, {}) for group in groups),
        found.variables.get("all", {}),
    ]

    def first(keys: tuple[str, ...]) -> Any:
        return next((layer[key] for layer in layers for key in keys if layer.get(key) not in (None, "")), None)

    def plain(keys: tuple[str, ...]) -> str | None:
        value = text(first(keys))
        return value if value is not None and "{{" not in value else None

    user = first(USER)
    return Found(
        name=name,
        hostname=plain(HOST),
        platform=plain(("ansible_network_os",)),
        port=plain(PORT),
        username=None if isinstance(user, Unreadable) else user,
        password=first(PASSWORD),
        secret=first(BECOME),
        groups=groups,
    )
