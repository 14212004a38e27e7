"""Two tunnels between the same two routers are two tickets; both ends of one are one: by addresses, through NAT and VRFs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address

import pytest
from printed import CLOCK, CONFIG, IPSEC, ISAKMP, LOG, NOW, clock, config, flow, isakmp, line, log, old, snapshot
from test_tickets import entry, ticket

from collector import rules
from collector.cli import pipeline
from collector.facts import build, settle
from collector.history import Entry, entries, life, open_ledger, remember, tickets
from collector.history.codec import finding_of, finding_text
from collector.history.ends import tunnels
from collector.history.tickets import Act, Limits, Ticket
from collector.model import Facts, Finding, Level, Policy, TunnelEnds, Verdict
from collector.sinks.document import device_status

A1, A2, B1, B2 = "192.0.2.1", "192.0.2.2", "198.51.100.1", "198.51.100.2"
B1_INSIDE = "10.9.0.1"  # B1 is what a NAT router makes of it
TO_A, TO_B = 0x1DB73BBB, 0x2AB73BBB  # stale SPIs of one tunnel, by direction

Tunnel = tuple[str, str, str, str, int, int]  # a: own, far as seen; b: own, far as seen; stale SPI towards a, towards b
ONE: Tunnel = (A1, B1, B1, A1, TO_A, TO_B)
TWO: Tunnel = (A2, B2, B2, A2, TO_A + 1, TO_B + 1)
NAT: Tunnel = (A1, B1, B1_INSIDE, A1, TO_A, TO_B)


def router(name: str, *broken: tuple[str, str, int, int | None, str], tables: bool = True) -> Facts:
    """broken: (own address, far address as seen here, SPI logged as unknown, SPI sent with, VRF)."""
    ports = {own: f"GigabitEthernet0/{number}" for number, (own, *_) in enumerate(broken, 1)}
    text = log(*old(*(line(age, spi, far, own) for own, far, spi, _, _ in broken for age in (140, 80, 20))))
    body = "".join(
        f"crypto map M{number} 10 ipsec-isakmp\n set peer {far}\n set transform-set TS\n match address 101\n"
        f"interface {ports[own]}\n{f' vrf forwarding {vrf}' + chr(10) if vrf else ''} ip address {own} 255.255.255.0\n"
        f" crypto map M{number}\n"
        for number, (own, far, _, _, vrf) in enumerate(broken, 1)
    )
    sas = "".join(
        flow(
            far,
            local=own,
            outbound=[(sends, 2400)] if sends else [],
            inbound=[(0x51 + number, 2400)],
            interface=ports[own],
            port=4500 if B1_INSIDE in ports else 500,
        )
        for number, (own, far, _, sends, _) in enumerate(broken)
    )
    printed = [(CLOCK, clock()), (CONFIG, config(body, hostname=name)), (LOG, text), (ISAKMP, isakmp())]
    return build(snapshot(*printed, *([(IPSEC, sas)] if tables else []), name=name), Policy())


def both(*broken: Tunnel, tables: bool = True) -> list[Facts]:
    """Two routers, a and b, with tunnels that are black holes in both directions."""
    return [
        router("a", *((own, far, to_a, to_b, "") for own, far, _, _, to_a, to_b in broken), tables=tables),
        router("b", *((own, far, to_b, to_a, "") for _, _, own, far, to_a, to_b in broken), tables=tables),
    ]


def found(*devices: Facts) -> list[Finding]:
    settled = settle(devices)
    return [
        finding
        for facts in settled
        for finding in rules.to_findings(facts, rules.judge(facts))
        if finding.rule in {"SPI001", "SPI002", "SPI003", "SPI004", "SPI005"}
    ]


def opened(findings: list[Finding], known: dict[str, Ticket] | None = None) -> list[tickets.Step]:
    steps = tickets.plan([Entry(finding=one) for one in findings], known or {}, Limits(cap=99, parent_from=99))
    return [step for step in steps if step.act is not Act.NOTHING]


def told(step: tickets.Step) -> int:
    """How many findings a ticket speaks for."""
    return 1 + len(step.children)


def test_two_tunnels_between_the_same_two_routers_are_two_tickets():
    findings = found(*both(ONE, TWO))
    assert len(findings) == 4
    steps = opened(findings)
    assert [(step.act, told(step)) for step in steps] == [(Act.CREATE, 2)] * 2
    by_id = {finding.id: finding for finding in findings}
    for step in steps:
        (child,) = (by_id[one] for one in step.children)
        assert step.finding.ends is not None
        assert child.ends is not None
        assert (child.ends.local, child.ends.remote) == (step.finding.ends.remote, step.finding.ends.local)


def test_one_end_of_each_of_two_tunnels_makes_two_tickets():
    a, b = both(ONE, TWO)
    assert a.incidents is not None
    assert b.incidents is not None
    half_a = replace(a, incidents=tuple(one for one in a.incidents if str(one.source) == B1))
    half_b = replace(b, incidents=tuple(one for one in b.incidents if str(one.source) == A2))
    assert [told(step) for step in opened(found(half_a, half_b))] == [1, 1]


def test_both_ends_of_one_tunnel_are_one_ticket_also_behind_nat():
    for tunnel in (ONE, NAT):
        (step,) = opened(found(*both(tunnel)))
        assert told(step) == 2, tunnel
    steps = opened(found(*both(NAT, TWO)))
    assert [told(step) for step in steps] == [2, 2]


def test_both_ends_whose_sas_nobody_read_are_one_ticket_by_their_addresses():
    findings = [replace(one, verdict=Verdict.FAIL, level=Level.ERROR) for one in found(*both(ONE, TWO, tables=False))]
    assert all(finding.far_device is None for finding in findings)  # not certain enough to type there
    assert [told(step) for step in opened(findings)] == [2, 2]


def test_a_tunnel_between_two_vrfs_is_one_ticket():
    a = router("a", (A1, B1, TO_A, TO_B, "OUTSIDE"))
    b = router("b", (B1, A1, TO_B, TO_A, ""))
    findings = found(a, b)
    assert {finding.ends.vrf for finding in findings if finding.ends} == {"OUTSIDE", None}
    assert [told(step) for step in opened(findings)] == [2]


def test_a_far_end_that_is_not_managed_is_a_ticket_of_its_own():
    a, b = both(ONE)
    assert [told(step) for step in opened(found(a))] == [1]
    assert [told(step) for step in opened(found(b))] == [1]


def test_a_far_end_learned_later_joins_the_ticket_and_changes_no_id():
    a, b = both(ONE, TWO)
    alone = found(a)
    first = opened(alone)
    known = {
        step.finding.id: Ticket(finding=step.finding.id, reference="7", state="open", digest=step.digest)
        for step in first
    }
    later = found(a, b)
    assert {finding.id for finding in alone} == {finding.id for finding in later if finding.device == "a"}
    steps = opened(later, known)
    assert {step.finding.device for step in steps} == {"a"}
    assert [(step.act, told(step)) for step in steps] == [(Act.UPDATE, 2)] * 2


def test_the_ids_are_those_of_earlier_versions():
    """A changed id would make every open ticket twice: these were written down by the version before tunnels had ends."""
    assert {(f.device, str(f.peer)): f.id for f in found(*both(ONE, TWO))} == IDS


IDS = {
    ("a", B1): "3f76b117ed82b059",
    ("a", B2): "a4ead4739876f8ae",
    ("b", A1): "1579af9b4b667fad",
    ("b", A2): "4c7a5b4fdae4824f",
}


def ends(local: str, remote: str, far: tuple[str, str, str] | None = None, vrf=None, far_vrf=None) -> TunnelEnds:
    more = {}
    if far is not None:
        more = {"far_device": far[0], "far_local": ip_address(far[1]), "far_remote": ip_address(far[2])}
    return TunnelEnds(local=ip_address(local), remote=ip_address(remote), vrf=vrf, far_vrf=far_vrf, **more)


def of(number: int, device: str, own: TunnelEnds) -> Finding:
    return entry(number, device=device, ends=own).finding


def groups(*findings: Finding) -> list[list[str]]:
    return [[one.id[-1] for one in group] for group in tunnels(findings)]


def test_two_tunnels_with_the_same_addresses_in_two_vrfs_are_two():
    red = of(1, "a", ends(A1, B1, ("b", B1, A1), vrf="RED", far_vrf="RED"))
    blue = of(2, "a", ends(A1, B1, ("b", B1, A1), vrf="BLUE", far_vrf="BLUE"))
    red_b = of(3, "b", ends(B1, A1, ("a", A1, B1), vrf="RED", far_vrf="RED"))
    blue_b = of(4, "b", ends(B1, A1, vrf="BLUE"))
    assert groups(red, blue, red_b, blue_b) == [["1", "3"], ["2", "4"]]
    assert groups(red, blue_b, blue) == [["4", "2"]]


def test_a_vrf_that_one_run_could_not_read_parts_no_tunnel():
    assert groups(of(1, "a", ends(A1, B1, ("b", B1, A1), far_vrf="RED")), of(2, "b", ends(B1, A1, vrf="RED"))) == [
        ["1", "2"]
    ]
    assert groups(of(1, "a", ends(A1, B1, ("b", B1, A1))), of(2, "b", ends(B1, A1, vrf="RED"))) == [["1", "2"]]


def test_two_routers_that_share_an_address_are_one_end():
    one, standby = (of(n, name, ends(A1, B1, ("b", B1, A1))) for n, name in ((1, "a"), (2, "a2")))
    assert groups(one, standby, of(3, "b", ends(B1, A1))) == [["1", "2", "3"]]


def test_a_pair_that_an_earlier_version_wrote_down_stays_one_ticket():
    before = [
        entry(1, device="a", far_device="b").finding,
        of(2, "b", ends(B1, A1, ("a", A1, B1))),
    ]
    before[1] = replace(before[1], far_device="a")
    assert groups(*before) == [["1", "2"]]
    third = replace(of(3, "b", ends(B2, A2, ("a", A2, B2))), far_device="a")
    assert groups(*before, third) == []  # a choice: rather two tickets than one that hides a tunnel


def test_a_far_end_that_one_run_could_not_visit_is_still_known():
    known = life.seen(None, of(1, "a", ends(A1, B1, ("b", B1, A1))), "1")
    for later, far in ((ends(A1, B1), "b"), (ends(A1, B2), None), (ends(A1, B1, ("c", B1, A1)), "c")):
        seen = life.seen(known, of(1, "a", later), "2").finding
        assert seen.ends is not None
        assert (seen.ends.far_device, seen.ends.remote) == (far, later.remote)
    assert groups(life.seen(known, of(1, "a", ends(A1, B1)), "2").finding, of(2, "b", ends(B1, A1))) == [["1", "2"]]


def test_ends_are_kept_in_the_ledger(tmp_path):
    findings = found(*both(NAT))
    for finding in findings:
        assert finding_of(finding_text(finding)) == finding
    with open_ledger(tmp_path) as ledger:
        for _ in range(2):
            made = pipeline.conclude(settle(both(ONE, TWO)), mode="sweep", started_at=NOW)
            remember(ledger, made, exit_code=0, status_of=device_status)
        assert sum(1 for step in opened([f for f in made.findings if f.rule == findings[0].rule])) == 2


def test_an_open_ticket_of_one_tunnel_says_nothing_of_the_other():
    findings = found(*both(ONE, TWO))
    first = opened(findings)[0]
    known = {
        first.finding.id: Ticket(finding=first.finding.id, reference="7", state="open", digest=first.digest),
        **{
            child: Ticket(finding=child, reference=None, state="open", digest="", parent=first.finding.id)
            for child in first.children
        },
    }
    (step,) = opened(findings, known)
    assert (step.act, told(step)) == (Act.CREATE, 2)
    over = [replace(one, state="resolved") if one.id in known else one for one in findings]
    assert {(step.act, step.finding.id) for step in opened(over, known)} >= {(Act.CLOSE, first.finding.id)}


@pytest.mark.parametrize("wrong", ["far_local", "far_remote", "far_device"])
def test_an_address_or_a_router_that_differs_pairs_nothing(wrong):
    one = ends(A1, B1, ("b", B1, A1))
    other = {"far_local": ip_address(B2), "far_remote": ip_address(A2), "far_device": "c"}[wrong]
    assert groups(of(1, "a", replace(one, **{wrong: other})), of(2, "b", ends(B1, A1))) == []
    assert groups(of(1, "a", one), of(2, "b", ends(B1, A1))) == [["1", "2"]]
    assert ticket(1).finding


def test_another_tunnel_of_the_same_peer_holds_no_finding_open(tmp_path):
    a, b = both((A1, B1, B1, A1, TO_A, TO_B), (A2, B1, B1, A2, TO_A + 1, TO_B + 1))
    one = replace(a, incidents=tuple(flow for flow in a.incidents or () if str(flow.destination) == A2))
    with open_ledger(tmp_path) as ledger:
        for run, devices in enumerate(([a, b], [one], [one], [one])):
            at = NOW + timedelta(minutes=15 * run)
            read = [replace(facts, collected_at=at) for facts in devices]
            made = pipeline.conclude(settle(read), mode="sweep", started_at=at)
            remember(ledger, made, exit_code=0, status_of=device_status)
        states = {
            str(stored.finding.ends.local): stored.finding.state
            for stored in entries(ledger, device="a")
            if stored.finding.ends is not None
        }
    assert states == {A1: "resolved", A2: "ongoing"}
