"""Messages that a log never got, by its own head: dropped, rate-limited, overrun; since the look before, or the last visit.

A count that grew makes the log blind for the time in which it grew. A small one that stands since the boot is a remark.
After a reload the counts began anew: what stands there is then judged as at first sight.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from collector.model import LogHeader, PastLog

_MANY = 100  # messages: below, and below the share, losses of which nobody knows the time are a remark
_SHARE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """What was lost. count: in all, since the boot. blind: the time of some losses may hide trouble that is recent.

    until: the collector's time up to which losses may hide something, `None` where nothing does or nobody knows.
    text: the sentence with the figures.
    """

    count: int
    blind: bool
    until: datetime | None
    text: str


def of(
    header: LogHeader,
    *,
    before: LogHeader | None = None,
    past: PastLog | None = None,
    taken_at: datetime | None = None,
    uptime: timedelta | None = None,
) -> Losses:
    """The losses behind `header`. before: of the look before in this visit; past: at the last visit; taken_at, uptime:
    when the head was printed, and how long the router was up then.
    """
    count = sum(_counts(header))
    text = f"the router dropped or rate-limited {count} log messages"
    within = _rise(_counts(before), _counts(header)) if before is not None else None
    earlier = past if past is not None and taken_at is not None and past.at < taken_at else None
    booted = taken_at - uptime if taken_at is not None and uptime is not None else None
    restarted = earlier is not None and _restarted(earlier, booted)
    since = _rise(_counts(earlier), _counts(header)) if earlier is not None and not restarted else None
    if within:
        return Losses(
            count=count, blind=True, until=taken_at, text=f"{text} and goes on dropping: {within} within minutes"
        )
    if earlier is not None and since is not None:
        return _compared(count, since, earlier, taken_at, text)
    if earlier is not None:
        text += f" since the count began anew, after the visit of {_moment(earlier.at)}"
    many = count > _MANY and count > _SHARE * (header.messages_logged or 0)
    known = earlier.lost_until if earlier is not None and not restarted else None
    return Losses(count=count, blind=many, until=taken_at if many else known, text=text)


def _compared(count: int, rise: int, past: PastLog, taken_at: datetime | None, text: str) -> Losses:
    then = sum(_counts(past))
    if rise:
        told = f"{text}, {rise} more than at the last visit ({then} at {_moment(past.at)})"
        return Losses(count=count, blind=True, until=taken_at, text=told)
    known = (
        f", of which silence before {_moment(past.lost_until)} proves nothing" if past.lost_until is not None else ""
    )
    told = f"{text}, none since the last visit ({_moment(past.at)}){known}"
    return Losses(count=count, blind=False, until=past.lost_until, text=told)


def _restarted(past: PastLog, booted: datetime | None) -> bool:
    """Whether the router came up after the last visit, so that its counts began anew."""
    return booted is not None and booted > past.at


def _counts(log: LogHeader | PastLog) -> tuple[int, int, int]:
    return log.dropped or 0, log.rate_limited or 0, log.overruns or 0


def _rise(before: tuple[int, ...], now: tuple[int, ...]) -> int | None:
    """How many were lost in between; `None` where a count is lower than before, and so began anew."""
    steps = [after - earlier for earlier, after in zip(before, now, strict=True)]
    return None if min(steps) < 0 else sum(steps)


def _moment(at: datetime | None) -> str:
    return at.isoformat(sep=" ", timespec="seconds") if at is not None else "an unknown time"
