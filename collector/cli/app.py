"""The verbs, on one screen."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

import typer

from collector.cli.output import tool_version

# verb -> the module of `collector.cli` and what stands in it: a function, or an app with verbs of its own
VERBS = {
    "demo": ("demo", "demo"),
    "sweep": ("sweep", "sweep"),
    "audit": ("audit", "audit"),
    "analyze": ("analyze", "analyze"),
    "parse": ("parse", "parse"),
    "explain": ("explain", "explain"),
    "rules": ("catalogues", "rules"),
    "commands": ("catalogues", "commands"),
    "findings": ("findings", "findings"),
    "report": ("report", "report"),
    "doctor": ("doctor", "doctor"),
    "trust": ("trust", "trust"),
    "lab": ("lab", "lab"),
    "inventory": ("inventory", "app"),
    "tickets": ("tickets", "app"),
}


def application(verb: str | None = None) -> typer.Typer:
    """The command line. With the name of a verb: that one alone, so that `findings` loads nothing of what a sweep needs."""
    app = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Finds IPsec tunnels whose SAs fell out of step, per peer, with proof and with what to type on which router.",
    )
    app.callback(invoke_without_command=True)(_root)
    for name in [verb] if verb in VERBS else VERBS:
        module, what = VERBS[name]
        found = getattr(import_module(f"collector.cli.{module}"), what)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return app


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
