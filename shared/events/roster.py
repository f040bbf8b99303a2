"""Topic `roster` (compacted): students without anything that names them. Key: `student:<id>`."""

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
