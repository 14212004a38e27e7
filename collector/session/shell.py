"""The router's exec shell: one door to type through, reads that end, and proof of whose answer it is.

Every wait looks at the device's deadline, the command's budget, idle time, the byte cap, the connection's end, a pager
and a password question. Time is monotonic. FAULTS section 4.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn, Protocol

from collector.errors import ErrorCode, SessionError
from collector.session import allow
from collector.session.answer import Answer, Proof, before, body, cut, decode, prove
from collector.session.limits import MEBIBYTE, Limits
from collector.session.secrets import Secret
from collector.session.words import (
    LOG_COMMAND,
    Prompt,
    asks_new_password,
    asks_password,
    is_log,
    is_pager,
    to_prompt,
    without_steering,
)

_TAIL = 2048
_PROOF_WINDOW = 16_384


class Wire(Protocol):
    """Raw bytes to and from a shell."""

    def read(self, seconds: float) -> bytes | None:
        """Bytes; `b""` at the end of the connection; `None` where nothing came in `seconds`.

        TimeoutError where what came is no whole packet and its rest does not come.
        """

    def write(self, data: bytes) -> None:
        """Send all of it; EOFError where the connection is gone."""


@dataclass(slots=True)
class _Heard:
    """What came since a line was typed."""

    chunks: list[bytes] = field(default_factory=list)
    size: int = 0
    tail: bytes = b""
    reads: int = 0
    proof: Proof = Proof.PENDING
    begun: bool = False  # more than the echo came
    empty_at: int | None = None  # how much had come when the empty line was typed

    def add(self, chunk: bytes) -> None:
        self.chunks.append(chunk)
        self.size += len(chunk)
        self.reads += 1
        self.tail = chunk[-_TAIL:] if len(chunk) >= _TAIL else (self.tail + chunk)[-_TAIL:]

    def whole(self) -> bytes:
        return b"".join(self.chunks)

    def recent(self) -> str:
        """The tail as text, without terminal steering."""
        return without_steering(self.tail.decode("utf-8", "replace"))[0]

    def last_line(self) -> str:
        """The unfinished line at the very end."""
        tail = self.tail
        if b"\x1b" in tail:  # a terminal sequence may hold line ends
            return re.split(r"[\r\n]", self.recent())[-1]
        last = tail[max(tail.rfind(b"\n"), tail.rfind(b"\r")) + 1 :]
        return without_steering(last.decode("utf-8", "replace"))[0]


class Shell:
    """One shell. `login` first, then `enable` where needed, `prepare`, and `ask` line by line."""

    def __init__(
        self,
        wire: Wire,
        *,
        deadline: float,
        command_seconds: float = 30.0,
        limits: Limits | None = None,
        now: Callable[[], float] = time.monotonic,
        typed: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._wire = wire
        self._deadline = deadline
        self._command_seconds = command_seconds
        self._limits = limits or Limits()
        self._now = now
        self._typed = typed
        self.prompt: Prompt | None = None
        self._secret_sent = False
        self._late: bytes = b""

    # -- what may be done ---------------------------------------------------------------------------------------

    def login(self) -> Prompt:
        """Wait for the first prompt; nothing is typed for it."""
        limits, heard = self._limits, _Heard()
        end = self._now() + limits.greeting
        while True:
            line = heard.last_line()
            prompt = to_prompt(line) if line else None
            wait = limits.quiet if prompt else limits.question if asks_password(line) else limits.prompt
            if prompt is None and self._log_over_prompt(heard):
                wait = min(wait, limits.over)
            elif heard.empty_at is not None and prompt is None:
                wait = min(wait, 1.0)
            chunk = self._read(min(wait, end - self._now()), "prompt", None, heard)
            if chunk is not None:
                heard.add(chunk)
                self._cap(heard, MEBIBYTE, "prompt", None)
                continue
            if prompt is not None:
                self.prompt = self._accepted(prompt, "prompt", None)
                return self.prompt
            if asks_password(line):
                raise self._unexpected_question(heard, "prompt", None)
            self._no_prompt(heard, end)

    def enable(self, secret: Secret) -> None:
        """Become privileged: `enable`, and the secret once, only where the whole last line is `Password:`."""
        assert self.prompt is not None
        self._settle()
        heard = _Heard()
        self._type(allow.ENABLE)
        end = self._now() + self._limits.prompt
        while True:
            line = heard.last_line()
            prompt = self._own(line, enabling=True)
            asked = line.strip() == "Password:" and line.startswith("Password:")
            other = asks_password(line) and not asked
            wait = self._limits.quiet if prompt or asked else self._limits.question if other else end - self._now()
            chunk = self._read(min(wait, end - self._now()), "enable", allow.ENABLE, heard)
            if chunk is not None:
                heard.add(chunk)
                self._cap(heard, MEBIBYTE, "enable", allow.ENABLE)
                continue
            if asked:
                if prove(decode(heard.whole())[0], allow.ENABLE, self.prompt.text)[0] is not Proof.PROVEN:
                    raise self._unproven(allow.ENABLE, heard)  # some other dialog's question
                self._type_secret(secret, heard)
                return self._enabled()
            if other:
                raise self._unexpected_question(heard, "enable", allow.ENABLE)
            if prompt is not None:
                return self._judge_enable(prompt, heard)
            raise SessionError(
                ErrorCode.TIMEOUT_READ, f"no answer to `enable`; {self._seen(heard)}", phase="prompt", command="enable"
            )

    def prepare(self) -> tuple[str, ...]:
        """No pager, no wrapping. A refusal is no failure: it is returned, in words."""
        notes = []
        for line in allow.PREPARATION:
            answer = self.ask(line)
            said = answer.text.strip()
            if said:
                notes.append(f"{line}: {said.splitlines()[-1].strip()[:120]}")
        return tuple(notes)

    def ask(self, line: str, *, seconds: float | None = None, cap: int | None = None) -> Answer:
        """Type one allowed line and return its whole, proven answer.

        SessionError; `.part` of it (see `BrokenAnswerError`) holds what had come.
        """
        assert self.prompt is not None
        allow.check(line)
        self._settle()
        heard = _Heard()
        self._type(line)
        end = self._now() + (seconds if seconds is not None else self._command_seconds)
        try:
            self._until_prompt(heard, line, end, cap or self._limits.cap)
        except SessionError as error:
            raise self._broken(error, heard, line) from None
        text, notes = decode(heard.whole())
        proof, start = prove(text, line, self.prompt.text)
        if proof is not Proof.PROVEN:
            raise self._broken(self._unproven(line, heard), heard, line)
        if heard.empty_at is not None:
            notes = (*notes, "a log message stood over the prompt: one empty line was typed")
        self._late += before(text[:start], self.prompt.text).encode("utf-8", "replace")
        whole = line.startswith(LOG_COMMAND) and heard.empty_at is None
        answer = cut(text[start:], self.prompt, whole=whole)
        return Answer(text=answer.text, notes=(*notes, *answer.notes))

    def late(self) -> Answer | None:
        """What came after the last accepted prompt, before the line typed next; `None` for nothing."""
        raw, self._late = self._late, b""
        if not raw:
            return None
        assert self.prompt is not None
        text, notes = decode(raw)
        answer = cut(text, self.prompt)
        return Answer(text=answer.text, notes=(*notes, *answer.notes))

    # -- reading ------------------------------------------------------------------------------------------------

    def _until_prompt(self, heard: _Heard, line: str, end: float, cap: int) -> None:
        """Read until this router's prompt is the last line and stays so."""
        while True:
            last = heard.last_line()
            own = self._own(last)
            if heard.reads > 3 and own is None:
                time.sleep(self._limits.nap)
            chunk = self._read(min(self._patience(heard, last, own, end), end - self._now()), "command", line, heard)
            if chunk is not None:
                heard.add(chunk)
                self._cap(heard, cap, "command", line)
                self._check_echo(heard, line, chunk)
                if self._now() >= end:
                    self._out_of_time(heard, line)
            elif own is None:
                self._judge_silence(heard, line, last, end)
            elif heard.proof is Proof.PROVEN:
                return
            else:
                raise self._unproven(line, heard)

    def _patience(self, heard: _Heard, last: str, own: Prompt | None, end: float) -> float:
        """How long silence is borne now, in seconds."""
        limits = self._limits
        if own is not None:
            return limits.quiet if heard.proof is Proof.PROVEN else 1.0
        if is_pager(last) or asks_password(last):
            return limits.question
        if (strange := to_prompt(last)) is not None and not self._split(strange, heard):
            return limits.strange
        if self._stray_after_empty(heard, last):
            return 1.0
        if heard.proof is Proof.PROVEN and self._log_over_prompt(heard):
            return limits.over
        if heard.begun or heard.proof is not Proof.PROVEN:
            return limits.idle
        return end - self._now()  # the echo came: the router thinks

    def _split(self, strange: Prompt, heard: _Heard) -> bool:
        """A log message came into the middle of our prompt: its end stands alone on the last line."""
        return self.prompt is not None and self.prompt.text.endswith(strange.text) and self._log_over_prompt(heard)

    def _stray_after_empty(self, heard: _Heard, last: str) -> bool:
        return heard.empty_at is not None and heard.size > heard.empty_at and bool(last.strip())

    def _out_of_time(self, heard: _Heard, line: str) -> NoReturn:
        raise SessionError(
            ErrorCode.TIMEOUT_READ,
            f"the answer did not end in the time of this command; {self._seen(heard)}",
            phase="command",
            command=line,
        )

    def _judge_silence(self, heard: _Heard, line: str, last: str, end: float) -> None:
        """Nothing came while something should have: raise what that means, or type the one empty line."""
        if is_pager(last):
            words = f"the router pages although told not to: {last.strip()!r}"
            raise SessionError(ErrorCode.PAGER, words, phase="command", command=line)
        if asks_password(last):
            raise self._unexpected_question(heard, "command", line)
        if (strange := to_prompt(last)) is not None and not self._split(strange, heard):
            raise self._changed(strange.text, "command", line)
        if self._stray_after_empty(heard, last):
            raise self._changed(last.strip()[:80], "command", line)
        if self._now() >= end - 0.01:
            self._out_of_time(heard, line)
        if heard.proof is Proof.PROVEN and self._log_over_prompt(heard):
            heard.empty_at = heard.size
            self._type_empty(last)
            return
        raise SessionError(
            ErrorCode.TIMEOUT_READ,
            f"nothing came for {self._limits.idle:.0f} s; {self._seen(heard)}",
            phase="command",
            command=line,
        )

    def _read(self, seconds: float, phase: str, command: str | None, heard: _Heard) -> bytes | None:
        left = self._deadline - self._now()
        try:
            chunk = self._wire.read(max(0.0, min(seconds, left)))
        except TimeoutError:
            if self._now() < self._deadline:
                raise SessionError(
                    ErrorCode.TIMEOUT_READ,
                    f"an SSH packet began and did not end; {self._seen(heard)}",
                    phase="prompt" if phase in {"prompt", "enable"} else "command",
                    command=command,
                ) from None
            chunk = None
        if chunk == b"":
            raise SessionError(
                ErrorCode.CONN_LOST,
                f"the router closed the connection; {self._seen(heard)}",
                phase="prompt" if phase in {"prompt", "enable"} else "command",
                command=command,
            )
        if self._now() >= self._deadline:
            raise SessionError(
                ErrorCode.DEADLINE, f"the device's time is over; {self._seen(heard)}", phase="run", command=command
            )
        return chunk

    def _settle(self) -> None:
        """Before anything is typed: take what came since the prompt, and see that a prompt is the last line again."""
        heard = _Heard()
        while (chunk := self._read(0.0, "command", None, heard)) is not None:
            heard.add(chunk)
        if not heard.size:
            return
        end = self._now() + self._limits.idle
        while True:
            last = heard.last_line()
            own = self._own(last)
            quiet = own is not None or (not last.strip() and self._only_log(heard))
            wait = self._limits.quiet if quiet else self._limits.question if asks_password(last) else end - self._now()
            chunk = self._read(min(wait, max(end - self._now(), 0.0)), "command", None, heard)
            if chunk is not None:
                heard.add(chunk)
                self._cap(heard, self._limits.cap, "command", None)
                continue
            if quiet:
                self._late += heard.whole()
                return
            if asks_password(last):
                raise self._unexpected_question(heard, "prompt", None)
            if self._now() >= end:
                strange = to_prompt(last)
                if strange is not None:
                    raise self._changed(strange.text, "prompt", None)
                raise SessionError(ErrorCode.TIMEOUT_READ, f"no prompt came back; {self._seen(heard)}", phase="prompt")

    # -- the door -----------------------------------------------------------------------------------------------

    def _type(self, line: str) -> None:
        """The one place where a line goes out. `line` is `enable` or passes the allow-list."""
        if line != allow.ENABLE:
            allow.check(line)
        self._send(line.encode("ascii") + b"\n", line)

    def _type_empty(self, last_line: str) -> None:
        """An empty line, to see the prompt again: never at a password question or a pager."""
        if asks_password(last_line) or is_pager(last_line):
            raise SessionError(ErrorCode.PROMPT_CHANGED, f"the last line is {last_line.strip()!r}", phase="prompt")
        self._send(b"\n", "")

    def _type_secret(self, secret: Secret, heard: _Heard) -> None:
        """The enable secret: once a visit, only where the router's last line asks for it and nothing else."""
        if self._secret_sent or heard.last_line().strip() != "Password:":
            raise SessionError(ErrorCode.ENABLE_REJECTED, "the secret is not typed a second time", phase="enable")
        value = secret.reveal()
        if not value or not value.isprintable():
            raise SessionError(ErrorCode.CREDENTIAL, "secret: it holds control characters", phase="credential")
        self._secret_sent = True
        self._send(value.encode("utf-8") + b"\n", "********")

    def _send(self, data: bytes, shown: str) -> None:
        try:
            self._wire.write(data)
        except TimeoutError:
            words = "the router takes nothing that is typed"
            raise SessionError(ErrorCode.TIMEOUT_READ, words, phase="command", command=shown or None) from None
        except EOFError:
            raise SessionError(ErrorCode.CONN_LOST, "the router closed the connection", phase="command") from None
        self._typed(shown)

    # -- judging ------------------------------------------------------------------------------------------------

    def _enabled(self) -> None:
        """The router's word on the secret."""
        heard = _Heard()
        end = self._now() + self._limits.enable
        while True:
            last = heard.last_line()
            prompt = self._own(last, enabling=True)
            strange = None if prompt else to_prompt(last)
            wait = self._limits.quiet if prompt else self._limits.question if asks_password(last) else end - self._now()
            wait = self._limits.strange if strange else wait
            chunk = self._read(min(wait, end - self._now()), "enable", allow.ENABLE, heard)
            if chunk is not None:
                heard.add(chunk)
                self._cap(heard, MEBIBYTE, "enable", allow.ENABLE)
            elif prompt is not None:
                return self._judge_enable(prompt, heard)
            elif strange is not None:
                raise self._changed(strange.text, "prompt", allow.ENABLE)
            elif asks_password(last) and asks_new_password(heard.recent()):
                raise self._unexpected_question(heard, "enable", allow.ENABLE)
            elif asks_password(last):
                raise SessionError(
                    ErrorCode.ENABLE_REJECTED,
                    "the enable secret was refused: asked again",
                    phase="enable",
                    command="enable",
                )
            if self._now() >= end - 0.01:
                raise SessionError(
                    ErrorCode.TIMEOUT_READ,
                    f"no word on the enable secret; {self._seen(heard)}",
                    phase="prompt",
                    command="enable",
                )

    def _judge_enable(self, prompt: Prompt, heard: _Heard) -> None:
        if prompt.sign == "#":
            self.prompt = prompt
            return
        said = [line.strip() for line in body(heard.recent()).split("\n") if line.strip().startswith("%")]
        raise SessionError(
            ErrorCode.ENABLE_REJECTED,
            f"the router stays unprivileged{': ' + said[-1][:120] if said else ''}",
            phase="enable",
            command=allow.ENABLE,
        )

    def _accepted(self, prompt: Prompt, phase: str, command: str | None) -> Prompt:
        if prompt.configures:
            raise SessionError(
                ErrorCode.PROMPT_CHANGED,
                f"in configuration mode ({prompt.text!r}): nothing is typed",
                phase=phase,
                command=command,
                hint="who, or what, leaves this account's line in configuration mode? Nothing was typed there",
            )
        return prompt

    def _own(self, last_line: str, *, enabling: bool = False) -> Prompt | None:
        """The router's own prompt, where it is the whole last line; while enabling it may have become `#`."""
        if self.prompt is None or not last_line.startswith(self.prompt.hostname):
            return None
        if last_line == self.prompt.text:
            return self.prompt
        found = to_prompt(last_line)
        if found is None or (found.hostname, found.mode) != (self.prompt.hostname, self.prompt.mode):
            return None
        return found if enabling or found.sign == self.prompt.sign else None

    def _log_over_prompt(self, heard: _Heard) -> bool:
        """A log message stands where the prompt should: the last finished line is one, and no empty line was typed."""
        if heard.empty_at is not None or b"%" not in heard.tail:
            return False
        lines = [line for line in re.split(r"[\r\n]+", heard.recent()) if line.strip()]
        return any(is_log(line) for line in lines[-3:])

    def _only_log(self, heard: _Heard) -> bool:
        lines = [line for line in re.split(r"[\r\n]+", heard.recent()) if line.strip()]
        return bool(lines) and all(is_log(line) or self._own(line) for line in lines)

    def _check_echo(self, heard: _Heard, line: str, chunk: bytes) -> None:
        if heard.proof is Proof.PROVEN:
            heard.begun = heard.begun or bool(chunk.strip())
            return
        assert self.prompt is not None
        text, _ = without_steering(heard.whole()[:_PROOF_WINDOW].decode("utf-8", "replace"))
        heard.proof, start = prove(text, line, self.prompt.text)
        if heard.proof is Proof.PROVEN:
            heard.begun = bool(text[start:].strip())
        elif heard.proof is Proof.FAILED or heard.size > _PROOF_WINDOW:
            raise self._unproven(line, heard)

    def _cap(self, heard: _Heard, cap: int, phase: str, command: str | None) -> None:
        if heard.size > cap:
            raise SessionError(
                ErrorCode.OUTPUT_TOO_BIG,
                f"more than {cap // MEBIBYTE} MiB came",
                phase="command" if phase == "command" else phase,
                command=command,
            )

    def _no_prompt(self, heard: _Heard, end: float) -> None:
        """Before the first prompt: a log message may have covered it, else there is none."""
        last = heard.last_line()
        if self._now() < end and self._log_over_prompt(heard) and not is_pager(last):
            heard.empty_at = heard.size
            self._type_empty(last)
            return
        if heard.empty_at is not None:
            raise SessionError(
                ErrorCode.PROMPT_CHANGED, f"no prompt under the log messages; {self._seen(heard)}", phase="prompt"
            )
        raise SessionError(ErrorCode.TIMEOUT_READ, f"no prompt came; {self._seen(heard)}", phase="prompt")

    def _unexpected_question(self, heard: _Heard, phase: str, command: str | None) -> SessionError:
        recent = [line.strip() for line in re.split(r"[\r\n]+", heard.recent()) if line.strip()]
        shown = recent[-1][:80] if recent else ""
        if asks_new_password(" ".join(recent[-4:])) and (command is None or command == allow.ENABLE):
            return SessionError(
                ErrorCode.PASSWORD_CHANGE,
                f"the router asks {shown!r}; nothing was typed",
                phase=phase if phase in {"prompt", "enable"} else "prompt",
                command=command,
            )
        if phase == "prompt":
            return SessionError(ErrorCode.AUTH_METHOD, f"the shell asks {shown!r}; nothing was typed", phase="auth")
        return SessionError(
            ErrorCode.PROMPT_CHANGED,
            f"the router asks {shown!r}; nothing was typed",
            phase="prompt" if phase == "enable" else "command",
            command=command,
        )

    def _changed(self, last: str, phase: str, command: str | None) -> SessionError:
        own = self.prompt.text if self.prompt else ""
        words = f"the last line is {last!r}, the prompt was {own!r}"
        return SessionError(ErrorCode.PROMPT_CHANGED, words, phase=phase, command=command)

    def _unproven(self, line: str, heard: _Heard) -> SessionError:
        first = heard.whole()[:200].decode("utf-8", "replace").strip().splitlines()
        return SessionError(
            ErrorCode.ECHO,
            f"the echo of this line did not come; it begins {first[0][:80] if first else ''!r}",
            phase="command",
            command=line,
        )

    def _seen(self, heard: _Heard) -> str:
        lines = [line.strip() for line in re.split(r"[\r\n]+", heard.recent()) if line.strip()]
        return f"{heard.size} byte(s) came, the last line is {lines[-1][:80]!r}" if lines else "nothing came"

    def _broken(self, error: SessionError, heard: _Heard, line: str) -> BrokenAnswerError:
        text, notes = decode(heard.whole())
        assert self.prompt is not None
        proof, start = prove(text, line, self.prompt.text)
        part = Answer(text=body(text[start:]), notes=notes) if proof is Proof.PROVEN else None
        return BrokenAnswerError(error, part)


class BrokenAnswerError(SessionError):
    """A command that ended the visit. part: what had come of its answer, `None` where nothing is proven its own."""

    def __init__(self, error: SessionError, part: Answer | None) -> None:
        super().__init__(error.code, error.message, phase=error.phase, command=error.command, hint=error.hint)
        self.part = part
