"""A tunnel is black-holed, and whether invalid SPI recovery works for this peer is not proven.

## What it flags

A persistent flow of unknown SPIs from a peer outside the table of TAC 115801 or at its edge: IKEv2, an IPv6 peer, a
peer named by FQDN or `dynamic`, a peer matched only through NAT, a configuration of unknown type. Without a readable
configuration the verdict is `unknown` and nothing is proposed.

## Why it matters

Both "enable it" and "it is useless" would be guesses. Vendor templates paste the command into pure IKEv2
configurations; no statement of Cisco supports that it does something there.

## When it stays quiet

The table gives an answer (SPI001, SPI002, SPI003), an IKE SA is up (SPI004), the flow is not persistent, or its source
is no peer at all (SPI006).

## What to do

Clear the stale SA on the sender, switch on dead peer detection of that peer's IKE version. Where the configuration
could not be read, give the account the privilege first (SPI015). Where the SAs, the clock or the IKE SA were not read, a
look at them comes first and nothing is cleared.

## References

Cisco TAC 115801, which is silent on these peers.
"""

from __future__ import annotations

from collections.abc import Iterator

from collector.model import Facts, Incident, Judgement, Level, Rule, Verdict
from collector.rules.actions import actions, clear, dpd, verify
from collector.rules.persistent import FAMILY, Decision
from collector.rules.sources import TAC_115801
from collector.rules.tunnel import Telling, heals, speak

RULE = Rule(
    id="SPI005",
    name="recovery-unproven",
    title="A black-holed tunnel for which invalid SPI recovery is unproven",
    level=Level.ERROR,
    needs=("incidents",),
    references=(TAC_115801,),
    family=FAMILY,
)


def judge(facts: Facts) -> Iterator[Judgement]:
    """One judgement a persistent flow, or one for the device."""
    return speak(facts, RULE.id, _tell)


def _tell(facts: Facts, incident: Incident, decision: Decision) -> Telling:
    if decision.verdict is Verdict.UNKNOWN:
        return Telling(
            title="A black-holed flow whose peer could not be typed",
            cure="Without the configuration nothing can be said of `crypto isakmp invalid-spi-recovery`.",
        )
    peer = incident.peer
    lever = {
        1: "DPD is the lever that is proven. ",
        2: "The lever for IKEv2 is `dpd` of the IKEv2 profile, or `crypto ikev2 dpd`. ",
    }.get(peer.ike_version or 0 if peer else 0, "")
    return Telling(
        title=RULE.title,
        cure=f"Whether `crypto isakmp invalid-spi-recovery` does anything for it is not proven. {lever}{heals(incident)}",
        actions=actions(facts, incident, clear, dpd, verify),
    )
