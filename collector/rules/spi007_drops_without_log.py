"""The drop counter for unknown SPIs rises, and no log line says whose packets they are.

## What it flags

An unknown-SPI counter of the QFP (NOT_FOUND_SPI) above the noise level with no matching line in the log: a warning,
and an error once it rose in several runs in a row. At first sight the value counts with its average rate since boot
or since the counters were cleared.

## Why it matters

A line is not a packet, and no line is no proof of no packets. A black hole can hide here: log level, a full buffer, a
discriminator, an ASR before IOS XE 2.3.2 (12.2(33)XNC2), which does not log it, NAT traversal before the fix of
CSCsq59183.

## When it stays quiet

The rate is below the noise level (a rekey drops a few packets), the counter was reset in between, or lines name the
flow: then it is judged as one. Classic IOS has no such counter that is proven.

## What to do

See why the log is silent and lift it. Look at the SAs peer by peer: encaps that rise at one end and decaps that do not
at the other name the tunnel without any log. With the far ends in the same run the join needs no syslog.

## References

Cisco TAC 115801 (counters of the ASR, the release that logs, CSCsq59183).
"""

from __future__ import annotations

from collections.abc import Iterator

from collector.model import Action, Counter, Facts, Incident, Judgement, Level, Rule, State, Verdict
from collector.rules.sight import counted, uncountable
from collector.rules.sources import TAC_115801
from collector.rules.words import incident_evidence, lasting, sentences, unique

RULE = Rule(
    id="SPI007",
    name="drops-without-log",
    title="Packets with unknown SPIs are dropped, and the log does not say whose",
    level=Level.WARNING,
    needs=("incidents",),
    references=(TAC_115801,),
)


def judge(facts: Facts) -> Iterator[Judgement]:
    """One judgement a counter that rose without lines, else one for the device."""
    flows = [item for item in facts.incidents or () if item.state is State.COUNTER_ONLY]
    yield from (_counter(facts, flow) for flow in flows)
    if not flows:
        yield _calm(facts)


def _calm(facts: Facts) -> Judgement:
    known = counted(facts)
    counters = facts.counters or ()
    verdict = Verdict.PASS if known else Verdict.NOT_APPLICABLE if uncountable(facts) else Verdict.UNKNOWN
    return Judgement(
        verdict=verdict,
        subject=("device",),
        message={
            Verdict.PASS: "no unknown-SPI counter rose without a line in the log",
            Verdict.NOT_APPLICABLE: "classic IOS has no counter of unknown SPIs that is proven",
            Verdict.UNKNOWN: "the counters of unknown SPIs were not read",
        }[verdict],
        why=", ".join(f"{item.name} {item.packets}" for item in counters) or "no counter was read",
        evidence=unique(line for item in counters for line in item.evidence),
        missing="counters" if verdict is Verdict.UNKNOWN else "",
    )


def _counter(facts: Facts, flow: Incident) -> Judgement:
    name = flow.counter or "an unknown-SPI counter"
    counter = next((item for item in facts.counters or () if item.name == flow.counter), None)
    evidence = unique((*incident_evidence(flow), *(counter.evidence if counter else ())))
    noise = facts.policy.thresholds.counter_noise
    rate = flow.rate_per_hour
    verdict = Verdict.UNKNOWN if rate is None or not evidence else Verdict.FAIL if rate > noise else Verdict.PASS
    runs = _runs(facts, counter)
    loud = runs >= facts.policy.thresholds.counter_runs
    return Judgement(
        verdict=verdict,
        subject=("counter", name),
        message=f"{name} on {facts.device.name} stands at {flow.counter_packets} packets, "
        f"{'at an unknown rate' if rate is None else f'{rate:.0f} an hour'}, without a line that names the flow. "
        + ("It is below the noise level." if verdict is Verdict.PASS else "A tunnel may be black-holed unseen."),
        why=sentences(flow.why, f"it rose in {runs} runs in a row" if runs > 1 else "", *blindness(facts)),
        evidence=evidence,
        level=Level.ERROR if loud else None,
        actions=(_look(facts),),
        missing="the rate of the counter" if rate is None else "",
        first_seen=flow.first_seen,
        last_seen=flow.last_seen,
        event=True,
    )


def _runs(facts: Facts, counter: Counter | None) -> int:
    """Runs in a row that saw it rise, this one included."""
    if counter is None:
        return 0
    rose = counter.delta is not None and counter.delta > 0 and not counter.reset
    return facts.history.rising_runs.get(counter.name, 0) + 1 if rose else 0


def blindness(facts: Facts) -> Iterator[str]:
    """Why the log may be silent, as far as this device tells."""
    told = [spot.message for spot in facts.blind_spots if spot.need in {"log", "sightings", "incidents"}]
    if any(peer.nat_traversal for peer in facts.peers or ()):
        told.append("peers behind NAT: before the fix of CSCsq59183 such packets are not logged")
    yield from told or ["why the log is silent is not known (level, rate limit, buffer)"]


def _look(facts: Facts) -> Action:
    window = lasting(facts.policy.thresholds.relook_after)
    return Action(
        on=facts.device.name,
        side="receiver",
        commands=(
            "show logging | include logging:|Log Buffer|Discriminator|INV_SPI",
            "show platform hardware qfp active feature ipsec datapath drops all",
            "show crypto ipsec sa | include interface:|current.peer|decaps|spi",
        ),
        note=f"Look twice, {window} apart: which peer's decaps stand still while its far end's encaps rise?",
    )
