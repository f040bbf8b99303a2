"""What flags say in the codes of concerns, and the referral that the threshold rule makes of them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.intake.domain.flag_rules import reason_code
from services.intake.domain.referrals import About, Incoming
from services.intake.domain.screening import Screening
from services.intake.domain.threshold import Firing
from shared.events.codes import Channel, Family, SourceKind, Urgency, level

SOURCE = "rule:threshold"
# The rule there was before rules had names.
_FIRST = "threshold"

# Parts of the reason codes that feeds use (domain notes §5.3), and the concern each speaks of.
_CONCERN_OF = (
    ("ABSEN", "attendance"),
    ("ATTEND", "attendance"),
    ("TARD", "attendance"),
    ("WITHDR", "withdrawal"),
    ("LATE_WORK", "missing_work"),
    ("MISSING", "missing_work"),
    ("HOMEWORK", "missing_work"),
    ("SCORE", "grades"),
    ("GRADE", "grades"),
    ("TEST", "grades"),
    ("ACADEMIC", "grades"),
)


class Whose(NamedTuple):
    """Whose flags were counted: a student, or a number that the roster does not have. `live`: raised just now."""

    student_id: UUID | None
    campus: str
    number: str = ""
    live: bool = False


class FoundByRule(NamedTuple):
    """What a rule found, as its referral says it. `flag`: the one, of a rule for which one is enough."""

    rule: str
    fired_at: datetime
    family: str
    level: str
    concerns: Sequence[str]
    flag: UUID | None = None


def found_by(firing: Firing) -> FoundByRule:
    """Return what a firing found."""
    rule = firing.rule.said
    concerns = concerns_of(signal.reason for signal in firing.counted)
    flag = min(signal.flag_id for signal in firing.counted) if rule.at_once else None
    return FoundByRule(rule.name, firing.fired_at, rule.family, rule.level, concerns, flag)


def concerns_of(reasons: Iterable[str]) -> tuple[str, ...]:
    """Return the concerns that reason codes speak of, without those that speak of none known."""
    found = (_concern(reason_code(reason)) for reason in sorted(set(reasons)))
    return tuple(dict.fromkeys(concern for concern in found if concern))


def referral_of(found: FoundByRule, referral_id: UUID, reference: str, whose: Whose, narrative: str = "") -> Incoming:
    """Return the referral of a firing. Its source id makes it one, however often the flags come.

    `narrative` is what instructors wrote with flags that make a referral by themselves; the others' stays with them.
    """
    once = f"{whose.student_id or whose.number}:{whose.campus}:{found.fired_at.isoformat()}"
    if found.flag is not None:  # two people may be worried at one instant
        once = f"{once}:{found.flag}"
    return Incoming(
        referral_id=referral_id,
        reference=reference,
        campus=whose.campus,
        about=About(number=whose.number) if whose.student_id is None else About(),
        concerns=tuple(found.concerns),
        urgency=Urgency.ROUTINE,
        narrative=narrative,
        relationship="",
        source_kind=SourceKind.RULE,
        channel=Channel.RULE,
        source=SOURCE,
        source_event_id=once if found.rule == _FIRST else f"{once}:{found.rule}",
        live=whose.live,
        happened_at=found.fired_at,
    )


def screening_of(found: FoundByRule, said: Screening) -> Screening:
    """Return what is known of a rule's referral: what the rule says, and what was `said` where somebody wrote.

    The graver of both holds, and nothing said makes it less than the rule does.
    """
    ruled = level(found.level)
    graver = said.level.rank > ruled.rank
    families = [Family(found.family), *([Family(said.family)] if said.concerns != tuple(found.concerns) else [])]
    return replace(
        said,
        family=min(families, key=lambda family: family.rank).value,
        level=said.level if graver else ruled,
        found_by=said.found_by if graver else "rule",
    )


def _concern(reason: str) -> str:
    return next((concern for part, concern in _CONCERN_OF if part in reason), "")
