"""The natural line, from snapshots to a report: Snapshot -> Facts -> both ends joined -> Judgements -> Findings.

`sweep`, `audit`, `analyze` and `demo` differ only in where their snapshots come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

from collector import facts as facts_room
from collector import rules
from collector.cli.gist import gist_of, wanted
from collector.errors import Exit
from collector.history import Wanted
from collector.model import (
    Facts,
    FarEnd,
    Finding,
    History,
    Level,
    Policy,
    Report,
    Run,
    Snapshot,
    State,
    Verdict,
)
from collector.sinks.document import Coverage, covered

HistoryOf = Callable[[str], History]


def now() -> datetime:
    """The collector's time; the only clock above `collect`."""
    return datetime.now(UTC)  # noqa: TID251 - a run's start and end are wall clock


def no_history(_device: str) -> History:
    """What is known of a device without a ledger."""
    return History()


def report_of(
    snapshots: Iterable[Snapshot],
    policy: Policy,
    *,
    mode: str,
    started_at: datetime,
    history_of: HistoryOf = no_history,
    remembered: Callable[[Wanted], Sequence[FarEnd]] = lambda _wanted: (),
    paths: dict[str, str] | None = None,
) -> Report:
    """Everything that `snapshots` have to say under `policy`, held in memory: for captures that a person hands over.

    history_of: asked for a device when its snapshot has come. remembered: routers as the ledger has them, for far ends
    that are not among the captures. paths: as in `conclude`.
    """
    built = [facts_room.build(snapshot, policy, history_of(snapshot.device.name)) for snapshot in snapshots]
    far_ends = remembered(wanted([gist_of(facts) for facts in built]))
    settled = facts_room.settle(sorted(built, key=lambda facts: facts.device.name), far_ends)
    offline = mode == "analyze"
    devices = tuple(replace(facts, lacking=True) if offline and _lacks(facts) else facts for facts in settled)
    return conclude(devices, mode=mode, started_at=started_at, paths=paths)


def _lacks(facts: Facts) -> bool:
    """Whether an event waits for a fact: nobody missed a command that was not pasted, unless a verdict hangs on it."""
    unclear = any(incident.state is State.INSUFFICIENT_DATA for incident in facts.incidents or ())
    return unclear or any(said.verdict is Verdict.UNKNOWN and said.event for said in rules.judge(facts))


def conclude(
    devices: Sequence[Facts],
    *,
    mode: str,
    started_at: datetime,
    now: Callable[[], datetime] = now,
    paths: dict[str, str] | None = None,
) -> Report:
    """Settled facts -> report. Goes over the devices once and keeps only what is worth a person's time.

    paths: takes each finding's decision path as text, by its id: `explain ID` must work when the captures are gone.
    """
    findings: list[Finding] = []
    muted: list[Finding] = []
    coverage = Coverage()
    for facts in devices:
        coverage.add(facts)
        said = rules.judge(facts)
        for finding in rules.to_findings(facts, said):
            (muted if rules.muted(facts, finding) else findings).append(finding)
            if paths is not None:
                paths[finding.id] = rules.path_text(rules.paths(facts, finding, said))
    assert mode in {"sweep", "audit", "analyze", "demo"}
    return Report(
        run=Run(id=uuid4().hex[:12], mode=mode, started_at=started_at, finished_at=now()),  # type: ignore[arg-type]
        devices=devices,
        findings=tuple(sorted(findings, key=order)),
        muted=tuple(sorted(muted, key=order)),
        counted=coverage.part(),
    )


def order(finding: Finding) -> tuple[int, str, str, str, str]:
    """The loudest first, then by rule, device and peer: the same in every run."""
    return finding.level.rank, finding.rule, finding.device, str(finding.peer or ""), finding.id


def exit_code(report: Report, fail_on: Level | None) -> Exit:
    """DESIGN 3: unreached before partial before findings before done."""
    devices = covered(report)["devices"]
    if devices["total"] and devices["failed"] == devices["total"]:
        return Exit.UNREACHED
    if devices["complete"] != devices["total"]:
        return Exit.PARTIAL
    open_ = (finding for finding in report.findings if finding.state != "resolved")
    loud = fail_on is not None and any(finding.level.rank <= fail_on.rank for finding in open_)
    return Exit.FINDINGS if loud else Exit.DONE


def decision_paths(report: Report) -> dict[str, str]:
    """Finding id -> its decision path as text."""
    of_device: dict[str, list[Finding]] = {}
    for finding in (*report.findings, *report.muted):
        of_device.setdefault(finding.device, []).append(finding)
    paths: dict[str, str] = {}
    for facts in report.devices:
        found = of_device.get(facts.device.name)
        if found:
            said = rules.judge(facts)
            paths |= {finding.id: rules.path_text(rules.paths(facts, finding, said)) for finding in found}
    return paths
