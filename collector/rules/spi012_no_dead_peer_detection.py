"""IKE peers without dead peer detection: a lost peer is noticed only when the SA expires.

## What it flags

Peers that speak IKE, for which dead peer detection is off on this router and is not known to be on at the far end.
Peers that one line would cure are one finding.

## Why it matters

After a reload of the far end this router goes on encrypting into the void until the lifetime ends, an hour by default
and often a day. It is the proven lever for every peer that invalid SPI recovery does not help.

## When it stays quiet

Periodic or on-demand DPD here, DPD seen at work on the session, or known on at the far end; peers without IKE (GETVPN,
SD-WAN, manual keys) and EzVPN clients, which have their own. Where the configuration was not read: `unknown`.

## What to do

Switch it on, on both ends for IKEv1. Periodic where there are few peers; with many, on-demand costs less, but never
fires on a router that only receives: there let the far ends probe. Where neither a session nor an IKE SA table was read,
look at the sessions first: the letter D shows DPD at work.

## References

Cisco IOS configuration guide, IPsec Dead Peer Detection Periodic Message Option.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from collector.model import NO_IKE, Action, ConfigType, Facts, Judgement, Level, Peer, Rule, Verdict
from collector.rules.actions import few_peers
from collector.rules.ends import safe_name
from collector.rules.persistent import config_read
from collector.rules.sight import FACT
from collector.rules.sources import GUIDE_DPD
from collector.rules.words import evidence_of, listed, peer_text, unique

RULE = Rule(
    id="SPI012",
    name="no-dead-peer-detection",
    title="Dead peer detection is off",
    level=Level.WARNING,
    needs=("peers",),
    references=(GUIDE_DPD,),
)

_OWN = NO_IKE | {ConfigType.EZVPN_CLIENT}
_ON = frozenset({"periodic", "on-demand"})


def judge(facts: Facts) -> Iterator[Judgement]:
    """One judgement a place where DPD is off, one for the peers of which it is not known, one for the rest."""
    peers = [peer for peer in facts.peers or () if peer.config_type not in _OWN and peer.seen != "acceptor"]
    off: dict[tuple[str, str], list[Peer]] = defaultdict(list)
    unsure: list[Peer] = []
    well: list[Peer] = []
    far = _known_at_the_far_end(facts)
    for peer in peers:
        if peer.dpd.mode in _ON or peer.dpd_negotiated or str(peer.address) in far:
            well.append(peer)
        elif peer.dpd.mode == "off" and peer.ike_version is not None:
            off[_lever(peer)].append(peer)
        else:
            unsure.append(peer)
    for lever, group in sorted(off.items()):
        yield _off(facts, lever, group)
    if unsure:
        yield _unsure(unsure)
    hidden = _hidden(facts)
    if not off and not unsure and hidden:
        yield Judgement(
            verdict=Verdict.UNKNOWN,
            subject=("device",),
            message="whether DPD is on for every peer is not known",
            why=f"Not read: {FACT[hidden]}; there may be more peers than were seen.",
            evidence=(),
            missing=hidden,
        )
    elif not off and not unsure:
        yield Judgement(
            verdict=Verdict.PASS if peers else Verdict.NOT_APPLICABLE,
            subject=("device",),
            message=f"DPD is on for {len(well)} peers"
            if peers
            else "no peer here speaks IKE with a DPD of this router",
            why="on here, seen at work, or on at the far end",
            evidence=unique(line for peer in well for line in evidence_of(facts, peer.dpd.evidence)),
        )


def _hidden(facts: Facts) -> str:
    """The fact for want of which there may be peers that were not seen, or ""."""
    if not config_read(facts) or facts.config is None:
        return "config"
    if facts.isakmp_sas is None:
        return "isakmp_sas"
    speaks = any(binding.ike_version == 2 for binding in facts.config.bindings)
    return "ikev2_sas" if speaks and facts.ikev2_sas is None else ""


def _known_at_the_far_end(facts: Facts) -> frozenset[str]:
    return frozenset(
        str(item.peer.address)
        for item in facts.incidents or ()
        if item.peer is not None and item.join is not None and item.join.sender_dpd.mode in _ON
    )


def _lever(peer: Peer) -> tuple[str, str]:
    """IKE version and the profile that would carry the line, "" for the global command."""
    source = peer.source
    if peer.ike_version == 2:
        return "IKEv2", safe_name(source.ikev2_profile if source else None) or ""
    return "IKEv1", ""


def _off(facts: Facts, lever: tuple[str, str], group: list[Peer]) -> Judgement:
    version, profile = lever
    names = [peer_text(peer) for peer in group]
    evidence = unique(
        (
            *(line for peer in group for line in evidence_of(facts, peer.dpd.evidence)),
            *(line for peer in group[:5] for line in peer.evidence),
            *(line for peer in group[:5] for line in (evidence_of(facts, peer.source.evidence) if peer.source else ())),
        )
    )
    return Judgement(
        verdict=Verdict.FAIL if evidence else Verdict.UNKNOWN,
        subject=("dpd", version, profile),
        message=f"Dead peer detection ({version}{f', profile {profile}' if profile else ''}) is off on "
        f"{facts.device.name} for {len(names)} peer{'' if len(names) == 1 else 's'}: {listed(names)}. After a reload of "
        "the far end this router encrypts into the void until the SA expires.",
        why="Off in the configuration here, and not known to be on at the far end.",
        evidence=evidence,
        peer=group[0].address if len(group) == 1 else None,
        actions=(_switch_on(facts, version, profile, look=not any(map(_idle, group))),),
        missing="" if evidence else "the configuration lines of these peers",
    )


def _idle(peer: Peer) -> bool:
    """Whether DPD is seen not to be at work: the session shows no D, or there is no IKE SA that could carry it."""
    return peer.dpd_negotiated is False or peer.ike_sa == "none"


def _switch_on(facts: Facts, version: str, profile: str, *, look: bool) -> Action:
    """The lines for here; where nothing shows that it is not at work after all, only the look, and the lines in the note."""
    mode = "periodic" if few_peers(facts) else "on-demand"
    if version == "IKEv2":
        lines = (
            (f"crypto ikev2 profile {profile}", f"dpd 10 3 {mode}") if profile else (f"crypto ikev2 dpd 10 3 {mode}",)
        )
        undo = "`no dpd` in the profile" if profile else "`no crypto ikev2 dpd`"
    else:
        lines = (f"crypto isakmp keepalive 10 3 {mode}",)
        undo = "`no crypto isakmp keepalive`"
    scale = (
        ""
        if mode == "periodic"
        else " Many peers: on-demand, for periodic probes cost per peer; it never fires while this router only receives, "
        "so let the far ends probe too."
    )
    first = f"A letter D there: it is at work. Else: {', '.join(f'`{line}`' for line in lines)}. " if look else ""
    return Action(
        on=facts.device.name,
        side="receiver",
        commands=("show crypto session detail",) if look else ("configure terminal", *lines, "end"),
        note=f"{first}IKEv1 needs it on both ends.{scale} IKE SAs that stand may keep the old setting until they are made anew. "
        f"Rollback: the former line, else {undo}.",
    )


def _unsure(group: list[Peer]) -> Judgement:
    return Judgement(
        verdict=Verdict.UNKNOWN,
        subject=("dpd", "unknown"),
        message=f"Whether DPD is on for {len(group)} peers is not known: {listed(peer_text(peer) for peer in group)}",
        why="The configuration that says so was not read, or the IKE version of the peer is not known.",
        evidence=(),
        missing="dpd",
    )
