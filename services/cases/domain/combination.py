"""The question whether two open cases are one, and a person's answer to it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Combination:
    """A question about two cases. Combining keeps `case_id` and merges `other_case_id` into it.

    `student_id` is who the other case would be about if they are kept apart.
    """

    combination_id: UUID
    campus: str
    sensitivity: str
    case_id: UUID
    other_case_id: UUID
    student_id: UUID
    asked_at: datetime
    decision: str | None = None
    reason: str = ""
    decided_by: str | None = None
    decided_at: datetime | None = None
