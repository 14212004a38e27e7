"""Every way in which this program can fail, drawn once.

    CollectorError                 anything a user should read as one clear line
    +- UsageError                  the words of the call (exit 2)
    +- InventoryError              inventory or policy; carries the place ("hosts.br-017.port") and a hint (exit 2)
    +- SessionError                one SSH visit; carries an ErrorCode, the phase, the command and a hint
    +- ParseError                  one capture; carries template, line number and line
    +- StateError                  ledger, lock or state folder
       +- LockedError              another run holds the lock (exit 75)

Raised below the per-device worker, data (`model.Failure`) above it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Exit(IntEnum):
    """Exit codes; the README's table is tested against this enum."""

    DONE = 0
    FINDINGS = 1
    USAGE = 2
    PARTIAL = 3
    UNREACHED = 4
    LOCKED = 75
    INTERRUPTED = 130
    TERMINATED = 143


class Retry(StrEnum):
    """When a failed visit may be tried again."""

    ONCE = "once"  # one more login after jitter, taking a token
    LATER = "later"  # one further visit, 30 s or more after, at the end of the run
    NEXT = "next"  # the next run
    NO = "no"  # a person must act


class ErrorCode(StrEnum):
    """The closed list; a new code needs a page in docs/decisions/."""

    CREDENTIAL = "E_CREDENTIAL"
    DNS = "E_DNS"
    TCP_REFUSED = "E_TCP_REFUSED"
    TIMEOUT_CONNECT = "E_TIMEOUT_CONNECT"
    JUMP = "E_JUMP"
    REFUSED_EARLY = "E_REFUSED_EARLY"
    SSH_PROTOCOL = "E_SSH_PROTOCOL"
    TIMEOUT_HANDSHAKE = "E_TIMEOUT_HANDSHAKE"
    SSH_ALGO = "E_SSH_ALGO"
    HOSTKEY_UNKNOWN = "E_HOSTKEY_UNKNOWN"
    HOSTKEY_CHANGED = "E_HOSTKEY_CHANGED"
    AUTH_REJECTED = "E_AUTH_REJECTED"
    AUTH_TIMEOUT = "E_AUTH_TIMEOUT"
    AUTH_METHOD = "E_AUTH_METHOD"
    AUTH_SKIPPED = "E_AUTH_SKIPPED"
    PASSWORD_CHANGE = "E_PASSWORD_CHANGE"  # noqa: S105 - a code, no password
    TIMEOUT_SETUP = "E_TIMEOUT_SETUP"
    ENABLE_REJECTED = "E_ENABLE_REJECTED"
    IDENTITY = "E_IDENTITY"
    PROMPT_CHANGED = "E_PROMPT_CHANGED"
    ECHO = "E_ECHO"
    PAGER = "E_PAGER"
    CMD_INVALID = "E_CMD_INVALID"
    CMD_AMBIGUOUS = "E_CMD_AMBIGUOUS"
    CMD_INCOMPLETE = "E_CMD_INCOMPLETE"
    CMD_DENIED = "E_CMD_DENIED"
    TIMEOUT_READ = "E_TIMEOUT_READ"
    OUTPUT_TOO_BIG = "E_OUTPUT_TOO_BIG"
    CONN_LOST = "E_CONN_LOST"
    PARSE = "E_PARSE"
    DEADLINE = "E_DEADLINE"
    NOT_STARTED = "E_NOT_STARTED"
    INTERNAL = "E_INTERNAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeFacts:
    """What is always true of a code: the phases it may end, whether to try again, what a person does next."""

    phases: tuple[str, ...]
    retry: Retry
    hint: str


