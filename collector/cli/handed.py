"""Captures that a person hands over, remembered: `analyze --remember`.

A run of them is written down under the captures' own time, and only of routers of which the ledger has seen nothing
newer. Of the others the report says what it says without a ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from collector.cli import pipeline
from collector.cli.dated import Bounds, Refusal, Taken, dated
from collector.cli.output import tell
from collector.errors import Exit
from collector.history import (
    Ledger,
    far_ends_of,
    history_of,
    keep_snapshots,
    last_visits,
    remember,
    transaction,
)
from collector.history.codec import snapshot_blob
from collector.model import Finding, History, Level, Policy, Report, Snapshot
from collector.sinks.document import device_status
from collector.sinks.render import one_line

NAMED = 8  # devices that a line names


@dataclass(slots=True)
class _Hand:
    """What was handed over, device by device: kept for the ledger with its captures, or refused."""

    ledger: Ledger
    bounds: Bounds
    looks: dict[str, datetime]
    pinned: dict[str, str]  # hostname in lower case -> the one device that is pinned with it
    seen: set[str] = field(default_factory=set)
    kept: dict[str, Taken] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    refused: dict[str, list[str]] = field(default_factory=dict)

    def passing(self, snapshots: Iterable[Snapshot]) -> Iterator[Snapshot]:
        """The snapshots, each dated before it goes on: what is remembered is judged with the ledger's past."""
        for handed in snapshots:
            snapshot = self._as_known(handed)
            name = snapshot.device.name
            self.seen.add(name)
            found = dated(snapshot, self.bounds, self.looks.get(name))
            if isinstance(found, Refusal):
                self.refused.setdefault(found.kind, []).append(f"{name} ({found.detail})" if found.detail else name)
            else:
                self.kept[name] = found
                self.blobs[name] = snapshot_blob(snapshot)
            yield snapshot

    def _as_known(self, snapshot: Snapshot) -> Snapshot:
        """A paste bears its prompt's name; the ledger may know that router by the inventory's, and must not know two."""
        device = snapshot.device
        name = self.pinned.get(device.name.casefold())
        if name is None or device.name in self.looks or name in self.seen or any(c.taken_at for c in snapshot.captures):
            return snapshot
        return replace(snapshot, device=replace(device, name=name))

    def past(self, name: str) -> History:
        """What earlier runs saw of a device, as a visit would know it; nothing of what came after its captures."""
        return history_of(self.ledger, name) if name in self.kept else History()

    def tell(self) -> None:
        """One line for each reason why captures are not remembered."""
        for kind, devices in self.refused.items():
            more = f" and {len(devices) - NAMED} more" if len(devices) > NAMED else ""
            tell(one_line(f"not remembered, {kind}: {'; '.join(devices[:NAMED])}{more}"))


def judged(
    snapshots: Iterable[Snapshot], policy: Policy, ledger: Ledger, *, fail_on: Level | None, started_at: datetime
) -> tuple[Report, Exit]:
    """Judge the captures and write down what may be: the report knows the life of what was, and the exit code is that of
    a run without memory. The caller holds the lock.
    """
    bounds = Bounds(now=started_at, retention=policy.thresholds.retention)
    hand = _Hand(ledger, bounds, last_visits(ledger), _pinned(ledger.folder))
    paths: dict[str, str] = {}
    report = pipeline.report_of(
        hand.passing(snapshots),
        policy,
        mode="analyze",
        started_at=started_at,
        history_of=hand.past,
        remembered=lambda wanted: far_ends_of(ledger, wanted),
        paths=paths,
    )
    code = pipeline.exit_code(report, fail_on)
    hand.tell()
    if hand.kept:
        with transaction(ledger):
            noted = remember(
                ledger,
                _part(report, hand.kept),
                exit_code=int(code),
                status_of=device_status,
                paths=paths,
                policy=policy,
            )
            keep_snapshots(ledger, report.run.id, hand.blobs.items())
        report = _with_lives(report, noted)
    return report, code


def _pinned(state: Path) -> dict[str, str]:
    """The devices of a state folder by their hostnames, where one hostname is one device."""
    from collector.session.identities import Identities  # noqa: PLC0415 - of no use to a plain `analyze`

    names: dict[str, list[str]] = {}
    for name, hostname in Identities(state).hostnames().items():
        names.setdefault(hostname.casefold(), []).append(name)
    return {hostname: found[0] for hostname, found in names.items() if len(found) == 1}


def _part(report: Report, kept: dict[str, Taken]) -> Report:
    """The report of the devices that are remembered, dated as their captures are."""
    return replace(
        report,
        run=replace(
            report.run,
            started_at=min(taken.first for taken in kept.values()),
            finished_at=max(taken.last for taken in kept.values()),
        ),
        devices=tuple(facts for facts in report.devices if facts.device.name in kept),
        findings=tuple(finding for finding in report.findings if finding.device in kept),
        muted=tuple(finding for finding in report.muted if finding.device in kept),
    )


def _with_lives(report: Report, noted: Report) -> Report:
    """The report with what the ledger says of its findings, and what this run proved gone."""
    lives = {finding.id: finding for finding in (*noted.findings, *noted.muted)}
    shown = {finding.id for finding in report.findings}

    def with_life(finding: Finding) -> Finding:
        """What the captures say, and since when the ledger knows it: it may know more than a paste in part tells."""
        known = lives.get(finding.id)
        if known is None:
            return finding
        return replace(
            finding,
            state=known.state,
            runs_seen=known.runs_seen,
            first_seen=known.first_seen,
            last_seen=known.last_seen,
            ends=known.ends,
        )

    return replace(
        report,
        findings=(
            *(with_life(finding) for finding in report.findings),
            *(finding for finding in noted.findings if finding.id not in shown),
        ),
        muted=tuple(with_life(finding) for finding in report.muted),
    )
