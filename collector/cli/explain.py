"""`explain RULE | FINDING`: the rule's page, or how a finding came about."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from collector.cli import state as state_folder
from collector.cli.options import StateOption
from collector.errors import UsageError
from collector.inventory.load import near
from collector.model import plain
from collector.sinks.render import one_line


def explain(
    what: Annotated[str, typer.Argument(help="A rule (SPI001, enable-recovery) or the id of a finding.")],
    paths: Annotated[
        list[str] | None, typer.Argument(help="Captures to look for the finding in, as for `analyze`; else the ledger.")
    ] = None,
    state: StateOption = None,
) -> int:
    """What a rule flags, why it matters, when it stays quiet, what to do; or the decision path of a finding."""
    from collector import rules  # noqa: PLC0415 - the rules are needed by this verb alone

    for card in rules.cards():
        if what.upper() == card.id or what.lower() == card.name:
            sys.stdout.write(rules.page(card.id))
            return 0
    if re.fullmatch(r"[0-9a-f]{16}", what.lower()):
        return _captured(what.lower(), paths) if paths else _remembered(what.lower(), state)
    hint = near(what, [name for card in rules.cards() for name in (card.id, card.name)])
    raise UsageError(
        f"{what!r} is neither a rule nor the id of a finding" + (f" - {hint}" if hint else "; see `rules`")
    )


def _remembered(identity: str, state: Path | None) -> int:
    """The decision path as it was kept when the finding was last seen, and what became of it."""
    from collector.history import entry_of, open_ledger  # noqa: PLC0415 - sqlite only where the ledger is read

    folder = state_folder.folder(state)
    with open_ledger(folder) as ledger:
        found = entry_of(ledger, identity)
    if found is None:
        raise UsageError(
            f"no finding {identity} in the ledger of {folder}; see `findings`, or name captures after the id, as `audit --save` keeps them"
        )
    entry, path = found
    finding = entry.finding
    sys.stdout.write(path if path.endswith("\n") else path + "\n")
    sys.stdout.write(
        f"\nState: {finding.state}, seen in {finding.runs_seen} run(s), last {plain(finding.last_seen) or 'not known'}."
        f"{' ' + one_line(entry.note) if entry.note else ''}\n"
    )
    return 0


def _captured(identity: str, paths: list[str]) -> int:
    """The decision path of a finding that these captures give."""
    from collector.cli import pipeline  # noqa: PLC0415 - the whole line, only where captures are given
    from collector.model import Policy  # noqa: PLC0415 - as above
    from collector.snapshot import read_paths  # noqa: PLC0415 - as above

    snapshots = read_paths(paths, sys.stdin.buffer if "-" in paths else None)
    report = pipeline.report_of(snapshots, Policy(), mode="analyze", started_at=pipeline.now())
    text = pipeline.decision_paths(report).get(identity)
    if text is None:
        raise UsageError(f"these captures give no finding {identity}; `analyze` lists what they give")
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    return 0
