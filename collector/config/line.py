"""One line of configuration as words, and abbreviated keywords (`int tu0`, `ip add`, `no sh`)."""

from __future__ import annotations

from dataclasses import dataclass

from collector.model import ConfigLine
from collector.parse import redact

_CRYPTO = frozenset(("cry", "cryp", "crypt"))  # as people type it in scripts; the word begins many kinds of section
LONGEST = 4096  # a longer line is no configuration: set aside and counted (FAULTS 64)


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its comment. low: `words` in lower case. indent: leading blanks. negated: it began with `no`."""

    number: int
    text: str
    indent: int
    words: tuple[str, ...]
    low: tuple[str, ...]
    negated: bool = False
    command: str = ""

    def proof(self) -> ConfigLine:
        """The line as evidence; redacted once more, so that a key can never be quoted."""
        return ConfigLine(line=self.number, text=redact(self.text), command=self.command)

    def after(self, *pattern: str) -> tuple[str, ...] | None:
        """The words behind `pattern` when the line begins with it (each word whole or shortened), else `None`."""
        if len(self.low) < len(pattern):
            return None
        for word, full in zip(self.low, pattern, strict=False):
            if word != full and not (len(word) > 1 and full.startswith(word)):
                return None
        return self.words[len(pattern) :]


def to_line(number: int, text: str, command: str = "") -> Line | None:
    """The line as words; `None` for blank lines, comments and lines too long to be configuration."""
    body = text.strip()
    if not body or body[0] == "!" or len(text) > LONGEST:
        return None
    words = body.split()
    if words[0].lower() not in {"description", "remark", "banner", "username", "alias"}:
        words = _without_comment(words)
    negated = words[0].lower() == "no" and len(words) > 1
    kept = tuple(words[1:] if negated else words)
    if kept[0].lower() in _CRYPTO:
        kept = ("crypto", *kept[1:])
    expanded = text.expandtabs(8)
    return Line(
        number=number,
        text=body,
        indent=len(expanded) - len(expanded.lstrip()),
        words=kept,
        low=tuple(word.lower() for word in kept),
        negated=negated,
        command=command,
    )


def _without_comment(words: list[str]) -> list[str]:
    """Scripts that people paste carry `! comment` behind a command; IOS drops it."""
    for index, word in enumerate(words):
        if word[0] == "!" and index:
            return words[:index]
    return words


def is_number(word: str) -> bool:
    """Decimal digits only; `str.isdigit` alone takes superscripts, which `int` refuses."""
    return word.isascii() and word.isdigit()
