"""What the tracker was told, held against the truth.

A ticket is right where a black hole of its tunnel was there when it was opened. A hole must have a ticket where it lasted
longer than the bound, its receiver is ours, and no run of that time was kept from seeing it. All else is told as what it
is: nothing is left out to make a figure better.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from collector.history.tickets import PARENT_RULE, Act
from collector.model import Thresholds
from month.drive import Diary
from month.network import UNMANAGED
from month.script import Hole, Script
from month.tracker import Told

LIMITS = Thresholds()
SECOND_LINE = timedelta(seconds=64)  # of one SPI, after the loss: a line a minute, and more than persistent_span apart
PATIENCE = timedelta(hours=1)  # the longest wait before a delivery is tried again
VISITS = timedelta(seconds=30)  # of a run, both waves
ROOT_CAUSE = "SPI011"  # of a router whose tunnels break again and again: a ticket beside theirs, by design
COUNTER = "SPI007"  # of a router that counts and does not log

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A ticket from its opening to its closing. keys: the directions of tunnels that it speaks for; devices: whole routers."""

    ticket: str
    rule: str
    opened: datetime
    closed: datetime | None
    keys: frozenset[Key]
    devices: frozenset[str]
    act: Act

    def speaks_for(self, hole: Hole) -> bool:
        """Whether it is about this hole's tunnel, at either end, or about the whole router."""
        return bool(self.keys & hole.keys) or hole.receiver in self.devices

    def open_in(self, since: datetime, until: datetime) -> bool:
        """Whether it was open at some time in between."""
        return self.opened <= until and (self.closed is None or self.closed >= since)


@dataclass(slots=True, kw_only=True)
class Verdict:
    """The figures. Lists hold a line for each case that is wrong, for a person."""

    bound: timedelta
    late_bound: timedelta
    holes: Counter[str] = field(default_factory=Counter)
    due: int = 0
    found: int = 0
    missed: list[str] = field(default_factory=list)
    openings: int = 0
    right: int = 0
    false: list[str] = field(default_factory=list)
    new: int = 0
    reopened: int = 0
    doubles: list[str] = field(default_factory=list)
    wrong_closes: list[str] = field(default_factory=list)
    closes: int = 0
    left_open: list[str] = field(default_factory=list)
    in_window: list[str] = field(default_factory=list)
    undecidable: Counter[str] = field(default_factory=Counter)
    undecidable_found: Counter[str] = field(default_factory=Counter)
    to_open: list[float] = field(default_factory=list)
    to_close: list[float] = field(default_factory=list)
    root_causes: int = 0
    tracker: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        """Of the openings, how many were right."""
        return self.right / self.openings if self.openings else 1.0

    @property
    def recall(self) -> float:
        """Of the holes that must have a ticket, how many had one."""
        return self.found / self.due if self.due else 1.0

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not (
            self.missed
            or self.false
            or self.doubles
            or self.wrong_closes
            or self.left_open
            or self.in_window
            or self.tracker
        )


def judge(script: Script, diary: Diary, period: timedelta) -> Verdict:
    """Hold the diary against the script."""
    bound = SECOND_LINE + period + VISITS
    late = SECOND_LINE + (LIMITS.counter_runs + 1) * period + VISITS
    verdict = Verdict(bound=bound, late_bound=late, tracker=list(diary.tracker.wrong))
    spoken = tuple(_spoken(diary))
    verdict.root_causes = sum(one.rule == ROOT_CAUSE for one in spoken)
    tunnels = tuple(one for one in spoken if one.rule != ROOT_CAUSE)
    for hole in script.holes:
        _hole(verdict, script, diary, hole, tunnels)
    for one in spoken:
        _opening(verdict, script, diary, one, period)
    _closes(verdict, script, diary, tunnels)
    _doubles(verdict, script, tunnels)
    _never_closed(verdict, script, diary, tunnels)
    return verdict


