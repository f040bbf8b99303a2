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


class FlagEvent(Event, frozen=True, kw_only=True):
    """What every later event of a flag says. `sequence` counts what became of it, from 2."""

    TOPIC: ClassVar[Topic] = "flags"

    flag_id: UUID
    student_id: UUID | None
    reason_code: str
    course: str
    term: str
    raised_at: datetime

    @property
    def key(self) -> str:
        """The flag's id."""
        return str(self.flag_id)


@catalogue.add
class FlagCleared(FlagEvent, frozen=True, kw_only=True):
    """A flag needs nothing any more, says a person (`cleared_by`, a staff id) or its source (then empty)."""

    TYPE: ClassVar[str] = "caselight.flag.cleared.v1"

    cleared_reason: str
    cleared_by: str
    cleared_at: datetime
    recorded_at: datetime


@catalogue.add
class FlagExpired(FlagEvent, frozen=True, kw_only=True):
    """Nobody cleared a flag in the time that the campus's policy gives it."""

    TYPE: ClassVar[str] = "caselight.flag.expired.v1"

    expired_at: datetime


@catalogue.add
class FlagReopened(FlagEvent, frozen=True, kw_only=True):
    """A flag that was cleared or expired stands again, and rules count it if none has yet."""

    TYPE: ClassVar[str] = "caselight.flag.reopened.v1"

    reopened_by: str
    reopened_at: datetime
