"""The catalogue of rules: one file each, one line here. Facts in, judgements out; nothing here asks a router or a clock.

`judge` runs every rule over one device's Facts, `to_findings` makes of it what is worth a person's time, `muted` tells
who answers for a finding, `page` is a rule's manual page, `paths` the way to a finding.
"""

from __future__ import annotations

from collections.abc import Sequence

from collector.errors import UsageError
from collector.model import Facts, Finding, Judgement, Policy, Rule
from collector.rules import (
    engine,
    site,
    spi001_enable_recovery,
    spi002_recovery_cannot_help,
    spi003_recovery_on_still_black_holed,
    spi004_black_hole_with_ike_sa,
    spi005_recovery_unproven,
    spi006_scan_or_unknown_source,
    spi007_drops_without_log,
    spi008_recurring_rekey,
    spi009_known_defect,
    spi010_forwarding_plane_mismatch,
    spi011_frequent_desync,
    spi012_no_dead_peer_detection,
    spi013_recovery_missing,
    spi014_tunnel_protection_not_shared,
    spi015_blind_spot,
)
from collector.rules.engine import answers, applies, muted
from collector.rules.module import RuleModule
from collector.rules.pages import page_text
from collector.rules.paths import Path, path_text, ways

CATALOGUE: tuple[RuleModule, ...] = (
    spi001_enable_recovery,
    spi002_recovery_cannot_help,
    spi003_recovery_on_still_black_holed,
    spi004_black_hole_with_ike_sa,
    spi005_recovery_unproven,
    spi006_scan_or_unknown_source,
    spi007_drops_without_log,
    spi008_recurring_rekey,
    spi009_known_defect,
    spi010_forwarding_plane_mismatch,
    spi011_frequent_desync,
    spi012_no_dead_peer_detection,
    spi013_recovery_missing,
    spi014_tunnel_protection_not_shared,
    spi015_blind_spot,
)

__all__ = [
    "CATALOGUE",
    "Path",
    "RuleModule",
    "all_paths",
    "answers",
    "applies",
    "cards",
    "judge",
    "modules",
    "muted",
    "page",
    "path_text",
    "paths",
    "to_findings",
]


def modules(policy: Policy | None = None) -> tuple[RuleModule, ...]:
    """Ours and the site's. Raises UsageError naming the file of a site rule that is off."""
    if policy is None or policy.site_rules is None:
        return CATALOGUE
    own = {module.RULE.id for module in CATALOGUE}
    added = site.load(policy.site_rules)
    for module in added:
        if module.RULE.id in own:
            raise UsageError(f"{policy.site_rules}: rule id {module.RULE.id} belongs to a rule of this program")
    return (*CATALOGUE, *added)


def cards(policy: Policy | None = None) -> tuple[Rule, ...]:
    """The cards of all rules, by id."""
    return tuple(module.RULE for module in modules(policy))


def judge(facts: Facts) -> tuple[Judgement, ...]:
    """Every rule's judgements of one device, in a fixed order."""
    return engine.run(facts, modules(facts.policy))


def to_findings(facts: Facts, judgements: Sequence[Judgement]) -> tuple[Finding, ...]:
    """What of the judgements is worth a person's time, at the policy's levels; mutes are not applied (see `muted`)."""
    return engine.findings(facts, judgements, cards(facts.policy))


def page(rule: str, policy: Policy | None = None) -> str:
    """The manual page of a rule, by id or name, as Markdown. Raises UsageError for one that does not exist."""
    for module in modules(policy):
        if rule.upper() == module.RULE.id or rule == module.RULE.name:
            return page_text(module)
    raise UsageError(f"{rule!r} is no rule; see `rules`")


def paths(facts: Facts, finding: Finding, judgements: Sequence[Judgement] | None = None) -> Path:
    """The way to one finding (`path_text` prints it); judged anew where no `judgements` of these facts are given."""
    return all_paths(facts, (finding,), judgements)[0]


def all_paths(
    facts: Facts, findings: Sequence[Finding], judgements: Sequence[Judgement] | None = None
) -> tuple[Path, ...]:
    """The ways to a device's findings, in their order: what was said of the device is indexed once."""
    said = judge(facts) if judgements is None else judgements
    return tuple(ways(facts, findings, said, cards(facts.policy)))
