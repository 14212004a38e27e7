"""A rule's manual page, and the pages of docs/rules, made from docstring and card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from collector.rules.module import RuleModule


def page_text(module: RuleModule) -> str:
    """The page as Markdown: heading, card, docstring."""
    card = module.RULE
    facts = [
        f"level {card.level}",
        f"needs {', '.join(card.needs)}" if card.needs else "needs nothing",
        *(["opt-in: runs unasked only after an event"] if card.opt_in else []),
    ]
    return f"# {card.id} {card.name}\n\n{card.title} ({'; '.join(facts)}).\n\n{(module.__doc__ or '').strip()}\n"


def files(modules: Sequence[RuleModule]) -> Iterator[tuple[str, str]]:
    """(file name, text) of each page and of the index."""
    for module in modules:
        yield f"{module.RULE.id}.md", page_text(module)
    yield "README.md", index(modules)


def index(modules: Sequence[RuleModule]) -> str:
    """The table of all rules."""
    rows = [
        f"| [{card.id}]({card.id}.md) | {card.name} | {card.level} | {card.title} |"
        for card in (module.RULE for module in modules)
    ]
    head = ("# Rules", "", "Made from the rules' docstrings by `make docs`.", "")
    table = ("| id | name | level | flags |", "|---|---|---|---|", *rows)
    return "\n".join((*head, *table)) + "\n"
