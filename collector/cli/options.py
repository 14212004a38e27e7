"""Options that several verbs share, spelled once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """Output formats of a report."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    MARKDOWN = "markdown"
    HTML = "html"
    METRICS = "metrics"


class FailOn(StrEnum):
    """The level from which findings make exit code 1."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    NEVER = "never"


InventoryOption = Annotated[Path, typer.Option("--inventory", "-i", help="The inventory file.", show_default=True)]
OptionalInventory = Annotated[Path | None, typer.Option("--inventory", "-i", help="The inventory file.")]
FormatOption = Annotated[
    Format | None,
    typer.Option(
        "--format", "-f", help="table (default), json, jsonl, csv, markdown, html or metrics.", show_default=False
    ),
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write to this file, whole or not at all, instead of stdout.")
]
FailOnOption = Annotated[
    FailOn | None, typer.Option("--fail-on", help="Exit 1 at or above this level; default: the policy's, else error.")
]
PolicyOption = Annotated[Path | None, typer.Option("--policy", help="A policy file, instead of the inventory's.")]
StateOption = Annotated[
    Path | None,
    typer.Option("--state", help="State folder (ledger, host keys, lock); else SPI_STATE, else the user's own."),
]
RememberOption = Annotated[bool, typer.Option("--remember", help="Note this run in the ledger.")]
