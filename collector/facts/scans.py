"""Row 5 of DOMAIN 7.2: SPIs that scanners send, from sources that are no peers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from collector.facts.log_flows import Flow
from collector.facts.states import span_of
from collector.model import Address, Spi, Thresholds


def scans(flows: Sequence[Flow], limits: Thresholds) -> dict[object, str]:
    """Keys that look like a scan (row 5), by (source, SPI): only of unbound sources, with the configuration read.

    A sender that keeps one SPI over the time towards a destination that takes dynamic peers is a tunnel, no scan: a hub
    after a reload keeps no trace of its spokes.
    """
    unbound = [f for f in flows if f.source is not None and f.bound.peer is None and not f.bound.group]
    shared = _shared_spis(flows, limits)
    sources = {flow.source for flow in unbound if not (flow.bound.accepting and _keeps(flow, limits))}
    many = len(sources) >= limits.scan_sources
    found: dict[object, str] = {}
    for flow in unbound:
        for spi in flow.keys:
            if not isinstance(spi, Spi):
                continue
            if spi in shared:
                found[flow.source, spi] = (
                    f"SPI {spi} came from several sources within minutes, {flow.source} is no peer"
                )
            elif spi & 0xFFFF == 0:
                found[flow.source, spi] = (
                    f"the low half of SPI {spi} is zero, as scanners set it; {flow.source} is no peer"
                )
            elif many and flow.source in sources:
                found[flow.source, spi] = f"one of {len(sources)} sources that are no peers of this router"
    return found


def _shared_spis(flows: Sequence[Flow], limits: Thresholds) -> set[Spi]:
    seen: dict[Spi, list[tuple[timedelta, Address]]] = {}
    for flow in flows:
        for spi, lines in flow.keys.items():
            if isinstance(spi, Spi) and flow.source is not None:
                seen.setdefault(spi, []).extend((s.age, flow.source) for s in lines if s.age is not None)
    return {spi for spi, where in seen.items() if _spread_over(where, limits)}


def _spread_over(where: list[tuple[timedelta, Address]], limits: Thresholds) -> bool:
    """Whether enough different sources used one SPI within the window."""
    if len({source for _, source in where}) < limits.scan_same_spi_sources:
        return False
    ordered = sorted(where, key=lambda pair: pair[0])
    start, counts = 0, dict[Address, int]()
    for age, source in ordered:
        counts[source] = counts.get(source, 0) + 1
        while age - ordered[start][0] > limits.scan_same_spi_window:
            leaving = ordered[start][1]
            counts[leaving] -= 1
            if not counts[leaving]:
                del counts[leaving]
            start += 1
        if len(counts) >= limits.scan_same_spi_sources:
            return True
    return False


def _keeps(flow: Flow, limits: Thresholds) -> bool:
    for lines in flow.keys.values():
        span = span_of(lines)
        if len(lines) > 1 and span is not None and span >= limits.persistent_span:
            return True
    return False
