"""Engine, policy, mutes, site rules, pages, decision paths; and what must hold whatever the facts are."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import fields, replace
from datetime import date, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path

import pytest
from builders import (
    FAR,
    NOW,
    SPI,
    blind,
    commands,
    counter,
    counter_only,
    facts,
    fired,
    found,
    incident,
    join,
    mute,
    only,
    peer,
    policy,
    proof,
    related,
    verdicts,
)
from cost import linear
from hypothesis import given, settings
from hypothesis import strategies as st
from test_rules_cascade import TABLE

from collector import rules
from collector.errors import UsageError
from collector.model import (
    ConfigType,
    Facts,
    Judgement,
    Level,
    Outcome,
    Recovery,
    Rule,
    Software,
    State,
    Verdict,
    plain,
)
from collector.rules import engine, module, site
from collector.rules.pages import files
from collector.rules.persistent import ROWS, YES_TYPES
from collector.rules.sight import FACT

ROOT = Path(__file__).parent.parent
IDS = [card.id for card in rules.cards()]


# The house


def test_fifteen_rules_each_of_the_same_shape():
    assert [f"SPI{n:03}" for n in range(1, 16)] == IDS
    for one in rules.CATALOGUE:
        module.check(one, one.RULE.id)
        assert one.__name__.endswith(f"{one.RULE.id.lower()}_{one.RULE.name.replace('-', '_')}")
        assert one.RULE.references
        assert (one.__doc__ or "").splitlines()[0].endswith((".", "is off."))
        assert all(need in FACT for need in one.RULE.needs)


def test_every_rule_file_is_in_the_catalogue():
    stems = {file.stem for file in (Path(rules.__file__).parent).glob("spi[0-9]*.py")}
    assert stems == {one.__name__.rsplit(".", 1)[1] for one in rules.CATALOGUE}


def test_the_pages_are_current():
    folder = ROOT / "docs" / "rules"
    if not folder.is_dir():
        pytest.skip("the wheel carries no docs")
    for name, text in files(rules.CATALOGUE):
        assert (folder / name).read_text(encoding="utf-8") == text, f"{name} is stale: make docs"
    assert {file.name for file in folder.iterdir()} == {name for name, _ in files(rules.CATALOGUE)}


def test_a_page_by_id_or_name():
    assert rules.page("SPI004") == rules.page("spi004") == rules.page("black-hole-with-ike-sa")
    for section in module.SECTIONS:
        assert f"## {section}" in rules.page("SPI004")
    with pytest.raises(UsageError, match="no rule"):
        rules.page("SPI099")


def test_rules_import_nothing_that_asks_the_clock_or_the_network():
    code = (
        "import sys, collector.rules; print([m for m in ('netmiko', 'textfsm', 'yaml', 'sqlite3') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# The engine


class Site:
    """A site rule for the tests: judgements as given."""

    __doc__ = "\n".join(f"## {section}\n" for section in module.SECTIONS)

    def __init__(self, *judgements, needs=(), level=Level.ERROR, opt_in=False):
        self.RULE = Rule(id="ACME1", name="acme", title="t", level=level, needs=needs, references=("r",), opt_in=opt_in)
        self.judgements = judgements

    def judge(self, _):
        yield from self.judgements


def judgement(**changes):
    base = Judgement(verdict=Verdict.FAIL, subject=("x",), message="m", why="w", evidence=(proof("line"),))
    return replace(base, **changes)


def through(*judgements, device=None, **site_changes):
    device = device or facts()
    one = Site(*judgements, **site_changes)
    said = engine.run(device, (one,))
    return said, engine.findings(device, said, (one.RULE,))


def test_the_engine_stamps_rule_device_level_title_and_references():
    (said,), (finding,) = through(judgement())
    assert (said.rule, said.device, said.level, said.title, said.references) == (
        "ACME1",
        "hub1",
        Level.ERROR,
        "t",
        ("r",),
    )
    assert (finding.rule, finding.device, finding.level) == ("ACME1", "hub1", Level.ERROR)


def test_the_engine_refuses_a_fail_without_evidence():
    with pytest.raises(UsageError, match=r"ACME1.*without evidence"):
        through(judgement(evidence=()))


@pytest.mark.parametrize("card", rules.cards(), ids=IDS)
def test_a_need_that_is_none_is_unknown_and_names_the_fact(card):
    for need in card.needs:
        device = replace(facts(incident(peer())), **{need: None})
        (said,) = [item for item in rules.judge(device) if item.rule == card.id]
        assert said.verdict is Verdict.UNKNOWN
        assert said.missing == need
        assert need in said.message


def test_an_unknown_is_at_most_a_warning_and_carries_no_action():
    unknown = judgement(verdict=Verdict.UNKNOWN, event=True, actions=only(facts(incident(peer())), "SPI001").actions)
    (said,), (finding,) = through(unknown)
    assert said.level is finding.level is Level.WARNING
    assert said.actions == finding.actions == ()
    loud = facts(policy=policy(levels={"ACME1": "error"}))
    assert through(unknown, device=loud)[1][0].level is Level.WARNING
    assert through(replace(unknown, level=Level.NOTE))[1][0].level is Level.NOTE


def test_pass_not_applicable_and_unknown_without_an_event_are_no_findings():
    for verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE, Verdict.UNKNOWN):
        assert through(judgement(verdict=verdict))[1] == ()


def test_levels_by_policy():
    for wanted, level in (("note", Level.NOTE), ("warning", Level.WARNING), ("error", Level.ERROR)):
        device = facts(policy=policy(levels={"ACME1": wanted}))
        assert through(judgement(level=Level.WARNING), device=device)[1][0].level is level
    assert through(judgement(), device=facts(policy=policy(levels={"ACME1": "off"})))[1] == ()
    assert through(judgement(level=Level.NOTE))[1][0].level is Level.NOTE


def test_an_opt_in_rule_speaks_when_named_or_when_an_event_stands_behind_it():
    assert through(judgement(), opt_in=True)[1] == ()
    assert through(judgement(event=True), opt_in=True)[1]
    assert through(judgement(), opt_in=True, device=facts(policy=policy(levels={"ACME1": "note"})))[1]
    assert through(judgement(event=True), opt_in=True, device=facts(policy=policy(levels={"ACME1": "off"})))[1] == ()


def test_one_subject_is_one_finding_and_the_loudest_speaks():
    loud = judgement(message="loud", peer=FAR, last_seen=NOW, spis=(SPI,), evidence=(proof("a"), proof("b")))
    soft = judgement(
        message="soft", level=Level.NOTE, first_seen=NOW - timedelta(hours=1), evidence=(proof("b"), proof("c"))
    )
    unsure = judgement(message="unsure", verdict=Verdict.UNKNOWN, event=True)
    for order in ((soft, unsure, loud), (loud, soft, unsure)):
        _, (finding,) = through(*order)
        assert finding.message == "loud soft unsure"
        assert finding.verdict is Verdict.FAIL
        assert finding.level is Level.ERROR
        assert finding.peer is None
        assert [line.text for line in finding.evidence] == ["a", "b", "c", "line"]
        assert (finding.first_seen, finding.last_seen, finding.spis) == (NOW - timedelta(hours=1), NOW, (SPI,))


def test_findings_are_sorted_loudest_first():
    _, made = through(
        judgement(subject=("1",), level=Level.NOTE),
        judgement(subject=("2",)),
        judgement(subject=("3",), level=Level.WARNING),
    )
    assert [item.level for item in made] == [Level.ERROR, Level.WARNING, Level.NOTE]


def test_the_fingerprint_holds_rule_family_device_and_subject_alone():
    base = judgement(rule="ACME1", device="hub1")
    card = Site().RULE
    print_ = engine.fingerprint(base, card)
    same = replace(base, message="x", why="y", spis=(SPI,), level=Level.NOTE, first_seen=NOW, peer=FAR)
    assert engine.fingerprint(same, card) == print_
    for other in (replace(base, rule="ACME2"), replace(base, device="hub2"), replace(base, subject=("y",))):
        assert engine.fingerprint(other, card) != print_
    family = replace(card, family="tunnel")
    assert engine.fingerprint(replace(base, rule="B"), family) == engine.fingerprint(base, family) != print_


# Mutes


def test_mutes_match_every_field_they_give_until_their_day_has_passed():
    device = facts(incident(peer()))
    finding = only(device, "SPI001")
    for fitting in (
        mute(),
        mute(rule="SPI001"),
        mute(peer="203.0.113.9"),
        mute(device="hub1"),
        mute(rule="SPI001", peer="203.0.113.9", device="hub1"),
        mute(until=date(2026, 3, 14)),
    ):
        assert rules.applies(fitting, device, finding), fitting
    for other in (
        mute(rule="SPI002"),
        mute(peer="203.0.113.8"),
        mute(peer="nonsense"),
        mute(device="hub2"),
        mute(rule="SPI001", peer="203.0.113.8"),
        mute(until=date(2026, 3, 13)),
    ):
        assert not rules.applies(other, device, finding), other


def test_a_mute_is_dated_by_the_capture_and_an_undated_one_is_shown():
    device = facts(incident(peer()), policy=policy(mutes=(mute(rule="SPI007"), mute(until=date(2026, 3, 20)))))
    finding = only(device, "SPI001")
    assert rules.muted(device, finding) == mute(until=date(2026, 3, 20))
    pasted = replace(device, collected_at=None)
    assert rules.muted(pasted, finding) is not None
    later = replace(pasted, device_time=NOW + timedelta(days=7))
    assert rules.muted(later, finding) is None
    assert rules.muted(replace(pasted, device_time=None), finding) is None


def test_a_mute_by_ipv6_peer_knows_every_spelling():
    six = peer("2001:db8::9", recovery=Recovery.UNPROVEN)
    device = facts(incident(six, destination=ip_address("2001:db8::1")))
    assert rules.applies(mute(peer="2001:DB8:0::9"), device, only(device, "SPI005"))


# Site rules

GOOD = '''"""A device must have a site.

