"""The cascade for a flow that is persistently black-holed: the first row that matches opens the one finding.

    a  the logged SPI is among this router's own inbound SAs            SPI009 / SPI010 / SPI014
    b  GETVPN, SD-WAN, manual IPsec                                     SPI002, neither CLEAR nor DPD
    c  an IKE SA was up before the last line, or is of unknown age      SPI004
    d  an IKE SA came up after the last line                            no finding: SPI001 `unknown`, look again
    e  recovery cannot help (no, not applicable)                        SPI002
    f  recovery is unproven                                             SPI005, `unknown` for want of a configuration
    g  recovery can help, the command is on                             SPI003
    h  recovery can help, the command is absent, no IKE SA              SPI001
    i  recovery can help, but the command or the IKE SA is not known    SPI001 `unknown`

Whatever row takes it, nothing is changed for a flow while it is too early (`premature` has the three doubts): row h is
then `unknown`, the other rows stand without CLEAR, DPD and RECOVER and name what to look at first.

Each row answers with a Decision, or with the sentence that says why it does not match: the decision path of `explain`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from collector.model import (
    NO_IKE,
    ConfigType,
    CryptoConfig,
    Facts,
    Incident,
    Outcome,
    Recovery,
    State,
    Verdict,
)
from collector.rules.premature import IKE_NOT_READ, Doubt, doubts, held_here
from collector.rules.shared import unshared_at

FAMILY = "tunnel"

# The rows of TAC 115801 with a Yes; whatever else says "yes" is not believed.
YES_TYPES = frozenset(
    {
        ConfigType.STATIC_CRYPTO_MAP,
        ConfigType.GRE_TUNNEL_PROTECTION,
        ConfigType.MGRE_STATIC_NHRP,
        ConfigType.SVTI,
    }
)
HIGH_SPI = 0xFF000000  # CSCvp16730


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Which row took a flow. missing: the fact for want of which the verdict is `unknown`; quiet: not worth a finding.

    doubts: why it is too early to change anything.
    """

    row: str
    rule: str
    verdict: Verdict
    reason: str
    missing: str = ""
    quiet: bool = False
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One row tried: did it match, and the fact that decided it."""

    row: str
    question: str
    matched: bool
    reason: str


Row = Callable[[Facts, Incident], Decision | str]


def recovery_of(incident: Incident) -> Recovery:
    """Whether the command can help with this flow's peer; a `yes` is believed only where TAC 115801 says so."""
    peer = incident.peer
    if peer is None:
        return Recovery.UNPROVEN
    if peer.recovery is not Recovery.YES:
        return peer.recovery
    certain = (
        peer.config_type in YES_TYPES
        and peer.ike_version != 2
        and peer.address is not None
        and peer.address.version == 4
        and incident.bound != "nat"
    )
    return Recovery.YES if certain else Recovery.UNPROVEN


def typed_config(facts: Facts) -> CryptoConfig | None:
    """The configuration, where peers could be typed from it (or from `show crypto map` and its kin)."""
    return facts.config if facts.config is not None and facts.config.readable in {"full", "runtime"} else None


def config_read(facts: Facts) -> bool:
    """Whether peers could be typed at all."""
    return typed_config(facts) is not None


def may_be_dynamic(facts: Facts, incident: Incident) -> bool:
    """Whether an unbound source may be one of the peers that a binding accepts without naming them."""
    if incident.peer is not None:
        return False
    if incident.bound == "acceptor":
        return True
    config = typed_config(facts)
    return config is not None and any(
        binding.acceptor
        and binding.applied
        and not binding.shutdown
        and (not binding.local or incident.destination in binding.local)
        for binding in config.bindings
    )


def _a(facts: Facts, incident: Incident) -> Decision | str:
    join = incident.join.outcome if incident.join else None
    spi = incident.installed
    if not held_here(incident):
        return "the logged SPI was not seen among this router's inbound SAs"
    if spi is not None and spi >= HIGH_SPI:
        return Decision(
            row="a",
            rule="SPI009",
            verdict=Verdict.FAIL,
            reason=f"inbound SA {spi} is installed here and begins with 0xFF, as in CSCvp16730",
        )
    if join is Outcome.WRONG_ENDPOINT:
        return _wrong_endpoint(facts, incident)
    return Decision(
        row="a",
        rule="SPI010",
        verdict=Verdict.FAIL,
        reason=f"inbound SA {spi or 'of the logged SPI'} is installed here, yet its packets are dropped as unknown",
    )


