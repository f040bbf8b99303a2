"""What flags say in the codes of concerns, and the referral that the threshold rule makes of them."""

from collections.abc import Iterable
from uuid import UUID

from services.intake.domain.referrals import About, Incoming
from services.intake.domain.screening import Screening
from services.intake.domain.threshold import Firing
from shared.events.codes import Channel, SourceKind, Urgency, level

SOURCE = "rule:threshold"

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


def concerns_of(reasons: Iterable[str]) -> tuple[str, ...]:
    """Return the concerns that reason codes speak of, without those that speak of none known."""
    found = (_concern(reason.upper().replace(" ", "_")) for reason in sorted(set(reasons)))
    return tuple(dict.fromkeys(concern for concern in found if concern))


def referral_of(firing: Firing, referral_id: UUID, reference: str, student_id: UUID, campus: str) -> Incoming:
    """Return the referral of a firing. Its source id makes it one, however often the flags come."""
    return Incoming(
        referral_id=referral_id,
        reference=reference,
        campus=campus,
        about=About(),
        concerns=(),
        urgency=Urgency.ROUTINE,
        narrative="",
        relationship="",
        source_kind=SourceKind.RULE,
        channel=Channel.RULE,
        source=SOURCE,
        source_event_id=f"{student_id}:{campus}:{firing.fired_at.isoformat()}",
        live=False,
        happened_at=firing.fired_at,
    )


def screening_of(firing: Firing, reasons: Iterable[str], edition: str) -> Screening:
    """Return what the rule says of its referral: nobody wrote anything, so there is nothing to search."""
    return Screening(
        edition=edition,
        hits=(),
        categories=(),
        concerns=concerns_of(reasons),
        family=firing.rule.family,
        level=level(firing.rule.level),
        found_by="rule",
    )


def _concern(reason: str) -> str:
    return next((concern for part, concern in _CONCERN_OF if part in reason), "")
