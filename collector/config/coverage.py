"""What the absence of a line proves: whether this text would have shown it.

Below privilege 15 a router hides what the level may not configure (Cisco tech note 00800949d5), a pipe hides what its
pattern does not match, a cut text hides its end. Only a text that could not have hidden the line proves it absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from collector.config.line import Line
from collector.config.pipe import Filter, to_filter
from collector.config.text import Cleaned
from collector.model import Capture, ConfigLine, ConfigText


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far one text can be trusted. proof: the line that shows it was readable (hostname, `end`, a crypto line)."""

    filter: Filter | None
    complete: bool
    whole: bool  # hostname, crypto lines, `end` as the last line
    hostname: Line | None
    crypto: Line | None
    interface: Line | None
    last: Line | None
    privilege: int | None

    def proves_absent(self, line: str) -> bool:
        """True when a configuration with the global `line` could not have given this text."""
        if not self.complete or (self.privilege is not None and self.privilege < 15):
            return False
        full_rights = self.privilege == 15
        if self.filter is None:
            return self.whole or (full_rights and self.hostname is not None and _is_end(self.last))
        if not self.filter.shows(line):
            return False
        if self.filter.kind == "include":
            return full_rights and self.hostname is not None
        return self.crypto is not None or (full_rights and (self.interface or self.hostname) is not None)

    def shows_sections(self, *heads: str) -> bool:
        """True when every section with one of `heads` would stand in this text, with its lines."""
        if self.filter is not None and self.filter.kind != "section":
            return False
        return all(map(self.proves_absent, heads))

    @property
    def structural(self) -> bool:
        """Sections stand in it with all their lines (no `include`, no `exclude`)."""
        return self.filter is None or self.filter.kind in {"section", "begin"}

    @property
    def ended(self) -> bool:
        """Its last line is `end`."""
        return _is_end(self.last)

    @property
    def proof(self) -> tuple[ConfigLine, ...]:
        """The line that shows that the configuration could be read."""
        line = self.last if self.filter is None else self.hostname or self.crypto or self.interface
        return () if line is None else (line.proof(),)


def reach(capture: Capture, text: ConfigText, cleaned: Cleaned, privilege: int | None) -> Reach:
    """The reach of one capture's text."""
    lines = cleaned.lines
    hostname = _first(lines, "hostname")
    crypto = _first(lines, "crypto")
    last = lines[-1] if lines else None
    complete = capture.complete and capture.failure is None and cleaned.closed and not cleaned.too_long
    return Reach(
        filter=to_filter(capture, text),
        complete=complete,
        whole=hostname is not None and crypto is not None and _is_end(last),
        hostname=hostname,
        crypto=crypto,
        interface=_first(lines, "interface"),
        last=last,
        privilege=privilege,
    )


def _first(lines: Sequence[Line], word: str) -> Line | None:
    return next((line for line in lines if line.low[0] == word and not line.negated), None)


def _is_end(line: Line | None) -> bool:
    return line is not None and line.low == ("end",) and not line.negated