def _wrong_endpoint(facts: Facts, incident: Incident) -> Decision:
    if not config_read(facts):
        return Decision(
            row="a",
            rule="SPI010",
            verdict=Verdict.UNKNOWN,
            reason="the SPI is installed here for another local address, VRF or interface",
            missing="config",
        )
    if unshared_at(facts, incident.destination):
        return Decision(
            row="a",
            rule="SPI014",
            verdict=Verdict.FAIL,
            reason="the SPI is installed under another tunnel of the same source, and `shared` is missing",
        )
    return Decision(
        row="a",
        rule="SPI010",
        verdict=Verdict.FAIL,
        reason="the SPI is installed here for another local address, VRF or interface than the packets come to",
    )


def _b(_: Facts, incident: Incident) -> Decision | str:
    peer = incident.peer
    if peer is None:
        return "the source is bound to no peer"
    if peer.config_type not in NO_IKE:
        return f"{peer.config_type} is neither GETVPN, SD-WAN nor manual IPsec"
    return Decision(row="b", rule="SPI002", verdict=Verdict.FAIL, reason=peer.why)


def _c(_: Facts, incident: Incident) -> Decision | str:
    peer = incident.peer
    if peer is None:
        return "the source is bound to no peer, so no IKE SA can be asked for"
    if peer.ike_sa != "up":
        return f"IKE SA with {peer.address or peer.binding}: {peer.ike_sa}"
    if peer.ike_since is None or incident.last_seen is None:
        return Decision(
            row="c",
            rule="SPI004",
            verdict=Verdict.FAIL,
            reason="an IKE SA with this peer is up",
        )
    if peer.ike_since > incident.last_seen:
        return "the IKE SA came up after the last line"
    return Decision(
        row="c",
        rule="SPI004",
        verdict=Verdict.FAIL,
        reason=f"an IKE SA with this peer is up since {peer.ike_since.isoformat()}, before the last line",
    )


def _d(_: Facts, incident: Incident) -> Decision | str:
    peer = incident.peer
    if peer is None or peer.ike_sa != "up":
        return "no IKE SA with this peer is known to be up"
    return Decision(
        row="d",
        rule="SPI001",
        verdict=Verdict.UNKNOWN,
        reason="an IKE SA came up after the last line: the tunnel may be healing, look again",
        missing="a second look",
        quiet=True,
    )


def _e(facts: Facts, incident: Incident) -> Decision | str:
    peer = incident.peer
    if peer is None and may_be_dynamic(facts, incident):
        return Decision(
            row="e",
            rule="SPI002",
            verdict=Verdict.UNKNOWN,
            reason="may be a dynamic peer: the destination accepts peers that are not configured one by one",
            missing="a trace of this peer (NHRP, IKE SA, session)",
        )
    recovery = recovery_of(incident)
    if peer is None or recovery not in {Recovery.NO, Recovery.NOT_APPLICABLE}:
        return f"recovery for this peer: {recovery}"
    return Decision(row="e", rule="SPI002", verdict=Verdict.FAIL, reason=peer.why)


def _f(facts: Facts, incident: Incident) -> Decision | str:
    if recovery_of(incident) is not Recovery.UNPROVEN:
        return f"recovery for this peer: {recovery_of(incident)}"
    peer = incident.peer
    if not config_read(facts):
        return Decision(
            row="f",
            rule="SPI005",
            verdict=Verdict.UNKNOWN,
            reason="no configuration was read, so this peer has no type",
            missing="config",
        )
    if peer is None and facts.config is not None and facts.config.readable != "full":
        return Decision(
            row="f",
            rule="SPI005",
            verdict=Verdict.UNKNOWN,
            reason="no peer with this source was seen, and not all of the configuration was read",
            missing="config",
        )
    if peer is None:
        return Decision(
            row="f", rule="SPI005", verdict=Verdict.FAIL, reason="the source is bound to no configured peer"
        )
    return Decision(row="f", rule="SPI005", verdict=Verdict.FAIL, reason=_unproven(incident, peer.why))


def _unproven(incident: Incident, why: str) -> str:
    peer = incident.peer
    if incident.bound == "nat":
        return f"the source matches this peer only through NAT; {why}"
    if peer is not None and peer.recovery is Recovery.YES and peer.ike_version == 2:
        return f"the peer speaks IKEv2, of which TAC 115801 says nothing; {why}"
    return why


