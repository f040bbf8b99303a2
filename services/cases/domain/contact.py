"""A contact attempt, in codes. What was said belongs into notes, which this record never holds."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.cases.domain.codes import Direction, Outcome, Party
from shared.refusal import Refused

# Clocks of phones and servers differ a little.
_AHEAD = timedelta(minutes=5)
# Further away a date is a slip of the keyboard.
_FAR = timedelta(days=5 * 365)


@dataclass(frozen=True, slots=True)
class Contact:
    """An attempt, `by` whom it was made and by whom it was recorded; `next_due` is when the next one should follow."""

    contact_id: UUID
    case_id: UUID
    mode: str
    direction: str
    outcome_code: str
    party: str
    by: str
    at: datetime
    next_due: datetime | None
    recorded_by: str
    recorded_at: datetime

    @property
    def is_attempt(self) -> bool:
        """Whether it was with the student, or meant to be: talking to a parent reaches nobody."""
        return self.party == Party.STUDENT

    @property
    def two_way(self) -> bool:
        """Whether the student took part."""
        return self.is_attempt and (self.direction == Direction.IN or Outcome(self.outcome_code).answered)


def check(contact: Contact) -> Contact:
    """Return the contact, or raise Refused for times that cannot be."""
    if contact.at > contact.recorded_at + _AHEAD:
        raise Refused("in_the_future", "A contact cannot lie in the future.", 422, "/body/at")
    if contact.at < contact.recorded_at - _FAR:
        raise Refused("too_long_ago", "A contact cannot lie more than five years back.", 422, "/body/at")
    if contact.next_due is not None and contact.next_due > contact.recorded_at + _FAR:
        raise Refused("too_far_ahead", "The next contact is due within five years.", 422, "/body/next_due")
    if contact.next_due is not None and contact.next_due <= contact.at:
        raise Refused("due_before", "The next contact is due after this one.", 422, "/body/next_due")
    return contact
