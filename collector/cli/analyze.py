"""`analyze PATH...`: the same judgement without a login, over snapshots, pastes, show tech, configurations, syslog."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from collector.cli import pipeline
from collector.cli import state as state_folder
from collector.cli.options import FailOn, FailOnOption, FormatOption, OutputOption, PolicyOption, RememberOption
from collector.cli.output import emit
from collector.errors import Exit, UsageError
from collector.history import Ledger, far_ends_of
from collector.model import Level, Policy, Report, Snapshot


def analyze(
    paths: Annotated[list[str], typer.Argument(help="Files or folders; - is stdin.", metavar="PATH...")],
    format_: FormatOption = None,
    output: OutputOption = None,
    fail_on: FailOnOption = None,
    policy_file: PolicyOption = None,
    state: Annotated[
        Path | None,
        typer.Option(
            "--state",
            help="Also ask the ledger in this folder for far ends; nothing is written there without --remember.",
        ),
    ] = None,
    *,
    remember: RememberOption = False,
) -> int:
    """Judge saved snapshots, pasted sessions, show tech, running-configs or syslog files: no login.

    A device's name is its prompt's or its hostname line's; the same name in two files is the same device.
    --remember notes what has a time of its own and is newer than what the ledger knows of that device.
    """
    from collector.snapshot import read_paths  # noqa: PLC0415 - the readers are needed by this verb alone

    started = pipeline.now()
    policy = policy_of(policy_file)
    snapshots = read_paths(paths, sys.stdin.buffer if "-" in paths else None)
    if remember:
        report, code = _remembered(snapshots, policy, state, level_of(fail_on, policy), started)
        emit(report, wanted=format_, output=output, every_peer=True)
        return code
    with ledger_in(state) if state is not None else nullcontext() as ledger:
        report = pipeline.report_of(
            snapshots,
            policy,
            mode="analyze",
            started_at=started,
            remembered=lambda wanted: far_ends_of(ledger, wanted) if ledger is not None else (),
        )
    emit(report, wanted=format_, output=output, every_peer=True)
    return pipeline.exit_code(report, level_of(fail_on, policy))


def _remembered(
    snapshots: Iterator[Snapshot], policy: Policy, state: Path | None, fail_on: Level | None, started: datetime
) -> tuple[Report, Exit]:
    """The same, written down as a sweep's run is: its lock is held from before the ledger is read until it was written."""
    from collector.cli.handed import judged  # noqa: PLC0415 - only when asked
    from collector.history import open_ledger, run_lock  # noqa: PLC0415 - as above

    folder = state_folder.folder(state)
    with run_lock(folder), open_ledger(folder) as ledger:
        return judged(snapshots, policy, ledger, fail_on=fail_on, started_at=started)


@contextmanager
def ledger_in(folder: Path) -> Iterator[Ledger]:
    """The ledger of a state folder that a person named. Raises UsageError where there is none."""
    with state_folder.known(folder) as ledger:
        if ledger is None:
            raise UsageError(f"--state {folder}: no ledger there; a sweep makes one")
        yield ledger


def policy_of(file: Path | None) -> Policy:
    """The policy in `file`, or ours."""
    if file is None:
        return Policy()
    from collector.inventory import load_policy  # noqa: PLC0415 - pydantic only where a policy is read

    return load_policy(file)


def level_of(fail_on: FailOn | None, policy: Policy) -> Level | None:
    """The option's level, else the policy's."""
    if fail_on is None:
        return policy.fail_on
    return None if fail_on is FailOn.NEVER else Level(fail_on.value)
