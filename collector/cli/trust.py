"""`trust NAME...`: fetch the host keys of routers, show their fingerprints, pin them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from collector.cli import state as state_folder
from collector.cli.options import InventoryOption, StateOption
from collector.errors import Exit, SessionError
from collector.inventory import load
from collector.session import Trust
from collector.sinks.render import one_line


def trust(
    names: Annotated[list[str], typer.Argument(help="Hosts of the inventory.", metavar="NAME...")],
    inventory: InventoryOption = Path("inventory.yaml"),
    state: StateOption = None,
    *,
    show: Annotated[bool, typer.Option("--show", help="Only show; pin nothing.")] = False,
) -> int:
    """Pin the key that each router shows now, and let the next visit pin its hostname and serial number anew. Compare the
    fingerprint with one from the router's console first: `show crypto key mypubkey rsa` there, or your records.
    """
    from collector.session.fetch import fetch  # noqa: PLC0415 - paramiko is needed by this verb alone
    from collector.session.sshconfig import route  # noqa: PLC0415 - the same

    devices = [load(inventory).device(name) for name in names]
    pins = Trust(state_folder.folder(state))
    failed = 0
    for device in devices:
        try:
            key, way = fetch(device), route(device)  # pinned under the name that visits look for
        except SessionError as error:
            failed += 1
            sys.stderr.write(f"{one_line(device.name)}: {error.code.value}: {one_line(error.message)} - {error.hint}\n")
            continue
        before = pins.keys(way.host, way.port, device.ssh.known_hosts)
        known = key in before
        was = f"  (was {', '.join(map(str, before))})" if before and not known else ""
        said = pins.identity(device.name)
        if not show:
            pins.forget_identity(device.name)
            if not known:
                pins.pin(way.host, way.port, key, device.ssh.known_hosts)
        did = "pinned already" if known else "not pinned" if show else "pinned"
        sys.stdout.write(f"{one_line(device.name)}  {key}  {did}{was}{_identity(said, show=show)}\n")
    if failed == len(devices):
        return Exit.UNREACHED
    return Exit.PARTIAL if failed else Exit.DONE


def _identity(said: dict[str, str], *, show: bool) -> str:
    """What the router was known to say of itself, in words."""
    if not said:
        return ""
    words = ", ".join(f"{key} {one_line(value)}" for key, value in sorted(said.items()))
    return f"  ({words})" if show else f"  ({words} forgotten: the next visit pins what the router says then)"
