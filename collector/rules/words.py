"""Small pieces of text and evidence that rules share."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from collector.model import ConfigLine, ConfigType, Evidence, Facts, Incident, Peer, Spi, State

_PROSE = re.compile(r"[a-z]+[,:;]?")
_TYPES = frozenset(kind.value for kind in ConfigType)
LINES_SHOWN = 12  # of one flow's log lines: the first and the last half


def evidence_of(facts: Facts, lines: Iterable[ConfigLine]) -> tuple[Evidence, ...]:
    """Configuration lines as evidence of this device."""
    return tuple(
        Evidence(
            device=facts.device.name,
            command=line.command or "show running-config",
            line=line.line,
            text=line.text,
            taken_at=facts.collected_at,
        )
        for line in lines
    )


def unique(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Each line once, in the order given."""
    return tuple(dict.fromkeys(evidence))


def shortened(evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """The first and the last lines of a long list; the message tells how many there are."""
    if len(evidence) <= LINES_SHOWN:
        return tuple(evidence)
    half = LINES_SHOWN // 2
    return (*evidence[:half], *evidence[-half:])


def incident_evidence(incident: Incident) -> tuple[Evidence, ...]:
    """The log lines of a flow, else those that stand behind its state."""
    sightings = [sighting.evidence for key in incident.keys for sighting in key.sightings]
    return shortened(unique(sorted(sightings, key=lambda item: (item.command, item.line)) or incident.evidence))


def flow_text(incident: Incident) -> str:
    """As in 203.0.113.9 -> 192.0.2.1, in the router's own words where an address is masked."""
    source = incident.source or incident.source_text or "unknown"
    destination = incident.destination or incident.destination_text or "unknown"
    return f"{source} -> {destination}"


def twins(facts: Facts) -> frozenset[str]:
    """The flows that stand in several VRFs with the same addresses."""
    vrfs: dict[str, set[str]] = defaultdict(set)
    for incident in facts.incidents or ():
        vrfs[flow_text(incident)].add(incident.vrf or "")
    return frozenset(flow for flow, found in vrfs.items() if len(found) > 1)


def flow_subject(incident: Incident, doubled: frozenset[str]) -> tuple[str, ...]:
    """The tunnel and direction as a fingerprint sees it: no SPI, no counter, no time.

    The VRF joins in only where two flows of this router differ in nothing else (`doubled`, of `twins`): it comes from
    the configuration, and a run that could not read that must not make a second finding of the same tunnel.
    """
    ends = flow_text(incident)
    source = incident.peer.source if incident.peer else None
    if source is not None and source.group:
        return ("flow", source.group, ends)
    return ("flow", ends, incident.vrf or "") if ends in doubled else ("flow", ends)


def standing(incident: Incident) -> Incident:
    """The flow with its persistent SPIs alone: a rekey race of the same tunnel is not part of the black hole."""
    keys = tuple(key for key in incident.keys if key.state is State.PERSISTENT)
    times = [line.at for key in keys for line in key.sightings if line.at is not None]
    if not keys or len(keys) == len(incident.keys):
        return incident
    return replace(
        incident,
        keys=keys,
        messages=sum(len(key.sightings) for key in keys),
        first_seen=min(times, default=None),
        last_seen=max(times, default=None),
    )


def spis_of(incident: Incident) -> tuple[Spi, ...]:
    """The SPIs of a flow, each once, ascending."""
    return tuple(sorted({key.spi for key in incident.keys if key.spi is not None}))


def spi_text(incident: Incident) -> str:
    """The SPIs by number, the first four of many."""
    spis = spis_of(incident)
    if not spis:
        return "an SPI that was not printed"
    shown = ", ".join(str(spi) for spi in spis[:4]) + (f" and {len(spis) - 4} more" if len(spis) > 4 else "")
    return f"SPI{'s' if len(spis) > 1 else ''} {shown}"


def listed(names: Iterable[str], limit: int = 5) -> str:
    """As in "a, b, c and 4 more"; each name once."""
    ordered = list(dict.fromkeys(names))
    rest = len(ordered) - limit
    return ", ".join(ordered[:limit]) + (f" and {rest} more" if rest > 0 else "")


def sentences(*parts: str) -> str:
    """The parts as sentences: a capital first (names stand as they are), one full stop last; empty parts left out."""
    told = [part.strip().rstrip(".") for part in parts]
    return " ".join(_capital(text) + ("" if text.endswith("?") else ".") for text in told if text)


def _capital(text: str) -> str:
    """A capital first where the text begins with a word; a device, an interface or a type keeps its own spelling."""
    first = text.split(maxsplit=1)[0]
    prose = _PROSE.fullmatch(first) is not None and first.rstrip(",:;") not in _TYPES
    return text[0].upper() + text[1:] if prose else text


def moment(at: datetime | None) -> str:
    """A time as text, to the second."""
    return at.isoformat(sep=" ", timespec="seconds") if at else "an unknown time"


def lasting(span: timedelta | None) -> str:
    """As in "1 h 5 min" or "42 s"."""
    if span is None:
        return "an unknown time"
    seconds = int(span.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def peer_text(peer: Peer) -> str:
    """The peer by address, name or group."""
    group = peer.source.group if peer.source else None
    return str(peer.address or peer.name or group or peer.binding)


def lines_text(incident: Incident) -> str:
    """How often it was logged: lines are a lower bound, never a packet count."""
    count = incident.messages
    times = f" between {moment(incident.first_seen)} and {moment(incident.last_seen)}" if incident.first_seen else ""
    return f"{count} log line{'' if count == 1 else 's'}{times} (lines, not packets: the log is rate-limited)"