def _spoken(diary: Diary) -> Iterator[Spoken]:
    """Each ticket's times of being open, with all that it ever spoke for in that time."""
    begun: dict[str, tuple[Told, set[str]]] = {}
    for told in diary.tracker.told:
        ids = {told.ticket, *told.children} if told.rule != PARENT_RULE else set(told.children)
        if told.act is Act.CLOSE:
            if told.ticket in begun:
                first, all_ids = begun.pop(told.ticket)
                yield _one(diary, first, all_ids, told.at)
        elif told.ticket in begun:
            begun[told.ticket][1].update(ids)
        else:
            begun[told.ticket] = (told, ids)
    for first, ids in begun.values():
        yield _one(diary, first, ids, None)


def _one(diary: Diary, first: Told, ids: Iterable[str], closed: datetime | None) -> Spoken:
    findings = [diary.findings[each] for each in ids if each in diary.findings]
    keys = {(finding.device, str(finding.peer)) for finding in findings if finding.peer is not None}
    devices = {finding.device for finding in findings if finding.rule == COUNTER}
    if first.rule == ROOT_CAUSE:
        devices |= {first.device}
    return Spoken(
        ticket=first.ticket,
        rule=first.rule,
        opened=first.at,
        closed=closed,
        keys=frozenset(keys),
        devices=frozenset(devices),
        act=first.act,
    )


def _hole(verdict: Verdict, script: Script, diary: Diary, hole: Hole, spoken: Sequence[Spoken]) -> None:
    verdict.holes[hole.kind] += 1
    why = _undecidable(verdict, script, diary, hole)
    about = [
        one
        for one in spoken
        if one.speaks_for(hole) and one.open_in(hole.since, hole.until + timedelta(minutes=3) + VISITS)
    ]
    if why:
        verdict.undecidable[why] += 1
        verdict.undecidable_found[why] += bool(about)
        return
    verdict.due += 1
    if not about:
        verdict.missed.append(_line(hole))
        return
    verdict.found += 1
    first = min(about, key=lambda one: one.opened)
    if first.opened >= hole.since:
        verdict.to_open.append((first.opened - hole.since).total_seconds())
    closed = [one.closed for one in about if one.closed is not None and one.closed >= hole.until]
    if closed:
        verdict.to_close.append((min(closed) - hole.until).total_seconds())


def _undecidable(verdict: Verdict, script: Script, diary: Diary, hole: Hole) -> str:
    """Why nobody who only reads routers must have seen this hole; "" where it must be seen."""
    if hole.receiver in UNMANAGED:
        return "the receiver is nobody's to visit"
    if hole.length < LIMITS.persistent_span:
        return "shorter than persistent_span: not to be told from a rekey"
    if hole.length < (verdict.late_bound if hole.receiver == "asr-old" else verdict.bound):
        return "shorter than the bound: no run need fall into it"
    receivers = {device for device, _ in hole.keys}
    begin = hole.since + SECOND_LINE
    runs = [run for run in diary.runs if begin <= run.at - VISITS and run.at <= hole.until + timedelta(minutes=1)]
    told = [run for run in runs if not _tracker_waits(script, run.at)]
    if not told:
        return "no run, or no tracker (and up to an hour of patience with it), while it lasted"
    if all(_in_window(script, receivers, run.at) for run in told):
        return "within a maintenance window"
    seen = [run for run in told if not _in_window(script, receivers, run.at) and run.seen & receivers]
    refused = ("refused show crypto", "refused show running-config")
    if seen and all(any(script.during(kind, d, run.at) for kind in refused for d in receivers) for run in seen):
        return "a command that the verdict needs was refused while it lasted"
    needed = LIMITS.counter_runs + 1 if hole.receiver == "asr-old" else 1
    if len(seen) < needed:
        return "the router could not be read while it lasted"
    return ""


def _tracker_waits(script: Script, at: datetime) -> bool:
    """While the tracker is away, and as long after it as a failed delivery may wait for its next try."""
    return any(s.kind == "tracker away" and s.since <= at < s.until + PATIENCE for s in script.spells)


def _in_window(script: Script, receivers: Iterable[str], at: datetime) -> bool:
    return any(script.during("maintenance", device, at) for device in receivers)


