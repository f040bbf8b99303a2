"""A person raises a flag, as an instructor does who has noticed something."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from uuid import UUID

from services.intake.domain.flag_rows import FlagRow
from services.intake.storage import flags, students
from services.intake.storage.imports import Import
from services.intake.usecases.import_flags import Sorting, keep
from shared.ids import new_id
from shared.privacy.keys import KeyRing
from shared.program import load_program
from shared.refusal import Refused
from shared.storage.tx import Tx

SOURCE = "person"


@dataclass(frozen=True, slots=True)
class Raising:
    """What somebody says. `student_id` is our own id, from whoever has it before them; else the campus's number."""

    campus: str
    student_id: UUID | None
    student_number: str
    reason_code: str
    severity: int
    course: str
    section: str
    term: str
    comment: str
    raised_at: datetime


async def raise_flag(tx: Tx, keys: KeyRing, said: Raising) -> UUID:
    """Store a flag in a person's name, let rules count it, and return what to call it by.

    Whether the number is a student's shows in nothing: a flag of a number that nobody has waits for the roster.
    """
    program = await load_program(tx.connection)
    if said.campus not in program.campuses:
        raise Refused("unknown_campus", "There is no such campus.", status=422, pointer="/body/campus")
    await flags.lock(tx.connection)
    owner, number = await _whose(tx, said)
    key = new_id()
    row = _row(said, number, str(key))
    of = Import(key, said.campus, "flags", SOURCE)
    await keep(tx, keys, program, of, Sorting(owned=[(row, owner)]), raised_by=tx.actor.id)
    return key


async def _whose(tx: Tx, said: Raising) -> tuple[UUID | None, str]:
    if said.student_id is None:
        known = await students.ids_by_number(tx.connection, [said.student_number])
        return known.get(said.student_number), said.student_number
    student = (await students.by_id(tx.connection, [said.student_id])).get(said.student_id)
    if student is None or said.campus not in student.campuses:
        raise Refused("unknown_student", "No such student on this campus.", status=422, pointer="/body/student_id")
    return student.student_id, student.number


def _row(said: Raising, number: str, key: str) -> FlagRow:
    return FlagRow(
        row=1,
        source_key=key,
        content=blake2b(key.encode(), digest_size=16).digest(),
        campus=said.campus,
        term=said.term,
        course=said.course,
        section=said.section,
        reason_code=said.reason_code,
        severity=said.severity,
        student_number=number,
        student_email="",
        comment=said.comment,
        raised_at=said.raised_at,
        cleared_at=None,
    )
