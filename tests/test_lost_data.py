"""Losing data never gains: no action, no `pass`, no plain yes, whatever capture or line of a case is taken away."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from test_cases import CASES, name

from collector import facts, rules, snapshot
from collector.errors import ErrorCode
from collector.model import Failure, Policy, Recovery, Verdict

WORDS = {
    "CLEAR": ("clear crypto",),
    "RECOVER": ("crypto isakmp invalid-spi-recovery",),
    "DPD": ("crypto isakmp keepalive", "dpd 10", "crypto ikev2 dpd"),
    "DEBUG": ("debug ",),
    "EEM": ("event manager",),
    "SHARE": ("tunnel protection",),
}
DENIED = Failure(code=ErrorCode.CMD_DENIED, phase="command", message="Command authorization failed.")
INVALID = Failure(code=ErrorCode.CMD_INVALID, phase="command", message="% Invalid input detected at '^' marker.")


def judged(snapshots):
    """(actions that change something, rule -> verdicts, peers with a plain yes) of the devices together."""
    devices = facts.settle([facts.build(one, Policy()) for one in snapshots])
    said = [item for device in devices for item in rules.judge(device)]
    found = [item for device in devices for item in rules.to_findings(device, rules.judge(device))]
    actions = {
        (finding.id, block, action.side)
        for finding in found
        for action in finding.actions
        for line in action.commands
        for block, starts in WORDS.items()
        if line.startswith(starts)
    }
    verdicts = {card.id: {item.verdict for item in said if item.rule == card.id} for card in rules.cards()}
    yes = {
        (device.device.name, peer.address)
        for device in devices
        for peer in device.peers or ()
        if peer.recovery is Recovery.YES
    }
    return actions, verdicts, yes


@cache
def whole(case):
    snapshots = tuple(snapshot.read_paths(sorted(str(path.parent) for path in case.glob("*/snapshot.json"))))
    return snapshots, judged(snapshots)


# Whether this router itself holds the SPI is the first row of the cascade: without `show crypto ipsec sa` the later rows
# decide, as the table has it, and they advise more than "open a TAC case".
HELD_HERE = {"SPI009-fail_installed_0xff", "SPI010-fail_installed"}


def without(capture):
    """The capture taken away in each of the ways in which a router may not answer."""
    text = capture.text
    yield "gone", None
    yield "denied", replace(capture, text="Command authorization failed.\n\n", failure=DENIED)
    yield "invalid", replace(capture, text="      ^\n% Invalid input detected at '^' marker.\n\n", failure=INVALID)
    yield "cut", replace(capture, text=text[: len(text) // 2], complete=False, note="lost")


def losses(snapshots, ways=without):
    for number, one in enumerate(snapshots):
        for place, capture in enumerate(one.captures):
            for way, left in ways(capture):
                captures = (*one.captures[:place], *((left,) if left else ()), *one.captures[place + 1 :])
                rest = (*snapshots[:number], replace(one, captures=captures), *snapshots[number + 1 :])
                yield f"{one.device.name}: {capture.command} {way}", rest


def assert_nothing_gained(case, ways=without):
    snapshots, (actions, verdicts, yes) = whole(case)
    for label, rest in losses(snapshots, ways):
        less_actions, less_verdicts, less_yes = judged(rest)
        if name(case) in HELD_HERE and "show crypto ipsec sa" in label:
            continue
        assert less_actions <= actions, (label, less_actions - actions)
        assert less_yes <= yes, (label, less_yes - yes)
        for rule, before in verdicts.items():
            gained = less_verdicts[rule] == {Verdict.PASS} and before & {Verdict.FAIL, Verdict.UNKNOWN}
            assert not gained, (label, rule, before)


def one_way(capture):
    """One of the four ways, chosen by the command: the quick test; all four run in the soak."""
    ways = list(without(capture))
    yield ways[len(capture.command) % len(ways)]


@pytest.mark.parametrize("case", CASES, ids=name)
def test_a_lost_capture_gains_nothing(case):
    assert_nothing_gained(case, one_way)


@pytest.mark.soak
@pytest.mark.parametrize("case", CASES, ids=name)
def test_a_capture_lost_in_any_way_gains_nothing(case):
    assert_nothing_gained(case)


def cut_after_each_line(capture):
    """The answer breaks off: its end was not seen. (A line lost from the middle, unseen, is another router's answer.)"""
    lines = capture.text.splitlines(keepends=True)
    for number in range(len(lines)):
        text = "".join(lines[:number])
        yield f"cut after {number} lines", replace(capture, text=text, complete=False, note="the connection was lost")


@pytest.mark.soak
@pytest.mark.parametrize("case", CASES, ids=name)
def test_an_answer_that_breaks_off_gains_nothing(case):
    assert_nothing_gained(case, cut_after_each_line)
