"""Lines that stand in a table's text without being of it: echo, prompt, load and log lines, a reader's marks.

Each is blanked, never removed, so that line numbers hold. Not for logs and configurations, where such text is data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

# `terminal exec prompt timestamp` puts these before every answer
_EXEC_STAMP = ("Load for five secs:", "Time source is ", "No time source, ")
_LOG = re.compile(
    r"(?:^|[ :>*.])%[A-Z][A-Z0-9_]*-(?:[A-Z][A-Z0-9_]*-){0,2}[0-7]-[A-Z][A-Z0-9_]*:"  # the mnemonic, anywhere
)
_MARK = re.compile(r"(?:[ \t]|^)<(?:[=-]{2,}|<{2,}).*$")  # "<====" that a person wrote beside a line
_ECHO = re.compile(r"[ \t]*(?:[\w.:/@~-]{1,63}(?:\([\w.:/ -]{1,60}\))?[#>][ \t]*)?(?:do[ \t]+)?sho?w?[ \t]+\S.*$", re.I)
_TITLE = re.compile(r"-{4,}[ \t]*show [^-].*-{4,}[ \t]*$")  # "------------------ show version ------------------"
_PROMPT = re.compile(r"[A-Za-z0-9][\w.:/@~-]{0,62}(?:\([\w.:/ -]{1,60}\))?[#>][ \t]*$")


def quiet(lines: Iterable[str]) -> Iterator[str]:
    """`lines` with the noise blanked: as many lines come out as went in."""
    first = True
    for line in lines:
        if not line or line.isspace():
            yield line
            continue
        if line[0] in "LTN" and line.startswith(_EXEC_STAMP):
            yield ""
            continue
        yield _clean(line, first=first)
        first = False


def _clean(line: str, *, first: bool) -> str:
    if "%" in line and _LOG.search(line):
        return ""
    if "<" in line:
        line = _MARK.sub("", line)
    if first and _ECHO.match(line):
        return ""
    if line.rstrip()[-1:] in {"#", ">"} and _PROMPT.match(line):
        return ""
    return "" if line.startswith("----") and _TITLE.match(line) else line
