"""Lines that a terminal mixes into an answer: log messages, echo, prompt, pager, the load line before an answer.

They belong to no command. Looked at only where a template does not know a line, so no row is ever taken for noise;
set aside, they make no capture incomplete. A row that one of them splits does.
"""

from __future__ import annotations

import re

_STAMP = (
    r"(?:[A-Z][a-z]{2} {1,2}\d{1,2} (?:\d{4} )?\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?: ?[A-Z]{2,5})?"  # Mar  1 00:00:01.123
    r"|\d{4}-\d{2}-\d{2}T[0-9:.+\-]{8,24}Z?"  # ISO 8601
    r"|\d{1,3}:\d{2}:\d{2}|\d{1,3}[ywd]\d{1,2}[wdh])"  # uptime
)
_HEAD = rf"\s{{0,40}}(?:<\d{{1,3}}>)?(?:\d{{1,10}}: )?(?:[*.]?{_STAMP}: ?:? ?)?"
_LOG = re.compile(_HEAD + r"%[A-Z][A-Z0-9_]*-(?:[A-Z0-9_]+-)?[0-7]-[A-Z0-9_]+:")
_TAIL = re.compile(r"\s{0,40}(?:connection id=\d|srcaddr=|src_addr=|has invalid spi for destaddr=|input interface=)")
_EXEC = re.compile(r"\s{0,40}(?:Load for five secs: \d|Time source is |No time source)")
_PAGER = re.compile(r"\s{0,40}(?:--More--|<--- More --->)[\s\x08]*$")
_NAME = r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,62}(?:\([\w.:/ -]{1,60}\))?"
_PROMPT = re.compile(rf"\s{{0,40}}{_NAME}[#>]\s*$")
_ECHO = re.compile(rf"\s{{0,40}}(?:{_NAME}[#>]\s*)?(?:do\s+)?sho?w?\s+\S")
_TITLE = re.compile(r"\s{0,40}-{3,} ?sh(?:ow)? \S.*-{3}\s*$", re.IGNORECASE)  # "------ show crypto session ------"


def log_line(line: str) -> bool:
    """True for a line that is one log message from its (optional) stamp on; nothing of a row stands before it."""
    return _LOG.match(line) is not None


def interrupts(line: str, *, after_log: bool = False, first: bool = False) -> bool:
    """True for a line that no command printed.

    after_log: the line before it was a log message (wrapped ones go on). first: nothing but blanks stood before it,
    so it may be the echo or a title.
    """
    if len(line) > 1024:
        return False
    if (after_log and _TAIL.match(line)) or (first and (_ECHO.match(line) or _TITLE.match(line))):
        return True
    return any(kind.match(line) for kind in (_LOG, _EXEC, _PAGER, _PROMPT))
