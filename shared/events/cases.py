"""Topic `cases`: what is done for a student. Key: the case's id."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from shared.events.base import Event, Topic, catalogue


class CaseEvent(Event, frozen=True, kw_only=True):
    """What all events of a case have."""

    TOPIC: ClassVar[Topic] = "cases"

    case_id: UUID
    student_id: UUID | None = None

    @property
    def key(self) -> str:
        """The case's id."""
        return str(self.case_id)


@catalogue.add
class CaseOpened(CaseEvent, frozen=True, kw_only=True):
    """A case was opened on a referral, with or without somebody to do it. `referred_at` is when intake recorded it."""

    TYPE: ClassVar[str] = "caselight.case.opened.v1"

    referral_id: UUID
    family: str
    concerns: tuple[str, ...]
    level: str
    reason_code: str
    owner_id: str | None
    assignment_code: str
    outreach_due: datetime | None
    referred_at: datetime
    opened_at: datetime


@catalogue.add
class ReferralAttached(CaseEvent, frozen=True, kw_only=True):
    """A further referral joined the open case of its student, campus and family."""

    TYPE: ClassVar[str] = "caselight.case.referral_attached.v1"

    referral_id: UUID
    added_concerns: tuple[str, ...]
    level: str
    attached_at: datetime


@catalogue.add
class CaseAssigned(CaseEvent, frozen=True, kw_only=True):
    """The case got an owner, another owner or none. `assigned_by` is `rule` or a staff id."""

    TYPE: ClassVar[str] = "caselight.case.assigned.v1"

    owner_id: str | None
    previous_owner_id: str | None
    assignment_code: str
    assigned_by: str
    assigned_at: datetime


@catalogue.add
class CaseAccepted(CaseEvent, frozen=True, kw_only=True):
    """The owner said: mine."""

    TYPE: ClassVar[str] = "caselight.case.accepted.v1"

    owner_id: str
    opened_at: datetime
    accepted_at: datetime


@catalogue.add
class CaseDeclined(CaseEvent, frozen=True, kw_only=True):
    """The owner said: not mine, with a coded reason. Assignment goes on without them."""

    TYPE: ClassVar[str] = "caselight.case.declined.v1"

    owner_id: str
    reason_code: str
    declined_at: datetime


@catalogue.add
class ContactRecorded(CaseEvent, frozen=True, kw_only=True):
    """A contact attempt. `two_way` is whether the student took part; `attempt` counts from 1 within the case."""

    TYPE: ClassVar[str] = "caselight.case.contact_recorded.v1"

    contact_id: UUID
    mode: str
    direction: str
    outcome_code: str
    two_way: bool
    attempt: int
    by: str
    opened_at: datetime
    contacted_at: datetime
    recorded_at: datetime


@catalogue.add
class CaseStudentIdentified(CaseEvent, frozen=True, kw_only=True):
    """A case of somebody not yet identified is now known to be `student_id`'s."""

    TYPE: ClassVar[str] = "caselight.case.student_identified.v1"

    identified_at: datetime


@catalogue.add
class CombinationAsked(CaseEvent, frozen=True, kw_only=True):
    """Two open cases turn out to be about one student, campus and family: a person is asked to combine them."""

    TYPE: ClassVar[str] = "caselight.case.combination_asked.v1"

    other_case_id: UUID
    asked_at: datetime


@catalogue.add
class CasesCombined(CaseEvent, frozen=True, kw_only=True):
    """A person combined `other_case_id` into this case."""

    TYPE: ClassVar[str] = "caselight.case.combined.v1"

    other_case_id: UUID
    combined_by: str
    combined_at: datetime


@catalogue.add
class CaseHeld(CaseEvent, frozen=True, kw_only=True):
    """Work on the case rests until `review_at`, when it goes on by itself."""

    TYPE: ClassVar[str] = "caselight.case.held.v1"

    reason_code: str
    review_at: datetime
    held_by: str
    held_at: datetime


@catalogue.add
class CaseResumed(CaseEvent, frozen=True, kw_only=True):
    """Work on the case goes on: a person said so, or (`rule`) the time of the hold is over."""

    TYPE: ClassVar[str] = "caselight.case.resumed.v1"

    resumed_by: str
    resumed_at: datetime


@catalogue.add
class CaseClosed(CaseEvent, frozen=True, kw_only=True):
    """The work on the case ended. `close_code` says how, `contact_outcome` whether the student was reached."""

    TYPE: ClassVar[str] = "caselight.case.closed.v1"

    close_code: str
    contact_outcome: str
    level: str
    student_told: bool
    owner_id: str | None
    opened_at: datetime
    closed_by: str
    closed_at: datetime


@catalogue.add
class CaseReopened(CaseEvent, frozen=True, kw_only=True):
    """The work on a closed case goes on."""

    TYPE: ClassVar[str] = "caselight.case.reopened.v1"

    reason_code: str
    owner_id: str | None
    reopened_by: str
    reopened_at: datetime


@catalogue.add
class NoteSigned(CaseEvent, frozen=True, kw_only=True):
    """A note was signed, or amended: `edition` counts from 1. What it says stays in cases."""

    TYPE: ClassVar[str] = "caselight.case.note_signed.v1"

    note_id: UUID
    kind: str
    edition: int
    signed_by: str
    signed_at: datetime
