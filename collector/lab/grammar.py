"""The exec grammar: what a typed line means, or where it goes wrong.

A tree of keywords and arguments. Keywords may be cut to any unique prefix. The mistakes are IOS's four: invalid input
with the column of the first character that fits nothing, ambiguous, incomplete, and an unknown first word, which IOS
takes for the name of a host.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from collector.lab.render import Command

_WORD = re.compile(r"\S+")


@dataclass(slots=True)
class Node:
    """A place in the tree: keywords, one argument, and the command that may end here."""

    keywords: dict[str, Node] = field(default_factory=dict)
    argument: str = ""
    after: Node | None = None
    command: Command | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A line understood: the command and its words spelled out."""

    command: Command
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """kind: invalid (column of the caret in the line), ambiguous, incomplete, unknown (a lone word: a host's name?)."""

    kind: str
    column: int = 0


def tree(commands: Iterable[Command]) -> Node:
    """The grammar of some commands."""
    root = Node()
    for command in commands:
        node = root
        for word in command.pattern.split():
            if word.startswith("<"):
                node.argument = word
                node.after = node.after or Node()
                node = node.after
            else:
                node = node.keywords.setdefault(word, Node())
        node.command = command
    return root


def parse(root: Node, line: str) -> Parsed | Mistake:
    """What a line says; blanks around words do not matter."""
    node = root
    words: list[str] = []
    for match in _WORD.finditer(line):
        text = match.group()
        found = _step(node, text)
        if isinstance(found, str):
            if found == "ambiguous":
                return Mistake(kind="ambiguous")
            if not words and " " not in line.strip():
                return Mistake(kind="unknown")
            return Mistake(kind="invalid", column=match.start() + _fitting(node, text))
        word, node = found
        words.append(word)
    if node.command is None:
        return Mistake(kind="incomplete")
    return Parsed(command=node.command, words=tuple(words))


def completions(root: Node, line: str) -> list[str]:
    """The keywords that could stand at the end of a line, for `?` and TAB."""
    node = root
    whole = [] if line == "" else line.split(" ")
    *before, last = whole or [""]
    for text in filter(None, before):
        found = _step(node, text)
        if isinstance(found, str):
            return []
        node = found[1]
    return sorted(word for word in node.keywords if word.startswith(last.lower()))


def _step(node: Node, text: str) -> tuple[str, Node] | str:
    lower = text.lower()
    if lower in node.keywords:
        return lower, node.keywords[lower]
    fitting = [word for word in node.keywords if word.startswith(lower)]
    if len(fitting) == 1:
        return fitting[0], node.keywords[fitting[0]]
    if len(fitting) > 1:
        return "ambiguous"
    if node.after is not None and _is(node.argument, text):
        return text, node.after
    return "invalid"


def _is(argument: str, text: str) -> bool:
    if argument == "<number>":
        return text.isdigit()
    if argument == "<address>":
        try:
            IPv4Address(text)
        except ValueError:
            return False
    return True


def _fitting(node: Node, text: str) -> int:
    """How many leading characters of a wrong word still fitted some keyword: the caret stands under the next."""
    lower = text.lower()
    best = 0
    for word in node.keywords:
        length = 0
        while length < min(len(word), len(lower)) and word[length] == lower[length]:
            length += 1
        best = max(best, length)
    return min(best, len(text) - 1)
