"""One JSON object a line: the run, then each device, then each finding; for imports and `jq`."""

from __future__ import annotations

import json
from collections.abc import Iterator

from collector.model import Report
from collector.sinks.document import device_part, finding_part, head


def write(report: Report, *, version: str) -> Iterator[str]:
    """Lines; each has `kind`: run, device or finding."""
    yield json.dumps({"kind": "run", **head(report, version=version)}) + "\n"
    for facts in report.devices:
        yield json.dumps({"kind": "device", **device_part(facts)}) + "\n"
    for finding in report.findings:
        yield json.dumps({"kind": "finding", **finding_part(finding)}) + "\n"
