"""`report -o FILE.html`: one self-contained page of the last run, judged by the rules of today, or of captures."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from collector.cli import pipeline
from collector.cli import state as state_folder
from collector.cli.analyze import policy_of
from collector.cli.options import PolicyOption, StateOption
from collector.cli.output import tool_version, write_whole
from collector.errors import UsageError
from collector.history import Entry
from collector.model import Finding, Policy, Report


def report(
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write.")],
    paths: Annotated[list[str] | None, typer.Argument(help="Captures, as for `analyze`; else the ledger.")] = None,
    run: Annotated[str | None, typer.Option("--run", help="A run of the ledger; else the last one.")] = None,
    policy_file: PolicyOption = None,
    state: StateOption = None,
) -> int:
    """Write one HTML page: findings with proof and what to type, then every device and peer."""
    from collector.sinks import html  # noqa: PLC0415 - jinja2 only for pages

    policy = policy_of(policy_file)
    made = _of_captures(paths, policy) if paths else _of_ledger(run, policy, state)
    write_whole(output, html.write(made, version=tool_version()))
    sys.stderr.write(f"{output}: {len(made.devices)} devices, {len(made.findings)} findings\n")
    return 0


def _of_captures(paths: list[str], policy: Policy) -> Report:
    from collector.snapshot import read_paths  # noqa: PLC0415 - only for captures

    snapshots = read_paths(paths, sys.stdin.buffer if "-" in paths else None)
    return pipeline.report_of(snapshots, policy, mode="analyze", started_at=pipeline.now())


def _of_ledger(run: str | None, policy: Policy, state: Path | None) -> Report:
    from collector.history import entry_of, far_ends_of, last_run, open_ledger, snapshots  # noqa: PLC0415 - only for the ledger

    with open_ledger(state_folder.folder(state)) as ledger:
        if run is None:
            last = last_run(ledger)
            if last is None:
                raise UsageError("the ledger has no run yet: `sweep` first, or name captures")
            run = str(last["id"])
        kept = list(snapshots(ledger, run))
        if not kept:
            raise UsageError(f"the ledger keeps nothing of run {run}")
        made = pipeline.report_of(
            kept,
            policy,
            mode="sweep",
            started_at=pipeline.now(),
            remembered=lambda wanted: far_ends_of(ledger, wanted),
        )
        lives = {finding.id: entry_of(ledger, finding.id) for finding in made.findings}
    findings = tuple(_with_life(finding, lives[finding.id]) for finding in made.findings)
    return replace(made, run=replace(made.run, id=run), findings=findings)


def _with_life(finding: Finding, known: tuple[Entry, str] | None) -> Finding:
    """State, runs and first sight as the ledger has them."""
    if known is None:
        return finding
    kept = known[0].finding
    return replace(finding, state=kept.state, runs_seen=kept.runs_seen, first_seen=kept.first_seen)
