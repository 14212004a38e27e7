"""`tickets plan | apply`: what a tracker would be told, with the exact requests; then do it, through the outbox."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from collector import rules
from collector.cli import pipeline
from collector.cli import state as state_folder
from collector.cli.options import InventoryOption, StateOption
from collector.errors import Exit, InventoryError
from collector.history import entries, open_ledger, run_lock, tickets
from collector.history.ledger import Ledger
from collector.history.tickets import Act, Limits, Step
from collector.inventory import Inventory, load, near
from collector.model import Finding
from collector.session.secrets import Secrets
from collector.sinks import ticket_sink
from collector.sinks.delivery import DeliveryError, Request, TicketSink
from collector.sinks.render import one_line, safe

app = typer.Typer(no_args_is_help=True, help="What a tracker would be told; then tell it.")

SinkOption = Annotated[str, typer.Option("--sink", help="The name of a sink in the inventory.")]
BACKOFF = (60, 300, 900, 3600)


@app.command()
def plan(
    sink: SinkOption,
    inventory: InventoryOption = Path("inventory.yaml"),
    state: StateOption = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also where there is nothing to do.")] = False,
) -> int:
    """Print what would be created, updated, reopened and closed, with the exact requests, secrets masked."""
    loaded = load(inventory)
    target, limits = _target(loaded, sink)
    with open_ledger(state_folder.folder(state)) as ledger:
        steps = _steps(ledger, loaded, sink, limits)
    for step in steps:
        if step.act is not Act.NOTHING:
            _tell(step)
            for request in target.requests(step):
                _show(request)
        elif everything:
            _tell(step)
    acting = [step for step in steps if step.act is not Act.NOTHING]
    sys.stdout.write(f"{len(acting)} to do, {len(steps) - len(acting)} with nothing to do\n")
    return 0


@app.command()
def apply(
    sink: SinkOption,
    inventory: InventoryOption = Path("inventory.yaml"),
    state: StateOption = None,
    *,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Decide and note everything, send nothing: for the first weeks.")
    ] = False,
) -> int:
    """Send what `plan` shows. Survives a tracker that is down, slow or half done: what failed is tried again later."""
    loaded = load(inventory)
    target, limits = _target(loaded, sink)
    name = f"{sink}:shadow" if shadow else sink
    with run_lock(state_folder.folder(state), f"tickets-{sink}"), open_ledger(state_folder.folder(state)) as ledger:
        tickets.enqueue(ledger, name, _steps(ledger, loaded, name, limits), at=pipeline.now())
        failures = 0
        for step in tickets.waiting(ledger, name, at=pipeline.now()):
            failures += not _send(ledger, name, step, target, shadow=shadow)
    return Exit.PARTIAL if failures else Exit.DONE


def _target(loaded: Inventory, name: str) -> tuple[TicketSink, Limits]:
    raw = loaded.sinks.get(name)
    if raw is None:
        raise InventoryError(f"no sink {name!r}", place="sinks", hint=near(name, loaded.sinks))
    return ticket_sink(name, raw, Secrets())


def _steps(ledger: Ledger, loaded: Inventory, sink: str, limits: Limits) -> tuple[Step, ...]:
    found = list(entries(ledger))
    muted = frozenset(entry.finding.id for entry in found if _muted(entry.finding, loaded))
    return tickets.plan(found, tickets.tickets_of(ledger, sink), limits, muted=muted)


def _muted(finding: Finding, loaded: Inventory) -> bool:
    at = pipeline.now()
    return any(mute.covers(at) and rules.answers(mute, finding) for mute in loaded.policy.mutes)


def _send(ledger: Ledger, sink: str, step: Step, target: TicketSink, *, shadow: bool) -> bool:
    tickets.sending(ledger, step)
    try:
        reference = "shadow" if shadow else target.deliver(step)
    except DeliveryError as error:
        tries = int(step.why.removeprefix("try ") or 1) if step.why.startswith("try ") else 1
        wait = error.retry_after or BACKOFF[min(tries, len(BACKOFF)) - 1]
        wait = 24 * 3600 if error.final else wait
        tickets.failed(ledger, step, error.message, not_before=pipeline.now() + timedelta(seconds=wait))
        sys.stderr.write(f"{step.act.value} {step.finding.id}: {safe(error.message)}; tried again after {wait:.0f} s\n")
        return False
    tickets.done(ledger, sink, step, reference, at=pipeline.now())
    _tell(step, reference)
    return True


def _tell(step: Step, reference: str | None = None) -> None:
    finding = step.finding
    where = one_line(finding.device) + (f" <- {finding.peer}" if finding.peer else "")
    known = reference or step.reference
    sys.stdout.write(
        f"{step.act.value:<8} {finding.id} {finding.rule} {where}"
        f"{f' [{one_line(known)}]' if known else ''}{f': {one_line(step.why)}' if step.why else ''}\n"
    )


def _show(request: Request) -> None:
    sys.stdout.write(f"    {request.purpose}: {request.method} {request.url}\n")
    for key, value in request.headers.items():
        sys.stdout.write(f"      {key}: {one_line(value)}\n")
    for line in request.body.splitlines():
        sys.stdout.write(f"      {safe(line)}\n")