CODES: dict[ErrorCode, CodeFacts] = {
    ErrorCode.CREDENTIAL: CodeFacts(
        phases=("credential",), retry=Retry.NO, hint="give the referenced variable, file or command a value"
    ),
    ErrorCode.DNS: CodeFacts(
        phases=("resolve",), retry=Retry.NO, hint="check the name, or give an address as `hostname`"
    ),
    ErrorCode.TCP_REFUSED: CodeFacts(
        phases=("connect",), retry=Retry.ONCE, hint="is SSH on, is the port right, does an ACL refuse this host?"
    ),
    ErrorCode.TIMEOUT_CONNECT: CodeFacts(
        phases=("connect",), retry=Retry.ONCE, hint="routing, a firewall, or the device is down"
    ),
    ErrorCode.JUMP: CodeFacts(
        phases=("connect",), retry=Retry.NO, hint="the jump host failed, not the router: check that host first"
    ),
    ErrorCode.REFUSED_EARLY: CodeFacts(
        phases=("handshake",),
        retry=Retry.LATER,
        hint="VTYs full, `access-class` or quiet mode: look at `show users` and `show login` there",
    ),
    ErrorCode.SSH_PROTOCOL: CodeFacts(
        phases=("handshake",), retry=Retry.NO, hint="not an SSH server: wrong port, or a console server?"
    ),
    ErrorCode.TIMEOUT_HANDSHAKE: CodeFacts(
        phases=("handshake",), retry=Retry.ONCE, hint="the device is overloaded or the path is half open"
    ),
    ErrorCode.SSH_ALGO: CodeFacts(
        phases=("handshake",), retry=Retry.NO, hint="set `ssh: {profile: legacy}` for this host if that is acceptable"
    ),
    ErrorCode.HOSTKEY_UNKNOWN: CodeFacts(
        phases=("handshake",), retry=Retry.NO, hint="compare the fingerprint, then `spi-collector trust NAME`"
    ),
    ErrorCode.HOSTKEY_CHANGED: CodeFacts(
        phases=("handshake",), retry=Retry.NO, hint="a replaced router or an attacker: verify before `trust NAME`"
    ),
    ErrorCode.AUTH_REJECTED: CodeFacts(
        phases=("auth",), retry=Retry.NO, hint="check user, password source and the AAA log; not tried again"
    ),
    ErrorCode.AUTH_TIMEOUT: CodeFacts(
        phases=("auth",), retry=Retry.NEXT, hint="the AAA server is slow or dead; the password was not refused"
    ),
    ErrorCode.AUTH_METHOD: CodeFacts(
        phases=("auth",), retry=Retry.NO, hint="the server wants another method or prompt (a one-time code?)"
    ),
    ErrorCode.AUTH_SKIPPED: CodeFacts(
        phases=("auth",), retry=Retry.NEXT, hint="this credential was refused on other devices; not tried here"
    ),
    ErrorCode.PASSWORD_CHANGE: CodeFacts(
        phases=("auth", "prompt", "enable"), retry=Retry.NO, hint="the account's password has expired"
    ),
    ErrorCode.TIMEOUT_SETUP: CodeFacts(
        phases=("setup",), retry=Retry.ONCE, hint="logged in, but the router gave no terminal"
    ),
    ErrorCode.ENABLE_REJECTED: CodeFacts(
        phases=("enable",), retry=Retry.NO, hint="check the enable secret's source, or give the login its privilege"
    ),
    ErrorCode.IDENTITY: CodeFacts(
        phases=("prompt",),
        retry=Retry.NO,
        hint="address reused, router renamed or replaced? nothing was attached to this name; `trust NAME` if it is right",
    ),
    ErrorCode.PROMPT_CHANGED: CodeFacts(
        phases=("prompt", "command"), retry=Retry.ONCE, hint="the last line is no longer this router's prompt"
    ),
    ErrorCode.ECHO: CodeFacts(
        phases=("command",), retry=Retry.ONCE, hint="no proof to which command this answer belongs"
    ),
    ErrorCode.PAGER: CodeFacts(phases=("command",), retry=Retry.NO, hint="allow `terminal length 0` to this account"),
    ErrorCode.CMD_INVALID: CodeFacts(phases=("command",), retry=Retry.NO, hint="this image does not have the command"),
    ErrorCode.CMD_AMBIGUOUS: CodeFacts(
        phases=("command",), retry=Retry.NO, hint="the catalogue is wrong for this image: please report it"
    ),
    ErrorCode.CMD_INCOMPLETE: CodeFacts(
        phases=("command",), retry=Retry.NO, hint="the catalogue is wrong for this image: please report it"
    ),
    ErrorCode.CMD_DENIED: CodeFacts(
        phases=("command",), retry=Retry.NO, hint="privilege or an AAA rule is missing: see contrib/ for a snippet"
    ),
    ErrorCode.TIMEOUT_READ: CodeFacts(
        phases=("prompt", "command"), retry=Retry.ONCE, hint="raise `timeout.command`, or look at the device's CPU"
    ),
    ErrorCode.OUTPUT_TOO_BIG: CodeFacts(
        phases=("command",), retry=Retry.NO, hint="the answer is longer than the cap for this command"
    ),
    ErrorCode.CONN_LOST: CodeFacts(
        phases=("setup", "prompt", "command"), retry=Retry.ONCE, hint="reload, `clear line`, or a firewall"
    ),
    ErrorCode.PARSE: CodeFacts(
        phases=("parse",), retry=Retry.NO, hint="please report the line, scrubbed of keys and addresses"
    ),
    ErrorCode.DEADLINE: CodeFacts(
        phases=("run",), retry=Retry.NEXT, hint="raise `timeout.device`; the missing commands are named"
    ),
    ErrorCode.NOT_STARTED: CodeFacts(
        phases=("run",), retry=Retry.NEXT, hint="`--max-runtime` or an interrupt came first"
    ),
    ErrorCode.INTERNAL: CodeFacts(
        phases=("any",), retry=Retry.NO, hint="a defect of this program; the run went on: please report it"
    ),
}


class CollectorError(Exception):
    """Base of all errors a user may see: `str(error)` says what, where, and what to do next."""

    exit_code: Exit = Exit.USAGE


class UsageError(CollectorError):
    """The words of the call are off."""


class InventoryError(CollectorError):
    """Inventory or policy is off at one place.

    `place` is a dotted path ("hosts.br-017.port"), `hint` what to do ("did you mean `port`?").
    """

    def __init__(self, message: str, *, place: str = "", hint: str = "") -> None:
        super().__init__(": ".join(filter(None, (place, message))) + (f" - {hint}" if hint else ""))
        self.place = place
        self.hint = hint


class SessionError(CollectorError):
    """One SSH visit, or one command of it, ended early. cause: the jump host's own code, of E_JUMP."""

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        phase: str,
        command: str | None = None,
        hint: str = "",
        cause: ErrorCode | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.cause = cause
        self.message = message
        self.phase = phase
        self.command = command
        self.hint = hint or CODES[code].hint


class ParseError(CollectorError):
    """A capture could not be read; nothing is guessed from it."""

    def __init__(self, message: str, *, template: str = "", line_number: int = 0, line: str = "") -> None:
        super().__init__(message)
        self.template = template
        self.line_number = line_number
        self.line = line


class StateError(CollectorError):
    """Ledger, lock or state folder cannot be used."""


class LockedError(StateError):
    """Another run holds the lock."""

    exit_code = Exit.LOCKED
