"""Topic `referrals`: who is on an outreach list because rules found more than a campus can take.

Key: the id that the referral has, if it comes to one.
"""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from shared.events.base import Event, Topic, catalogue


class OutreachEvent(Event, frozen=True, kw_only=True):
    """What every event of an entry says."""

    TOPIC: ClassVar[Topic] = "referrals"

    referral_id: UUID
    list_id: UUID
    student_id: UUID

    @property
    def key(self) -> str:
        """The id of the entry, and of its referral."""
        return str(self.referral_id)


@catalogue.add
class OutreachListed(OutreachEvent, frozen=True, kw_only=True):
    """A rule fired beyond what the campus can take this week; the student is on a list of those to be asked."""

    TYPE: ClassVar[str] = "caselight.outreach.listed.v1"

    rule: str
    policy_edition: str
    fired_at: datetime
    listed_at: datetime
    refer_at: datetime


@catalogue.add
class OutreachMessageAsked(OutreachEvent, frozen=True, kw_only=True):
    """Somebody wants the student to be written to. `template` is a fixed text of ours; nobody's words travel."""

    TYPE: ClassVar[str] = "caselight.outreach.message_asked.v1"

    message_id: UUID
    template: str
    language: str
    asked_by: str
    asked_at: datetime


@catalogue.add
class OutreachEnded(OutreachEvent, frozen=True, kw_only=True):
    """The student has an outcome; with `referred` it is a referral after all."""

    TYPE: ClassVar[str] = "caselight.outreach.ended.v1"

    outcome_code: str
    referred: bool
    decided_by: str
    decided_at: datetime
