"""One line a finding, for spreadsheets and imports. Cells that a spreadsheet would run are defused (CWE-1236)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO

from collector.model import Finding, Report, plain
from collector.sinks.render import one_line

COLUMNS = (
    "id",
    "rule",
    "level",
    "verdict",
    "state",
    "device",
    "peer",
    "title",
    "message",
    "why",
    "spis",
    "first_seen",
    "last_seen",
    "runs_seen",
    "type_on",
    "type_what",
    "evidence",
)


FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # and their full-width forms
CONTROLS = ("\t", "\r", "\n", "\0")


def cell(text: str) -> str:
    """`text` on one line, with a `'` before what a spreadsheet would take for a formula."""
    clean = one_line(text)
    return f"'{clean}" if text.startswith(CONTROLS) or clean.lstrip().startswith(FORMULA) else clean


def write(report: Report, *, version: str) -> Iterator[str]:  # noqa: ARG001 - every sink is called alike
    """RFC 4180 lines with a heading."""
    yield _line(COLUMNS)
    for finding in report.findings:
        yield _line(row(finding))


def row(finding: Finding) -> tuple[str, ...]:
    """The cells of one finding, in the order of COLUMNS."""
    cells = (
        finding.id,
        finding.rule,
        finding.level.value,
        finding.verdict.value,
        finding.state,
        finding.device,
        str(plain(finding.peer) or ""),
        finding.title,
        finding.message,
        finding.why,
        " ".join(str(spi) for spi in finding.spis),
        str(plain(finding.first_seen) or ""),
        str(plain(finding.last_seen) or ""),
        str(finding.runs_seen),
        "; ".join(action.on for action in finding.actions),
        "; ".join(f"{action.on}: {' / '.join(action.commands)}" for action in finding.actions),
        " | ".join(evidence.text for evidence in finding.evidence),
    )
    return tuple(cell(text) for text in cells)


def _line(cells: tuple[str, ...]) -> str:
    out = StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()
