"""Which command stands behind a typed line: abbreviations, arguments and filters as people and tools type them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from collector.commands.command import Command

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A typed line, understood. arguments: what stood for `<word>`; filtered: the text behind the first pipe."""

    command: Command[object]
    arguments: tuple[str, ...] = ()
    filtered: str | None = None


def recognise(line: str, catalogue: Iterable[Command[object]]) -> Typed | None:
    """The catalogue's command for `line`, or `None`. `sh cry isa sa | i QM` is `show crypto isakmp sa`.

    Each typed word must be the beginning of the keyword in its place; where several commands fit, the one with the
    most words typed in full wins, then the earlier one of the catalogue.
    """
    typed, _, behind = line.partition("|")
    words = _WORD.findall(typed)
    if len(words) < 2 or not "show".startswith(words[0].lower()):
        return None
    best: tuple[int, Typed] | None = None
    for command in catalogue:
        for spelling in (*command.lines, *command.spellings):
            full = _WORD.findall(spelling.partition("|")[0].lower())
            fit = _fit(words, full)
            if fit is not None and (best is None or fit[0] > best[0]):
                best = (fit[0], Typed(command=command, arguments=fit[1], filtered=behind.strip() or None))
    return best[1] if best else None


def spelled(line: str, spelling: str) -> bool:
    """Whether a typed line, abbreviated or filtered, is `spelling`; `<word>` in it stands for any one word."""
    words = _WORD.findall(line.partition("|")[0])
    typed_show = len(words) > 1 and "show".startswith(words[0].lower())
    return typed_show and _fit(words, _WORD.findall(spelling)) is not None


def _fit(words: list[str], full: list[str]) -> tuple[int, tuple[str, ...]] | None:
    if len(words) != len(full):
        return None
    exact, arguments = 0, []
    for word, keyword in zip(words, full, strict=True):
        if keyword[0] in "<{":
            arguments.append(word)
        elif keyword.startswith(word.lower()):
            exact += word.lower() == keyword
        else:
            return None
    return exact, tuple(arguments)
