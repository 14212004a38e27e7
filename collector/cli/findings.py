"""`findings`: what the ledger knows, filtered; `explain ID` tells how one came about."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import Annotated

import typer

from collector.cli import state as state_folder
from collector.cli.options import StateOption
from collector.cli.output import tell
from collector.model import plain, to_address
from collector.sinks.document import finding_part
from collector.sinks.render import one_line


class Which(StrEnum):
    """States to list."""

    OPEN = "open"
    NEW = "new"
    ONGOING = "ongoing"
    REOPENED = "reopened"
    RESOLVED = "resolved"
    ALL = "all"


def findings(
    device: Annotated[str | None, typer.Option("--device", help="Of this device only.")] = None,
    rule: Annotated[str | None, typer.Option("--rule", help="Of this rule only.")] = None,
    peer: Annotated[str | None, typer.Option("--peer", help="Of this peer only.")] = None,
    which: Annotated[Which, typer.Option("--state-is", help="Which to list.")] = Which.OPEN,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON lines.")] = False,
    state: StateOption = None,
) -> int:
    """List the findings of the ledger."""
    from collector.history import entries, open_ledger  # noqa: PLC0415 - sqlite only where the ledger is read

    folder = state_folder.folder(state)
    with open_ledger(folder) as ledger:
        wanted = None if which is Which.ALL else which.value
        peer = str(to_address(peer) or peer) if peer else None  # as it is written in the ledger
        rule = rule.upper() if rule else None
        found = list(entries(ledger, device=device, rule=rule, peer=peer, state=wanted, brief=not as_json))
    for entry in found:
        finding = entry.finding
        if as_json:
            line = {**finding_part(finding), "resolved_at": plain(entry.resolved_at), "note": entry.note}
            sys.stdout.write(json.dumps(line) + "\n")
            continue
        where = one_line(finding.device) + (f" <- {finding.peer}" if finding.peer else "")
        seen = str(plain(finding.last_seen) or "time not known")
        sys.stdout.write(
            f"{finding.id}  {finding.state:<9} {finding.level.value:<8} {finding.rule}  {where}  "
            f"last seen {seen}, {finding.runs_seen} run(s)\n    {one_line(finding.title)}\n"
            + (f"    {one_line(entry.note)}\n" if entry.note else "")
        )
    if not found and not as_json:
        tell(f"no such findings in the ledger of {folder}; `--state-is all` also lists what is over")
    return 0