def _opening(verdict: Verdict, script: Script, diary: Diary, one: Spoken, period: timedelta) -> None:
    verdict.openings += 1
    verdict.new += one.act is Act.CREATE
    verdict.reopened += one.act is Act.REOPEN
    if (one.rule == ROOT_CAUSE and _often(script, one)) or any(
        one.speaks_for(hole) and hole.length >= LIMITS.persistent_span and _saw(script, diary, hole, one, period)
        for hole in script.holes
    ):
        verdict.right += 1
    else:
        near = [h for h in script.holes if one.speaks_for(h) and h.since <= one.opened]
        last = f"; last hole {_line(near[-1])}" if near else "; no hole before"
        verdict.false.append(f"{one.opened:%d %H:%M:%S} {one.rule} {sorted(one.keys) or sorted(one.devices)}{last}")
    muted = {
        device
        for device in {*one.devices, *(device for device, _ in one.keys)}
        if script.during("maintenance", device, one.opened)
    }
    if muted and muted >= {*one.devices, *(device for device, _ in one.keys)}:
        verdict.in_window.append(f"{one.opened:%d %H:%M} {one.rule} {sorted(muted)}")


def _often(script: Script, one: Spoken) -> bool:
    """Whether the router of a root cause lost as many SAs within a day as the rule asks for, or as many tunnels at once."""
    day = [
        hole
        for hole in script.holes
        if one.speaks_for(hole)
        and hole.length >= LIMITS.persistent_span
        and hole.since <= one.opened
        and hole.until >= one.opened - timedelta(hours=25)
    ]
    at_once = [hole for hole in day if hole.until >= one.opened - timedelta(minutes=15)]
    return len(day) >= LIMITS.frequent_spis or len(at_once) >= LIMITS.frequent_peers


def _saw(script: Script, diary: Diary, hole: Hole, one: Spoken, period: timedelta) -> bool:
    """Whether the hole was there when the run looked that told of it. A counter tells of the time since the last look; a
    tracker that was away is told later.
    """
    lag = LIMITS.active_window + VISITS
    if one.rule == COUNTER:
        looks = [run.at for run in diary.runs if run.at < one.opened - VISITS and hole.receiver in run.reached]
        lag += one.opened - max(looks, default=one.opened - period)
    away = [
        s for s in script.spells if s.kind == "tracker away" and s.since <= one.opened < s.until + PATIENCE + 2 * period
    ]
    return hole.since <= one.opened <= hole.until + lag + max((one.opened - s.since for s in away), default=timedelta())


def _closes(verdict: Verdict, script: Script, diary: Diary, spoken: Sequence[Spoken]) -> None:
    for one in spoken:
        if one.closed is None:
            continue
        verdict.closes += 1
        about = [hole for hole in script.holes if one.speaks_for(hole)]
        live = [hole for hole in about if hole.since <= one.closed < hole.until and not _too_young(hole, one.closed)]
        if live:
            verdict.wrong_closes.append(
                f"{one.closed:%d %H:%M:%S} {one.rule} {sorted(one.keys)} while {_line(live[0])}"
            )
            continue
        before = [h.until for h in about if h.until <= one.closed and h.length >= LIMITS.persistent_span]
        since = max(before, default=one.opened)
        devices = {*one.devices, *(device for device, _ in one.keys)}
        for device in devices:
            looked = [run for run in diary.runs if since <= run.at <= one.closed and device in run.reached]
            if len(looked) < LIMITS.close_runs:
                verdict.wrong_closes.append(
                    f"{one.closed:%d %H:%M:%S} {one.rule} {device}: after {len(looked)} looks at it only"
                )


def _too_young(hole: Hole, at: datetime) -> bool:
    """A new hole of a tunnel that cannot have shown itself yet: its first line is younger than a visit takes."""
    return at - hole.since < timedelta(seconds=20)


def _doubles(verdict: Verdict, script: Script, spoken: Sequence[Spoken]) -> None:
    """Two tickets that were open at once about one hole."""
    for hole in script.holes:
        about = [one for one in spoken if one.speaks_for(hole) and one.open_in(hole.since, hole.until)]
        tickets = sorted({one.ticket for one in about})
        if len(tickets) > 1:
            said = ", ".join(f"{one.rule} {one.opened:%d %H:%M}" for one in about)
            verdict.doubles.append(f"{_line(hole)}: {said}")


