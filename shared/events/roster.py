"""Topic `roster` (compacted): students without anything that names them, and which of them are one person.

Keys: `student:<id>`, `merge:<id>`.
"""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from shared.events.base import Snapshot, Topic, catalogue


@catalogue.add
class StudentSnapshot(Snapshot, frozen=True, kw_only=True):
    """A student of the roster. `same_as` is set on the loser of a merge and resolved when read.

    `status` is `active`, `vanished` (no longer in the roster files, kept) or `removed`. `campus` is the home campus
    and one of `campuses`.
    """

    TYPE: ClassVar[str] = "caselight.student.snapshot.v1"
    TOPIC: ClassVar[Topic] = "roster"

    student_id: UUID
    campuses: tuple[str, ...]
    advisor_id: str | None = None
    same_as: UUID | None = None

    @property
    def key(self) -> str:
        """`student:<id>`."""
        return f"student:{self.student_id}"


@catalogue.add
class MergeSnapshot(Snapshot, frozen=True, kw_only=True):
    """A person said that two students are one: `student_id` goes by `goes_by` from then on, until it is `undone`.

    `status` is `active` or `undone`. Who is who is in the students' own snapshots; this says why, by whom, and lets a
    consumer act on it once.
    """

    TYPE: ClassVar[str] = "caselight.merge.snapshot.v1"
    TOPIC: ClassVar[Topic] = "roster"

    merge_id: UUID
    student_id: UUID
    goes_by: UUID
    reason_code: str
    merged_by: str
    merged_at: datetime
    undo_reason_code: str = ""
    undone_by: str = ""
    undone_at: datetime | None = None

    @property
    def key(self) -> str:
        """`merge:<id>`."""
        return f"merge:{self.merge_id}"
