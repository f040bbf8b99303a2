"""Topic `flags`: early alerts. Key: the flag's id."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from shared.events.base import Event, Topic, catalogue


@catalogue.add
class FlagRaised(Event, frozen=True, kw_only=True):
    """A feed or an instructor raised a flag. `severity` runs from 1 (low) to 3 (high)."""

    TYPE: ClassVar[str] = "caselight.flag.raised.v1"
    TOPIC: ClassVar[Topic] = "flags"

    flag_id: UUID
    student_id: UUID | None
    source: str
    reason_code: str
    severity: int
    course: str
    term: str
    raised_at: datetime
    recorded_at: datetime

    @property
    def key(self) -> str:
        """The flag's id."""
        return str(self.flag_id)
