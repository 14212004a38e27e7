"""The whole report as one JSON document, keys in a fixed order, ASCII only."""

from __future__ import annotations

import json
from collections.abc import Iterator

from collector.model import Report
from collector.sinks.document import device_part, finding_part, head


def write(report: Report, *, version: str) -> Iterator[str]:
    """Pieces of the document: one device at a time, so that memory does not grow with the fleet."""
    opening = json.dumps(head(report, version=version), indent=1)
    yield opening.removesuffix("\n}")
    yield ',\n "devices": ['
    for number, facts in enumerate(report.devices):
        yield (",\n" if number else "\n") + json.dumps(device_part(facts))
    yield '\n ],\n "findings": ['
    for number, finding in enumerate(report.findings):
        yield (",\n" if number else "\n") + json.dumps(finding_part(finding), indent=1)
    yield "\n ]\n}\n"
