"""The verbs, on one screen."""

from __future__ import annotations

from typing import Annotated

import typer

from collector.cli import (
    analyze,
    audit,
    catalogues,
    demo,
    doctor,
    explain,
    findings,
    inventory,
    lab,
    parse,
    report,
    sweep,
    tickets,
    trust,
)
from collector.cli.output import tool_version

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Finds IPsec tunnels whose SAs fell out of step, per peer, with proof and with what to type on which router.",
)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    if version:
        typer.echo(f"spi-collector {tool_version()}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        raise typer.Exit(2)


app.command("demo")(demo.demo)
app.command("sweep")(sweep.sweep)
app.command("audit")(audit.audit)
app.command("analyze")(analyze.analyze)
app.command("parse")(parse.parse)
app.command("explain")(explain.explain)
app.command("rules")(catalogues.rules)
app.command("commands")(catalogues.commands)
app.command("findings")(findings.findings)
app.command("report")(report.report)
app.command("doctor")(doctor.doctor)
app.command("trust")(trust.trust)
app.command("lab")(lab.lab)
app.add_typer(inventory.app, name="inventory")
app.add_typer(tickets.app, name="tickets")
