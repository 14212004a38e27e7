"""The router's control plane holds the SA, and its packets are dropped as unknown all the same.

## What it flags

A persistent flow whose logged SPI is among this router's own inbound SAs: the forwarding plane lacks what the control
plane has, or the SA is installed for another local address, VRF or interface than the one the packets come to.

## Why it matters

It looks like SAs out of step, but both ends agree. Recovery and dead peer detection repair agreement; here there is
nothing for them to do.

## When it stays quiet

The SPI is not installed (the cascade goes on), it begins with 0xFF (SPI009), the lines span less than the persistent
span (a rekey race), or two tunnels share a source without `shared` (SPI014).

## What to do

Installed elsewhere: look at the HSRP address, `local-address` and the tunnel source. Else a TAC case with both outputs;
clearing the SA on the sender gives a new SPI and often ends it for now.

## References

Cisco TAC 115801; the conclusion is this program's own inference.
"""

from __future__ import annotations

from collections.abc import Iterator

from collector.model import Facts, Incident, Judgement, Level, Outcome, Rule
from collector.rules.actions import actions, clear, verify
from collector.rules.persistent import FAMILY, Decision
from collector.rules.sources import TAC_115801
from collector.rules.tunnel import Telling, speak

RULE = Rule(
    id="SPI010",
    name="forwarding-plane-mismatch",
    title="Packets of an SA that is installed here are dropped as unknown",
    level=Level.ERROR,
    needs=("incidents",),
    references=(TAC_115801,),
    family=FAMILY,
)


def judge(facts: Facts) -> Iterator[Judgement]:
    """One judgement a persistent flow, or one for the device."""
    return speak(facts, RULE.id, _tell)


def _tell(facts: Facts, incident: Incident, _: Decision) -> Telling:
    elsewhere = incident.join is not None and incident.join.outcome is Outcome.WRONG_ENDPOINT
    cure = (
        "The SA stands here for another local address, VRF or interface: compare the HSRP address, `local-address` and "
        "the tunnel source with the address that the packets come to."
        if elsewhere
        else "Control plane and forwarding plane of this router disagree: a TAC case with the log and "
        "`show crypto ipsec sa`; clearing gives a new SPI."
    )
    return Telling(
        title=RULE.title,
        cure=cure,
        # A new SPI would be installed at the wrong place again.
        actions=() if elsewhere else actions(facts, incident, clear, verify),
    )
