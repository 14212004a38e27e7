"""`sweep`: every device of the inventory, for cron: collect, judge, remember, print."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from collector.cli import fleet, pipeline
from collector.cli import state as state_folder
from collector.cli.analyze import level_of, policy_of
from collector.cli.heartbeat import beat, checked
from collector.cli.options import FailOnOption, FormatOption, InventoryOption, OutputOption, PolicyOption, StateOption
from collector.cli.output import emit, placeable, tell, tool_version, write_whole
from collector.cli.scratch import scratch
from collector.cli.signals import noted
from collector.cli.spool import Spooled
from collector.collect import processes_for
from collector.errors import Exit, InventoryError, UsageError
from collector.history import (
    Ledger,
    devices_at,
    far_ends_of,
    history_of,
    keep_snapshots,
    last_visits,
    open_ledger,
    remember,
    run_lock,
    transaction,
)
from collector.inventory import Inventory, load, near
from collector.inventory.units import duration
from collector.model import Device, Level, Policy, Report
from collector.sinks.document import device_status
from collector.sinks.render import safe

RESUMED = timedelta(hours=1)

LimitOption = Annotated[
    list[str] | None,
    typer.Option("--limit", "-l", help="Only these: host or group names, with * and ?; may stand several times."),
]
SaveOption = Annotated[Path | None, typer.Option("--save", help="Keep what the routers said in this folder.")]
MaxRuntimeOption = Annotated[
    str | None, typer.Option("--max-runtime", help="Stop after so long (12m) and say what is missing.")
]


def sweep(
    inventory: InventoryOption = Path("inventory.yaml"),
    limit: LimitOption = None,
    save: SaveOption = None,
    format_: FormatOption = None,
    output: OutputOption = None,
    fail_on: FailOnOption = None,
    max_runtime: MaxRuntimeOption = None,
    workers: Annotated[int, typer.Option("--workers", help="Visits at once, in all processes.", min=1, max=1000)] = 20,
    processes: Annotated[
        int | None,
        typer.Option(
            "--processes",
            help="How many processes visit, each with 100 visits at most; default: one, more where the login rate needs them.",
            min=1,
            max=64,
            show_default=False,
        ),
    ] = None,
    policy_file: PolicyOption = None,
    state: StateOption = None,
    html: Annotated[Path | None, typer.Option("--html", help="Also write the report as one HTML page.")] = None,
    metrics: Annotated[Path | None, typer.Option("--metrics", help="Also write a Prometheus textfile.")] = None,
    heartbeat: Annotated[
        str | None,
        typer.Option(
            "--heartbeat",
            envvar="SPI_HEARTBEAT",
            help="After a run that read a device: GET this URL, or touch this file.",
        ),
    ] = None,
    *,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="After an interrupted run: what --save holds and is younger than 1 h is not asked again."
        ),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print only what is new; nothing when nothing is.")
    ] = False,
    every_peer: Annotated[bool, typer.Option("--every-peer", help="Also peers without trouble in the table.")] = False,
) -> int:
    """Visit every device once, judge, remember, print. For cron: a lock, exit codes, a deadline, quiet."""
    loaded = load(inventory)
    policy = policy_of(policy_file) if policy_file else loaded.policy
    devices = selected(loaded, limit)
    folder = state_folder.folder(state)
    if resume and save is None:
        raise UsageError("--resume needs --save: the folder of the interrupted run")
    writable(save, output, html, metrics)
    alive = checked(heartbeat)
    os.environ.pop("SPI_HEARTBEAT", None)  # a URL's path may be a secret: the commands that give passwords need none
    with ExitStack() as stack:
        stack.enter_context(run_lock(folder))
        told = stack.enter_context(few_of(f"host keys were pinned: {folder / 'known_hosts'}"))
        ledger = stack.enter_context(open_ledger(folder))
        order = fleet.Order(
            devices=devices,
            policy=policy,
            mode="sweep",
            spool=stack.enter_context(scratch(folder)),
            state=folder,
            save=save,
            resume_since=pipeline.now() - RESUMED if resume else None,
            hidden=frozenset(variables(loaded.sinks)),
            workers=workers,
            processes=processes or processes_for(len(devices), workers, loaded.logins_per_second),
            logins_per_second=loaded.logins_per_second,
            max_runtime=runtime(max_runtime),
            say=(lambda _line: None) if quiet else tell,
            told=told,
        )
        caught = stack.enter_context(noted())
        visited, code = once(replace(order, stopped=lambda: caught.number), ledger, level_of(fail_on, policy))
        report = visited.report
        few = every_peer or len(devices) <= 3
        news = only_new(report)
        try:  # first what is new: the ledger has it, and no later run will tell it again
            if not quiet:
                emit(report, wanted=format_, output=output, every_peer=few)
            elif news.findings:
                emit(news, wanted=format_, output=output, every_peer=few, concerned=concerned(visited, news))
        finally:
            extras(report, html=html, metrics=metrics)
    if alive is not None and code is not Exit.UNREACHED and not (visited.interrupted or caught.number):
        problem = beat(alive)
        if problem:
            tell(safe(problem))
    return fleet.signal_exit(visited.interrupted or caught.number) or code


def remembering(order: fleet.Order, ledger: Ledger) -> fleet.Order:
    """A run that reads what earlier ones wrote down."""
    return replace(
        order,
        history_of=lambda name: history_of(ledger, name),
        devices_at=lambda address: devices_at(ledger, address),
        remembered=lambda wanted: far_ends_of(ledger, wanted),
    )


def once(order: fleet.Order, ledger: Ledger, fail_on: Level | None) -> tuple[fleet.Visited, Exit]:
    """One run with memory: visit, judge, remember. The report that comes back knows the life of each finding."""
    order = replace(remembering(order, ledger), last_visit=last_visits(ledger))
    visited = fleet.run(order)
    code = pipeline.exit_code(visited.report, fail_on)
    return replace(visited, report=written(ledger, visited, code, order.policy)), code


def written(ledger: Ledger, visited: fleet.Visited, code: Exit, policy: Policy) -> Report:
    """A run and what the routers said, in the ledger; the report that comes back knows the life of each finding."""
    with transaction(ledger):  # a run whose captures do not fit is not remembered at all
        report = remember(
            ledger,
            visited.report,
            exit_code=int(code),
            status_of=device_status,
            paths=visited.paths,
            policy=policy,
        )
        blobs = ((name, visited.spool.blob(name)) for name in visited.names)
        keep_snapshots(ledger, report.run.id, blobs)
    return report


def variables(tree: object) -> Iterator[str]:
    """The variables that references ({env: NAME}) in a tree of the inventory name."""
    if isinstance(tree, Mapping):
        if isinstance(tree.get("env"), str):
            yield tree["env"]
        for value in tree.values():
            yield from variables(value)


def selected(loaded: Inventory, limit: list[str] | None) -> tuple[Device, ...]:
    """The devices that `--limit` names, all without it. Raises where a pattern names nothing."""
    if not loaded.devices:
        raise InventoryError("no hosts stand in it", place=loaded.source, hint="add some under `hosts:`")
    if not limit:
        return loaded.devices
    chosen: dict[str, Device] = {}
    for pattern in limit:
        found = [
            device
            for device in loaded.devices
            if any(fnmatch.fnmatchcase(name, pattern) for name in (device.name, *device.groups))
        ]
        if not found:
            names = {name for device in loaded.devices for name in (device.name, *device.groups)}
            hint = near(pattern, names)
            raise UsageError(f"--limit {pattern}: no host or group of that name" + (f" - {hint}" if hint else ""))
        chosen |= {device.name: device for device in found}
    return tuple(chosen.values())


def runtime(text: str | None) -> timedelta | None:
    """`--max-runtime` as a duration. Raises UsageError."""
    if text is None:
        return None
    try:
        found = duration(text)
    except ValueError as error:
        raise UsageError(f"--max-runtime: {error}") from None
    if not found:
        raise UsageError("--max-runtime: must be longer than 0")
    return found


def writable(folder: Path | None, *files: Path | None) -> None:
    """Make the folder for `--save`, and look whether `files` can be written, before the first login and not after the last.

    Raises UsageError.
    """
    for file in files:
        if file is not None:
            placeable(file)
    if folder is None:
        return
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--save {folder}: {error.strerror}") from None


def extras(report: Report, *, html: Path | None, metrics: Path | None) -> None:
    """The further files of one run."""
    if html is not None:
        from collector.sinks import html as page  # noqa: PLC0415 - jinja2 only for pages

        write_whole(html, page.write(report, version=tool_version()))
    if metrics is not None:
        from collector.sinks import metrics as textfile  # noqa: PLC0415 - prometheus-client only for metrics

        write_whole(metrics, textfile.write(report, version=tool_version()), mode=0o644)  # node_exporter reads it


def only_new(report: Report) -> Report:
    """The report without findings that were told before."""
    return replace(
        report,
        findings=tuple(finding for finding in report.findings if finding.state in {"new", "reopened", "resolved"}),
    )


def concerned(visited: fleet.Visited, report: Report) -> Spooled:
    """The devices with what is new in `report`, and the other ends of their tunnels; not those whose trouble is over."""
    told = [finding for finding in report.findings if finding.state != "resolved"]
    named = {name for finding in told for name in (finding.device, finding.far_device)}
    return Spooled(visited.spool, [name for name in visited.names if name in named])


@contextmanager
def few_of(others: str, most: int = 20) -> Iterator[Callable[[str], None]]:
    """Lines for stderr, also of a quiet run: the first `most` of them, then how many more. others: what they tell."""
    count = 0

    def told(line: str) -> None:
        nonlocal count
        count += 1
        if count <= most:
            tell(line)

    yield told
    if count > most:
        tell(f"{count - most} more {others}")
