"""Protected tunnels share one source and do not say `shared`: SAs can land in the wrong tunnel's database.

## What it flags

Two or more protected tunnels with the same source (interface or its address) in the same outer VRF, of which one is
multipoint GRE or two go to the same destination, where `tunnel protection ... shared` is missing on any of them. No
event is needed. Where an SA was found under another tunnel than the one its packets come to, that flow stands here.

## Why it matters

Each tunnel keeps its own SA database. With one source the router cannot tell by the outer addresses which one a
negotiation belongs to, so an SA is installed under one tunnel while its packets arrive at the other: a root cause of
invalid SPIs, whatever recovery does.

## When it stays quiet

One tunnel a source, different sources or VRFs, `shared` on all, tunnels that are shut down. Where it could not be read
whether `shared` is there: `unknown`.

## What to do

Put `shared` on every tunnel of that source, with the same IPsec profile. It takes the tunnels down for a moment: plan
the outage. Or give each tunnel a source of its own.

## References

Cisco IOS configuration guide, Sharing IPsec with Tunnel Protection.
"""

from __future__ import annotations

from collections.abc import Iterator

from collector.model import Action, Facts, Incident, Judgement, Level, Rule, Verdict
from collector.rules.ends import safe_name
from collector.rules.persistent import persistent
from collector.rules.shared import Clash, clashes
from collector.rules.sources import GUIDE_SHARED
from collector.rules.words import evidence_of, flow_text, incident_evidence, lines_text, listed, spis_of, unique

RULE = Rule(
    id="SPI014",
    name="tunnel-protection-not-shared",
    title="Protected tunnels share a source without `shared`",
    level=Level.WARNING,
    needs=("config",),
    references=(GUIDE_SHARED,),
)


def judge(facts: Facts) -> Iterator[Judgement]:
    """One judgement a source with several protected tunnels, else one for the device."""
    assert facts.config is not None, "the engine sees to needs"
    found = False
    for clash in clashes(facts):
        found = True
        yield _clash(facts, clash)
    if not found:
        read = facts.config.readable == "full"
        yield Judgement(
            verdict=Verdict.PASS if read else Verdict.UNKNOWN,
            subject=("device",),
            message="no source is used by several protected tunnels" + ("" if read else ", as far as could be read"),
            why=f"{len(facts.config.bindings)} bindings read" if read else "the tunnels' configuration was not read",
            evidence=(),
            missing="" if read else "config",
        )


def _clash(facts: Facts, clash: Clash) -> Judgement:
    names = [tunnel.interface or tunnel.name for tunnel in clash.tunnels]
    lacking = [tunnel.interface or tunnel.name for tunnel in clash.lacking]
    flows = _flows(facts, clash)
    evidence = unique(
        (
            *(line for tunnel in clash.tunnels for line in evidence_of(facts, tunnel.evidence)),
            *(line for flow in flows for line in incident_evidence(flow)),
        )
    )
    verdict = Verdict.UNKNOWN if not evidence or (clash.unsure and not lacking) else Verdict.FAIL
    if verdict is Verdict.FAIL and not lacking:
        verdict = Verdict.PASS
    said = {
        Verdict.FAIL: f"`shared` is missing on {listed(lacking)}",
        Verdict.PASS: "`shared` is on all of them",
        Verdict.UNKNOWN: "whether `shared` is on all of them could not be read",
    }[verdict]
    dropped = "".join(f" {flow_text(flow)} is black-holed by it: {lines_text(flow)}." for flow in flows[:3])
    return Judgement(
        verdict=verdict,
        subject=("shared", *sorted(names)),
        message=f"{listed(names)} on {facts.device.name} have the source {clash.source}, and {said}.{dropped}",
        why="SAs of tunnels with one source can land in the wrong tunnel's database: a root cause, whatever recovery does.",
        evidence=evidence,
        peer=flows[0].peer.address if len(flows) == 1 and flows[0].peer else None,
        actions=_share(facts, clash),
        first_seen=min((flow.first_seen for flow in flows if flow.first_seen), default=None),
        last_seen=max((flow.last_seen for flow in flows if flow.last_seen), default=None),
        spis=tuple(sorted({spi for flow in flows for spi in spis_of(flow)})),
        missing="config" if verdict is Verdict.UNKNOWN else "",
        event=bool(flows),
    )


def _flows(facts: Facts, clash: Clash) -> list[Incident]:
    return [
        flow
        for flow, decision in persistent(facts)
        if decision.rule == RULE.id and any(flow.destination in tunnel.local for tunnel in clash.tunnels)
    ]


def _share(facts: Facts, clash: Clash) -> tuple[Action, ...]:
    names = [safe_name(tunnel.interface) for tunnel in clash.tunnels]
    profile = safe_name(clash.tunnels[0].ipsec_profile)
    one = len({tunnel.ipsec_profile for tunnel in clash.tunnels}) == 1
    if not one or profile is None or None in names:
        return (
            Action(
                on=facts.device.name,
                side="receiver",
                commands=(
                    "show crypto ipsec profile",
                    "show running-config | include ^interface Tunnel|tunnel protection",
                ),
                note="Tunnels that share need the same IPsec profile: settle on one, then "
                "`tunnel protection ipsec profile PROFILE shared` on each; or give each tunnel a source of its own. "
                "An outage for these tunnels: plan it.",
            ),
        )
    lines = (
        line for name in names for line in (f"interface {name}", f"tunnel protection ipsec profile {profile} shared")
    )
    return (
        Action(
            on=facts.device.name,
            side="receiver",
            commands=("configure terminal", *lines, "end"),
            note="An outage for these tunnels: plan it. Rollback: the former lines without `shared`.",
        ),
    )
