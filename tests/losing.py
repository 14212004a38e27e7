"""What a set of captures earns, and what a loss may never add to it: the property behind "lost data earns nothing"."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from collector import facts, rules
from collector.model import Facts, Incident, Policy, Recovery, Snapshot, State, Verdict
from collector.rules.persistent import Decision, decide

# Commands that change a router, by the block of DOMAIN 8 that types them; `show` and `debug` only look.
CHANGES = {
    "CLEAR": ("clear ",),
    "RECOVER": ("crypto isakmp invalid-spi-recovery",),
    "DPD": ("crypto isakmp keepalive", "dpd 10", "crypto ikev2 dpd"),
    "SHARE": ("tunnel protection",),
}
HARMLESS = frozenset({State.TRANSIENT, State.RESOLVED, State.HEALED, State.RECURRING_REKEY})
TROUBLE = frozenset({State.PERSISTENT, State.PENDING})

# What no reader can miss, as nothing around it tells that it was ever there.
#
# A statement of a running-config: without it the text is another configuration that somebody could have written. The
# router counts neither statements nor lines; its `Current configuration : N bytes` is of another spelling than it shows.
STATEMENT = re.compile(r"(?!end$|version |Building |Current )[a-z ]", re.IGNORECASE)
# A row of a table that prints no count, nor any other line that belongs to the row.
ROW = re.compile(
    r"\d{1,3}(?:\.\d{1,3}){3} +\d{1,3}(?:\.\d{1,3}){3} +[A-Z_]+ +\d+ "  # show crypto isakmp sa
    r"| +\d+ +I[NP]\w+ +\d+$"  # a counter of the QFP: rows that are zero may be left out
)
Flow = tuple[str, str, str]  # device, source and destination as they were printed


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the captures of some routers together say.

    acts: (device, block, peer) of every command that changes something. verdicts: of each (device, rule). states: of
    the flows of these addresses. decisions: rows of the cascade, of the persistent ones. yes: peers that the command
    helps.
    """

    acts: frozenset[tuple[str, str, str]]
    verdicts: dict[tuple[str, str], frozenset[Verdict]]
    states: dict[Flow, frozenset[State]]
    decisions: dict[Flow, tuple[Decision, ...]]
    yes: frozenset[tuple[str, str]]


def told(snapshots: Iterable[Snapshot]) -> Told:
    """All of it, from captures to findings."""
    return told_of(*facts.settle([facts.build(one, Policy()) for one in snapshots]))


def told_of(*devices: Facts) -> Told:
    """What the rules say of settled facts."""
    acts: set[tuple[str, str, str]] = set()
    verdicts: dict[tuple[str, str], set[Verdict]] = defaultdict(set)
    states: dict[Flow, set[State]] = defaultdict(set)
    decisions: dict[Flow, list[Decision]] = defaultdict(list)
    for device in devices:
        judgements = rules.judge(device)
        for judgement in judgements:
            verdicts[judgement.device, judgement.rule].add(judgement.verdict)
        acts |= set(_acts(device, judgements))
        for incident in device.incidents or ():
            states[_flow(device, incident)].add(incident.state)
            if incident.state is State.PERSISTENT:
                decisions[_flow(device, incident)].append(decide(device, incident))
    return Told(
        acts=frozenset(acts),
        verdicts={key: frozenset(found) for key, found in verdicts.items()},
        states={key: frozenset(found) for key, found in states.items()},
        decisions={key: tuple(found) for key, found in decisions.items()},
        yes=frozenset(
            (device.device.name, str(peer.address))
            for device in devices
            for peer in device.peers or ()
            if peer.recovery is Recovery.YES
        ),
    )


def _acts(device: Facts, judgements: tuple[rules.engine.Judgement, ...]) -> Iterator[tuple[str, str, str]]:
    for finding in rules.to_findings(device, judgements):
        for action in finding.actions:
            for line in action.commands:
                for block, starts in CHANGES.items():
                    if line.startswith(starts):
                        yield finding.device, block, str(finding.peer or "")


def _flow(device: Facts, incident: Incident) -> Flow:
    source = str(incident.source or incident.source_text)
    return device.device.name, source, str(incident.destination or incident.destination_text)


def gains(before: Told, after: Told) -> Iterator[str]:
    """What stands in `after` and could not be said `before` some of the data was lost; nothing where all is well."""
    for device, block, peer in sorted(after.acts - before.acts):
        same = {one[2] for one in before.acts if one[:2] == (device, block)}
        if "" not in same and not (same and not peer):  # one line for several peers (""), more or fewer of them
            yield f"an action was gained: {(device, block, peer)}"
    for peer in sorted(after.yes - before.yes):
        yield f"a plain yes was gained: {peer}"
    yield from _verdicts(before, after)
    yield from _states(before, after)
    for flow, decisions in after.decisions.items():
        said = {(one.rule, one.verdict) for one in before.decisions.get(flow, ())}
        for one in decisions:
            if one.verdict is Verdict.UNKNOWN and not one.missing:
                yield f"{flow}: unknown, and nobody says for want of what ({one.reason})"
            if one.verdict is Verdict.FAIL and (one.rule, one.verdict) not in said and not one.doubts:
                yield f"{flow}: {one.rule} fails now: {one.reason}"


def _verdicts(before: Told, after: Told) -> Iterator[str]:
    for (device, rule), verdicts in after.verdicts.items():
        known = before.verdicts.get((device, rule), frozenset())
        if verdicts == {Verdict.PASS} and known & {Verdict.FAIL, Verdict.UNKNOWN}:
            yield f"{rule} of {device} passes now"
        if rule == "SPI006" and Verdict.FAIL in verdicts - known:
            yield f"SPI006 of {device} says now that no tunnel is down"


def _states(before: Told, after: Told) -> Iterator[str]:
    for flow, states in after.states.items():
        known = before.states.get(flow, frozenset())
        if states & HARMLESS and known & TROUBLE and not known & HARMLESS:
            yield f"{flow}: {sorted(known)} became {sorted(states)}"
