"""Report -> the JSON document (schema_version 1, docs/schema.json): the contract with other programs."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from collector.errors import ErrorCode
from collector.model import (
    BlindSpot,
    CaptureNote,
    CaptureStatus,
    Counter,
    Evidence,
    Facts,
    Failure,
    Finding,
    Incident,
    Peer,
    Report,
    plain,
)
from collector.sinks.render import safe

SCHEMA_VERSION = 1
TOOL = "spi-collector"

DeviceStatus = Literal["complete", "partial", "failed"]

# a command that this image never had takes nothing away when IKEv2 is all it would have shown
_INVALID = "% Invalid input"
_EXPECTED_REFUSALS = frozenset({("show crypto ikev2 sa", ErrorCode.CMD_INVALID)})
_NEVER_HAD = frozenset(command for command, _ in _EXPECTED_REFUSALS)


def device_status(facts: Facts) -> DeviceStatus:
    """failed: nothing was read. partial: some command, or a part of one, is missing or was not understood."""
    read = [note for note in facts.captures if note.status in {CaptureStatus.PARSED, CaptureStatus.INCOMPLETE}]
    if not read:
        return "failed"
    refused = {(failure.command or "").partition(" |")[0] for failure in facts.failures if not _expected(failure)}
    lost = [note for note in facts.captures if note.status is not CaptureStatus.PARSED and matters(note, facts)]
    return "partial" if refused or lost or facts.lacking else "complete"


def _expected(failure: Failure) -> bool:
    return (_short(failure.command or ""), failure.code) in _EXPECTED_REFUSALS


def matters(note: CaptureNote, facts: Facts) -> bool:
    """Whether an answer that was not read whole takes something away: not that of a command that the image never had."""
    if note.status is CaptureStatus.REFUSED and _INVALID in note.reason and _short(note.command) in _NEVER_HAD:
        return False
    return not any(_expected(failure) and failure.command == note.command for failure in facts.failures)


def _short(command: str) -> str:
    return command.removesuffix(" detailed").removesuffix(" detail")


def document(report: Report, *, version: str) -> dict[str, Any]:
    """The whole document as plain values, in a fixed order of keys."""
    devices = [device_part(facts) for facts in report.devices]
    return {**head(report, version=version), "devices": devices, "findings": [finding_part(f) for f in report.findings]}


def head(report: Report, *, version: str) -> dict[str, Any]:
    """All but devices and findings."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": TOOL, "version": version},
        "run": plain(report.run),
        "coverage": covered(report),
    }


@dataclass(slots=True)
class Coverage:
    """How much of what was asked came back, counted as the devices pass by."""

    statuses: Tally[str] = field(default_factory=Tally)
    captures: Tally[str] = field(default_factory=Tally)

    def add(self, facts: Facts) -> None:
        """One device."""
        self.statuses[device_status(facts)] += 1
        self.captures.update(note.status.value for note in facts.captures)

    def part(self) -> dict[str, dict[str, int]]:
        """The document's `coverage`."""
        return {
            "devices": {
                "total": self.statuses.total(),
                **{status: self.statuses[status] for status in ("complete", "partial", "failed")},
            },
            "captures": {status.value: self.captures[status.value] for status in CaptureStatus},
        }


def covered(report: Report) -> Mapping[str, Mapping[str, int]]:
    """The document's `coverage`; the devices are read only where nobody has counted them."""
    if report.counted is not None:
        return report.counted
    counting = Coverage()
    for facts in report.devices:
        counting.add(facts)
    return counting.part()


def device_part(facts: Facts) -> dict[str, Any]:
    """One entry of `devices`."""
    return _clean(
        {
            "name": facts.device.name,
            "host": facts.device.host,
            "hostname": facts.hostname,
            "platform": facts.device.platform,
            "software": plain(facts.software) if facts.software else {"family": None, "version": None, "train": None},
            "collected_at": plain(facts.collected_at),
            "device_time": plain(facts.device_time),
            "status": device_status(facts),
            "recovery_configured": facts.recovery_configured,
            "failures": [_failure(failure) for failure in facts.failures],
            "captures": [_capture(note) for note in facts.captures],
            "blind_spots": [_blind(spot) for spot in facts.blind_spots],
            "peers": [peer_part(peer) for peer in facts.peers or ()],
            "counters": [_counter(counter) for counter in facts.counters or ()],
            "incidents": [incident_part(incident) for incident in facts.incidents or ()],
        }
    )


