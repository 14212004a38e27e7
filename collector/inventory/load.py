"""inventory.yaml -> Inventory: devices with their settings resolved, host > its groups in listed order > defaults."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from collector.errors import InventoryError
from collector.inventory import yamltree
from collector.inventory.importers import Order, import_tree
from collector.inventory.schema import GroupModel, HostModel, InventoryModel, LayerModel, PolicyModel
from collector.model import Device, Level, Mute, Policy, Reference, SshSettings, Thresholds, Timeouts

MAX_GROUP_DEPTH = 20

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """devices: sorted as in the file. origins: device name -> setting -> where its value came from.

    notes: what includes left out, for a person. sinks: as written, checked by the sink that it names. logins_per_second: the fleet's login rate.
    """

    devices: tuple[Device, ...]
    policy: Policy = Policy()
    sinks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    logins_per_second: float = 5.0
    origins: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    source: str = ""
    includes: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()

    def device(self, name: str) -> Device:
        """The device called `name`; InventoryError with a near miss otherwise."""
        for device in self.devices:
            if device.name == name:
                return device
        raise InventoryError(
            f"no host {name!r} in {self.source or 'the inventory'}", hint=near(name, (d.name for d in self.devices))
        )


def near(word: str, words: Iterable[str]) -> str:
    """A hint naming the closest of `words`, or ""."""
    folded = {each.casefold(): each for each in words}
    close = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return f"did you mean `{folded[close[0]]}`?" if close else ""


def load(path: Path) -> Inventory:
    """Read and check an inventory file. Raises InventoryError, naming each place, when anything is off."""
    text = read_text(path, missing="name it with `-i FILE`; inventory.example.yaml is one to copy")
    return from_text(text, source=path.name, folder=path.parent)


def load_policy(path: Path) -> Policy:
    """Read a policy that stands in a file of its own (the keys of `policy:`, with or without that heading)."""
    tree = yamltree.load(read_text(path), name=path.name)
    value = tree.value or {}
    if isinstance(value, dict) and set(value) == {"policy"}:
        return from_model(_validated(InventoryModel, value, tree, path.name)).policy
    return to_policy(_validated(PolicyModel, value, tree, path.name))


def read_text(path: Path, *, missing: str = "") -> str:
    """The text of a file, or an InventoryError that says what is wrong with it. missing: what to do where it is not there."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        hint = missing if isinstance(error, FileNotFoundError) else ""
        raise InventoryError(f"cannot be read: {error.strerror}", place=str(path), hint=hint) from None
    if b"\0" in raw[:4096] and raw[:2] not in {b"\xff\xfe", b"\xfe\xff"}:
        raise InventoryError("is a binary file, not YAML", place=str(path))
    try:
        return raw.decode("utf-16" if raw[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InventoryError(f"is not UTF-8 (byte {error.start})", place=str(path)) from None


def from_text(text: str, *, source: str, folder: Path = Path()) -> Inventory:
    """As `load`, from text. folder: where the paths of an `include:` start."""
    tree = yamltree.load(text, name=source)
    if tree.value is None:
        raise InventoryError("is empty", place=source, hint="copy inventory.example.yaml")
    return from_model(_validated(InventoryModel, tree.value, tree, source), source=source, tree=tree, folder=folder)


def from_model(
    model: InventoryModel, *, source: str = "", tree: yamltree.Tree | None = None, folder: Path = Path()
) -> Inventory:
    """The checked model -> Inventory, its includes read."""
    problems = list(_dangling(model, tree))
    if problems:
        raise InventoryError("\n".join(problems))
    included, notes = _included(model, folder)
    names = dict.fromkeys((*model.hosts, *included))
    pairs = [_device(name, model.hosts.get(name, HostModel()), model, included.get(name)) for name in names]
    return Inventory(
        devices=tuple(device for device, _ in pairs),
        policy=to_policy(model.policy),
        sinks=model.sinks,
        logins_per_second=model.defaults.logins_per_second or 5.0,
        origins={device.name: origin for device, origin in pairs},
        source=source,
        includes=tuple(model.include),
        notes=notes,
    )


Layer = tuple[str, HostModel]


def _included(model: InventoryModel, folder: Path) -> tuple[dict[str, Layer], tuple[str, ...]]:
    """Hosts of other inventories by name, with the place that they come from; the first that has a name wins."""
    found: dict[str, Layer] = {}
    notes: list[str] = []
    for number, raw in enumerate(model.include):
        order = _order(raw, f"include.{number}", folder)
        imported = import_tree(order, standalone=False)
        place = f"include.{number} ({order.kind} {raw.get('path') or raw.get('url')})"
        notes += [f"{place}: {note}" for note in imported.notes]
        for name, entry in imported.tree["hosts"].items():
            try:
                host = HostModel.model_validate({**entry, "port": str(entry["port"])} if "port" in entry else entry)
            except ValidationError as error:
                first = error.errors()[0]
                raise InventoryError(
                    f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}",
                    place=f"{place}: {name}",
                ) from None
            found.setdefault(name, (place, host))
    return found, tuple(notes)


def _order(raw: Mapping[str, Any], place: str, folder: Path) -> Order:
    """One entry of `include:`; relative paths start beside the inventory."""
    options = dict(raw)
    kind = options.pop("type", None)
    if not isinstance(kind, str):
        raise InventoryError("`type` is missing", place=place)
    key = "url" if kind == "netbox" else "path"
    where = options.pop(key, None)
    if not isinstance(where, str):
        raise InventoryError(f"`{key}` is missing", place=place)
    known = {"netbox": {"token", "filter", "ca_file"}, "ansible": {"group"}}.get(kind, set())
    for option in options:
        if option not in known:
            hint = near(option, {"type", key, *known})
            raise InventoryError("unknown key", place=f"{place}.{option}", hint=hint)
    source = where if key == "url" else str(folder / Path(where).expanduser())
    return Order(kind=kind, source=source, place=place, options=options)


def to_policy(model: PolicyModel) -> Policy:
    """Policy with our defaults where the file is silent."""
    given = {key: value for key, value in model.thresholds.model_dump().items() if value is not None}
    return Policy(
        fail_on=None if model.fail_on == "never" else Level(model.fail_on),
        thresholds=Thresholds(**given),
        levels=dict(model.levels),
        mutes=tuple(Mute(**mute.model_dump()) for mute in model.mutes),
        site_rules=model.site_rules,
    )


def _validated(kind: type[M], value: Any, tree: yamltree.Tree, source: str) -> M:
    if not isinstance(value, dict):
        raise InventoryError("holds no keys; `hosts:` is wanted", place=source)
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise InventoryError("\n".join(_complaint(kind, item, tree, source) for item in error.errors())) from None


def _complaint(kind: type[BaseModel], error: Any, tree: yamltree.Tree, source: str) -> str:
    place = tuple(str(part) for part in error["loc"] if part not in {"function-before", "nullable"})
    while place and place not in tree.lines:
        place = place[:-1]
    full = ".".join(str(part) for part in error["loc"])
    where = f"{source}:{tree.lines.get(place, 1)}: {'.'.join(place) or full}"
    if error["type"] == "extra_forbidden":
        hint = near(place[-1], _fields(kind, place[:-1]))
        return f"{where}: unknown key" + (f" - {hint}" if hint else "")
    if error["type"] == "missing":
        return f"{where}: `{error['loc'][-1]}` is missing"
    return f"{where}: {error['msg'].removeprefix('Value error, ')}"


def _fields(kind: type[BaseModel], place: yamltree.Place) -> list[str]:
    """The keys that the model at `place` knows."""
    for part in place:
        info = kind.model_fields.get(part)
        inner = _inner_model(info.annotation) if info else None
        kind = inner or kind
    return [info.alias or name for name, info in kind.model_fields.items()]


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in (*getattr(annotation, "__args__", ()), *getattr(annotation, "__metadata__", ())):
        found = _inner_model(argument)
        if found is not None:
            return found
    return None


def _dangling(model: InventoryModel, tree: yamltree.Tree | None) -> Iterable[str]:
    owners: list[tuple[str, GroupModel]] = [(f"hosts.{name}", host) for name, host in model.hosts.items()]
    owners += [(f"groups.{name}", group) for name, group in model.groups.items()]
    for owner, layer in owners:
        for group in layer.groups:
            if group not in model.groups:
                line = tree.lines.get((*owner.split(".", 1), "groups")) if tree else None
                hint = near(group, model.groups)
                yield (
                    f"{owner}.groups: no group {group!r}"
                    + (f" (line {line})" if line else "")
                    + (f" - {hint}" if hint else "")
                )


def _layers(name: str, host: HostModel, model: InventoryModel, included: Layer | None) -> list[tuple[str, LayerModel]]:
    """host, what is included of it, its groups depth first in listed order, defaults: the order of precedence."""
    result: list[tuple[str, LayerModel]] = [(f"hosts.{name}", host)]
    if included is not None:
        result.append(included)
    seen: set[str] = set()

    def descend(groups: list[str], depth: int) -> None:
        for group in groups:
            if group in seen:
                continue
            if depth > MAX_GROUP_DEPTH:
                raise InventoryError("groups nested too deep", place=f"groups.{group}")
            seen.add(group)
            layer = model.groups.get(group, GroupModel())  # a group of an include need not stand in the file
            result.append((f"groups.{group}", layer))
            descend(layer.groups, depth + 1)

    descend(host.groups, 0)
    if included is not None:
        descend(included[1].groups, 0)
    result.append(("defaults", model.defaults))
    return result


def _device(
    name: str, host: HostModel, model: InventoryModel, included: Layer | None = None
) -> tuple[Device, dict[str, str]]:
    layers = _layers(name, host, model, included)
    origin: dict[str, str] = {}

    def first(key: str, part: str | None = None) -> Any:
        for place, layer in layers:
            value = getattr(getattr(layer, part) if part else layer, key)
            if value is not None:
                origin[f"{part}.{key}" if part else key] = place
                return value
        return None

    def reference(key: str) -> Reference | None:
        value = first(key)
        return value.to_reference() if value is not None else None

    data: dict[str, Any] = {}
    for place, layer in layers:
        for key, value in layer.data.items():
            if key not in data:
                data[key] = value
                origin[f"data.{key}"] = place
    ssh = {key: first(key, "ssh") for key in SshSettings.__dataclass_fields__}
    timeout = {key: first(key, "timeout") for key in Timeouts.__dataclass_fields__}
    device = Device(
        name=name,
        host=first("hostname") or name,
        platform=first("platform") or "cisco_ios",
        port=first("port") or 22,
        username=reference("username"),
        password=reference("password"),
        secret=reference("secret"),
        ssh=SshSettings(**{key: value for key, value in ssh.items() if value is not None}),
        timeout=Timeouts(**{key: value for key, value in timeout.items() if value is not None}),
        groups=tuple(place.removeprefix("groups.") for place, _ in layers if place.startswith("groups.")),
        data=data,
    )
    return device, origin
