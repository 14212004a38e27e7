"""`inventory check | show | import`: is it right, and where does each value come from. Secrets stay masked."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from collector.cli import pipeline
from collector.cli.options import InventoryOption
from collector.errors import InventoryError, UsageError
from collector.inventory import Inventory, from_text, load
from collector.inventory.importers import Order, import_tree
from collector.model import Device, Reference, plain
from collector.sinks.render import safe

app = typer.Typer(no_args_is_help=True, help="Check an inventory, or show what it means.")


@app.command()
def check(inventory: InventoryOption = Path("inventory.yaml")) -> int:
    """Validate the file; name each error's place. References are looked up, their values never shown."""
    loaded = load(inventory)
    problems = [*_problems(loaded), *_sink_problems(loaded)]
    if problems:
        raise InventoryError("\n".join(problems))
    seconds = len(loaded.devices) / loaded.logins_per_second
    sys.stdout.write(
        f"{inventory.name}: {len(loaded.devices)} hosts, {len(loaded.policy.mutes)} mutes, {len(loaded.sinks)} sinks; "
        f"{len(loaded.devices)} devices / {loaded.logins_per_second:g} logins per second = {seconds:.0f} s at least\n"
    )
    for note in (*loaded.notes, *_notes(loaded)):
        sys.stdout.write(f"note: {note}\n")
    return 0


@app.command()
def show(
    name: Annotated[str | None, typer.Argument(help="One host; all without it.")] = None,
    inventory: InventoryOption = Path("inventory.yaml"),
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """Each setting of each host, and the place that it comes from."""
    loaded = load(inventory)
    devices = [loaded.device(name)] if name else list(loaded.devices)
    if as_json:
        answer = {
            device.name: {
                key: {"value": value, "from": loaded.origins[device.name].get(key, "built in")}
                for key, value in _settings(device)
            }
            for device in devices
        }
        sys.stdout.write(json.dumps(answer, indent=1) + "\n")
        return 0
    for device in devices:
        sys.stdout.write(f"{device.name}\n")
        for key, value in _settings(device):
            origin = loaded.origins[device.name].get(key, "built in")
            sys.stdout.write(f"  {key:<18} {value!s:<28} {origin}\n")
    return 0


class Kind(StrEnum):
    """Tools whose inventories are understood."""

    ANSIBLE = "ansible"
    NORNIR = "nornir"
    NETMIKO = "netmiko"
    CSV = "csv"
    NETBOX = "netbox"


@app.command("import")
def import_(
    source: Annotated[str, typer.Argument(help="File or folder; for netbox its URL.")],
    kind: Annotated[Kind, typer.Option("--from", help="Whose inventory it is.")],
    group: Annotated[list[str] | None, typer.Option("--group", help="ansible: only hosts of these groups.")] = None,
    query: Annotated[
        list[str] | None, typer.Option("--filter", help="netbox: KEY=VALUE as its API has it (role=router).")
    ] = None,
    token_env: Annotated[str | None, typer.Option("--token-env", help="netbox: the variable with the token.")] = None,
) -> int:
    """Print another tool's inventory as one of ours. No password is copied: a reference takes its place."""
    pairs = [text.partition("=") for text in query or ()]
    if any(not equals for _, equals, _ in pairs):
        raise UsageError("--filter: write KEY=VALUE")
    options: dict[str, object] = {"group": group, "filter": {key: value for key, _, value in pairs}}
    if token_env:
        options["token"] = {"env": token_env}
    imported = import_tree(
        Order(kind=kind.value, source=source, place=source, options={k: v for k, v in options.items() if v}),
        standalone=True,
    )
    if not imported.tree["hosts"]:
        told = "; ".join(imported.notes)
        raise InventoryError("no IOS router stands in it" + (f": {told}" if told else ""), place=source)
    text = dumped(imported.tree)
    from_text(text, source=f"the import of {source}")  # what is printed can be read
    sys.stdout.write(text)
    for note in imported.notes:
        sys.stderr.write(f"note: {safe(note)}\n")
    return 0


def dumped(tree: dict[str, Any]) -> str:
    """An inventory as YAML: a line a host, no aliases."""
    import yaml  # noqa: PLC0415 - only for imports

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, _data: Any) -> bool:
            return True

    used = {key: value for key, value in tree.items() if value}
    text = yaml.dump(used, Dumper=Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True, width=1000)
    return text if text.endswith("\n") else text + "\n"


