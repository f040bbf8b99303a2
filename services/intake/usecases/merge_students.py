"""A person says that two students are one, or takes it back.

Nothing that hangs on either is written over: flags, referrals, names, contacts and cases keep the id they came with,
and who goes by whom is followed when they are read. So undoing brings everything back, and what was done in between
stays with whom it was done for.
"""

from uuid import UUID

from services.intake.domain.identity import Merge, merge
from services.intake.domain.roster_rows import Student
from services.intake.storage import merges, students
from shared.refusal import Refused
from shared.storage import snapshots
from shared.storage.tx import Tx


async def merge_students(tx: Tx, student_id: UUID, same_as: UUID, reason_code: str) -> Merge:
    """Let a student go by another's id from now on. Raises Refused where either goes by another's already."""
    await students.lock(tx.connection)
    found = await students.hold(tx.connection, (student_id, same_as))
    one, into = _there(found.get(student_id)), _there(found.get(same_as), "/body/same_as")
    made = merge(one, into, reason_code, tx.actor.id, tx.now)
    await merges.add(tx.connection, made)
    await _say(tx, made, one.merged(into.student_id))
    return made


async def undo_merge(tx: Tx, merge_id: UUID, reason_code: str) -> Merge:
    """Let a student go by their own id again. Raises Refused where that was done already."""
    await students.lock(tx.connection)
    found = await merges.lock(tx.connection, merge_id)
    if found is None:
        raise Refused("not_found", "There is no such merge.", status=404)
    undone = found.undo(reason_code, tx.actor.id, tx.now)
    one = _there((await students.hold(tx.connection, [found.student_id])).get(found.student_id))
    await merges.undo(tx.connection, undone)
    await _say(tx, undone, one.merged(None))
    return undone


async def _say(tx: Tx, said: Merge, student: Student) -> None:
    """Store whom the student goes by and tell it: the student first, so that who acts on the merge finds it done."""
    await students.relink(tx.connection, student)
    await snapshots.save(tx, [student.snapshot()])
    await snapshots.save(tx, [said.snapshot()])


def _there(student: Student | None, pointer: str | None = None) -> Student:
    if student is None:
        raise Refused(
            "unknown_student", "There is no such student.", status=404 if pointer is None else 422, pointer=pointer
        )
    return student
