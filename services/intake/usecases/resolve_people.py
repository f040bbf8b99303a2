"""Turn student ids into names, for people who may know them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.intake.domain.roster_rows import Student
from services.intake.storage import standing, students
from shared.access.decision import Resource
from shared.storage.tx import Tx


@dataclass(frozen=True, slots=True)
class Person:
    """A student, and the student as `decide()` needs them."""

    student: Student
    resource: Resource


async def resolve_people(tx: Tx, ids: Sequence[UUID]) -> list[Person]:
    """Return the students among these ids that are known, in order. Five statements whatever their number."""
    found = await students.by_id(tx.connection, ids)
    matters = await standing.to_students(tx.connection, found, tx.now)
    return [Person(found[id_], _resource(found[id_], matters.get(id_))) for id_ in dict.fromkeys(ids) if id_ in found]


def _resource(student: Student, matter: standing.Matter | None) -> Resource:
    matter = matter or standing.Matter()
    return Resource(
        kind="student",
        id=str(student.student_id),
        campus=student.campus,
        student_id=str(student.student_id),
        team=matter.team,
        granted=matter.granted,
    )
