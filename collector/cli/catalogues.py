"""`rules` and `commands`: the catalogues, as tables or JSON."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from collector.commands import CATALOGUE as COMMANDS

JsonOption = Annotated[bool, typer.Option("--json", help="As JSON.")]


def commands(*, as_json: JsonOption = False) -> int:
    """What is typed on routers, where, at which privilege."""
    rows = [
        {
            "command": entry.name,
            "lines": list(entry.lines),
            "platforms": list(entry.platforms),
            "privilege": entry.privilege,
            "template": entry.template,
            "about": entry.about,
        }
        for entry in COMMANDS
    ]
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return 0
    _table(
        ("command", "platforms", "privilege", "template", "why it is asked"),
        [(e.name, " ".join(e.platforms), str(e.privilege), e.template or "-", e.about) for e in COMMANDS],
    )
    return 0


def rules(*, as_json: JsonOption = False) -> int:
    """The rules: id, title, level, what they need."""
    from collector.rules import cards  # noqa: PLC0415 - the rules are needed by this verb alone

    rows = [
        {
            "id": card.id,
            "name": card.name,
            "title": card.title,
            "level": card.level.value,
            "needs": list(card.needs),
            "opt_in": card.opt_in,
            "references": list(card.references),
        }
        for card in cards()
    ]
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return 0
    _table(
        ("id", "level", "title", "needs"),
        [
            (card.id, card.level.value + (" (opt-in)" if card.opt_in else ""), card.title, ", ".join(card.needs))
            for card in cards()
        ],
    )
    return 0


def _table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(line[column]) for line in (headings, *rows)) for column in range(len(headings))]
    for line in (headings, *rows):
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
