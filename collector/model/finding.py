"""Judgement and Finding: what a rule says, and what of it is worth a person's time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from collector.model.facts import Evidence, Facts
from collector.model.policy import Level
from collector.model.values import Address, Spi


class Verdict(StrEnum):
    """What one rule says of one subject."""

    FAIL = "fail"
    PASS = "pass"  # noqa: S105 - a verdict, no password
    NOT_APPLICABLE = "not-applicable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What to type, on which router. `commands` can be pasted whole; what is stronger or undoes it stands in `note`."""

    on: str
    side: Literal["receiver", "sender"]
    commands: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule's card. needs: names of Facts fields that must not be `None`.

    family: rules that may open the one finding of a tunnel share it, so that the finding keeps its id when the
    verdict moves from one of them to another. "": the rule stands alone.
    """

    id: str  # "SPI001"
    name: str  # "enable-recovery"
    title: str
    level: Level
    needs: tuple[str, ...]
    references: tuple[str, ...]
    opt_in: bool = False
    family: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelEnds:
    """The outer ends of one tunnel, as the router of a finding has them and, where a join told, as its far end does.

    local, remote, vrf: of the router itself. far_device, far_local, far_remote, far_vrf: the other router, its own
    address, this router as that one sees it (NAT may stand between), its VRF of the outer packets. vrf `None`: global,
    or not known.
    """

    local: Address | None
    remote: Address | None
    vrf: str | None = None
    far_device: str | None = None
    far_local: Address | None = None
    far_remote: Address | None = None
    far_vrf: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What one rule says of one subject. The engine stamps rule, level (unless the rule says so) and device.

    subject: the tunnel and direction the judgement is about, without SPI, counter or time: it makes the fingerprint.
    level: only where the rule departs from its card. missing: the fact that was not there (verdict unknown).
    event: an incident stands behind it; an `unknown` is worth a person's time only then, and an opt-in rule may
    speak unasked. far_device: the other router of the tunnel, where it is known. ends: what tells two tunnels between
    the same two routers apart.
    """

    verdict: Verdict
    subject: tuple[str, ...]
    message: str
    why: str
    evidence: tuple[Evidence, ...]
    peer: Address | None = None
    title: str = ""
    actions: tuple[Action, ...] = ()
    references: tuple[str, ...] = ()
    level: Level | None = None
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    spis: tuple[Spi, ...] = ()
    missing: str = ""
    event: bool = False
    far_device: str | None = None
    ends: TunnelEnds | None = None
    rule: str = ""  # stamped by the engine
    device: str = ""  # stamped by the engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A judgement worth a person's time, with a stable id (16 hex digits)."""

    id: str
    rule: str
    level: Level
    verdict: Verdict
    device: str
    peer: Address | None
    title: str
    message: str
    why: str
    evidence: tuple[Evidence, ...]
    actions: tuple[Action, ...]
    references: tuple[str, ...]
    first_seen: datetime | None
    last_seen: datetime | None
    runs_seen: int = 1
    state: Literal["new", "ongoing", "reopened", "resolved"] = "new"
    far_device: str | None = None  # the other router of the tunnel, where it is known
    spis: tuple[Spi, ...] = ()
    ends: TunnelEnds | None = None  # of the tunnel, where the finding is about one


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the tool."""

    id: str
    mode: Literal["sweep", "audit", "analyze", "demo"]
    started_at: datetime
    finished_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that a run has to say: the JSON document as nouns.

    devices: by name, perhaps read from disk one by one: iterate, do not hold. counted: how much of what was asked came
    back (`coverage` of the document), where that was counted when the devices passed by.
    """

    run: Run
    devices: Sequence[Facts]
    findings: tuple[Finding, ...]
    muted: tuple[Finding, ...] = ()
    counted: Mapping[str, Mapping[str, int]] | None = None
