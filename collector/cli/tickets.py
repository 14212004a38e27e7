"""`tickets plan | apply`: what a tracker would be told, with the exact requests; then do it, through the outbox."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from collector import rules
from collector.cli import pipeline
from collector.cli import state as state_folder
from collector.cli.options import InventoryOption, StateOption
from collector.errors import Exit, InventoryError, StateError, UsageError
from collector.history import entries, last_run, not_seen_last, open_ledger, outbox, run_lock, tickets
from collector.history.ledger import Ledger
from collector.history.tickets import Act, Limits, Step
from collector.inventory import Inventory, load, near
from collector.inventory.units import duration
from collector.model import Finding, Policy
from collector.session.secrets import Secrets
from collector.sinks import ticket_sink
from collector.sinks.delivery import DeliveryError, Request, TicketSink, batches, deliver, requests_of
from collector.sinks.render import one_line, safe

app = typer.Typer(no_args_is_help=True, help="What a tracker would be told; then tell it.")

SinkOption = Annotated[str, typer.Option("--sink", help="The name of a sink in the inventory.")]
MaxAgeOption = Annotated[
    str, typer.Option("--max-age", help="How old the last run may be.", show_default=True, metavar="DURATION")
]
BACKOFF = (60, 300, 900, 3600)
CENTURY = timedelta(days=36_500)  # dates have a first year


@app.command()
def plan(
    sink: SinkOption,
    inventory: InventoryOption = Path("inventory.yaml"),
    state: StateOption = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also where there is nothing to do.")] = False,
    max_age: MaxAgeOption = "24h",
) -> int:
    """Print what would be created, updated, reopened and closed, with the exact requests, secrets masked."""
    loaded = load(inventory)
    target, limits = _target(loaded, sink)
    with open_ledger(state_folder.folder(state)) as ledger:
        told_at = _run_time(ledger)
        stale = _stale(told_at, max_age)
        steps = _steps(ledger, loaded.policy, sink, limits, told_at, since=pipeline.now() - _age(max_age))
    if stale:
        sys.stderr.write(f"{stale}: `apply` would refuse\n")
    acting = [step for step in steps if step.act is not Act.NOTHING]
    for group in batches(target, acting):
        for step in group:
            _tell(step)
        for request in requests_of(target, group):
            _show(request)
    for step in steps if everything else ():
        if step.act is Act.NOTHING:
            _tell(step)
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
    max_age: MaxAgeOption = "24h",
) -> int:
    """Send what `plan` shows. Survives a tracker that is down, slow or half done: what failed is tried again later.

    Refuses when the last run is older than `--max-age`: old proof opens and closes nothing.
    """
    loaded = load(inventory)
    target, limits = _target(loaded, sink)
    name = f"{sink}:shadow" if shadow else sink
    desk = Desk(name=name, target=target, limits=limits, policy=loaded.policy, shadow=shadow, max_age=_age(max_age))
    with run_lock(state_folder.folder(state), f"tickets-{sink}"), open_ledger(state_folder.folder(state)) as ledger:
        stale = _stale(_run_time(ledger), max_age)
        if stale:
            raise StateError(f"{stale}: nothing is sent; `sweep` first, or say --max-age")
        return bring_up_to_date(ledger, desk)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where tickets go. name: of the sink, in the ledger. now: the time of the sending.

    max_age: findings of captures that were handed over and are older open none.
    """

    name: str
    target: TicketSink
    limits: Limits
    policy: Policy
    shadow: bool = False
    max_age: timedelta = timedelta(hours=24)
    now: Callable[[], datetime] = pipeline.now


def bring_up_to_date(ledger: Ledger, desk: Desk) -> Exit:
    """Decide anew from what the ledger says, note it in the outbox, send what is due."""
    told_at = _run_time(ledger)
    steps = _steps(ledger, desk.policy, desk.name, desk.limits, told_at, since=desk.now() - desk.max_age, now=desk.now)
    outbox.enqueue(ledger, desk.name, steps, at=told_at or desk.now())
    return _send_all(ledger, desk)


