"""Capture and Snapshot: what a router printed, before anything is made of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from collector.errors import CODES, ErrorCode, Retry
from collector.model.device import Device


class CaptureStatus(StrEnum):
    """What can be said of one command's answer."""

    PARSED = "parsed"  # whole, every line understood
    INCOMPLETE = "incomplete"  # some of it is missing or was not understood
    REFUSED = "refused"  # the router did not let us ask
    MISSING = "missing"  # nothing came


GATHERED = "log messages that stand outside of any log"  # note of a `show logging` that nobody typed, in a paste


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One typed failure of a visit, as data. cause: the jump host's own code, of E_JUMP; for the run that made it."""

    code: ErrorCode
    phase: str
    message: str
    command: str | None = None
    hint: str = ""
    cause: ErrorCode | None = None

    @property
    def retryable(self) -> bool:
        """True where a further login may help (once, later, next)."""
        return CODES[self.code].retry is not Retry.NO


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """What one router printed for one command, redacted, without echo and prompt.

    command: the line as it was typed (in a paste: as it stands there, abbreviations and filters kept).
    taken_at: the collector's time (aware), `None` for text of other origin.
    complete: the answer's end is proven (a prompt follows); a bare file counts as complete.
    bare: no prompt and no title stands around it, its end is taken on trust.
    note: why not complete, in words.
    failure: set where the command was refused or broke off.
    source, first_line: where the text stands, for evidence (file name relative to the snapshot, 1-based line of
    the text's first line in that file).
    numbers: where lines are left out, the number in `source` of each line of `text`.
    path, span: a large text is not held: `text` is then "" and the bytes `span` of `path` are read when asked for.
    """

    command: str
    text: str
    taken_at: datetime | None = None
    complete: bool = True
    bare: bool = False
    note: str = ""
    failure: Failure | None = None
    source: str = ""
    first_line: int = 1
    numbers: tuple[int, ...] = ()
    path: Path | None = None
    span: tuple[int, int] | None = None

    def lines(self) -> Iterator[str]:
        """The lines of the text without their ends; a large file is streamed."""
        if self.path is None:
            yield from self.text.splitlines()
            return
        start, end = self.span or (0, self.path.stat().st_size)
        with self.path.open("rb") as file:
            file.seek(start)
            left = end - start
            while left > 0 and (raw := file.readline()):
                left -= len(raw)
                yield raw.decode("utf-8", "backslashreplace").rstrip("\r\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The captures and failures of one device in one visit (or one paste).

    hostname: from the prompt, `None` where none was seen. The same command may stand several times (two looks),
    in the order taken.
    """

    device: Device
    captures: tuple[Capture, ...]
    failures: tuple[Failure, ...] = ()
    hostname: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    origin: str = "visit"  # visit | paste | tech-support | running-config | syslog
