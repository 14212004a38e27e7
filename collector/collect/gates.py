"""The credentials of a run: which may be tried now, which no more, and which the last run stopped (FAULTS section 6)."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

from collector.collect.crew import jump_of
from collector.collect.gate import CANARIES, ENABLE, Gate, Word, enable_key_of
from collector.collect.hands import Job
from collector.errors import ErrorCode
from collector.model import Failure
from collector.session.trust import locked, replace_file

MEMORY = "refused.json"


class Gates:
    """A gate for each credential and for each enable secret. state: the folder that remembers what was stopped, and by
    whom: the next run's canary is another router, as three that do not know the account must not keep it from all.
    """

    def __init__(self, state: Path | None) -> None:
        self._state = state
        self._refused_before = _read(state)
        self._refused_now: dict[str, set[str]] = {}
        self._gates: dict[str, Gate] = {}

    def in_turn(self, jobs: Sequence[Job]) -> list[Job]:
        """Those first that did not refuse their credential before; where all have, it is everybody's turn again."""
        if not self._refused_before:
            return list(jobs)
        late: dict[int, set[str]] = {}
        fresh: set[str] = set()
        for job in jobs:
            refused = {key for key in _keys(job) if self._refused_before.get(key, frozenset()) & _wheres(job)}
            fresh.update(key for key in _keys(job) if key not in refused)
            late[id(job)] = refused
        self._refused_before = {key: old if key in fresh else frozenset() for key, old in self._refused_before.items()}
        return sorted(jobs, key=lambda job: bool(late[id(job)] & fresh))

    def go(self, job: Job) -> bool:
        """Whether a visit may begin now."""
        now = time.monotonic()
        return all(self._gate(key).word(now) is Word.GO for key in _keys(job))

    def stopped(self, job: Job) -> str:
        """Why this device's credential is not tried any more, in words; "" where it is."""
        return next((gate.stopped for gate in map(self._gate, _keys(job)) if gate.stopped), "")

    def begins(self, job: Job) -> None:
        """A visit starts."""
        for key in _keys(job):
            self._gate(key).begins()

    def ended(self, job: Job, failure: Failure | None, *, captured: bool) -> None:
        """A visit ended with `failure` (None: with none). captured: it brought an answer.

        A jump host that refuses the password is a rejection like a router's: one, however many routers are behind it.
        """
        code, where = (failure.code, job.device.name) if failure is not None else (None, job.device.name)
        if failure is not None and failure.cause is ErrorCode.AUTH_REJECTED:
            code, where = failure.cause, _jump_host(job)
        self._judged(job.key, where, code, captured=captured)
        if (enable := enable_key_of(job.device)) is not None:
            known = {None: None, ErrorCode.ENABLE_REJECTED: ErrorCode.AUTH_REJECTED}
            self._judged(enable, where, known.get(code, ErrorCode.INTERNAL), captured=captured)

    def lost(self, job: Job) -> None:
        """A visit went with its process; a login that was let through may have been rejected."""
        for key in _keys(job):
            if job.dared:
                self._gate(key).lost(job.device.name)
            else:
                self._gate(key).ended(job.device.name, ErrorCode.INTERNAL, time.monotonic())

    def remember(self) -> None:
        """What was stopped, or refused and never taken, for the next run: that one tries a single canary with it."""
        if self._state is None:
            return
        proven = {key for key, gate in self._gates.items() if gate.proven and not gate.stopped}
        stopped = {key for key, gate in self._gates.items() if gate.stopped or gate.rejected} - proven
        now = {
            key: self._refused_before.get(key, frozenset()) | self._refused_now.get(key, set())
            for key in (self._refused_before.keys() | stopped) - proven
        }
        if now != _read(self._state):
            path = self._state / MEMORY
            with locked(path):
                replace_file(path, json.dumps({key: sorted(now[key]) for key in sorted(now)}) + "\n")

    def _judged(self, key: str, where: str, code: ErrorCode | None, *, captured: bool) -> None:
        if code is ErrorCode.AUTH_REJECTED:
            self._refused_now.setdefault(key, set()).add(where)
        self._gate(key).ended(where, code, time.monotonic(), captured=captured)

    def _gate(self, key: str) -> Gate:
        if key not in self._gates:
            name = "the enable secret" if key.startswith(ENABLE) else "it"
            self._gates[key] = Gate(canaries=1 if key in self._refused_before else CANARIES, name=name)
        return self._gates[key]


def _keys(job: Job) -> tuple[str, ...]:
    enable = enable_key_of(job.device)
    return (job.key,) if enable is None else (job.key, enable)


def _jump_host(job: Job) -> str:
    return f"the jump host {jump_of(job.device)}"


def _wheres(job: Job) -> set[str]:
    """What a rejection of this job's credential is remembered under: itself, and the jump host on the way."""
    return {job.device.name, _jump_host(job)}


def _read(state: Path | None) -> dict[str, frozenset[str]]:
    """Credential -> who refused it. Earlier versions wrote a list of credentials."""
    if state is None:
        return {}
    try:
        raw = json.loads((state / MEMORY).read_text(encoding="utf-8"))
        return {key: frozenset(raw[key] if isinstance(raw, dict) else ()) for key in raw}
    except (OSError, ValueError, TypeError):
        return {}
