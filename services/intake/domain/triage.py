"""The rules for the easy referrals: the first whose conditions all hold decides, else a person does."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.events.codes import Decision, level
from shared.program.rules import Triage, TriageRule, When


@dataclass(frozen=True, slots=True)
class Facts:
    """What a triage rule may ask about a referral."""

    source_kind: str
    channel: str
    concerns: tuple[str, ...]
    urgency: str
    level: str
    family: str
    matched: bool


def decide_by_rule(triage: Triage, facts: Facts) -> TriageRule | None:
    """Return the rule that decides, or None when a person must. A rule may also say that a person must."""
    rule = next((rule for rule in triage.rules if _holds(rule.when, facts)), None)
    return None if rule is None or rule.decision == Decision.TRIAGE_DUE else rule


def _holds(when: When, facts: Facts) -> bool:
    return (
        _in(facts.source_kind, when.source_kinds)
        and _in(facts.channel, when.channels)
        and _in(facts.urgency, when.urgencies)
        and _in(facts.family, when.families)
        and facts.family not in when.except_families
        and (not when.concerns or bool(set(when.concerns) & set(facts.concerns)))
        and _level_fits(when, facts.level)
        and when.matched in (None, facts.matched)
    )


def _in(value: str, wanted: Sequence[str]) -> bool:
    return not wanted or value in wanted


def _level_fits(when: When, found: str) -> bool:
    rank = level(found).rank
    above = when.min_level is None or rank >= level(when.min_level).rank
    return above and (when.max_level is None or rank <= level(when.max_level).rank)