def _g(facts: Facts, _: Incident) -> Decision | str:
    if facts.recovery_configured is not True:
        return "the command is absent" if facts.recovery_configured is False else "the command could not be looked for"
    return Decision(
        row="g", rule="SPI003", verdict=Verdict.FAIL, reason="the command is configured and the flow is still dropped"
    )


def _h(facts: Facts, incident: Incident) -> Decision | str:
    peer = incident.peer
    if facts.recovery_configured is not False:
        return "the command could not be looked for"
    if peer is None or peer.ike_sa != "none":
        return "whether an IKE SA with this peer is up is not known"
    if peer.ike_version is None:
        return "the IKE version of this peer is not known"
    return Decision(
        row="h",
        rule="SPI001",
        verdict=Verdict.FAIL,
        reason=f"{peer.config_type} with an explicit peer, no IKE SA with it, and the command is absent",
    )


def _i(facts: Facts, incident: Incident) -> Decision | str:
    if facts.recovery_configured is None:
        missing, text = "recovery_configured", "whether the command is configured could not be read"
    elif incident.peer is not None and incident.peer.ike_sa == "none":
        missing, text = "ike_version", "the IKE version of this peer is not known"
    else:
        missing, text = "ike_sa", IKE_NOT_READ
    return Decision(row="i", rule="SPI001", verdict=Verdict.UNKNOWN, reason=text, missing=missing)


ROWS: tuple[tuple[str, str, Row], ...] = (
    ("a", "does this router itself hold the logged SPI?", _a),
    ("b", "is it a kind of IPsec without a peer's IKE SA?", _b),
    ("c", "was an IKE SA with the peer up before the last line?", _c),
    ("d", "did an IKE SA come up after the last line?", _d),
    ("e", "is recovery of no use for this peer?", _e),
    ("f", "is recovery unproven for this peer?", _f),
    ("g", "is the command on already?", _g),
    ("h", "absent command, no IKE SA: would it heal?", _h),
    ("i", "is a fact missing for that?", _i),
)


def trace(facts: Facts, incident: Incident) -> tuple[tuple[Step, ...], Decision]:
    """The rows tried, in order, up to the one that matched, then whether it is too early to act; and what was decided."""
    steps = []
    for letter, question, row in ROWS:
        answer = row(facts, incident)
        matched = isinstance(answer, Decision)
        steps.append(
            Step(
                row=letter,
                question=question,
                matched=matched,
                reason=answer.reason if isinstance(answer, Decision) else answer,
            )
        )
        if isinstance(answer, Decision):
            decision = _unless_premature(answer, doubts(facts, incident))
            return (*steps, *(_first_look(doubt) for doubt in decision.doubts)), decision
    raise AssertionError("row i answers whatever is left")


def _unless_premature(decision: Decision, found: tuple[Doubt, ...]) -> Decision:
    """Row h advises a change and nothing else, so that a doubt makes it unknown; the other rows keep what they say."""
    if not found:
        return decision
    reason = "; ".join((decision.reason, *(doubt.reason for doubt in found if doubt.reason != decision.reason)))
    decision = replace(decision, reason=reason, doubts=found)
    if decision.row == "h":
        return replace(decision, verdict=Verdict.UNKNOWN, missing=found[0].missing)
    return decision


def _first_look(doubt: Doubt) -> Step:
    return Step(
        row="-",
        question="is it too early to change anything?",
        matched=True,
        reason=f"{doubt.reason}. {doubt.advice}",
    )


# The rows that speak for a rule.
_OF_RULE = {
    "SPI001": "h",
    "SPI002": "be",
    "SPI003": "g",
    "SPI004": "c",
    "SPI005": "f",
    "SPI009": "a",
    "SPI010": "a",
}


def stopped(facts: Facts, incident: Incident, rule: str) -> str:
    """The fact that stopped `rule`: the answer of its own rows, else the row that came before them."""
    steps, decision = trace(facts, incident)
    own = [step.reason for step in steps if step.row in _OF_RULE[rule] and not step.matched]
    return "; ".join(own) or f"row {decision.row} comes first: {decision.reason}"


def decide(facts: Facts, incident: Incident) -> Decision:
    """The one row that takes a persistent flow."""
    return trace(facts, incident)[1]


def persistent(facts: Facts) -> Iterator[tuple[Incident, Decision]]:
    """Each persistent flow of the device with its decision."""
    for incident in facts.incidents or ():
        if incident.state is State.PERSISTENT:
            yield incident, decide(facts, incident)
