"""Invalid SPI recovery is on, the peer is one that it works for, and the tunnel is black-holed all the same.

## What it flags

A persistent flow of unknown SPIs from a peer with a Yes in TAC 115801, on a router that has
`crypto isakmp invalid-spi-recovery`, with no IKE SA known to be up.

## Why it matters

With the command on this router starts IKE to the sender and notifies it. If the flow goes on, that did not happen or
did not arrive: the way is blocked, or IKE from this side fails. "Enable it" would be wrong advice; it is on.

## When it stays quiet

The command is absent (SPI001) or cannot help (SPI002, SPI005); an IKE SA is up (SPI004); the flow stopped.

## What to do

Clear the stale SA on the sender. Then ask whether this router can be the initiator at all: UDP 500 and 4500 from here
to there, a policy, key and profile that fit with this side starting. Debug both ends for this peer, or leave a
collecting applet behind if it comes and goes. Where the SAs, the clock or the IKE SA were not read, a look at them comes
first and nothing is cleared.

## References

Cisco TAC 115801; Cisco TAC 116005 (applets for intermittent trouble).
"""

from __future__ import annotations

from collections.abc import Iterator

from collector.model import Facts, Incident, Judgement, Level, Rule
from collector.rules.actions import actions, clear, debug, dpd, eem, verify
from collector.rules.persistent import FAMILY, Decision
from collector.rules.sources import TAC_115801, TAC_116005
from collector.rules.tunnel import Telling, heals, speak

RULE = Rule(
    id="SPI003",
    name="recovery-on-still-black-holed",
    title="Invalid SPI recovery is on, and the tunnel is still black-holed",
    level=Level.ERROR,
    needs=("incidents",),
    references=(TAC_115801, TAC_116005),
    family=FAMILY,
)


def judge(facts: Facts) -> Iterator[Judgement]:
    """One judgement a persistent flow, or one for the device."""
    return speak(facts, RULE.id, _tell)


def _tell(facts: Facts, incident: Incident, _: Decision) -> Telling:
    none = incident.peer is not None and incident.peer.ike_sa == "none"
    # With the IKE SA unread this may be SPI004's case, which calls for no applet: lost data earns nothing.
    blocks = (clear, dpd, debug, eem, verify) if none else (clear, dpd, debug, verify)
    return Telling(
        title=RULE.title,
        cure="`crypto isakmp invalid-spi-recovery` is on here and has not healed it: can this router start IKE to the "
        "sender (UDP 500 and 4500, policy, key and profile with this side as initiator)? " + heals(incident),
        why=(
            incident.peer.why if incident.peer else "",
            "no IKE SA with the peer is up" if none else "",
        ),
        actions=actions(facts, incident, *blocks),
    )
