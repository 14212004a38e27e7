"""One visit as the fleet run sees it, in whatever process: never an exception, always a snapshot; and which of two counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from collector.collect.lock import device_lock
from collector.errors import CODES, CollectorError, ErrorCode, Retry, SessionError
from collector.model import Device, Failure, Snapshot
from collector.session import Cancel, Limits, Plan, Secrets, Trust, ending, visit
from collector.session.dial import TEMPORARY


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What every visit of a process shares. before_login: waits until this login's turn has come."""

    secrets: Secrets
    trust: Trust
    cancel: Cancel
    told: Callable[[str], None]
    limits: Limits | None
    state: Path | None
    lock_patience: float


def one_visit(device: Device, plan: Callable[[], Plan], means: Means, before_login: Callable[[], None]) -> Snapshot:
    """Visit `device`; nothing that goes wrong in it, ours included, ends the run."""
    locks = means.state / "locks" if means.state is not None else None
    try:
        with device_lock(locks, device.name, patience=means.lock_patience):
            return visit(
                device,
                plan(),
                secrets=means.secrets,
                trust=means.trust,
                limits=means.limits,
                cancel=means.cancel,
                told=means.told,
                before_login=before_login,
            )
    except SessionError as error:
        return row(device, Failure(code=error.code, phase=error.phase, message=error.message, hint=error.hint))
    except Exception as error:  # noqa: BLE001 - THE broad one: a defect costs one device, not the run
        known = isinstance(error, CollectorError)
        words = str(error) if known else f"{type(error).__name__} in the worker"
        return row(device, failed(ErrorCode.INTERNAL, "any", words))


def failed(code: ErrorCode, phase: str, message: str) -> Failure:
    """A failure with the hint of its code."""
    return Failure(code=code, phase=phase, message=message, hint=CODES[code].hint)


def row(device: Device, failure: Failure) -> Snapshot:
    """The snapshot of a device from which nothing came."""
    now = datetime.now(UTC)  # noqa: TID251 - a run's own time
    return Snapshot(device=device, captures=(), failures=(failure,), started_at=now, finished_at=now)


def again(failures: Iterable[Failure], *, last: bool) -> Retry:
    """Whether, and when, these failures call for a further visit. last: there is none left."""
    failure = ending(failures)
    if last or failure is None:
        return Retry.NO
    if failure.code is ErrorCode.DNS and TEMPORARY in failure.message:
        return Retry.ONCE
    retry = CODES[failure.code].retry
    return retry if retry in {Retry.ONCE, Retry.LATER} else Retry.NO


def better(before: Snapshot | None, now: Snapshot) -> Snapshot:
    """The visit that brought more; of two equal ones the later."""
    if before is None:
        return now

    def worth(snapshot: Snapshot) -> tuple[bool, int]:
        return ending(snapshot.failures) is None, sum(capture.complete for capture in snapshot.captures)

    return before if worth(before) > worth(now) else now