def _send_all(ledger: Ledger, desk: Desk) -> Exit:
    groups = deque(batches(desk.target, outbox.waiting(ledger, desk.name, at=desk.now())))
    failures = 0
    while groups:
        group = groups.popleft()
        try:
            _send(ledger, desk, group)
        except DeliveryError as error:
            if error.final and len(group) > 1:  # one of them is not taken: which one?
                groups.extendleft((step,) for step in reversed(group))
                continue
            failures += len(group)
            left = sum(len(group) for group in groups)
            if error.stop and left:
                sys.stderr.write(f"{left} more wait for the next run: it is the tracker, not the ticket\n")
                break
    return Exit.PARTIAL if failures else Exit.DONE


def _run_time(ledger: Ledger) -> datetime | None:
    """When the last run ended, whose word the ledger's states are."""
    run = last_run(ledger)
    return datetime.fromisoformat(run["finished_at"]) if run is not None else None


def _stale(told_at: datetime | None, max_age: str) -> str:
    """Why the ledger is too old to act upon, or ""."""
    most = _age(max_age)
    if told_at is None or pipeline.now() - told_at <= most:
        return ""
    return f"the last run ended {told_at.isoformat(timespec='seconds')}, longer ago than {max_age}"


def _age(text: str) -> timedelta:
    try:
        return min(duration(text), CENTURY)
    except ValueError as error:
        raise UsageError(f"--max-age: {error}") from None


def _target(loaded: Inventory, name: str) -> tuple[TicketSink, Limits]:
    raw = loaded.sinks.get(name)
    if raw is None:
        raise InventoryError(f"no sink {name!r}", place="sinks", hint=near(name, loaded.sinks))
    return ticket_sink(name, raw, Secrets())


def _steps(
    ledger: Ledger,
    policy: Policy,
    sink: str,
    limits: Limits,
    told_at: datetime | None,
    *,
    since: datetime,
    now: Callable[[], datetime] = pipeline.now,
) -> tuple[Step, ...]:
    found = list(entries(ledger, sink=sink))
    muted = frozenset(entry.finding.id for entry in found if _muted(entry.finding, policy, now()))
    unseen = not_seen_last(ledger, since=since) - outbox.decided(ledger, sink)
    steps = tickets.plan(found, outbox.tickets_of(ledger, sink), limits, muted=muted, unseen=unseen)
    return tuple(replace(step, at=told_at) for step in steps)


def _muted(finding: Finding, policy: Policy, at: datetime) -> bool:
    return any(mute.covers(at) and rules.answers(mute, finding) for mute in policy.mutes)


def _send(ledger: Ledger, desk: Desk, group: Sequence[Step]) -> None:
    """Send what goes together and note each. A DeliveryError is told, noted (but for a group's `final`), and goes up."""
    outbox.sending(ledger, *group)
    try:
        references = ("shadow",) * len(group) if desk.shadow else deliver(desk.target, group)
    except DeliveryError as error:
        if not error.final or len(group) == 1:
            _put_off(ledger, desk, group, error)
        raise
    outbox.done_all(ledger, desk.name, list(zip(group, references, strict=True)), at=desk.now())
    for step, reference in zip(group, references, strict=True):
        _tell(step, reference)


def _put_off(ledger: Ledger, desk: Desk, group: Sequence[Step], error: DeliveryError) -> None:
    first = group[0]
    wait = error.retry_after or BACKOFF[min(first.tries, len(BACKOFF) - 1)]
    wait = 24 * 3600 if error.final else wait
    not_before = desk.now() + timedelta(seconds=wait)
    outbox.failed(ledger, *group, error=error.message, not_before=not_before)
    if error.stop and error.retry_after is not None:
        outbox.postpone(ledger, desk.name, not_before=not_before)
    what = f"{first.act.value} {first.finding.id}" + (f" and {len(group) - 1} more" if len(group) > 1 else "")
    sys.stderr.write(f"{what}: {safe(error.message)}; tried again after {wait:.0f} s\n")


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
