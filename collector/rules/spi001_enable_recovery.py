"""A tunnel is black-holed, and `crypto isakmp invalid-spi-recovery` is missing on the one router where it would heal it.

## What it flags

The router logs the same unknown SPI for the same flow again and again (persistent), the peer is one of the four
configurations for which TAC 115801 says Yes (static crypto map, point-to-point GRE with tunnel protection, mGRE with a
static NHRP mapping, SVTI), it speaks IKEv1 over IPv4, no IKE SA with it is up, and the command is absent. All five
are proven from this router's own lines; where one could not be read the verdict is `unknown`. So it is where this
router's own inbound SAs were not read (if it holds the SPI itself, it is SPI009 or SPI010) and where no `show clock`
stands before the log (whether it still goes on is not known then).

## Why it matters

The sender still encrypts with SAs that this router no longer has, so everything it sends is lost until its SA
expires or its dead peer detection notices. Without an IKE SA this router has nobody to tell. With the command on it
starts IKE towards the sender and then notifies it.

## When it stays quiet

One line only or lines of different SPIs (a rekey), a peer for which the command does nothing (SPI002) or nothing is
proven (SPI005), a command that is on already (SPI003), an IKE SA that was up before the last line (SPI004: the notify
goes out regardless of the command), an IKE SA that came up after the last line (healing).

## What to do

Clear the stale SA on the sender now; enable the command on this router, with ESP let in from known peers only; switch
on dead peer detection, sender first. The command heals, it does not cure: find out why the SAs fell apart when it
happens often (SPI011).

## References

Cisco TAC 115801; Cisco IOS configuration guide, Invalid Security Parameter Index Recovery (off by default because of
denial of service). The sources differ in two points: the guide calls what is sent an INVALID SPI NOTIFY and shows the
command on both peers; TAC 115801 calls it a DELETE notify, and only the router that drops needs the command.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from collector.model import Facts, Incident, Judgement, Level, Recovery, Rule, State, Verdict
from collector.rules.actions import actions, clear, dpd, recover, verify
from collector.rules.persistent import FAMILY, Decision
from collector.rules.sight import FACT
from collector.rules.sources import GUIDE_RECOVERY, TAC_115801
from collector.rules.tunnel import Telling, heals, speak
from collector.rules.words import listed, peer_text

RULE = Rule(
    id="SPI001",
    name="enable-recovery",
    title="A black-holed tunnel that invalid SPI recovery would heal, and it is off",
    level=Level.ERROR,
    needs=("incidents",),
    references=(TAC_115801, GUIDE_RECOVERY),
    family=FAMILY,
)


def judge(facts: Facts) -> Iterator[Judgement]:
    """One judgement a persistent flow, or one for the device."""
    others = _others(facts)
    exposed = any(other.state in {State.SCAN, State.UNKNOWN_SOURCE} for other in facts.incidents or ())
    return speak(facts, RULE.id, partial(_tell, others, exposed))


def _tell(others: str, exposed: bool, facts: Facts, incident: Incident, decision: Decision) -> Telling:  # noqa: FBT001 - bound by position
    if decision.verdict is Verdict.UNKNOWN:
        return Telling(
            title="A black-holed tunnel; whether invalid SPI recovery would heal it is not known",
            cure=f"Not known: {FACT.get(decision.missing, decision.missing)}.",
        )
    found = actions(facts, incident, clear)
    return Telling(
        title=RULE.title,
        cure="`crypto isakmp invalid-spi-recovery` is absent here, and this is a peer that it works for. "
        + heals(incident),
        why=(incident.peer.why if incident.peer else "", others),
        actions=(*found, recover(facts, after_acl=exposed), *actions(facts, incident, dpd, verify)) if found else (),
    )


def _others(facts: Facts) -> str:
    """The command is global: whom else it helps, and whom not."""
    peers = facts.peers or ()
    helped = [peer_text(peer) for peer in peers if peer.recovery is Recovery.YES]
    rest = [peer_text(peer) for peer in peers if peer.recovery is not Recovery.YES]
    text = f"the command is global: it helps with {listed(helped)}" if helped else "the command is global"
    return text + (f"; it does nothing proven for {listed(rest)}" if rest else "")
