"""Findings and snapshots to and from JSON text, for the ledger."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from collector.errors import ErrorCode
from collector.model import (
    Action,
    Capture,
    Device,
    Evidence,
    Failure,
    Finding,
    Level,
    Snapshot,
    TunnelEnds,
    Verdict,
    plain,
    to_address,
    to_spi,
)


def finding_text(finding: Finding) -> str:
    """Finding -> JSON text."""
    return json.dumps(plain(finding))


def small(text: str) -> bytes:
    """A text as the ledger keeps it: a finding's words shrink to a fifth, and every run writes those of all that is open."""
    return zlib.compress(text.encode(), 1)


def whole(kept: str | bytes) -> str:
    """The reverse of `small`; what an earlier version kept as text is text."""
    return kept if isinstance(kept, str) else zlib.decompress(kept).decode()


def finding_of(text: str, *, brief: bool = False) -> Finding:
    """The reverse of `finding_text`; keys of later versions are passed over. brief: without evidence and actions."""
    raw: dict[str, Any] = json.loads(text)
    if brief:
        raw |= {"evidence": (), "actions": ()}
    return Finding(
        id=raw["id"],
        rule=raw["rule"],
        level=Level(raw["level"]),
        verdict=Verdict(raw["verdict"]),
        device=raw["device"],
        peer=to_address(raw["peer"]),
        title=raw["title"],
        message=raw["message"],
        why=raw["why"],
        evidence=tuple(
            Evidence(
                device=item["device"],
                command=item["command"],
                line=item["line"],
                text=item["text"],
                taken_at=time_of(item["taken_at"]),
            )
            for item in raw["evidence"]
        ),
        actions=tuple(
            Action(on=item["on"], side=item["side"], commands=tuple(item["commands"]), note=item["note"])
            for item in raw["actions"]
        ),
        references=tuple(raw["references"]),
        first_seen=time_of(raw["first_seen"]),
        last_seen=time_of(raw["last_seen"]),
        runs_seen=raw["runs_seen"],
        state=raw["state"],
        far_device=raw.get("far_device"),
        spis=tuple(spi for spi in map(to_spi, raw.get("spis", ())) if spi is not None),
        ends=_ends_of(raw.get("ends")),
    )


def _ends_of(raw: dict[str, Any] | None) -> TunnelEnds | None:
    if raw is None:
        return None
    return TunnelEnds(
        local=to_address(raw["local"]),
        remote=to_address(raw["remote"]),
        vrf=raw["vrf"],
        far_device=raw["far_device"],
        far_local=to_address(raw["far_local"]),
        far_remote=to_address(raw["far_remote"]),
        far_vrf=raw["far_vrf"],
    )


def time_of(text: str | None) -> datetime | None:
    """ISO 8601 -> aware datetime."""
    return datetime.fromisoformat(text) if text else None


def utc_text(time: datetime) -> str:
    """Aware datetime -> ISO 8601 in UTC: texts that sort as times do."""
    return (time - (time.utcoffset() or timedelta())).replace(tzinfo=None).isoformat() + "+00:00"


def snapshot_blob(snapshot: Snapshot) -> bytes:
    """Snapshot -> compressed JSON. References to secrets stay behind: they are the inventory's."""
    device = snapshot.device
    raw = {
        "device": {
            "name": device.name,
            "host": device.host,
            "platform": device.platform,
            "port": device.port,
            "groups": list(device.groups),
            "data": plain(dict(device.data)),
        },
        "hostname": snapshot.hostname,
        "origin": snapshot.origin,
        "started_at": plain(snapshot.started_at),
        "finished_at": plain(snapshot.finished_at),
        "failures": [_failure_text(failure) for failure in snapshot.failures],
        "captures": [
            {
                "command": capture.command,
                "text": "\n".join(_masked(capture)),
                "taken_at": plain(capture.taken_at),
                "complete": capture.complete,
                "note": capture.note,
                "failure": _failure_text(capture.failure) if capture.failure else None,
                "source": capture.source,
                "first_line": capture.first_line,
            }
            for capture in snapshot.captures
        ],
    }
    return zlib.compress(json.dumps(raw).encode(), 6)


def _masked(capture: Capture) -> Iterator[str]:
    """The lines; of a text that is streamed from its file the keys were not masked at the door."""
    if capture.path is None:
        return capture.lines()
    from collector.parse import redact_lines  # noqa: PLC0415 - the templates' library, which `findings` need not load

    return redact_lines(capture.lines())


def snapshot_of(blob: bytes) -> Snapshot:
    """The reverse of `snapshot_blob`."""
    raw = json.loads(zlib.decompress(blob))
    device = raw["device"]
    return Snapshot(
        device=Device(**{**device, "groups": tuple(device["groups"])}),
        captures=tuple(
            Capture(
                command=item["command"],
                text=item["text"],
                taken_at=time_of(item["taken_at"]),
                complete=item["complete"],
                note=item["note"],
                failure=_failure_of(item["failure"]) if item["failure"] else None,
                source=item["source"],
                first_line=item["first_line"],
            )
            for item in raw["captures"]
        ),
        failures=tuple(_failure_of(item) for item in raw["failures"]),
        hostname=raw["hostname"],
        started_at=time_of(raw["started_at"]),
        finished_at=time_of(raw["finished_at"]),
        origin=raw["origin"],
    )


def _failure_text(failure: Failure) -> dict[str, Any]:
    return {
        "code": failure.code.value,
        "phase": failure.phase,
        "message": failure.message,
        "command": failure.command,
        "hint": failure.hint,
    }


def _failure_of(raw: dict[str, Any]) -> Failure:
    return Failure(**{**raw, "code": ErrorCode(raw["code"])})
