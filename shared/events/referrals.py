"""Topic `referrals`: what intake received, found in it and decided. Key: the referral's id. Never any text."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from shared.events.base import Event, Topic, catalogue


class ReferralEvent(Event, frozen=True, kw_only=True):
    """What all events of a referral have: whom it is about, when it came and whether it came live.

    `live` is false for imports and replays: what they bring may be old and then wakes nobody (design §5, "Late is
    not now"). `reference` is the random reference that people say to each other.
    """

    TOPIC: ClassVar[Topic] = "referrals"

    referral_id: UUID
    reference: str
    student_id: UUID | None = None
    live: bool = True

    @property
    def key(self) -> str:
        """The referral's id."""
        return str(self.referral_id)


@catalogue.add
class ReferralReceived(ReferralEvent, frozen=True, kw_only=True):
    """A referral was taken in, screened and matched as far as rules go.

    `received_at` is when intake recorded it, `happened_at` when its source says it was made (equal when live).
    """

    TYPE: ClassVar[str] = "caselight.referral.received.v1"

    source_kind: str
    channel: str
    concerns: tuple[str, ...]
    level: str
    urgency: str
    received_at: datetime
    happened_at: datetime


@catalogue.add
class DangerRaised(ReferralEvent, frozen=True, kw_only=True):
    """Screening, a claimed emergency or a rating found danger at `elevated` or `critical`: somebody must be told.

    `found_by` says how in codes (`screening`, `urgency`, `person`); it never says what was written.
    """

    TYPE: ClassVar[str] = "caselight.referral.danger_raised.v1"

    level: str
    found_by: str
    raised_at: datetime
    happened_at: datetime


@catalogue.add
class MisconductReported(ReferralEvent, frozen=True, kw_only=True):
    """A referral speaks of sex-based misconduct. For the Title IX coordinator, then the deputy; nobody else."""

    TYPE: ClassVar[str] = "caselight.referral.misconduct_reported.v1"

    reported_at: datetime
    happened_at: datetime


@catalogue.add
class ReferralMatched(ReferralEvent, frozen=True, kw_only=True):
    """A person, or an exact id or address, said which student a referral is about. `student_id` is then set."""

    TYPE: ClassVar[str] = "caselight.referral.matched.v1"

    matched_at: datetime
    basis: str
    matched_by: str


@catalogue.add
class ReferralTriaged(ReferralEvent, frozen=True, kw_only=True):
    """Triage decided, by a dated rule (`decided_by` is `rule:<name>`) or by a person (a staff id)."""

    TYPE: ClassVar[str] = "caselight.referral.triaged.v1"

    decision: str
    reason_code: str
    family: str
    concerns: tuple[str, ...]
    level: str
    decided_by: str
    received_at: datetime
    happened_at: datetime
    triaged_at: datetime
    case_id: UUID | None = None
