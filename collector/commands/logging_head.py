"""The head of `show logging`: what this log can and cannot show. IOS 12.x to IOS XE 17.x, public captures.

`Syslog logging: enabled (...)`, a paragraph for each destination (Console, Monitor, Buffer, ..., the hosts logged to),
whose remarks go on over further lines, and `Log Buffer (32000 bytes):` at the end. `Exception Logging: size` is not
the buffer's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from collector.model import LogHeader

_LOG_BUFFER = re.compile(r"Log Buffer \((\d+) (?:bytes|lines)\)? ?[:)]?")
_SYSLOG = re.compile(r"Syslog logging: (enabled|disabled)(.*)")
_LOGGING = re.compile(
    r"(Console|Monitor|Buffer|Trap|SNMP|History|File|Persistent|Exception|VTY|ESM|XML|Audit|Secure) ?[Ll]ogging: *(.*)"
)
_HOST = re.compile(r"Logging to:? *\S+( .*)?")
_FIXED = re.compile(
    r"Exception Logging: (?:size \(\d+ bytes\)|[Dd]isabled)|Logging Exception size \(\d+ bytes\)"
    r"|Count and time-?stamp logging messages: \w+|ESM: \d+ messages dropped"
    r"|No active filter modules\.?|Showing last \d+ lines?|Origin-id\b.*|Logging origin-id\b.*"
    r"|(?:\S+[#>] ?)?sho?w? +logg?\w*(?: \|.*)?|Load for five secs.*|Time source is .*|Logging [Ss]equence numbers?.*"
)
_DISCRIMINATOR = re.compile(r"(?:No )?(?:In)?[Aa]ctive Message Discriminators?[.:]?(.*)")
_SECTIONS = {
    "filters": re.compile(r"Filter modules:"),
    "sources": re.compile(r"Logging Source-Interface:"),
    "tls": re.compile(r"TLS Profiles?:"),
}
_IN_SECTION = {
    "filters": re.compile(r"\S+(?: .*)?"),
    "sources": re.compile(r"[A-Za-z][A-Za-z\-]*[\d/.:]+(?: +\S+)?"),
    "tls": re.compile(r"[\w .\-/]{1,64}:.*|[\w\-]+"),
    "discriminator": re.compile(
        r"(?:[\w\-]{1,16} +)?(?:severity|facility|mnemonics?|msg-body|rate-limit|group)\b.*|[\w\-]{1,16}"
    ),
}
_COUNTED = r"\d+ (?:messages?|message lines?|lines?)(?: (?:logged|dropped|rate-limited|dropped-by-MD|sent|received))"
_PHRASE = re.compile(
    rf"{_COUNTED}|\d+ (?:flushes|overruns)"
    r"|(?:level|facility) [\w\-]+"
    r"|(?:xml|filtering|audit|authentication|encryption|sequence number|compression|buffer) ?(?:enabled|disabled)"
    r"|(?:enabled|disabled|inactive|active)|link (?:up|down|unknown)|discriminator ?[\w\-]*"
    r"|(?:udp|tcp|tls|beep|dtls|UDP|TCP|TLS) ?(?:port \d+)?|retransmission after \d+ seconds"
    r"|url \S+|(?:disk space|file size|batch size|size) \d+ bytes|threshold capacity \d+(?: %)?(?: +alert)?"
    r"|immediate|protected|notify|alert|[\w\-.:]{1,32}",
)
_NUMBER = re.compile(r"(\d+) messages? (dropped|rate-limited|logged)|(\d+) overruns")
_LEVEL = re.compile(r"level ([\w\-]+)|^(disabled)")
_NAMED = re.compile(r"discriminator ?\(? ?([\w\-]+)")


@dataclass(slots=True)
class Head:
    """Reads the head line by line. subject: what the next lines may go on about."""

    line: int = 0
    subject: str = ""
    syslog_enabled: bool | None = None
    buffer_level: str | None = None
    buffer_bytes: int | None = None
    messages_logged: int | None = None
    dropped: int | None = None
    rate_limited: int | None = None
    overruns: int | None = None
    discriminator: str | None = None
    trap_level: str | None = None
    persistent: bool | None = None

    def take(self, number: int, text: str) -> Literal["head", "buffer", "unknown"]:
        """`text` (stripped, blanks squeezed): a line of the head, the one that opens the buffer, or neither."""
        if match := _LOG_BUFFER.match(text):
            self._began(number)
            self.buffer_bytes = int(match[1])
            return "buffer"
        if self._opens(text) or self._goes_on(text):
            if not _FIXED.fullmatch(text):
                self._began(number)
            return "head"
        return "unknown"

    def _began(self, number: int) -> None:
        self.line = self.line or number

    def _opens(self, text: str) -> bool:
        if match := _SYSLOG.fullmatch(text):
            self.syslog_enabled = match[1] == "enabled"
            return self._phrases("syslog", match[2])
        if _FIXED.fullmatch(text):
            self.subject = ""
            return True
        if match := _LOGGING.fullmatch(text):
            return self._phrases(match[1].lower(), match[2])
        if match := _HOST.fullmatch(text):
            return self._phrases("host", match[1] or "")
        if match := _DISCRIMINATOR.fullmatch(text):
            self.subject = "" if text.startswith("No ") else "discriminator"
            return True
        for name, pattern in _SECTIONS.items():
            if pattern.match(text):
                self.subject = name
                return True
        return False

    def _goes_on(self, text: str) -> bool:
        if self.subject in _IN_SECTION:
            return _IN_SECTION[self.subject].fullmatch(text) is not None
        return bool(self.subject) and self._phrases(self.subject, text, further=True)

    def _phrases(self, subject: str, text: str, *, further: bool = False) -> bool:
        """The comma separated remarks on one destination; nothing is taken from a line that is not all remarks."""
        words = [word.strip() for word in re.split(r"[,()]| {2,}", text.rstrip("."))]
        if not all(_PHRASE.fullmatch(word) for word in words if word) or (
            further and " " not in text and "," not in text
        ):
            return False
        self.subject = subject
        if subject == "syslog":
            self._count(text)
        elif subject == "buffer":
            self._buffer(text)
        elif subject == "trap" and (level := _level(text)):
            self.trap_level = self.trap_level or level
        elif subject == "persistent" and not further:
            self.persistent = not text.lower().startswith("disabled")
        return True

    def _count(self, text: str) -> None:
        for match in _NUMBER.finditer(text):
            if match[3]:
                self.overruns = int(match[3])
            elif match[2] == "dropped":
                self.dropped = int(match[1])
            elif match[2] == "rate-limited":
                self.rate_limited = int(match[1])

    def _buffer(self, text: str) -> None:
        self.buffer_level = self.buffer_level or _level(text)
        for match in _NUMBER.finditer(text):
            if match[2] == "logged":
                self.messages_logged = int(match[1])
        if named := _NAMED.search(text):
            self.discriminator = named[1]

    def record(self) -> LogHeader | None:
        """What was read; `None` where no line of a head was seen."""
        if not self.line:
            return None
        return LogHeader(
            line=self.line,
            syslog_enabled=self.syslog_enabled,
            buffer_level=self.buffer_level,
            buffer_bytes=self.buffer_bytes,
            messages_logged=self.messages_logged,
            dropped=self.dropped,
            rate_limited=self.rate_limited,
            overruns=self.overruns,
            discriminator=self.discriminator,
            trap_level=self.trap_level,
            persistent=self.persistent,
        )


def _level(text: str) -> str | None:
    match = _LEVEL.search(text.strip())
    return (match[1] or match[2]) if match else None
