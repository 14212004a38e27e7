"""`audit NAME`: one device, everything shown; with or without an inventory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from collector.cli import fleet, pipeline
from collector.cli import state as state_folder
from collector.cli.analyze import level_of, policy_of
from collector.cli.options import FailOnOption, FormatOption, OptionalInventory, OutputOption, PolicyOption, StateOption
from collector.cli.output import emit, tell
from collector.cli.scratch import scratch
from collector.cli.sweep import SaveOption, extras, remembering, writable
from collector.collect import Knowledge, plan_for, relook_for
from collector.errors import StateError, UsageError
from collector.history import Ledger
from collector.inventory import Inventory, load
from collector.inventory.schema import PLATFORMS
from collector.model import Capture, Device, Policy, Reference, SshSettings
from collector.session import Plan
from collector.sinks.render import safe


def audit(
    name: Annotated[str | None, typer.Argument(help="A host of the inventory; without one give --host.")] = None,
    inventory: OptionalInventory = None,
    host: Annotated[
        str | None, typer.Option("--host", help="Name or address of a router without an inventory.")
    ] = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 22,
    username: Annotated[str | None, typer.Option("--username", "-u", help="Who logs in; else SPI_USERNAME.")] = None,
    platform: Annotated[str, typer.Option("--platform", help="cisco_ios or cisco_xe.")] = "cisco_ios",
    legacy: Annotated[bool, typer.Option("--legacy", help="Allow SHA-1 and CBC, for old routers.")] = False,  # noqa: FBT002 - an option
    enable: Annotated[bool, typer.Option("--enable", help="Ask for the enable secret too (else SPI_SECRET).")] = False,  # noqa: FBT002 - an option
    watch: Annotated[
        int, typer.Option("--watch", help="Sample log and counters again after so many seconds.", min=0, max=3600)
    ] = 0,
    save: SaveOption = None,
    format_: FormatOption = None,
    output: OutputOption = None,
    fail_on: FailOnOption = None,
    policy_file: PolicyOption = None,
    state: StateOption = None,
    html: Annotated[Path | None, typer.Option("--html", help="Also write the report as one HTML page.")] = None,
    *,
    far_ends: Annotated[
        bool,
        typer.Option(
            "--far-ends/--no-far-ends",
            help="Also visit the router of the inventory that an incident names as its sender.",
        ),
    ] = True,
) -> int:
    """One device: each peer with its config type and verdict, incidents, findings, and what could not be seen."""
    loaded = _inventory(inventory, name, host)
    policy = policy_of(policy_file) if policy_file else (loaded.policy if loaded else Policy())
    if host is not None:
        device = _ad_hoc(name or host, host, port, username, platform, legacy=legacy, enable=enable)
    else:
        assert loaded is not None
        assert name is not None
        device = loaded.device(name)
    if watch:
        budget = device.timeout.device + timedelta(seconds=watch)
        device = replace(device, timeout=replace(device.timeout, device=budget))
    writable(save, output, html)
    folder = state_folder.folder(state)
    with scratch(folder) as spool, _ledger(folder) as ledger:
        order = fleet.Order(
            devices=(device,),
            policy=policy,
            mode="audit",
            spool=spool,
            state=folder,
            save=save,
            workers=1,
            audit=True,
            far_ends=False,
            beside=[other for other in loaded.devices if other.name != device.name] if loaded and far_ends else (),
            say=_say,
            plan_of=_watching(watch) if watch else plan_for,
        )
        visited = fleet.run(remembering(order, ledger) if ledger is not None else order)
        emit(visited.report, wanted=format_, output=output, every_peer=True)
        extras(visited.report, html=html, metrics=None)
        code = pipeline.exit_code(visited.report, level_of(fail_on, policy))
    return fleet.signal_exit(visited.interrupted) or code


@contextmanager
def _ledger(folder: Path) -> Iterator[Ledger | None]:
    """The ledger to be read; an audit does without one that is broken, and says so."""
    with ExitStack() as stack:
        try:
            ledger = stack.enter_context(state_folder.known(folder))
        except StateError as error:
            tell(f"{safe(str(error))}; this audit goes on without it")
            ledger = None
        yield ledger


def _say(line: str) -> None:
    if " / " not in line:  # the arithmetic of one login needs no telling
        tell(line)


def _inventory(inventory: Path | None, name: str | None, host: str | None) -> Inventory | None:
    if host is not None:
        return load(inventory) if inventory else None
    if name is None:
        raise UsageError("name a host of the inventory, or give --host and --username")
    return load(inventory or Path("inventory.yaml"))


def _ad_hoc(
    name: str, host: str, port: int, username: str | None, platform: str, *, legacy: bool, enable: bool
) -> Device:
    from collector.inventory.schema import HostModel  # noqa: PLC0415 - the same grammar as in a file

    if platform not in PLATFORMS:
        raise UsageError(f"--platform {platform}: cisco_ios or cisco_xe")
    try:
        HostModel(hostname=host)
    except ValueError:
        raise UsageError(f"--host {host!r} is neither a host name nor an address") from None
    import os  # noqa: PLC0415 - two variables

    return Device(
        name=name,
        host=host,
        port=port,
        platform=PLATFORMS[platform],
        username=Reference(kind="literal", value=username) if username else Reference(kind="env", value="SPI_USERNAME"),
        password=Reference(kind="env", value="SPI_PASSWORD")
        if os.environ.get("SPI_PASSWORD")
        else Reference(kind="prompt", value="password"),
        secret=Reference(kind="env", value="SPI_SECRET")
        if os.environ.get("SPI_SECRET")
        else (Reference(kind="prompt", value="secret") if enable else None),
        ssh=SshSettings(profile="legacy" if legacy else "modern"),
    )


def _watching(seconds: int):  # type: ignore[no-untyped-def]  # noqa: ANN202 - the signature of plan_for
    """A plan that, when all is asked, waits and looks at clock, log and counters a second time."""

    def plan_of(device: Device, knowledge: Knowledge) -> Plan:
        first, again = plan_for(device, replace(knowledge, twice=False)), relook_for(device, knowledge)
        waited = False

        def plan(captures: tuple[Capture, ...]) -> tuple[str, ...]:
            nonlocal waited
            if not waited:
                lines = first(captures)
                if lines:
                    return lines
                waited = True
                time.sleep(seconds)
                return again(())
            return ()

        return plan

    return plan_of