def _failure(failure: Failure) -> dict[str, Any]:
    return {
        "code": failure.code.value,
        "command": failure.command,
        "phase": failure.phase,
        "message": failure.message,
        "hint": failure.hint,
        "retryable": failure.retryable,
    }


def _capture(note: CaptureNote) -> dict[str, Any]:
    return {
        "command": note.command,
        "status": note.status.value,
        "rows": note.rows,
        "unparsed_lines": note.unparsed_lines,
        "reason": note.reason,
    }


def _blind(spot: BlindSpot) -> dict[str, Any]:
    return {"code": spot.code, "message": spot.message, "blocking": spot.blocking}


def _counter(counter: Counter) -> dict[str, Any]:
    return {
        "name": counter.name,
        "packets": counter.packets,
        "delta": counter.delta,
        "delta_seconds": counter.delta_seconds,
        "reset": counter.reset,
    }


def evidence_part(evidence: Evidence) -> dict[str, Any]:
    """One entry of `evidence`."""
    return {
        "device": evidence.device,
        "command": evidence.command,
        "line": evidence.line,
        "text": evidence.text,
        "taken_at": plain(evidence.taken_at),
    }


def peer_part(peer: Peer) -> dict[str, Any]:
    """One entry of `peers`."""
    return {
        "address": plain(peer.address),
        "name": peer.name,
        "local_address": plain(peer.local_address),
        "vrf": peer.vrf,
        "interface": peer.interface,
        "binding": peer.binding,
        "config_type": peer.config_type.value,
        "ike_version": peer.ike_version,
        "recovery": peer.recovery.value,
        "why": peer.why,
        "ike_sa": peer.ike_sa,
        "inbound_spis": plain(peer.inbound or ()),
        "outbound_spis": plain(peer.outbound or ()),
        "sa_remaining_seconds": plain(peer.sa_remaining),
        "dpd": {"mode": peer.dpd.mode, "interval": peer.dpd.interval},
        "nat_traversal": peer.nat_traversal,
        "evidence": [evidence_part(item) for item in peer.evidence],
    }


def incident_part(incident: Incident) -> dict[str, Any]:
    """One entry of `incidents`."""
    join = incident.join
    return {
        "source": plain(incident.source),
        "destination": plain(incident.destination),
        "protocol": incident.protocol,
        "vrf": incident.vrf,
        "spis": [plain(key.spi) for key in incident.keys if key.spi is not None],
        "interface": incident.interface,
        "first_seen": plain(incident.first_seen),
        "last_seen": plain(incident.last_seen),
        "messages": incident.messages,
        "state": incident.state.value,
        "why": incident.why,
        "spi_states": [
            {
                "spi": plain(key.spi),
                "messages": len(key.sightings),
                "state": key.state.value,
                "why": key.why,
            }
            for key in incident.keys
        ],
        "peer": plain(incident.peer.address) if incident.peer else None,
        "join": None
        if join is None
        else {
            "device": join.named,
            "grade": join.grade,
            "outcome": join.outcome.value,
            "heals_at_latest": plain(join.heals_at_latest),
            "remembered": plain(join.remembered),
        },
    }


def finding_part(finding: Finding) -> dict[str, Any]:
    """One entry of `findings`."""
    return _clean(
        {
            "id": finding.id,
            "rule": finding.rule,
            "level": finding.level.value,
            "verdict": finding.verdict.value,
            "device": finding.device,
            "peer": plain(finding.peer),
            "far_device": finding.far_device,
            "title": finding.title,
            "message": finding.message,
            "why": finding.why,
            "spis": plain(finding.spis),
            "evidence": [evidence_part(item) for item in finding.evidence],
            "actions": [plain(action) for action in finding.actions],
            "references": list(finding.references),
            "first_seen": plain(finding.first_seen),
            "last_seen": plain(finding.last_seen),
            "runs_seen": finding.runs_seen,
            "state": finding.state,
        }
    )


def _clean(value: dict[str, Any]) -> dict[str, Any]:
    """Every text of `value` rendered harmless."""
    return {key: _cleaned(item) for key, item in value.items()}


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, dict):
        return _clean(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return value