def _never_closed(verdict: Verdict, script: Script, diary: Diary, spoken: Sequence[Spoken]) -> None:
    """Still open although the hole is over and its router was read often enough since."""
    for one in spoken:
        if one.closed is not None:
            continue
        over = max((hole.until for hole in script.holes if one.speaks_for(hole)), default=one.opened)
        devices = {*one.devices, *(device for device, _ in one.keys)}
        after = [run for run in diary.runs if run.at > over and devices <= run.seen]
        if len(after) > 4 * LIMITS.close_runs and not script.during("tracker away", "", script.end):
            verdict.left_open.append(f"{one.opened:%d %H:%M} {one.rule} {sorted(one.keys) or sorted(one.devices)}")


def _line(hole: Hole) -> str:
    return (
        f"{hole.since:%d %H:%M:%S}+{hole.length.total_seconds() / 60:.1f}m {hole.link} at {hole.receiver} ({hole.kind})"
    )


def table(script: Script, diary: Diary, verdict: Verdict, seconds: float) -> str:
    """All of it, for a person."""
    days = (script.end - script.epoch) / timedelta(days=1)
    rows = [
        ("simulated", f"{days:g} days, {len(script.network.devices)} routers, {len(script.network.links)} tunnels"),
        ("runs, visits", f"{len(diary.runs)}, {diary.visits} in {seconds:.0f} s of processor time"),
        ("black holes", f"{sum(verdict.holes.values())}: " + _counts(verdict.holes)),
        ("beside them", _counts(script.counts)),
        ("", ""),
        ("bound", f"{_minutes(verdict.bound)} (a router that only counts: {_minutes(verdict.late_bound)})"),
        ("must have a ticket", f"{verdict.due}; had one: {verdict.found}"),
        ("recall", f"{verdict.recall:.4f}"),
        ("openings", f"{verdict.openings} ({verdict.new} new, {verdict.reopened} reopened); right: {verdict.right}"),
        ("precision", f"{verdict.precision:.4f}"),
        ("time to open", _spread(verdict.to_open)),
        ("time to close", _spread(verdict.to_close)),
        ("closes", f"{verdict.closes}; wrong: {len(verdict.wrong_closes)}"),
        ("two tickets for one hole", str(len(verdict.doubles))),
        ("opened in a maintenance window", str(len(verdict.in_window))),
        ("open although it is over", str(len(verdict.left_open))),
        ("asked of the tracker wrongly", str(len(verdict.tracker))),
        ("of these openings SPI011 (root cause)", str(verdict.root_causes)),
        ("below error, no ticket", _counts(diary.warnings)),
        ("ledger", f"{diary.ledger_bytes / 1e6:.1f} MB"),
        ("", ""),
        ("not decidable from the outputs", str(sum(verdict.undecidable.values()))),
        *(
            (f"  {why}", f"{n}, of which {verdict.undecidable_found[why]} had a ticket")
            for why, n in sorted(verdict.undecidable.items())
        ),
    ]
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:<{width}}  {value}".rstrip() for name, value in rows]
    for title, cases in (
        ("missed", verdict.missed),
        ("false", verdict.false),
        ("wrong close", verdict.wrong_closes),
        ("double", verdict.doubles),
        ("in a window", verdict.in_window),
        ("left open", verdict.left_open),
        ("tracker", verdict.tracker),
    ):
        lines += [f"{title}: {case}" for case in cases]
    return "\n".join(lines) + "\n"


def _counts(counted: Counter[str] | dict[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in sorted(counted.items())) or "none"


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:.1f} min"


def _spread(seconds: list[float]) -> str:
    if not seconds:
        return "-"
    ordered = sorted(seconds)
    late = ordered[int(len(ordered) * 0.95)] if len(ordered) > 1 else ordered[0]
    return f"median {median(ordered) / 60:.1f} min, 95 %: {late / 60:.1f} min, at most {ordered[-1] / 60:.1f} min"
