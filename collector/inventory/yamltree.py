"""YAML text -> plain tree of dict, list, str and None, with the line of every place; nothing clever.

Scalars stay text (`NO`, `22:22`, `010`, `1_000` mean what they look like; the schema decides). Refused with the place:
duplicate keys, aliases and anchors, tags, more than 5 MB, nesting deeper than 20.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from collector.errors import InventoryError

MAX_BYTES = 5 * 1024 * 1024
MAX_DEPTH = 20

Place = tuple[str, ...]

# libyaml where PyYAML was built with it: 20,000 hosts in seconds instead of half a minute
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Tree:
    """value: the tree. lines: 1-based line of each place (a tuple of keys and list indexes as text)."""

    value: Any
    lines: dict[Place, int] = field(default_factory=dict)


def load(text: str, *, name: str) -> Tree:
    """Parse `text`; `name` (the file's) stands in messages.

    Raises InventoryError with place and line.
    """
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise InventoryError(f"larger than {MAX_BYTES // 1024 // 1024} MB", place=name)
    lines: dict[Place, int] = {}
    try:
        _check(text, name)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise InventoryError(_problem(error, text), place=name) from None
    if node is None:
        return Tree(None, lines)
    return Tree(_build(node, (), lines, name), lines)


def _check(text: str, name: str) -> None:
    """Walk the events first: hostile nesting and alias bombs never become nodes."""
    depth = 0
    for event in _events(text):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise InventoryError("aliases and anchors are not used here; write the values out", place=f"{name}:{line}")
        if getattr(event, "tag", None) not in {None, "!"} and not isinstance(event, yaml.CollectionEndEvent):
            raise InventoryError(f"tag {event.tag} is not used here", place=f"{name}:{line}")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise InventoryError(f"nested deeper than {MAX_DEPTH}", place=f"{name}:{line}")


def _events(text: str) -> Iterator[Any]:
    yield from yaml.parse(text, Loader=_Loader)


def _problem(error: yaml.YAMLError, text: str) -> str:
    mark = getattr(error, "problem_mark", None)
    lines = text.split("\n")
    if mark is not None and mark.line < len(lines):
        line = lines[mark.line]
        if "\t" in line[: len(line) - len(line.lstrip())]:
            return f"line {mark.line + 1}: a tab stands before the text; YAML is indented with blanks only"
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    return f"line {mark.line + 1}, column {mark.column + 1}: {what}" if mark else f"not YAML: {what}"


def _build(node: Any, place: Place, lines: dict[Place, int], name: str) -> Any:
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        return None if node.style is None and node.value in {"", "~", "null"} else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*place, str(index)), lines, name) for index, item in enumerate(node.value)]
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise InventoryError("a key must be plain text", place=f"{name}:{line}")
        key = str(key_node.value)
        here = (*place, key)
        if key in result:
            first = lines[here]
            raise InventoryError(
                f"stands twice, on lines {first} and {line}", place=".".join(here), hint="keep one of them"
            )
        result[key] = _build(value_node, here, lines, name)
        lines[here] = line
    return result
