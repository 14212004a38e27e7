"""What stands on a router's line: prompt, password prompt, pager, log message. All matched on one short line.

The prompt's grammar is FAULTS section 4: the whole last line is a hostname (at most 63 of letters, digits, `._-/:@`),
an optional mode in parentheses, `#` or `>`, an optional blank.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LOG_COMMAND = "show logging"  # and with what stands behind it

_PROMPT = re.compile(r"([A-Za-z0-9._\-/:@]{1,63})(\([A-Za-z0-9._\-/:@ ]{1,40}\))?([#>]) ?")
_PASSWORD = re.compile(r".{0,120}(?:[Pp]assword|[Pp]asscode|PASSWORD|PASSCODE)[^:]{0,20}: ?")
_NEW_PASSWORD = re.compile(r"\b(?:new|change|expired?|re-?type|re-?enter|old|current)\b", re.IGNORECASE)
_CHANGE = re.compile(  # in a sentence around a question, where "new" and "change" alone say nothing
    r"\b(?:new|old|current|chang(?:e|ing)|re-?type|re-?enter)\b\W{1,3}(?:\w{1,20}\W{1,3}){0,2}(?:password|passcode)"
    r"|\b(?:password|passcode)\W{1,3}(?:\w{1,20}\W{1,3}){0,3}(?:expired|change)\b",
    re.IGNORECASE,
)
_PAGER = re.compile(
    r" ?-{1,4} ?\(?(?:[Mm]ore|MORE)(?: \d{1,3}%)?\)? ?-{1,4} ?(?:\(\d{1,3}%\) ?)?|<--- More --->(?: ?\(\d{1,3}%\))?"
)
_LOG = re.compile(r"%[A-Z][A-Z0-9_]*-(?:[A-Z0-9_]+-){0,3}[0-7]-[A-Z0-9_]+:")
_SERIAL = re.compile(r"^[ \t]*Processor board ID[ \t]+([^\s,]+)", re.MULTILINE)
_STEERING = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,256}(?:\x07|\x1b\\)|[@-Z\\-_=>])|[\x00\x07\x0e\x0f]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """An exec prompt: `hub1-mad#`."""

    hostname: str
    mode: str  # "(config)" with its parentheses, or ""
    sign: str  # "#" privileged, ">" not

    @property
    def text(self) -> str:
        """As it stands on the line, without the blank."""
        return f"{self.hostname}{self.mode}{self.sign}"

    @property
    def configures(self) -> bool:
        """True in any configuration mode, where nothing of ours may be typed."""
        return "conf" in self.mode.lower()


def to_prompt(line: str) -> Prompt | None:
    """The prompt that `line` is, from its first character to its last, or `None`."""
    if len(line) > 110:
        return None
    found = _PROMPT.fullmatch(line)
    return Prompt(hostname=found[1], mode=found[2] or "", sign=found[3]) if found else None


def asks_password(line: str) -> bool:
    """True where the line ends as a question for a password or passcode."""
    return len(line) <= 200 and _PASSWORD.fullmatch(line) is not None


def asks_new_password(text: str) -> bool:
    """True where a password question speaks of a new or an expired one."""
    return _NEW_PASSWORD.search(text) is not None


def tells_password_change(text: str) -> bool:
    """True where a text around a password question says that a new password is due; legal notices do not."""
    return _CHANGE.search(text) is not None


def is_pager(line: str) -> bool:
    """True where the line is `--More--` or its kin."""
    return len(line) <= 40 and _PAGER.fullmatch(line) is not None


def is_log(line: str) -> bool:
    """True where the line holds a message such as `%SYS-5-CONFIG_I:`."""
    return _LOG.search(line[:512]) is not None


def serial_in(text: str) -> str | None:
    """The serial number that `show version` gives, without the reading of all the rest; the last one of several."""
    found: list[str] = _SERIAL.findall(text) if "Processor board ID" in text else []
    return found[-1] if found else None


def without_steering(text: str) -> tuple[str, int]:
    """The text without terminal escapes, NUL, BEL and shifts, and how many there were."""
    if "\x1b" not in text and "\x00" not in text and "\x07" not in text and "\x0e" not in text and "\x0f" not in text:
        return text, 0
    return _STEERING.subn("", text)
