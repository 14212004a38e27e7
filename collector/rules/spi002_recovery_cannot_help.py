"""A tunnel is black-holed, and invalid SPI recovery is not the cure for this kind of peer, on or off.

## What it flags

A persistent flow of unknown SPIs from a peer for which the command does nothing: it came in through a dynamic crypto
map, a dynamic NHRP mapping, a virtual template or an EzVPN server, its entry is responder-only, or it is an EzVPN
client, GETVPN, SD-WAN or manually keyed IPsec. A source that may be such a dynamic peer, but left no trace to prove
it, gets the verdict `unknown`.

## Why it matters

The command is the first advice that a search for the message gives. Here it changes nothing: this router may not or
cannot start IKE towards that peer. Time spent on it is time in which the tunnel stays down.

## When it stays quiet

A peer with a Yes (SPI001, SPI003) or without proof (SPI005); an IKE SA that is up (SPI004), whatever the type; a flow
that is not persistent.

## What to do

Clear the stale SA on the sender, switch on dead peer detection there (for a dynamic peer it is the remote initiator
that must notice), shorten the lifetime, or configure the peer statically where its address is fixed. GETVPN: look at
group member recovery and the key server. SD-WAN: follow the SD-WAN procedure. Manual IPsec: compare SPIs and keys of
both ends; it never heals by itself. Where the SAs, the clock or the IKE SA were not read, a look at them comes first and
nothing is cleared.

## References

Cisco TAC 115801; Cisco IOS configuration guide, IPsec Dead Peer Detection Periodic Message Option; for GETVPN, SD-WAN
and manual keys this program's own inference.
"""

from __future__ import annotations

from collections.abc import Iterator

from collector.model import NO_IKE, ConfigType, Facts, Incident, Judgement, Level, Rule, Verdict
from collector.rules.actions import actions, clear, dpd, verify
from collector.rules.persistent import FAMILY, Decision
from collector.rules.sources import GUIDE_DPD, TAC_115801
from collector.rules.tunnel import Telling, heals, speak

RULE = Rule(
    id="SPI002",
    name="recovery-cannot-help",
    title="A black-holed tunnel that invalid SPI recovery cannot heal",
    level=Level.ERROR,
    needs=("incidents",),
    references=(TAC_115801, GUIDE_DPD),
    family=FAMILY,
)

INSTEAD = {
    ConfigType.DYNAMIC_CRYPTO_MAP: "Instead: DPD on the remote initiator, a shorter lifetime, or a static map entry if "
    "its address is fixed.",
    ConfigType.MGRE_DYNAMIC_NHRP: "Instead: DPD on both ends.",
    ConfigType.DVTI: "Instead: DPD from the client.",
    ConfigType.EZVPN_SERVER: "Instead: DPD from the client.",
    ConfigType.EZVPN_CLIENT: "EzVPN has a DPD of its own.",
    ConfigType.GETVPN: "Instead: group member recovery check, on the group member and the key server; the addresses are "
    "hosts, not peers.",
    ConfigType.SD_WAN: "Instead: the SD-WAN procedure; there is no IKE in these tunnels.",
    ConfigType.MANUAL_IPSEC: "Instead: compare SPIs and keys on both ends; manual SAs never expire, so it never heals by "
    "itself.",
}


def judge(facts: Facts) -> Iterator[Judgement]:
    """One judgement a persistent flow, or one for the device."""
    return speak(facts, RULE.id, _tell)


def _tell(facts: Facts, incident: Incident, decision: Decision) -> Telling:
    if decision.verdict is Verdict.UNKNOWN:
        return Telling(
            title="A black-holed flow from a source that may be a dynamic peer",
            cure="If it is one, the command does nothing for it.",
        )
    peer = incident.peer
    kind = peer.config_type if peer else ConfigType.UNKNOWN
    stands = {True: "It is on here. ", False: "It is off here, and switching it on would change nothing. "}
    return Telling(
        title=RULE.title,
        cure=f"`crypto isakmp invalid-spi-recovery` does nothing for this peer, because its type is {kind}"
        + (" and responder-only" if peer and peer.source and peer.source.responder_only else "")
        + ". "
        + (stands[facts.recovery_configured] if facts.recovery_configured is not None else "")
        + INSTEAD.get(kind, "Instead: DPD, sender first.")
        + ("" if kind in NO_IKE else " " + heals(incident)),
        actions=() if kind in NO_IKE else actions(facts, incident, clear, dpd, verify),
    )
