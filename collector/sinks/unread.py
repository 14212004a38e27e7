"""Devices of which nothing was read, told together where many fail alike: a site that is down, a password that expired.

One cause is one paragraph, however many routers it takes away; a person who is woken up has to find the others' trouble.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from collector.model import Facts, Failure, Finding
from collector.sinks.render import one_line

ALIKE = 4  # so many fail alike before they are told together
NAMED = 40  # devices named in a paragraph
BLIND = "SPI015"  # the rule that says of each of them that nothing was seen


@dataclass(frozen=True, slots=True)
class Group:
    """Devices that failed with one code. first: the failure of the first of them; messages: two at most."""

    code: str
    phase: str
    first: Failure
    names: list[str] = field(default_factory=list)
    messages: set[str] = field(default_factory=set)

    def heading(self) -> str:
        """How many, and the code."""
        return f"{len(self.names)} devices were not read: {self.code} {self.phase}"

    def lines(self) -> Iterator[str]:
        """What happened and what to do, then who they are."""
        example = "" if len(self.messages) == 1 else f"{one_line(self.names[0])}: "
        yield one_line(f"{example}{self.first.message} - {self.first.hint}")
        named = ", ".join(one_line(name) for name in self.names[:NAMED])
        more = len(self.names) - NAMED
        yield named + (f" and {more} more: --format json names all" if more > 0 else "")


class Unread:
    """Collects the devices that failed alike as they pass by."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str], Group] = {}

    def take(self, facts: Facts, status: str) -> None:
        """One device; only one of which nothing was read, with one failure that says why."""
        if status != "failed" or len(facts.failures) != 1:
            return
        (failure,) = facts.failures
        key = (failure.code.value, failure.phase)
        group = self._groups.setdefault(key, Group(*key, failure))
        group.names.append(facts.device.name)
        if len(group.messages) < 2:
            group.messages.add(failure.message)

    def groups(self) -> Sequence[Group]:
        """Those with many devices."""
        return [group for group in self._groups.values() if len(group.names) >= ALIKE]

    def of_device(self) -> Mapping[str, Group]:
        """Device -> its group, where it has one."""
        return {name: group for group in self.groups() for name in group.names}


def folded(findings: Sequence[Finding], groups: Mapping[str, Group]) -> Iterator[Finding | tuple[Finding, int, Group]]:
    """The findings in their order; in the place of the first blind spot of each group and state, it and how many there are."""
    counts: dict[tuple[str, str, int], int] = {}
    for finding in findings:
        if _folds(finding, groups):
            counts[_key(finding, groups)] = counts.get(_key(finding, groups), 0) + 1
    for finding in findings:
        if not _folds(finding, groups):
            yield finding
        elif (many := counts.pop(_key(finding, groups), 0)) > 0:
            yield finding if many == 1 else (finding, many, groups[finding.device])


def _folds(finding: Finding, groups: Mapping[str, Group]) -> bool:
    return finding.rule == BLIND and finding.state != "resolved" and finding.device in groups


def _key(finding: Finding, groups: Mapping[str, Group]) -> tuple[str, str, int]:
    return finding.level.value, finding.state, id(groups[finding.device])
