"""How IOS says no: the caret, the words for each mistake, and what AAA and parser views answer."""

from __future__ import annotations

import re

from collector.lab.grammar import Mistake
from collector.lab.model import Device, Refusal
from collector.lab.render import Lines

INVALID = "% Invalid input detected at '^' marker."
INCOMPLETE = ["% Incomplete command.", ""]


def caret(prompt: str, column: int) -> Lines:
    """The mark below a column of the line typed after a prompt."""
    return [" " * (len(prompt) + column) + "^", INVALID, ""]


def words(mistake: Mistake, line: str, prompt: str) -> Lines:
    """The answer to a line that means nothing."""
    if mistake.kind == "ambiguous":
        return [f'% Ambiguous command:  "{line.strip()}"']
    if mistake.kind == "incomplete":
        return INCOMPLETE
    if mistake.kind == "unknown":
        return [
            f'Translating "{line.strip()}"',
            "% Unknown command or computer name, or unable to find computer address",
        ]
    return caret(prompt, mistake.column)


def refusal_of(device: Device, command: tuple[str, ...], *, piped: bool) -> Refusal | None:
    """Whether this account may not use a command, spelled out in words."""
    text = " ".join(command) + " "
    for refusal in device.refusals:
        if text.startswith(refusal.command + " ") and (piped or refusal.how != "pipe"):
            return refusal
    return None


def refuse(refusal: Refusal, line: str, prompt: str) -> Lines:
    """The answer to a whole line, filter included, that is refused."""
    if refusal.how == "authorization":
        return ["Command authorization failed.", ""]
    if refusal.how == "pipe":
        return caret(prompt, line.index("|"))
    starts = [match.start() for match in re.finditer(r"\S+", line)]
    return caret(prompt, starts[min(len(refusal.command.split()), len(starts)) - 1])
