"""A template as a table of moves: the textfsm library reads the syntax, this file makes it quick to run.

Most rules begin with literal words ("current_peer"), so of a state's forty rules one or two can match a given line.
A rule's literal beginning is read off its regular expression; lines are then offered only to the rules whose
beginning agrees with theirs. Nothing else differs from textfsm: tests run both over every capture.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from io import StringIO

import textfsm

from collector.errors import ParseError

KEY = 8  # characters of a line (blanks before it skipped) that choose the rules
_MEMO = 2048  # a hostile text may have endless beginnings
_OPTIONS = {"Filldown", "Key", "List", "Required"}  # Fillup changes rows that were handed out already
_ESCAPED_CLASS = frozenset("AbBdDsSwWZ0123456789")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. assigns: names of the Values it fills, True for a `List`. target: the next state's name, or ""."""

    match: Callable[[str], re.Match[str] | None]
    literal: str | None  # what a line begins with, blanks skipped, where this rule can match; "" blank, None anything
    assigns: tuple[tuple[str, bool], ...]
    whole: bool  # a record of its own: it fills Values, none of them a List, records, and goes on to the next line
    record: str  # "", Record, Clear, Clearall
    line: str  # "", Continue, Error
    target: str


@dataclass(slots=True, kw_only=True)
class State:
    """The rules of a state, in order, and which of them fit the beginning of a line."""

    rules: tuple[Rule, ...]
    memo: dict[str, tuple[Rule, ...]] = field(default_factory=dict)

    def candidates(self, key: str) -> tuple[Rule, ...]:
        """The rules that may match a line whose first KEY characters (blanks skipped) are `key`."""
        fit = tuple(rule for rule in self.rules if rule.literal is None or _agree(rule.literal, key))
        if len(self.memo) < _MEMO:
            self.memo[key] = fit
        return fit


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A template ready to run. names: Values in order. null_eof: an empty EOF state, no record at the end."""

    names: tuple[str, ...]
    lists: frozenset[str]
    filldown: frozenset[str]
    required: tuple[str, ...]
    states: dict[str, State]
    null_eof: bool

    @property
    def simple(self) -> bool:
        """True where no Value is List, Filldown or Required."""
        return not (self.lists or self.filldown or self.required)


@cache
def source(name: str) -> str:
    """The text of a template of collector.templates."""
    try:
        return (files("collector.templates") / f"{name}.textfsm").read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ParseError(f"no template {name}.textfsm in collector.templates", template=name) from None


@cache
def load(name: str) -> Template:
    """The template `name`, read by the textfsm library."""
    return compiled(name, source(name))


def compiled(name: str, text: str) -> Template:
    """`text` as a Template. ParseError where it is no template, or uses what cannot be run row by row."""
    try:
        fsm = textfsm.TextFSM(StringIO(text))
    except textfsm.TextFSMTemplateError as error:
        raise ParseError(f"template {name}.textfsm is wrong: {error}", template=name) from None
    options = {value.name: {option.name for option in value.options} for value in fsm.values}
    foreign = {option for given in options.values() for option in given} - _OPTIONS
    nested = [value.name for value in fsm.values if "List" in options[value.name] and value.compiled_regex.groups > 1]
    if foreign or nested:
        what = ", ".join(sorted(foreign) or nested)
        raise ParseError(f"template {name}.textfsm: {what} cannot be run row by row", template=name)
    lists = frozenset(value for value, given in options.items() if "List" in given)
    return Template(
        names=tuple(options),
        lists=lists,
        filldown=frozenset(value for value, given in options.items() if "Filldown" in given),
        required=tuple(value for value, given in options.items() if "Required" in given),
        states={
            state: State(rules=tuple(_rule(rule, set(options), lists) for rule in rules))
            for state, rules in fsm.states.items()
        },
        null_eof="EOF" in fsm.states,
    )


def _rule(rule: textfsm.parser.TextFSMRule, names: set[str], lists: frozenset[str]) -> Rule:
    pattern = re.compile(rule.regex)
    assigns = tuple((name, name in lists) for name in pattern.groupindex if name in names)
    return Rule(
        match=pattern.match,
        literal=literal_beginning(rule.regex),
        assigns=assigns,
        whole=bool(assigns)
        and rule.record_op == "Record"
        and rule.line_op in {"", "Next"}
        and not any(is_list for _, is_list in assigns),
        record="" if rule.record_op == "NoRecord" else rule.record_op,
        line="" if rule.line_op == "Next" else rule.line_op,
        target=rule.new_state if rule.line_op != "Error" else "",
    )


def literal_beginning(regex: str) -> str | None:
    r"""The text that a line, its leading blanks skipped, must begin with for `regex` to match; None where any may.

    Understands `^`, then `\s*` or `\s+` or nothing, then plain characters, also inside of a group that is no choice.
    `^\s*$` gives "": blank lines only. A choice (`|`) outside of brackets, or a beginning that is not plain, gives
    None: slower, never wrong.
    """
    if regex == r"^\s*$":
        return ""
    if not regex.startswith("^") or _chooses(regex):
        return None
    rest = regex[1:]
    if rest[:3] in {r"\s*", r"\s+"}:
        rest = rest[3:]
    out: list[str] = []
    at = 0
    while at < len(rest):
        if not out and (group := _GROUP.match(rest, at)) and not _optional_or_choice(rest, at):
            at = group.end()
            continue
        one, width = _plain(rest, at)
        if one is None:
            break
        after = rest[at + width : at + width + 1]
        if after in {"*", "?", "{"}:
            break
        out.append(one)
        if after == "+":
            break
        at += width
    text = "".join(out)
    return text if text and not text[0].isspace() else None


_GROUP = re.compile(r"\((?:\?:|\?P<\w+>|(?!\?))")


def _optional_or_choice(regex: str, at: int) -> bool:
    """True where the group that opens at `at` may be left out or has alternatives."""
    inside, end = _group(regex, at)
    return _chooses(inside) or regex[end : end + 1] in {"*", "?", "{"}


def _group(regex: str, at: int) -> tuple[str, int]:
    """The text inside of the group that opens at `at`, and where it ends."""
    begin, depth, in_class = at + 1, 0, False
    while at < len(regex):
        one = regex[at]
        if one == "\\":
            at += 1
        elif in_class:
            in_class = one != "]"
        elif one == "[":
            in_class = True
            at += 1 if regex[at + 1 : at + 2] in {"]", "^"} else 0
        elif one == "(":
            depth += 1
        elif one == ")":
            depth -= 1
            if not depth:
                return regex[begin:at], at + 1
        at += 1
    return regex[begin:], at


def _plain(regex: str, at: int) -> tuple[str | None, int]:
    """The plain character at `at` and how wide it is written, or None."""
    one = regex[at]
    if one == "\\":
        escaped = regex[at + 1 : at + 2]
        return (escaped, 2) if escaped and escaped not in _ESCAPED_CLASS and not escaped.isalpha() else (None, 0)
    return (None, 0) if one in ".^$*+?{[(|)" else (one, 1)


def _chooses(regex: str) -> bool:
    """True where `|` stands outside of brackets."""
    depth, in_class, at = 0, False, 0
    while at < len(regex):
        one = regex[at]
        if one == "\\":
            at += 2
            continue
        if in_class:
            in_class = one != "]"
        elif one == "[":
            in_class = True
            at += 1 if regex[at + 1 : at + 2] in {"]", "^"} else 0
        elif one == "(":
            depth += 1
        elif one == ")":
            depth -= 1
        elif one == "|" and depth == 0:
            return True
        at += 1
    return False


def _agree(literal: str, key: str) -> bool:
    """True where a line with this key may begin with `literal` ("": is blank)."""
    if not literal:
        return not key
    return key.startswith(literal[:KEY]) if len(literal) <= KEY else literal[: len(key)] == key and len(key) == KEY
