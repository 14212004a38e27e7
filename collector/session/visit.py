"""One visit: log in once, type what the plan asks for, bring back the captures and at most one failure that ended it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from collector.errors import CollectorError, ErrorCode, SessionError
from collector.model import Capture, CaptureStatus, Device, Failure, Snapshot
from collector.session.limits import Limits, Phases
from collector.session.secrets import Secrets
from collector.session.shell import BrokenAnswerError, Shell
from collector.session.trust import Trust
from collector.session.words import LOG_COMMAND, is_log, serial_in

Plan = Callable[[tuple[Capture, ...]], tuple[str, ...]]
"""Given what came so far, the next lines to type; () ends the visit."""

MOST_LINES = 60  # a plan that never ends is a defect of ours, not the router's burden
_HEAVY = (LOG_COMMAND, "show crypto ipsec sa", "show running-config", "show crypto session")


def now() -> datetime:
    """The collector's clock."""
    return datetime.now(UTC)  # noqa: TID251 - a capture's time is the collector's


class Cancel:
    """Ends the visits that share it, now: their connections are closed under them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closers: set[Callable[[], None]] = set()
        self.fired = False

    def fire(self) -> None:
        """Close what is open; what opens later is closed at once."""
        with self._lock:
            self.fired = True
            closers = list(self._closers)
        for close in closers:
            close()

    @contextmanager
    def covering(self, close: Callable[[], None]) -> Iterator[None]:
        """Have `close` called when fired while the block runs."""
        with self._lock:
            self._closers.add(close)
            fired = self.fired
        if fired:
            close()
        try:
            yield
        finally:
            with self._lock:
                self._closers.discard(close)


@dataclass(slots=True)
class _Visit:
    """What came so far."""

    device: Device
    clock: Callable[[], datetime]
    captures: list[Capture]
    failures: list[Failure]
    hostname: str | None = None
    limits: Limits = Limits()  # noqa: RUF009 - frozen
    farewell: Callable[[], str] = lambda: ""  # the reason that the router gave for leaving

    def fail(self, error: SessionError) -> Failure:
        if error.code is ErrorCode.CONN_LOST:
            error.message += self.farewell()
        failure = to_failure(error)
        self.failures.append(failure)
        return failure


def to_failure(error: SessionError) -> Failure:
    """A SessionError as data, without the keys that may stand in a line it quotes."""
    from collector.parse.redact import redact_quoted  # noqa: PLC0415 - parse loads TextFSM

    message = redact_quoted(error.message)
    return Failure(
        code=error.code,
        phase=error.phase,
        message=message,
        command=error.command,
        hint=error.hint,
        cause=error.cause,
    )


def refuses(failure: Failure) -> bool:
    """True for a refused command, after which the visit went on."""
    return failure.code.startswith("E_CMD_")


def ending(failures: Iterable[Failure]) -> Failure | None:
    """What ended a visit, or kept it from beginning; `None` where it was whole."""
    return next((failure for failure in failures if not refuses(failure)), None)


def visit(
    device: Device,
    plan: Plan,
    *,
    secrets: Secrets,
    trust: Trust,
    clock: Callable[[], datetime] = now,
    limits: Limits | None = None,
    phases: Phases | None = None,
    cancel: Cancel | None = None,
    told: Callable[[str], None] = lambda _line: None,
    typed: Callable[[str], None] = lambda _line: None,
    before_login: Callable[[], None] = lambda: None,
) -> Snapshot:
    """Log in to `device` once and run `plan`.

    Never raises for what a router, a network or a reference does: that is a Failure of the snapshot. A refused command
    stands in its capture's `failure` and the visit goes on. `Snapshot.failures` holds these refusals and, last, what
    ended the visit (see `ending`). Text is redacted before it leaves this function.

    told: one line when a host key is pinned. typed: each line that went out (the secret masked), for tests and traces.
    before_login: called after the host key is accepted, before anything is shown to the AAA server (to pace logins).
    """
    started = clock()
    deadline = time.monotonic() + device.timeout.device.total_seconds()
    state = _Visit(device, clock, [], [], limits=limits or Limits())
    try:
        with _shell(
            device,
            deadline,
            limits,
            phases,
            typed,
            secrets=secrets,
            trust=trust,
            cancel=cancel or Cancel(),
            told=lambda line: told(f"{device.name}: {line}"),
            before_login=before_login,
        ) as (shell, state.farewell):
            _run(state, shell, plan, secrets, trust)
    except SessionError as error:
        if cancel is not None and cancel.fired and error.code is not ErrorCode.CREDENTIAL:
            state.failures = [failure for failure in state.failures if refuses(failure)]
            error = SessionError(ErrorCode.DEADLINE, "the run ended while this device was visited", phase="run")
        if ending(state.failures) is None:
            state.fail(error)
    except CollectorError as error:  # a state folder that cannot be used, a line that may not be typed
        state.failures.append(Failure(code=ErrorCode.INTERNAL, phase="any", message=str(error)))
    return Snapshot(
        device=device,
        captures=tuple(state.captures),
        failures=tuple(state.failures),
        hostname=state.hostname,
        started_at=started,
        finished_at=clock(),
    )


@contextmanager
def _shell(
    device: Device,
    deadline: float,
    limits: Limits | None,
    phases: Phases | None,
    typed: Callable[[str], None],
    *,
    secrets: Secrets,
    trust: Trust,
    cancel: Cancel,
    told: Callable[[str], None],
    before_login: Callable[[], None],
) -> Iterator[tuple[Shell, Callable[[], str]]]:
    """An open shell of the device, closed hard at the end; and why the router left, see `opened`."""
    from collector.session.opening import opened  # noqa: PLC0415 - netmiko takes 0.3 s to import; `analyze` never needs it

    with opened(
        device,
        deadline,
        secrets=secrets,
        trust=trust,
        cancel=cancel,
        told=told,
        before_login=before_login,
        phases=phases,
    ) as (wire, farewell):
        shell = Shell(
            wire,
            deadline=deadline,
            command_seconds=device.timeout.command.total_seconds(),
            limits=limits,
            typed=typed,
        )
        yield shell, farewell


def _run(state: _Visit, shell: Shell, plan: Plan, secrets: Secrets, trust: Trust) -> None:
    device = state.device
    prompt = shell.login()
    state.hostname = prompt.hostname
    pinned = trust.identify(device.name, hostname=prompt.hostname, pin=False)
    if prompt.sign == ">" and device.secret is not None:
        shell.enable(secrets.resolve(device.secret, "secret"))
    shell.prepare()
    if not pinned:  # only now is it proven that this was a prompt, and not the end of a slow banner's line
        trust.identify(device.name, hostname=prompt.hostname)
    shell.late()
    count = 0
    while lines := plan(tuple(state.captures)):
        for index, line in enumerate(lines):
            count += 1
            if count > MOST_LINES:
                raise SessionError(ErrorCode.INTERNAL, f"the plan asks for more than {MOST_LINES} lines", phase="any")
            _ask(state, shell, line, lines[index + 1 :])
        if "show version" in lines:
            _check_serial(state, trust)


def _ask(state: _Visit, shell: Shell, line: str, missing: tuple[str, ...]) -> None:
    taken_at = state.clock()
    heavy = line.startswith(_HEAVY)
    seconds = state.device.timeout.command.total_seconds() * (2 if heavy else 1)
    cap = state.limits.cap_log if line.startswith(LOG_COMMAND) else None
    try:
        answer = shell.ask(line, seconds=seconds, cap=cap)
    except BrokenAnswerError as error:
        _attach_late(state, shell)
        if error.code is ErrorCode.DEADLINE and missing:
            error.message += f"; not asked: {', '.join(missing)}"
        failure = state.fail(error)
        if error.code is ErrorCode.ECHO and state.captures and error.command == line:
            _doubt_last(state)
        part = error.part
        text = _redacted(part.text) if part else ""
        note = "; ".join(("cut: " + failure.message, *map(_redacted, part.notes if part else ())))
        state.captures.append(
            Capture(command=line, text=text, taken_at=taken_at, complete=False, note=note, failure=failure)
        )
        raise
    _attach_late(state, shell)
    capture = captured(line, answer.text, taken_at, notes=answer.notes)
    state.captures.append(capture)
    if capture.failure is not None:
        state.failures.append(capture.failure)


def _doubt_last(state: _Visit) -> None:
    """The echo did not come next: what came instead may be the end of the answer before."""
    last = state.captures[-1]
    note = "; ".join(filter(None, (last.note, "its end is in doubt: the next line's echo did not follow it")))
    state.captures[-1] = replace(last, complete=False, note=note)


def _attach_late(state: _Visit, shell: Shell) -> None:
    """What came after a prompt belongs to the capture before; unless it is only log messages, that is cut short.

    Messages behind the prompt of a log may be its own: then the log is cut short, too.
    """
    late = shell.late()
    if late is None or not state.captures:
        return
    last = state.captures[-1]
    lines = [line for line in late.text.splitlines() if line.strip()]
    notes = [_redacted(note) for note in late.notes]
    if lines and all(map(is_log, lines)):
        notes.append(f"a log message came after the answer: {_redacted(lines[0].strip())[:200]}")
        lines = []
    if not lines and not (last.command.startswith(LOG_COMMAND) and any("log message" in note for note in notes)):
        state.captures[-1] = replace(last, note="; ".join(filter(None, (last.note, *notes))))
        return
    notes.append("more came after the prompt that seemed to end it")
    text = last.text + _redacted(late.text)
    state.captures[-1] = replace(last, text=text, complete=False, note="; ".join(filter(None, (last.note, *notes))))


def captured(line: str, answer: str, taken_at: datetime, *, notes: Iterable[str] = ()) -> Capture:
    """The capture that the answer to a line makes: keys masked, a refusal recognised."""
    text = _redacted(answer)
    return Capture(
        command=line, text=text, taken_at=taken_at, note="; ".join(map(_redacted, notes)), failure=_refused(line, text)
    )


def _redacted(text: str) -> str:
    from collector.parse.redact import redact  # noqa: PLC0415 - parse loads TextFSM

    return redact(text)


def _refused(line: str, text: str) -> Failure | None:
    """The refusal that the answer is, if it is one; any `% ` first line that the catalogue does not know is one too."""
    from collector.commands import read_capture  # noqa: PLC0415 - the catalogue loads TextFSM
    from collector.parse import refusal  # noqa: PLC0415 - the same

    head = text[:8192]
    refused = refusal(head)
    if refused is not None:
        return to_failure(SessionError(refused.code, refused.text[:200], phase="command", command=line))
    first = head.lstrip().partition("\n")[0].strip()
    if not first.startswith("% ") or len(text) > len(head):
        return None
    reading = read_capture(Capture(command=line, text=text))
    if reading is not None and reading.status is CaptureStatus.PARSED:
        return None
    return to_failure(SessionError(ErrorCode.CMD_INVALID, first[:200], phase="command", command=line))


def _check_serial(state: _Visit, trust: Trust) -> None:
    """The serial number that `show version` gives is pinned with the hostname; another one attaches nothing."""
    last = next((capture for capture in state.captures if capture.command == "show version"), None)
    if last is None or last.failure is not None or not last.complete:
        return
    if serial := serial_in(last.text):
        try:
            trust.identify(state.device.name, serial=serial)
        except SessionError:
            state.captures.clear()
            raise


__all__ = ["Cancel", "Plan", "captured", "ending", "now", "refuses", "to_failure", "visit"]
