"""What a rule module looks like, and the checks that every one passes, ours or a site's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Protocol

from collector.errors import UsageError
from collector.model import Facts, Judgement, Level, Rule

SECTIONS = ("What it flags", "Why it matters", "When it stays quiet", "What to do", "References")

_FACTS = frozenset(field.name for field in fields(Facts))


class RuleModule(Protocol):
    """A rule is a module: its docstring is its page, `RULE` its card, `judge` a pure generator."""

    __doc__: str | None
    RULE: Rule

    def judge(self, facts: Facts) -> Iterator[Judgement]:
        """What the rule says of each of its subjects. Evidence, but no rule id, level or device: the engine's task."""
        ...


def check(module: RuleModule, place: str) -> None:
    """Raise UsageError, naming `place`, where the module is no rule as the catalogue wants it."""
    card = getattr(module, "RULE", None)
    if not isinstance(card, Rule):
        raise UsageError(f"{place}: a rule module needs `RULE`, a collector.model.Rule")
    if not callable(getattr(module, "judge", None)):
        raise UsageError(f"{place}: a rule module needs `judge(facts)`, a generator of Judgements")
    if not isinstance(card.level, Level):
        raise UsageError(f"{place}: level {card.level!r} is none of error, warning, note")
    unknown = [need for need in card.needs if need not in _FACTS]
    if unknown:
        raise UsageError(f"{place}: `needs` names {', '.join(unknown)}, which is no field of Facts")
    absent = [section for section in SECTIONS if f"## {section}\n" not in (module.__doc__ or "") + "\n"]
    if absent:
        raise UsageError(f"{place}: the docstring lacks the section(s) {', '.join(absent)} (as `## {absent[0]}`)")
