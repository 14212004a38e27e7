"""Prometheus textfile (node_exporter's textfile collector): findings, covered, last success, drop counters.

Label values are bounded by the inventory: no SPI, no message, no source of a scan.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from collector.model import Report
from collector.sinks.document import covered, device_status
from collector.sinks.render import one_line


def write(report: Report, *, version: str) -> Iterator[str]:
    """The whole file, in text exposition format."""
    registry = CollectorRegistry()
    _run(report, registry, version)
    findings = Gauge(
        "spi_collector_findings", "Open findings.", ["device", "rule", "level", "verdict"], registry=registry
    )
    tally: Tally[tuple[str, str, str, str]] = Tally(
        (one_line(f.device), f.rule, f.level.value, f.verdict.value) for f in report.findings if f.state != "resolved"
    )
    for labels, count in sorted(tally.items()):
        findings.labels(*labels).set(count)
    read = Gauge("spi_collector_device_read", "1 complete, 0.5 partial, 0 failed.", ["device"], registry=registry)
    at = Gauge("spi_collector_device_collected_timestamp_seconds", "When it was read.", ["device"], registry=registry)
    drops = Gauge(
        "spi_collector_drop_packets",
        "Drop counters as the router shows them.",
        ["device", "counter"],
        registry=registry,
    )
    for facts in report.devices:
        name = one_line(facts.device.name)
        read.labels(name).set({"complete": 1.0, "partial": 0.5, "failed": 0.0}[device_status(facts)])
        if facts.collected_at is not None:
            at.labels(name).set(facts.collected_at.timestamp())
        for counter in facts.counters or ():
            drops.labels(name, one_line(counter.name)).set(counter.packets)
    yield generate_latest(registry).decode()


def _run(report: Report, registry: CollectorRegistry, version: str) -> None:
    info = Gauge("spi_collector_build_info", "Version.", ["version"], registry=registry)
    info.labels(version).set(1)
    finished = report.run.finished_at.timestamp()
    Gauge("spi_collector_last_run_timestamp_seconds", "When the last run ended.", registry=registry).set(finished)
    seconds = (report.run.finished_at - report.run.started_at).total_seconds()
    Gauge("spi_collector_run_seconds", "How long it took.", registry=registry).set(seconds)
    devices = Gauge("spi_collector_devices", "Devices by how much was read.", ["status"], registry=registry)
    counts = covered(report)["devices"]
    for status in ("complete", "partial", "failed"):
        devices.labels(status).set(counts[status])
    if counts["complete"] or counts["partial"]:
        Gauge("spi_collector_last_success_timestamp_seconds", "When a run last read a device.", registry=registry).set(
            finished
        )
