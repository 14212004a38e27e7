"""Command and Reading: the shape that every module of this folder has."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from collector.errors import ErrorCode
from collector.model import CaptureStatus
from collector.parse import Unparsed

R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Generic[R_co]):
    """What one capture gave: typed records, and whether that is all that stood in it.

    status: `parsed` only when every line was understood, independent counts agree and the answer's end is proven.
    reason: why not parsed, in words, for a person. code: set when refused or not understood (E_CMD_*, E_PARSE).
    open_end: nothing is wrong but that a line which ends every such answer did not come.
    """

    command: str  # the canonical name
    status: CaptureStatus
    records: tuple[R_co, ...]
    unparsed: tuple[Unparsed, ...] = ()
    reason: str = ""
    code: ErrorCode | None = None
    open_end: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Generic[R_co]):
    """One show command.

    name: canonical, in full words: "show crypto isakmp sa".
    lines: the exact lines that the session may type, the first is the usual one. `{peer}`, `{vrf}`, `{name}` are
    filled in by strict grammar (an address; a VRF or map name of letters, digits, `._:-`).
    spellings: full forms under which the same output appears in pastes and files; `<word>` stands for any one word.
    `lines` count as spellings too. A pipe (`| include ...`) is split off before comparing.
    platforms: where the command exists. privilege: at which it is documented to work.
    template: the template's name without ending, `None` where the text is no table (log, configuration).
    read: lines (no echo, no prompt, refusal already excluded) and the filter behind a pipe -> Reading.
    read_scoped: the same where the line names an address, if such an answer is shaped otherwise.
    read_every: the same for a listing of every row, where `read` keeps only what facts are made of.
    whole_filters: texts behind a pipe, besides those of `lines`, that keep every block of the answer.
    """

    name: str
    lines: tuple[str, ...]
    read: Callable[[Iterable[str], str | None], Reading[R_co]]
    platforms: tuple[Literal["ios", "ios-xe"], ...] = ("ios", "ios-xe")
    privilege: int = 1
    template: str | None = None
    spellings: tuple[str, ...] = ()
    read_scoped: Callable[[Iterable[str], str | None], Reading[R_co]] | None = None
    read_every: Callable[[Iterable[str], str | None], Reading[R_co]] | None = None
    whole_filters: frozenset[str] = frozenset()
    about: str = ""  # one line for the catalogue: why it is asked
