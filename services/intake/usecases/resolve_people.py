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
    """A student that was asked for, as `decide()` needs them: once for each campus they study on.

    `student` is whom the id stands for after merges, where the asker may see that row; `asked` is the id itself.
    """

    asked: UUID
    student: Student
    resources: tuple[Resource, ...]


async def resolve_people(tx: Tx, ids: Sequence[UUID]) -> list[Person]:
    """Return the students among these ids that are known, in order. A fixed number of statements."""
    one = await students.same(tx.connection, ids)
    found = await students.by_id(tx.connection, {*ids, *one.values()})
    program = await load_program(tx.connection)
    matters = await standing.to_students(tx.connection, found, program, tx.now)
    people = []
    for id_ in dict.fromkeys(ids):
        student = found.get(one.get(id_, id_)) or found.get(id_)
        if student is not None:
            people.append(Person(id_, student, resources(student, matters[student.student_id])))
    return people


def resources(student: Student, matter: standing.Matter) -> tuple[Resource, ...]:
    """Return a student as `decide()` needs them, once for each of their campuses, home first."""
    return tuple(
        Resource(
            kind="student",
            id=str(student.student_id),
            campus=campus,
            student_id=str(student.student_id),
            team=matter.team,
            recused=matter.recused,
            granted=matter.granted,
        )
        for campus in student.campuses
    )
