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
    """Pin the key that each router shows now. Compare the fingerprint with one from the router's console first:
    `show crypto key mypubkey rsa` there, or your records.
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
            sys.stderr.write(f"{device.name}: {error.code.value}: {one_line(error.message)} - {error.hint}\n")
            continue
        before = pins.keys(way.host, way.port, device.ssh.known_hosts)
        if not show:
            pins.forget_identity(device.name)
        if key in before:
            sys.stdout.write(f"{device.name}  {key}  pinned already\n")
            continue
        was = f"  (was {', '.join(map(str, before))})" if before else ""
        if show:
            sys.stdout.write(f"{device.name}  {key}  not pinned{was}\n")
            continue
        pins.pin(way.host, way.port, key, device.ssh.known_hosts)
        sys.stdout.write(f"{device.name}  {key}  pinned{was}\n")
    if failed == len(devices):
        return Exit.UNREACHED
    return Exit.PARTIAL if failed else Exit.DONE
