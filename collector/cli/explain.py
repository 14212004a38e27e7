"""`explain RULE | FINDING`: the rule's page, or how a finding came about."""

from __future__ import annotations

import re
import sys
from typing import Annotated

import typer

from collector.cli.options import StateOption
from collector.errors import UsageError
from collector.inventory.load import near


def explain(
    what: Annotated[str, typer.Argument(help="A rule (SPI001, enable-recovery) or the id of a finding.")],
    state: StateOption = None,
) -> int:
    """What a rule flags, why it matters, when it stays quiet, what to do; or the decision path of a finding."""
    from collector import rules  # noqa: PLC0415 - the rules are needed by this verb alone

    for card in rules.cards():
        if what.upper() == card.id or what.lower() == card.name:
            sys.stdout.write(rules.page(card.id))
            return 0
    if re.fullmatch(r"[0-9a-f]{16}", what.lower()):
        return _finding(what.lower(), state)
    hint = near(what, [name for card in rules.cards() for name in (card.id, card.name)])
    raise UsageError(
        f"{what!r} is neither a rule nor the id of a finding" + (f" - {hint}" if hint else "; see `rules`")
    )


def _finding(identity: str, state: object) -> int:
    raise UsageError(
        f"no finding {identity} is known: no ledger has been written yet (state folder: {state or 'default'})"
    )
