"""`demo`: a lab fleet on loopback, swept over real SSH by the same code as `sweep`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from collector.cli import fleet
from collector.cli import state as state_folder
from collector.cli.lab import start_lab
from collector.cli.options import FormatOption, OutputOption, RememberOption, StateOption
from collector.cli.output import emit, tell
from collector.cli.scratch import passing
from collector.cli.sweep import SaveOption, extras, writable, written
from collector.errors import Exit
from collector.history import open_ledger, run_lock
from collector.inventory import from_text


def demo(
    scenario: Annotated[str, typer.Argument(help="A scenario of the lab, or a scenario file.")] = "demo",
    html: Annotated[Path | None, typer.Option("--html", help="Also write the report as one HTML page.")] = None,
    save: SaveOption = None,
    format_: FormatOption = None,
    output: OutputOption = None,
    state: StateOption = None,
    *,
    remember: RememberOption = False,
) -> int:
    """Start the lab's routers, sweep them over real SSH, print the report. No router at hand is needed."""
    writable(save, output, html)
    running = start_lab(scenario)
    with passing() as spool:
        try:
            os.environ.update(running.environment())
            loaded = from_text(running.inventory(), source="the lab's inventory")
            tell(
                f"{len(loaded.devices)} simulated routers listen on loopback; they are visited over SSH as real ones "
                "would be"
            )
            order = fleet.Order(
                devices=loaded.devices,
                policy=loaded.policy,
                mode="demo",
                spool=spool,
                save=save,
                logins_per_second=loaded.logins_per_second,
                say=_say,
            )
            visited = fleet.run(order)
        finally:
            running.stop()
        report = visited.report
        if remember:
            folder = state_folder.folder(state)
            with run_lock(folder), open_ledger(folder) as ledger:
                report = written(ledger, visited, Exit.DONE, loaded.policy)
        extras(report, html=html, metrics=None)
        emit(report, wanted=format_, output=output, every_peer=True)
    return fleet.signal_exit(visited.interrupted) or 0


def _say(line: str) -> None:
    if "pinned" not in line:  # a lab makes its keys anew; a fleet's are told
        tell(line)
