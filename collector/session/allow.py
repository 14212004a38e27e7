"""What may be typed, by exact string: the lines of the command catalogue and two of our own. There is no prefix rule.

`show ... | redirect`, `tee` and `append` write files, `show ... statistics drop clear` wipes evidence, `show tech` loads
the CPU: none of them is a line of the catalogue, and the words are refused even if one were put there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache

from collector.errors import UsageError
from collector.model import to_address

LENGTH = "terminal length 0"
WIDTH = "terminal width 511"
PREPARATION = (LENGTH, WIDTH)
ENABLE = "enable"
LONGEST = 254  # IOS takes 254 characters

_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")
_NAME = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_FORBIDDEN_WORDS = frozenset(
    {
        "clear", "redirect", "tee", "append", "debug", "undebug", "copy", "write", "configure", "reload", "delete",
        "erase", "format", "test", "tech-support", "tech", "key", "do", "no", "set", "send", "telnet", "ssh", "monitor",
        "tclsh", "guestshell", "request", "archive", "rename", "squeeze", "verify", "more", "dir", "exit", "logout",
    }
)  # fmt: skip
_PIPES = (["include"], ["exclude"], ["begin"], ["section"])
_WRITING = frozenset({"redirect", "tee", "append"})


def _is_address(text: str) -> bool:
    found = to_address(text)
    return found is not None and str(found).lower() == text.lower() and "%" not in text


def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None and not text.startswith("-")


GRAMMAR: dict[str, Callable[[str], bool]] = {"peer": _is_address, "vrf": _is_name, "name": _is_name}


def refuse(line: str) -> str | None:
    """Why `line` may never be typed, whatever the catalogue says, or `None`: control characters, words that change."""
    return _refuse_characters(line) or _refuse_words(line)


def _refuse_characters(line: str) -> str | None:
    if not line.isascii() or not line.isprintable():
        return "it holds a control or non-ASCII character"
    if not line or len(line) > LONGEST or line != line.strip() or "  " in line:
        return "it is empty, longer than 254 characters, or has stray blanks"
    found = next((character for character in "?;`>" if character in line), None)
    return f"it holds {found!r}" if found else None


def _refuse_words(line: str) -> str | None:
    command, pipe, behind = line.partition("|")
    words = command.lower().split()
    if words[:1] != ["show"]:
        return "it is no show command"
    for word in words[1:]:
        if word in _FORBIDDEN_WORDS or (len(word) >= 2 and "tech-support".startswith(word)):
            return f"`{word}` is not only looked at"
    if not pipe:
        return None
    if not behind.startswith(" ") or behind.split()[:1] not in _PIPES:
        return "what stands behind the pipe is no filter"
    if _WRITING & set(behind.lower().replace("|", " ").split()):
        return "it writes a file"
    return None


@cache
def catalogue() -> tuple[str, ...]:
    """The lines of every command, placeholders unfilled. Lines that `refuse` would stop are an error of ours."""
    from collector.commands import CATALOGUE  # noqa: PLC0415 - the catalogue loads TextFSM, `visit` alone needs it

    return tuple(dict.fromkeys(line for command in CATALOGUE for line in command.lines))


@cache
def _forms() -> tuple[frozenset[str], tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]]:
    exact, filled = set[str](), list[tuple[re.Pattern[str], tuple[str, ...]]]()
    for line in catalogue():
        if "{" not in line or not set(_PLACEHOLDER.findall(line)) & GRAMMAR.keys():
            exact.add(line)
            continue
        pieces = _PLACEHOLDER.split(line)
        pattern = "".join(re.escape(piece) if even % 2 == 0 else r"(\S{1,64})" for even, piece in enumerate(pieces))
        filled.append((re.compile(pattern), tuple(pieces[1::2])))
    return frozenset(exact), tuple(filled)


@lru_cache(maxsize=4096)
def allowed(line: str) -> bool:
    """True for a catalogue line, exactly, or one whose placeholders are filled by strict grammar."""
    if line in PREPARATION:
        return True
    if refuse(line) is not None:
        return False
    exact, filled = _forms()
    if line in exact:
        return True
    for pattern, names in filled:
        found = pattern.fullmatch(line)
        if found and all(
            name in GRAMMAR and GRAMMAR[name](value) for name, value in zip(names, found.groups(), strict=True)
        ):
            return True
    return False


def check(line: str) -> None:
    """Raise UsageError unless `line` may be typed: the only way to the wire leads through here."""
    if not allowed(line):
        reason = refuse(line) or "it is not a line of the command catalogue"
        raise UsageError(f"refused to type {line[:120]!a}: {reason}")


def fill(line: str, **values: str) -> str:
    """A catalogue line with its placeholders filled: `fill("show crypto ipsec sa peer {peer}", peer="192.0.2.1")`."""
    filled = _PLACEHOLDER.sub(lambda found: values[found[1]], line)
    check(filled)
    return filled
