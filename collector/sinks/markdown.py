"""The findings as Markdown, for a chat or a ticket: device text only inside escaped spans and fences."""

from __future__ import annotations

import re
from collections.abc import Iterator

from collector.model import Action, Finding, Report
from collector.sinks.document import covered
from collector.sinks.render import one_line

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~@$&])")


def escaped(text: str) -> str:
    """`text` on one line with everything that Markdown, GitHub or Jira could take for mark-up escaped."""
    return _SPECIAL.sub(r"\\\1", one_line(text))


def fenced(lines: tuple[str, ...]) -> str:
    """A code block, one line for each of `lines`, whose fence is longer than any run of backticks inside."""
    body = "\n".join(one_line(line) for line in lines)
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{body}\n{fence}\n"


def write(report: Report, *, version: str) -> Iterator[str]:
    """A heading, the covered, then each finding."""
    devices = covered(report)["devices"]
    yield f"# spi-collector {version}: {report.run.mode}\n\n"
    yield (
        f"{devices['total']} devices: {devices['complete']} complete, {devices['partial']} partial, "
        f"{devices['failed']} failed. {len(report.findings)} findings.\n"
    )
    for finding in report.findings:
        yield from _finding(finding)


def _finding(finding: Finding) -> Iterator[str]:
    peer = f" ← {escaped(str(finding.peer))}" if finding.peer else ""
    yield f"\n## {finding.level.value} {finding.rule}: {escaped(finding.device)}{peer}\n\n"
    yield f"{escaped(finding.title)} ({finding.verdict.value}, {finding.state}, id {finding.id})\n\n"
    yield f"{escaped(finding.message)}\n\nWhy: {escaped(finding.why)}\n\n"
    if finding.evidence:
        yield "Evidence:\n\n"
        yield fenced(tuple(f"{item.device} | {item.command} | {item.line}: {item.text}" for item in finding.evidence))
    for action in finding.actions:
        yield from _action(action)
    if finding.references:
        yield "\nReferences: " + ", ".join(escaped(item) for item in finding.references) + "\n"


def _action(action: Action) -> Iterator[str]:
    yield f"\nOn {escaped(action.on)} ({action.side}):\n\n"
    if action.commands:
        yield fenced(action.commands)
    if action.note:
        yield f"\n{escaped(action.note)}\n"
