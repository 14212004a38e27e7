"""Runs the rules over one device's Facts and makes findings of what they say.

The engine answers `unknown` where a fact that a rule needs is `None`; it stamps rule, level and device; it refuses a
`fail` without evidence; it sorts. Policy (levels, opt-in rules, mutes) is applied where findings are made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256

from collector.errors import UsageError
from collector.model import (
    Action,
    Facts,
    Finding,
    Judgement,
    Level,
    Mute,
    Rule,
    Verdict,
    to_address,
)
from collector.rules.module import RuleModule
from collector.rules.sight import FACT
from collector.rules.words import unique

_VERDICTS = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS, Verdict.NOT_APPLICABLE)


def run(facts: Facts, modules: Sequence[RuleModule]) -> tuple[Judgement, ...]:
    """Every judgement of `modules`, in a fixed order. Raises UsageError where a rule breaks the contract."""
    found = [judgement for module in modules for judgement in _stamped(facts, module)]
    return tuple(sorted(found, key=_order))


def _order(judgement: Judgement) -> tuple[str, int, tuple[str, ...], str, str]:
    return (
        judgement.rule,
        _VERDICTS.index(judgement.verdict),
        judgement.subject,
        str(judgement.peer or ""),
        judgement.message,
    )


def _stamped(facts: Facts, module: RuleModule) -> Iterator[Judgement]:
    card = module.RULE
    absent = [need for need in card.needs if getattr(facts, need) is None]
    if absent:
        yield Judgement(
            rule=card.id,
            device=facts.device.name,
            level=_capped(card.level, Verdict.UNKNOWN),
            verdict=Verdict.UNKNOWN,
            subject=("device",),
            message=f"{card.id} cannot be judged: not known: {', '.join(absent)}",
            why=f"Not known: {'; '.join(FACT.get(need, need) for need in absent)}.",
            evidence=(),
            missing=absent[0],
        )
        return
    for said in _judged(facts, module):
        if said.verdict is Verdict.FAIL and not said.evidence:
            raise UsageError(f"rule {card.id}: a `fail` without evidence is no judgement ({said.message!r})")
        yield replace(
            said,
            rule=card.id,
            device=facts.device.name,
            level=_capped(said.level or card.level, said.verdict),
            title=said.title or card.title,
            references=said.references or card.references,
            actions=said.actions if said.verdict is Verdict.FAIL else (),
        )


def _judged(facts: Facts, module: RuleModule) -> Iterator[Judgement]:
    """A rule of ours that breaks is our bug and goes up as it is; a site's becomes one line that names its file."""
    file = getattr(module, "SITE_FILE", None)
    if file is None:
        yield from module.judge(facts)
        return
    try:
        yield from tuple(module.judge(facts))
    except Exception as error:
        raise UsageError(f"{file}: {type(error).__name__}: {error}") from error


def _capped(level: Level, verdict: Verdict) -> Level:
    """What is not known is at most a warning."""
    return Level.WARNING if verdict is Verdict.UNKNOWN and level is Level.ERROR else level


def findings(facts: Facts, judgements: Sequence[Judgement], cards: Sequence[Rule]) -> tuple[Finding, ...]:
    """What of the judgements is worth a person's time: one finding a fingerprint, the loudest first."""
    by_id = {card.id: card for card in cards}
    grouped: dict[str, list[Judgement]] = defaultdict(list)
    for judgement in judgements:
        card = by_id.get(judgement.rule)
        levelled = _levelled(facts, judgement, card)
        if levelled is not None:
            grouped[fingerprint(judgement, card)].append(levelled)
    made = [_finding(key, group) for key, group in grouped.items()]
    return tuple(sorted(made, key=lambda item: (item.level.rank, item.rule, str(item.peer or ""), item.id)))


def fingerprint(judgement: Judgement, card: Rule | None) -> str:
    """16 hex digits, the same in every run: rule family, device and subject; no SPI, counter, time or level."""
    family = (card.family if card else "") or judgement.rule
    text = "\x1f".join((family, judgement.device, *judgement.subject))
    return sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _levelled(facts: Facts, judgement: Judgement, card: Rule | None) -> Judgement | None:
    """The judgement at its level by policy, or `None` where it makes no finding."""
    wanted = facts.policy.levels.get(judgement.rule)
    speaks = judgement.verdict is Verdict.FAIL or (judgement.verdict is Verdict.UNKNOWN and judgement.event)
    asked = card is None or not card.opt_in or judgement.event or wanted is not None
    if not speaks or not asked or wanted == "off":
        return None
    level = Level(wanted) if wanted else judgement.level
    assert level is not None, "the engine stamps a level"
    return replace(judgement, level=_capped(level, judgement.verdict))


def _weight(judgement: Judgement) -> tuple[bool, int, str, str]:
    assert judgement.level is not None, "the engine stamps a level"
    return (judgement.verdict is not Verdict.FAIL, judgement.level.rank, judgement.rule, judgement.message)


def _finding(key: str, group: list[Judgement]) -> Finding:
    """One finding of all that was said of one subject: the weightiest speaks, evidence, SPIs and actions are joined."""
    ordered = sorted(group, key=_weight)
    head = ordered[0]
    assert head.level is not None, "the engine stamps a level"
    first = [item.first_seen for item in ordered if item.first_seen is not None]
    last = [item.last_seen for item in ordered if item.last_seen is not None]
    return Finding(
        id=key,
        rule=head.rule,
        level=head.level,
        verdict=head.verdict,
        device=head.device,
        peer=head.peer if len({item.peer for item in ordered}) == 1 else None,
        title=head.title,
        message=" ".join(dict.fromkeys(item.message for item in ordered)),
        why=" ".join(dict.fromkeys(item.why for item in ordered)),
        evidence=unique(line for item in ordered for line in item.evidence),
        actions=_joined_actions(ordered),
        references=tuple(dict.fromkeys(text for item in ordered for text in item.references)),
        first_seen=min(first, default=None),
        last_seen=max(last, default=None),
        far_device=next((item.far_device for item in ordered if item.far_device), None),
        ends=next((item.ends for item in ordered if item.ends), None),
        spis=tuple(sorted({spi for item in ordered for spi in item.spis})),
    )


def _joined_actions(ordered: list[Judgement]) -> tuple[Action, ...]:
    """The weightiest judgement's actions: two clears for one tunnel would be one too many."""
    if ordered[0].verdict is not Verdict.FAIL:
        return ()
    return ordered[0].actions


def muted(facts: Facts, finding: Finding) -> Mute | None:
    """The mute that answers for `finding`, or `None`."""
    return next((mute for mute in facts.policy.mutes if applies(mute, facts, finding)), None)


def applies(mute: Mute, facts: Facts, finding: Finding) -> bool:
    """Whether `mute` holds: every field it gives matches, and the device was read in its window.

    A capture without any date ends no mute and keeps none: what cannot be dated is shown.
    """
    at = facts.collected_at or facts.device_time
    return at is not None and mute.covers(at) and answers(mute, finding)


def answers(mute: Mute, finding: Finding) -> bool:
    """Whether every field that `mute` gives matches `finding`, whatever the time."""
    return (
        mute.rule in {None, finding.rule}
        and (mute.peer is None or (finding.peer is not None and to_address(mute.peer) == finding.peer))
        and mute.device in {None, finding.device}
    )