def _settings(device: Device) -> Iterator[tuple[str, object]]:
    yield "hostname", device.host
    yield "platform", device.platform
    yield "port", device.port
    for key in ("username", "password", "secret"):
        yield key, described(getattr(device, key))
    for key in ("host_key", "known_hosts", "profile", "jump", "keys", "config_file"):
        yield f"ssh.{key}", getattr(device.ssh, key)
    for key in ("connect", "command", "device"):
        yield f"timeout.{key}", plain(getattr(device.timeout, key))
    for key, value in device.data.items():
        yield f"data.{key}", value


def described(reference: Reference | None) -> str | None:
    """Where a secret is, never what it is; a command's words may hold secrets themselves and stay hidden too."""
    if reference is None:
        return None
    if reference.kind in {"env", "file", "systemd", "literal"}:
        return f"{reference.kind}: {reference.value}"
    return f"{reference.kind}: ****" if reference.value else reference.kind


def _problems(loaded: Inventory) -> Iterator[str]:
    told: set[tuple[str, str]] = set()
    for device in loaded.devices:
        for key in ("username", "password", "secret"):
            reference = getattr(device, key)
            problem = _unresolvable(reference) if reference else None
            place = f"{loaded.origins[device.name].get(key, 'built in')}.{key}"
            if problem and (place, problem) not in told:
                told.add((place, problem))
                yield f"{place}: {problem}"
        if device.username is None or (device.password is None and device.ssh.keys is None):
            missing = "username" if device.username is None else "password"
            if ("hosts", missing) not in told:
                told.add(("hosts", missing))
                yield f"hosts.{device.name}.{missing}: not given - set it once under defaults, as {{env: NAME}}"


def _sink_problems(loaded: Inventory) -> Iterator[str]:
    """What `tickets` would stumble over, at night."""
    if not loaded.sinks:
        return
    from collector.session.secrets import Secrets  # noqa: PLC0415 - only where there are sinks
    from collector.sinks import ticket_sink  # noqa: PLC0415 - as above
    from collector.sinks.delivery import references, settings_of  # noqa: PLC0415 - as above

    for name, raw in loaded.sinks.items():
        try:
            ticket_sink(name, raw, Secrets())
            wanted = references(settings_of(name, raw, Secrets()))
        except InventoryError as error:
            yield str(error)
            continue
        for place, reference in wanted:
            if problem := _unresolvable(reference):
                yield f"{place}: {problem}"


def _unresolvable(reference: Reference) -> str | None:
    if reference.kind == "env" and not os.environ.get(reference.value):
        return f"the environment variable {reference.value} is not set"
    if reference.kind == "file" and not Path(reference.value).expanduser().is_file():
        return f"there is no file {reference.value}"
    if reference.kind == "systemd" and not os.environ.get("CREDENTIALS_DIRECTORY"):
        return "no CREDENTIALS_DIRECTORY: this is not a systemd unit with LoadCredential="
    return None


def _notes(loaded: Inventory) -> Iterator[str]:
    if not loaded.devices:
        yield "no hosts"
    now = pipeline.now()
    for number, mute in enumerate(loaded.policy.mutes):
        what = ", ".join(f"{key} {value}" for key in ("rule", "peer", "device") if (value := getattr(mute, key)))
        told = f"policy.mutes.{number} ({what}; {mute.reason}; {mute.owner})"
        if mute.over(now):
            yield f"{told} is over since {plain(mute.until)}: renew it or take it out"
        elif not mute.started(now):
            yield f"{told} begins {plain(mute.since)}"
    places = Counter((device.host, device.port) for device in loaded.devices)
    for (host, port), count in sorted(places.items()):
        if count > 1:
            names = ", ".join(d.name for d in loaded.devices if (d.host, d.port) == (host, port))
            yield f"{names} share {host} port {port}: the same router under {count} names?"
