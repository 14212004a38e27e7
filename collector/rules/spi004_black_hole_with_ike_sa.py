"""A tunnel is black-holed although an IKE SA with the peer is up: invalid SPI recovery adds nothing here.

## What it flags

A persistent flow of unknown SPIs from a peer with which an IKE SA was up before the last line, or is up and of unknown
age, whatever the type of the peer's configuration.

## Why it matters

With an IKE SA up IOS sends the DELETE notify whether the command is on or not. That the flow goes on means that the
sender did not act on it: it lost its half of the IKE SA, it is a product that ignores the notify, it is IKEv2 with
CSCvd40554, or the packets come from another peer or VRF than it seems. The command is not the lever.

## When it stays quiet

No IKE SA is up (SPI001, SPI002, SPI003, SPI005), it came up only after the last line (healing), or the peer has no IKE
at all (GETVPN, SD-WAN, manual keys: SPI002). A phase 1 that is not established, or deleted, is no IKE SA.

## What to do

Clear the stale SA on the sender, and the IKE SA only if it returns. Dead peer detection on both ends: this router may
itself hold a half-dead IKE SA. Debug both ends while it happens. Where the age of the IKE SA is not known, look at the
session first: if its uptime is shorter than the time since the last line, wait, it may be healing.

## References

Cisco TAC 115801; Cisco bug CSCvd40554 (IKEv2: INVALID_SPI notify with an SPI size of 0).
"""

from __future__ import annotations

from collections.abc import Iterator

from collector.model import Facts, Incident, Judgement, Level, Rule
from collector.rules.actions import actions, clear, debug, dpd, verify
from collector.rules.persistent import FAMILY, Decision
from collector.rules.sources import TAC_115801
from collector.rules.tunnel import Telling, heals, speak

RULE = Rule(
    id="SPI004",
    name="black-hole-with-ike-sa",
    title="A black-holed tunnel with an IKE SA up: recovery adds nothing",
    level=Level.ERROR,
    needs=("incidents",),
    references=(TAC_115801,),
    family=FAMILY,
)


def judge(facts: Facts) -> Iterator[Judgement]:
    """One judgement a persistent flow, or one for the device."""
    return speak(facts, RULE.id, _tell)


def _tell(facts: Facts, incident: Incident, _: Decision) -> Telling:
    peer = incident.peer
    ike2 = "; IKEv2: CSCvd40554 keeps IOS from reading the notify" if peer and peer.ike_version == 2 else ""
    return Telling(
        title=RULE.title,
        cure="`crypto isakmp invalid-spi-recovery` adds nothing while IKE is up: the DELETE notify goes out regardless. "
        + heals(incident),
        why=(
            "the sender may have lost its half of the IKE SA, or ignore the notify (a product of another maker)"
            + ike2
            + "; or the packets come from another peer or VRF",
            peer.why if peer else "",
        ),
        actions=actions(facts, incident, clear, dpd, debug, verify),
    )
