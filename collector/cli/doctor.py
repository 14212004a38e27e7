"""`doctor NAME`: what this account may run on that router, and what is blind where it may not."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from collector.cli import fleet
from collector.cli import state as state_folder
from collector.cli.options import InventoryOption, StateOption
from collector.cli.output import tell
from collector.cli.scratch import scratch
from collector.collect import plan_for
from collector.errors import Exit
from collector.inventory import load
from collector.model import CaptureStatus, Facts
from collector.sinks.document import device_status
from collector.sinks.render import one_line


def doctor(
    name: Annotated[str, typer.Argument(help="A host of the inventory.")],
    inventory: InventoryOption = Path("inventory.yaml"),
    state: StateOption = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """One login: each command with what became of it, then what cannot be seen for that reason."""
    loaded = load(inventory)
    folder = state_folder.folder(state)
    with scratch(folder) as spool:
        order = fleet.Order(
            devices=(loaded.device(name),),
            policy=loaded.policy,
            mode="audit",
            spool=spool,
            state=folder,
            workers=1,
            audit=True,
            far_ends=False,
            plan_of=lambda device, known: plan_for(device, replace(known, twice=False)),
            say=lambda line: tell(line) if "pinned" in line else None,
        )
        visited = fleet.run(order)
        (facts,) = visited.report.devices
    if as_json:
        sys.stdout.write(json.dumps(_answer(facts), indent=1) + "\n")
    else:
        _print(facts)
    if device_status(facts) == "failed":
        return Exit.UNREACHED
    return Exit.PARTIAL if any(note.status is not CaptureStatus.PARSED for note in facts.captures) else Exit.DONE


def _answer(facts: Facts) -> dict[str, object]:
    return {
        "device": facts.device.name,
        "privilege": facts.privilege,
        "commands": [
            {"command": note.command, "status": note.status.value, "reason": one_line(note.reason)}
            for note in facts.captures
        ],
        "failures": [
            {"code": failure.code.value, "command": failure.command, "message": one_line(failure.message)}
            for failure in facts.failures
        ],
        "blind_spots": [{"code": spot.code, "message": one_line(spot.message)} for spot in facts.blind_spots],
    }


def _print(facts: Facts) -> None:
    asked = len(facts.captures)
    level = "not known" if facts.privilege is None else str(facts.privilege)
    sys.stdout.write(f"{facts.device.name}: privilege {level}, {asked} command{'' if asked == 1 else 's'} asked\n")
    for note in facts.captures:
        reason = f"  {one_line(note.reason)}" if note.reason else ""
        sys.stdout.write(f"  {note.status.value:<10} {one_line(note.command)}{reason}\n")
    for failure in facts.failures:
        if failure.command is None:
            sys.stdout.write(f"  {failure.code.value}: {one_line(failure.message)} - {failure.hint}\n")
    of_commands = Counter(
        (failure.code.value, failure.hint) for failure in facts.failures if failure.command is not None
    )
    for (code, hint), many in of_commands.items():
        sys.stdout.write(f"  {code}, {many} command{'' if many == 1 else 's'}: {one_line(hint)}\n")
    for spot in facts.blind_spots if facts.captures else ():  # where nothing was asked the failure says it all
        sys.stdout.write(f"  {'cannot see' if spot.blocking else 'note'}: {one_line(spot.message)}\n")
    if not facts.blind_spots and not facts.failures and facts.captures:
        sys.stdout.write("  nothing is hidden from this account\n")