## What it flags

x

## Why it matters

x

## When it stays quiet

x

## What to do

x

## References

x
"""

from collector.model import Evidence, Judgement, Level, Rule, Verdict

RULE = Rule(id="ACME001", name="no-site", title="No site", level=Level.NOTE, needs=("hostname",), references=("CHG1",))


def judge(facts):
    yield Judgement(
        verdict=Verdict.FAIL,
        subject=("site",),
        message="no site",
        why="data.site",
        evidence=(Evidence(device=facts.device.name, command="inventory", line=0, text="data"),),
    )
'''


def site_of(tmp_path, text, name="acme001_no_site.py"):
    (tmp_path / name).write_text(text)
    site.load.cache_clear()
    return policy(site_rules=str(tmp_path))


def test_site_rules_run_beside_ours(tmp_path):
    device = facts(policy=site_of(tmp_path, GOOD))
    assert only(device, "ACME001").level is Level.NOTE
    assert [card.id for card in rules.cards(device.policy)] == [*IDS, "ACME001"]
    assert "# ACME001 no-site" in rules.page("ACME001", device.policy)
    assert verdicts(replace(device, hostname=None), "ACME001") == {Verdict.UNKNOWN}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("RULE = ", "CARD = "), "needs `RULE`"),
        (("def judge", "def look"), "needs `judge"),
        (('("hostname",)', '("hostnam",)'), "hostnam, which is no field"),
        (("## What to do", "## Do"), "lacks the section"),
        (("Level.NOTE", '"loud"'), "is none of error, warning, note"),
        (("from collector.model import", "from collector.nothing import"), "ModuleNotFoundError"),
        (("def judge(facts):", "def judge(facts:"), "SyntaxError"),
        (('id="ACME001"', 'id="SPI001"'), "belongs to a rule of this program"),
    ],
)
def test_a_site_rule_that_is_off_is_a_usage_error_that_names_the_file(tmp_path, change, complaint):
    wanted = site_of(tmp_path, GOOD.replace(*change))
    with pytest.raises(UsageError, match=complaint) as caught:
        rules.judge(facts(policy=wanted))
    assert str(tmp_path) in str(caught.value)


def test_a_site_rule_that_breaks_while_judging_names_its_file(tmp_path):
    wanted = site_of(tmp_path, GOOD.replace("    yield Judgement(", "    facts.nonsense\n    yield Judgement("))
    with pytest.raises(UsageError, match=r"acme001_no_site\.py.*AttributeError"):
        rules.judge(facts(policy=wanted))


def test_site_rules_twice_the_same_id_and_a_folder_that_is_not_there(tmp_path):
    site_of(tmp_path, GOOD)
    wanted = site_of(tmp_path, GOOD, "other.py")
    with pytest.raises(UsageError, match=r"other\.py: rule id ACME001 is already taken"):
        rules.judge(facts(policy=wanted))
    with pytest.raises(UsageError, match="no such folder"):
        rules.cards(policy(site_rules=str(tmp_path / "none")))


# Paths


@pytest.mark.parametrize("row", TABLE)
def test_the_path_shows_rows_up_to_the_one_that_matched(row):
    device, expected = TABLE[row]
    for rule in expected:
        if rule == "SPI014":
            continue
        finding = only(device, rule)
        way = rules.paths(device, finding)
        tried = [step for step in way.steps if step.row != "-"]
        assert tried[-1].row == row[0]
        assert [step.matched for step in tried] == [False] * (len(tried) - 1) + [True]
        assert [step.row for step in tried] == [letter for letter, _, _ in ROWS][: len(tried)]
        assert way.steps[: len(tried)] == tuple(tried)
        assert way.facts == finding.evidence
        assert [one.rule for one in way.rules] == IDS
        assert way.changes
        text = rules.path_text(way)
        for word in ("Facts used:", "Rows tried:", "Rules that fired:", "Rules that did not", "What would change"):
            assert word in text
        for one in way.rules:
            assert one.reason, one
            assert one.rule in text
        assert plain(way)["finding"] == finding.id


def test_the_path_names_the_fact_that_stopped_each_rule():
    device = facts(incident(peer()))
    reasons = {one.rule: one.reason for one in rules.paths(device, only(device, "SPI001")).rules}
    assert "command is absent" in reasons["SPI003"]
    assert reasons["SPI004"] == "IKE SA with 203.0.113.9: none"
    assert "recovery for this peer: yes" in reasons["SPI005"]
    assert "inbound SAs" in reasons["SPI010"]
    got = facts(incident(peer(config_type=ConfigType.GETVPN)))
    reasons = {one.rule: one.reason for one in rules.paths(got, only(got, "SPI002")).rules}
    assert reasons["SPI003"].startswith("row b comes first")


def test_each_flow_has_its_own_way():
    device = facts(
        incident(peer()),
        incident(peer("198.51.100.7", ConfigType.DVTI)),
        incident(source="198.51.100.66", state=State.UNKNOWN_SOURCE),
        incident(source="198.51.100.67", state=State.UNKNOWN_SOURCE),
    )
    findings = found(device)
    ways = rules.all_paths(device, findings)
    assert [way.finding for way in ways] == [item.id for item in findings]
    assert [rules.paths(device, item) for item in findings] == list(ways)
    by_rule = {(way.rule, way.flow.split(" ->")[0]): way for way in ways}
    one, two = by_rule["SPI001", "203.0.113.9"], by_rule["SPI002", "198.51.100.7"]
    assert {step.row for step in two.steps} == set("abcde")
    reason = {said.rule: said.reason for said in two.rules}
    assert reason["SPI001"].startswith("row e comes first")
    assert "198.51.100.7" in reason["SPI002"]
    assert "recovery for this peer: yes" in {said.rule: said.reason for said in one.rules}["SPI002"]
    for source in ("198.51.100.66", "198.51.100.67"):
        lone = by_rule["SPI006", source]
        assert "unknown-source" in lone.flow
        assert lone.steps == ()
    text = rules.path_text(one)
    fired, rest = text.split("Rules that fired:")[1].split("Rules that did not")
    assert "SPI001" in fired
    assert "SPI003" not in fired
    assert "SPI003" in rest
    assert "h. absent command, no IKE SA: would it heal? yes" in text
    assert "g. is the command on already? no" in text


def test_the_path_of_a_finding_without_a_flow_and_of_an_unknown():
    hygiene = facts(peers=(peer(),))
    way = rules.paths(hygiene, only(hygiene, "SPI012"), rules.judge(hygiene))
    assert (way.flow, way.steps) == ("", ())
    assert next(one for one in way.rules if one.rule == "SPI012").fired
    dark = facts(incident(peer()), recovery_configured=None)
    way = rules.paths(dark, only(dark, "SPI001"))
    assert "a look at what is missing: whether `crypto isakmp invalid-spi-recovery` is configured" in way.changes
    assert way.flow.startswith("203.0.113.9 -> 192.0.2.1: persistent")


# What must hold whatever the facts are

DEVICES = [device for device, _ in TABLE.values()] + [
    facts(incident(peer(), preceded_by=related("restart")), incident(peer("203.0.113.10", ConfigType.DVTI))),
    facts(incident(source="198.51.100.3", state=State.SCAN), incident(peer())),
    facts(counter_only(), counters=(counter(),), software=Software(family="ios-xe", version="17.9")),
    facts(blind_spots=(blind(),), peers=(peer(),)),
    facts(peers=(peer(),)),
    facts(*(incident(peer(f"203.0.113.{n}")) for n in range(1, 5))),
]
OPTIONAL = [
    field.name
    for field in fields(Facts)
    if field.name not in {"device", "policy", "related", "blind_spots", "captures", "failures", "history"}
]


def kinds(device):
    """(finding, block, side) of every action that changes something."""
    words = {
        "CLEAR": "clear crypto",
        "RECOVER": "crypto isakmp invalid-spi-recovery",
        "DPD": ("crypto isakmp keepalive", "dpd 10", "crypto ikev2 dpd"),
        "DEBUG": "debug ",
        "EEM": "event manager",
        "SHARE": "tunnel protection",
    }
    return {
        (finding.id, name, action.side)
        for finding in found(device)
        for action in finding.actions
        for line in action.commands
        for name, start in words.items()
        if line.startswith(start)
    }


def by_rule(device):
    said = rules.judge(device)
    return {card: {item.verdict for item in said if item.rule == card} for card in IDS}


@cache
def whole(number):
    """Kinds and verdicts of a device to which nothing is lost."""
    return kinds(DEVICES[number]), by_rule(DEVICES[number])


@pytest.mark.parametrize("name", OPTIONAL)
def test_losing_a_fact_never_gains_an_action_nor_turns_unknown_into_pass(name):
    for number, device in enumerate(DEVICES):
        less = replace(device, **{name: None})
        earned, before = whole(number)
        assert kinds(less) <= earned
        after = by_rule(less)
        for card in IDS:
            assert not (Verdict.UNKNOWN in before[card] and after[card] == {Verdict.PASS}), (card, name)


PEERS = st.builds(
    peer,
    st.sampled_from(["203.0.113.9", "203.0.113.10", "2001:db8::9"]),
    st.sampled_from(list(ConfigType)),
    ike_version=st.sampled_from([1, 2, None]),
    ike_sa=st.sampled_from(["up", "none", "unknown"]),
    ike_since=st.sampled_from([None, NOW - timedelta(hours=1), NOW]),
    recovery=st.sampled_from(list(Recovery)),
    nat_traversal=st.sampled_from([None, True, False]),
)
FLOWS = st.builds(
    incident,
    st.one_of(st.none(), PEERS),
    state=st.sampled_from(list(State)),
    bound=st.sampled_from(["explicit", "runtime", "nat", "acceptor", "none"]),
    installed=st.sampled_from([None, SPI]),
    join=st.one_of(
        st.none(),
        st.builds(
            join,
            st.sampled_from(list(Outcome)),
            st.sampled_from(["spoke9", None]),
            st.sampled_from(["exact", "nat", "spi-only", None]),
        ),
    ),
)
HUBS = st.builds(
    lambda flows, on, family: facts(
        *flows, recovery_configured=on, software=Software(family=family, version=None), counters=()
    ),
    st.lists(FLOWS, max_size=3),
    st.sampled_from([True, False, None]),
    st.sampled_from(["ios", "ios-xe", None]),
)


@settings(max_examples=200, deadline=None)
@given(HUBS)
def test_promises_hold_for_any_facts(device):
    judgements = rules.judge(device)
    findings = rules.to_findings(device, judgements)
    assert plain(rules.judge(device)) == plain(judgements)
    assert len({item.id for item in findings}) == len(findings)
    flows = {id_of(device, flow): flow for flow in device.incidents}
    for finding in findings:
        lines = commands(finding)
        assert sum(line.startswith("clear") for line in lines) <= 1
        for action in finding.actions:
            for line in action.commands:
                assert line.strip() != "clear crypto sa"
                assert not line.startswith("clear") or action.side == "sender"
                assert line != "crypto isakmp invalid-spi-recovery" or (
                    action.side == "receiver" and finding.rule in {"SPI001", "SPI013"}
                )
        if finding.rule == "SPI001" and finding.verdict is Verdict.FAIL:
            said = [flow for key, flow in flows.items() if key == finding.id]
            assert device.recovery_configured is False
            assert any(
                flow.peer is not None
                and flow.peer.ike_sa == "none"
                and flow.peer.ike_version == 1
                and flow.peer.config_type in YES_TYPES
                and flow.bound != "nat"
                for flow in said
            ) or len(device.incidents) > len(flows)
        if finding.verdict is Verdict.UNKNOWN:
            assert finding.actions == ()
            assert finding.level is not Level.ERROR


def id_of(device, flow):
    from collector.rules.words import flow_subject, twins

    probe = judgement(rule="SPI001", device=device.device.name, subject=flow_subject(flow, twins(device)))
    return engine.fingerprint(probe, rules.CATALOGUE[0].RULE)


def test_two_runs_are_equal():
    for device in DEVICES:
        assert plain(found(device)) == plain(found(device))
        shuffled = replace(device, incidents=tuple(reversed(device.incidents or ())) if device.incidents else None)
        if device.incidents and len(device.incidents) > 1:
            assert {item.id for item in found(shuffled)} == {item.id for item in found(device)}


def test_the_wall_clock_is_never_asked():
    for file in Path(rules.__file__).parent.glob("*.py"):
        names = {node.attr for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Attribute)}
        assert names.isdisjoint({"now", "today", "utcnow", "monotonic"}), file.name


def test_fired_helper_sees_the_cascade():
    assert fired(facts(incident(peer()))) == {"SPI001": Verdict.FAIL}


def test_a_hub_with_thousands_of_flows_is_judged_in_linear_time():
    def judging(count):
        flows = [incident(peer(ip_address(int(ip_address("10.0.0.0")) + n))) for n in range(count)]
        device = facts(*flows)

        def judge():
            assert len(found(device)) >= count

        return judge

    assert linear(judging, 300, 1500)
