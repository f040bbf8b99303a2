"""Topic `referrals`: what intake received, found in it and decided. Key: the referral's id. Never any text."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from msgspec import UNSET, UnsetType

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

    `found_by` says how in codes (`screening`, `urgency`, `person`); it never says what was written. `cause_id` is set
    where it is not the referral itself but something said later: a danger of its own, to be told of again.
    """

    TYPE: ClassVar[str] = "caselight.referral.danger_raised.v1"

    level: str
    found_by: str
    raised_at: datetime
    happened_at: datetime
    cause_id: UUID | UnsetType = UNSET


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
    """Triage decided, by a dated rule (`decided_by` is `rule:<name>`) or by a person (a staff id).

    `rating` is how grave the person found it, where they said so; `level` is the graver of that and what was found.
    """

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
    rating: str | UnsetType = UNSET


@catalogue.add
class ReferralAddedTo(ReferralEvent, frozen=True, kw_only=True):
    """The referrer answered a question or added something. `kind` is `answer` or `addition`, `asked_by` who asked.

    `level` is what screening made of it alone.
    """

    TYPE: ClassVar[str] = "caselight.referral.added_to.v1"

    message_id: UUID
    kind: str
    level: str
    asked_by: str = ""
    case_id: UUID | None = None
    added_at: datetime


@catalogue.add
class ReferralRetracted(ReferralEvent, frozen=True, kw_only=True):
    """The referrer, or staff for them, took a referral back. With `left_desk` false it stays to be decided.

    Nothing that was begun ends by it: people take things back under pressure too.
    """

    TYPE: ClassVar[str] = "caselight.referral.retracted.v1"

    retracted_by: str
    reason_code: str
    left_desk: bool
    retracted_at: datetime


@catalogue.add
class ReferralReopened(ReferralEvent, frozen=True, kw_only=True):
    """A decision about a referral was taken back, or something new was said to a closed one: it is to be decided."""

    TYPE: ClassVar[str] = "caselight.referral.reopened.v1"

    reopened_by: str
    reason_code: str
    reopened_at: datetime


@catalogue.add
class ReferrerStatusMoved(ReferralEvent, frozen=True, kw_only=True):
    """What the referrer may know has moved on, and they asked to be told.

    `status` is `received`, `reviewed`, `acted` or `closed`, or `asked` when staff ask them something.
    """

    TYPE: ClassVar[str] = "caselight.referral.referrer_status_moved.v1"

    status: str
    moved_at: datetime


@catalogue.add
class ReferralUnmatched(ReferralEvent, frozen=True, kw_only=True):
    """A person took back whom a referral is about, or said that it is about nobody on the roster.

    `student_id` is null. `previous_student_id` is whom it was about until then, null if nobody.
    """

    TYPE: ClassVar[str] = "caselight.referral.unmatched.v1"

    previous_student_id: UUID | None
    reason_code: str
    unmatched_by: str
    unmatched_at: datetime
