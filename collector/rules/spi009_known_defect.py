"""The router holds the SA and drops its packets as unknown, with an SPI that begins with 0xFF: a known defect fits.

## What it flags

A persistent flow whose logged SPI is among this router's own inbound SAs and begins with 0xFF. CSCvp16730 describes
inbound ESP packets with such an SPI being dropped with an invalid SPI error.

## Why it matters

Both ends agree, so neither recovery nor dead peer detection has anything to repair. Only another SPI, or other
software, helps.

## When it stays quiet

The SPI is not among the inbound SAs here: one SPI in 256 begins with 0xFF, so that alone is only remarked in the
reasons of the other rules. Any other installed SPI is SPI010's.

## What to do

Clear the SA on the sender: the new one has, with 255 chances in 256, another first octet. Open a TAC case with both
outputs (the log and `show crypto ipsec sa`); ask which release fixes it, this program does not know.

## References

Cisco TAC 115801 (list of known defects), Cisco bug CSCvp16730.
"""

from __future__ import annotations

from collections.abc import Iterator

from collector.model import Facts, Incident, Judgement, Level, Rule
from collector.rules.actions import actions, clear, verify
from collector.rules.persistent import FAMILY, Decision
from collector.rules.sources import CVP16730, TAC_115801
from collector.rules.tunnel import Telling, speak

RULE = Rule(
    id="SPI009",
    name="known-defect",
    title="Packets of an installed SA are dropped, its SPI begins with 0xFF (CSCvp16730)",
    level=Level.ERROR,
    needs=("incidents",),
    references=(TAC_115801, CVP16730),
    family=FAMILY,
)


def judge(facts: Facts) -> Iterator[Judgement]:
    """One judgement a persistent flow, or one for the device."""
    return speak(facts, RULE.id, _tell)


def _tell(facts: Facts, incident: Incident, _: Decision) -> Telling:
    return Telling(
        title=RULE.title,
        cure="Both ends agree on the SA; CSCvp16730 fits. A TAC case with the log and `show crypto ipsec sa`; clearing "
        "gives a new SPI.",
        actions=actions(facts, incident, clear, verify),
    )
