"""Drop counters with what they rose by: keyed by name, packets never octets, resets recognised (DOMAIN 3.5, FAULTS 61).

A delta stands only where the router did not reload, the value did not fall and "Last clearing" is the same; else the
counter is `reset` and its value a lower bound of what was dropped since.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from collector.facts.clock import DeviceClock
from collector.facts.looks import Look, Looks
from collector.model import UNKNOWN_SPI, Counter, DropTable, Evidence, History

DATAPATH = "show platform hardware qfp active feature ipsec datapath drops"
GLOBAL = "show platform hardware qfp active statistics drop"
DROPS = "show drops"

_SHOWN_GLOBAL = ("IpsecInput",)
_SHOWN_IF_THERE = frozenset({"IN_V4_PKT_HIT_INVALID_SA", "IpsecInvalidSa"})
_SLACK = timedelta(minutes=2)  # uptime is printed in minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    packets: int
    at: datetime | None  # collector's time, else the device's own
    table: DropTable
    look: Look
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterFacts:
    """The counters of one device. trend: of the unknown-SPI counters between two looks of this visit, and when (device
    time) these looks were taken.
    """

    datapath: DropTable | None = None
    globally: DropTable | None = None
    counters: tuple[Counter, ...] | None = None
    trend: Literal["flat", "rose"] | None = None
    trend_from: datetime | None = None
    trend_to: datetime | None = None
    cleared_ago: timedelta | None = None
    rates: dict[str, float | None] | None = None  # packets an hour


def build(looks: Looks, clock: DeviceClock, uptime: timedelta | None, history: History) -> CounterFacts:
    """The counters behind `looks`: zero included wherever the table proves it."""
    datapath = _tables(looks, DATAPATH)
    globally = _tables(looks, GLOBAL)
    for look, table in _tables(looks, DROPS):
        ours = any(counter.name in UNKNOWN_SPI for counter in table.counters)
        (datapath if ours else globally).append((look, table))
    if not datapath and not globally:
        return CounterFacts()
    counters: list[Counter] = []
    rates: dict[str, float | None] = {}
    trends: list[tuple[Literal["flat", "rose"], Look, Look]] = []
    for tables, names in ((datapath, UNKNOWN_SPI), (globally, _SHOWN_GLOBAL)):
        for name in (*names, *_extra(tables)):
            samples = [sample for look, table in tables if (sample := _sample(look, table, name, clock)) is not None]
            if not samples:
                continue
            counter = _counter(name, samples, uptime, history)
            counters.append(counter)
            rates[name] = _rate(counter, samples[-1], uptime)
            if name in UNKNOWN_SPI and len(samples) > 1 and not counter.reset:
                trends.append(("rose" if counter.delta else "flat", samples[-2].look, samples[-1].look))
    rising = [trend for trend in trends if trend[0] == "rose"]
    chosen = next(iter(rising or trends), None)
    return CounterFacts(
        datapath=datapath[-1][1] if datapath else None,
        globally=globally[-1][1] if globally else None,
        counters=tuple(counters),
        trend=chosen[0] if chosen else None,
        trend_from=clock.at(chosen[1]) if chosen else None,
        trend_to=clock.at(chosen[2]) if chosen else None,
        cleared_ago=next(
            (table.cleared_ago for _, table in [*datapath[-1:], *globally[-1:]] if table.cleared_ago), None
        ),
        rates=rates,
    )


def _tables(looks: Looks, name: str) -> list[tuple[Look, DropTable]]:
    """The tables of one command. Of an answer that was cut only the rows before its last line are believed (that one
    may lack digits), and no absence.
    """
    return [
        (look, record if look.parsed else _before_the_cut(look, record))
        for look in looks.of(name)
        for record in look.reading.records
        if isinstance(record, DropTable)
    ]


def _before_the_cut(look: Look, table: DropTable) -> DropTable:
    last = max((number for number, line in enumerate(look.capture.lines(), 1) if line.strip()), default=0)
    kept = tuple(counter for counter in table.counters if counter.line < last)
    return replace(table, counters=kept, zeros_shown=False, all_zero=False)


def _extra(tables: list[tuple[Look, DropTable]]) -> Iterator[str]:
    if tables:
        yield from (counter.name for counter in tables[-1][1].counters if counter.name in _SHOWN_IF_THERE)


def _sample(look: Look, table: DropTable, name: str, clock: DeviceClock) -> _Sample | None:
    at = look.taken_at or clock.at(look)
    for counter in table.counters:
        if counter.name == name:
            return _Sample(packets=counter.packets, at=at, table=table, look=look, line=counter.line)
    if table.zeros_shown or table.all_zero:
        return _Sample(packets=0, at=at, table=table, look=look, line=table.line)
    return None


def _counter(name: str, samples: list[_Sample], uptime: timedelta | None, history: History) -> Counter:
    """The last sample, with what it rose by since the look before it, else since the last run."""
    last = samples[-1]
    evidence: tuple[Evidence, ...] = (last.look.evidence(last.line),)
    plain = Counter(name=name, packets=last.packets, evidence=evidence)
    if len(samples) > 1:
        before = samples[-2]
        length = _between(before.at, last.at)
        reset = last.packets < before.packets or _cleared(before.table.last_clearing, last.table, length)
        return replace(plain, **_delta(last.packets - before.packets, length, reset=reset))
    past = max((sample for sample in history.counters if sample.name == name), key=lambda s: s.at, default=None)
    if past is None or last.look.taken_at is None:
        return plain
    length = _between(past.at, last.look.taken_at)
    if length is None or uptime is None:
        return plain  # whether the router reloaded in between is not known
    reset = (
        last.packets < past.packets
        or uptime + _SLACK < length
        or (past.uptime is not None and uptime + _SLACK < past.uptime)
        or _cleared(past.last_clearing, last.table, length)
    )
    return replace(plain, **_delta(last.packets - past.packets, length, reset=reset))


def _delta(rise: int, length: timedelta | None, *, reset: bool) -> dict[str, Any]:
    seconds = length.total_seconds() if length is not None else None
    return {"delta": None if reset else rise, "delta_seconds": None if reset else seconds, "reset": reset}


def _between(before: datetime | None, after: datetime | None) -> timedelta | None:
    if before is None or after is None:
        return None
    length = after - before
    return length if length > timedelta() else None


def _cleared(before: str | None, table: DropTable, length: timedelta | None) -> bool:
    """Whether the table was cleared between two samples."""
    if table.cleared_ago is not None:
        return length is not None and table.cleared_ago < length
    now = table.last_clearing
    return before is not None and now is not None and before != now


def _rate(counter: Counter, last: _Sample, uptime: timedelta | None) -> float | None:
    """Packets an hour: of the delta, else of the value since the counters began (boot or clearing)."""
    if counter.delta is not None and counter.delta_seconds:
        return counter.delta * 3600 / counter.delta_seconds
    since = last.table.cleared_ago or uptime
    if not since or (counter.delta is not None):
        return None
    return counter.packets * 3600 / since.total_seconds()
