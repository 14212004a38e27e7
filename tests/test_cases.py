"""Each folder of tests/cases through the whole line, snapshot to finding: the rule's verdict, all findings, the peers."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from builders import commands

from collector import facts, rules, snapshot
from collector.model import Policy, Verdict, plain

ROOT = Path(__file__).parent / "cases"
CASES = sorted(path.parent for path in ROOT.glob("SPI*/*/expected.yaml"))


def settled(case):
    """The settled facts of a case's routers, as `analyze` builds them."""
    folders = sorted(str(path.parent) for path in case.glob("*/snapshot.json"))
    return facts.settle([facts.build(one, Policy()) for one in snapshot.read_paths(folders)])


def name(case):
    return f"{case.parent.name}-{case.name}"


@pytest.mark.parametrize("case", CASES, ids=name)
def test_case(case):
    expected = yaml.safe_load((case / "expected.yaml").read_text(encoding="utf-8"))
    devices = settled(case)
    said = [item for device in devices for item in rules.judge(device)]
    found = [item for device in devices for item in rules.to_findings(device, rules.judge(device))]
    own = {item.verdict.value for item in said if item.rule == expected["rule"]}
    told = [(item.rule, item.verdict.value, item.message) for item in found]
    assert {item.rule: item.verdict.value for item in found} == expected["findings"], told
    if expected["verdict"] == "fail":
        assert "fail" in own
    elif expected["verdict"] == "pass":
        assert own <= {"pass", "not-applicable"}
        assert "pass" in own, [item.why for item in said if item.rule == expected["rule"]]
    else:
        assert "unknown" in own
        assert own.isdisjoint({"pass", "fail"}), [item.message for item in said if item.rule == expected["rule"]]
    peers = {str(peer.address): peer for device in devices for peer in device.peers or ()}
    for address, wanted in expected["peers"].items():
        assert peers[address].config_type == wanted["config_type"]
        assert peers[address].recovery == wanted["recovery"]
    for finding in found:
        assert all(item.text for item in finding.evidence)
        if finding.verdict is Verdict.UNKNOWN:
            assert finding.actions == ()


@pytest.mark.parametrize("rule", [card.id for card in rules.cards()])
def test_every_rule_has_fail_pass_and_unknown(rule):
    verdicts = {path.name.split("_")[0] for path in (ROOT / rule).iterdir()}
    assert verdicts == {"fail", "pass", "unknown"}
    assert (ROOT / rule).is_dir()


def test_both_ends_name_the_sender_and_the_time_it_heals():
    devices = settled(ROOT / "SPI001" / "fail_both_ends")
    (finding,) = [item for device in devices for item in rules.to_findings(device, rules.judge(device))]
    assert (finding.device, finding.far_device) == ("hub1", "branch9")
    assert {line.device for line in finding.evidence} == {"hub1", "branch9"}
    assert commands(finding, "sender")[:2] == [
        "show crypto ipsec sa peer 192.0.2.1",
        "clear crypto sa entry 192.0.2.1 esp 0x1DB73BBB",
    ]
    assert "confirmed at both ends" in finding.why


@pytest.mark.parametrize("case", CASES[::4], ids=name)
def test_two_runs_are_equal(case):
    first, second = settled(case), settled(case)
    assert plain([rules.judge(device) for device in first]) == plain([rules.judge(device) for device in second])
