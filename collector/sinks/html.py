"""One self-contained page: findings first, each with proof and what to type; no script, nothing fetched."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from collector.model import Report
from collector.sinks.document import device_part, finding_part, head


def write(report: Report, *, version: str) -> Iterator[str]:
    """The page in pieces. Every text is escaped by Jinja2's autoescape, after `render.safe`."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(
        (files("collector.sinks") / "bodies" / "report.html.j2").read_text(encoding="utf-8")
    )
    yield from template.generate(
        head=head(report, version=version),
        findings=[finding_part(finding) for finding in report.findings],
        muted=len(report.muted),
        devices=(device_part(facts) for facts in report.devices),
    )
