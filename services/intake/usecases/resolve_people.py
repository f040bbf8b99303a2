"""Turn student ids into names, for people who may know them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.intake.domain.roster_rows import Student
from services.intake.storage import standing, students
from shared.access.decision import Resource
from shared.program import load_program
from shared.storage.tx import Tx


@dataclass(frozen=True, slots=True)
class Person:
    """A student, and the student as `decide()` needs them."""

    student: Student
    resource: Resource


async def resolve_people(tx: Tx, ids: Sequence[UUID]) -> list[Person]:
    """Return the students among these ids that are known, in order. Six statements whatever their number."""
    found = await students.by_id(tx.connection, ids)
    program = await load_program(tx.connection)
    matters = await standing.to_students(tx.connection, found, program, tx.now)
    return [Person(found[id_], _resource(found[id_], matters[id_])) for id_ in dict.fromkeys(ids) if id_ in found]


def _resource(student: Student, matter: standing.Matter) -> Resource:
    return Resource(
        kind="student",
        id=str(student.student_id),
        campus=student.campus,
        student_id=str(student.student_id),
        team=matter.team,
        recused=matter.recused,
        granted=matter.granted,
    )
