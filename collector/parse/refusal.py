"""What a router says instead of an answer. Only the first lines count: deep in a log the same words are data."""

from __future__ import annotations

import re
from dataclasses import dataclass

from collector.errors import ErrorCode
from collector.parse.interruption import interrupts

LOOK = 40  # lines: a refusal is at the top


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refused command: the code and the router's words."""

    code: ErrorCode
    text: str


_CARET = re.compile(r"\s*\^\s*$")
_LOG_LINE = re.compile(r".{0,80}%[A-Z][A-Z0-9_]*-(?:[A-Z0-9_]+-)?[0-7]-[A-Z0-9_]+:")
_WORDINGS: tuple[tuple[re.Pattern[str], ErrorCode], ...] = (
    (re.compile(r"% ?Invalid input detected"), ErrorCode.CMD_INVALID),
    (re.compile(r"% ?Ambiguous command"), ErrorCode.CMD_AMBIGUOUS),
    (re.compile(r"% ?Incomplete command"), ErrorCode.CMD_INCOMPLETE),
    (re.compile(r"% ?(?:Unrecognized|Unknown) command"), ErrorCode.CMD_INVALID),
    (re.compile(r"% ?Bad IP address|% ?Unrecognized host or address"), ErrorCode.CMD_INVALID),
    (re.compile(r"(?:% ?)?(?:Command |Per-command )?[Aa]uthorization (?:failed|denied)"), ErrorCode.CMD_DENIED),
    (re.compile(r"% ?(?:Permission denied|Access denied|Not authorized|Authorization failed)"), ErrorCode.CMD_DENIED),
    (re.compile(r"[Cc]ommand authorization failed"), ErrorCode.CMD_DENIED),
    (re.compile(r"%\s+(?!No )\S"), ErrorCode.CMD_INVALID),  # any other complaint: nothing was shown
)


def refusal(text: str) -> Refusal | None:
    """The refusal that `text` (an answer without its echo) begins with, if it does.

    A caret line, log lines, an echo and a title may stand before it. Source: FAULTS 40 and 41, observed captures.
    """
    if "%" not in text and "uthorization" not in text:  # every wording has one of them
        return None
    begun = False
    for line in text.splitlines()[:LOOK]:
        if not line.strip() or _CARET.match(line):
            continue
        for pattern, code in _WORDINGS:
            if pattern.match(line.strip()):
                return Refusal(code=code, text=line.strip())
        if not _LOG_LINE.match(line) and not interrupts(line, first=not begun):
            return None
        begun = True
    return None
