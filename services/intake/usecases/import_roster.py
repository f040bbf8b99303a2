"""Take in a batch of a roster file: what is new or changed is stored and told, the rest is only seen."""

from collections.abc import Sequence
from uuid import UUID

from services.intake.domain.flag_rules import Signal
from services.intake.domain.rejects import BadCell, Reject
from services.intake.domain.roster_rows import Student, StudentRow, new_student
from services.intake.storage import counting, flags, imports, students
from services.intake.storage.flags import Place
from services.intake.storage.imports import Counts, Import, TakenIn
from services.intake.usecases import count_flags
from services.intake.usecases.count_flags import New
from services.intake.usecases.keep_beside import keep_beside
from shared.ids import new_id
from shared.privacy.keys import KeyRing
from shared.program import load_program
from shared.storage import snapshots
from shared.storage.tx import Tx

_TWICE = BadCell("student_id", "this student is in the file already", "one row for each student")
_ELSEWHERE = BadCell(
    "student_id", "this student is on the roster of a campus that you do not import for", "an id of your own campus"
)
_AT_ONCE = 2_000


async def import_roster(
    tx: Tx, keys: KeyRing, of: Import, rows: Sequence[StudentRow], unreadable: Sequence[Reject]
) -> TakenIn:
    """Take in a batch and return what became of it. A fixed number of statements.

    Flags that came before their student did are given to the student, and counted.
    """
    program = await load_program(tx.connection)
    await students.lock(tx.connection)
    await flags.lock(tx.connection)
    changed, seen, repeated = await sort(tx, of, rows)
    await students.save(tx, [now for _, now in changed], of.import_id)
    await keep_beside(tx, keys, changed, {row.number: row for row in reversed(rows)})
    await students.mark_seen(tx.connection, seen, of.import_id)
    told = [now for before, now in changed if before is None or not before.published_like(now)]
    await snapshots.save(tx, [student.snapshot() for student in told])
    waiting = await flags.link(tx.connection, {now.number: now.student_id for before, now in changed if before is None})
    found = await count_flags.find(tx, program, New(_by_place(waiting)))
    await counting.count(tx.connection, found.counted)
    await count_flags.keep_found(tx, keys, program, found)
    rejects = [*unreadable, *repeated]
    await imports.keep_rejects(tx, keys, of, rejects)
    counts = Counts(
        rows=len(rows) + len(unreadable),
        accepted=len(changed),
        unchanged=len(seen),
        rejected=len(rejects),
        referrals_made=len(found.received),
    )
    await imports.add(tx, of.import_id, counts)
    touched = {now.number for _, now in changed}
    refused = {reject.row for reject in rejects}
    again = (row.row for row in rows if row.number not in touched and row.row not in refused)
    return TakenIn(counts, rejects, frozenset(again))


async def sort(
    tx: Tx, of: Import, rows: Sequence[StudentRow]
) -> tuple[list[tuple[Student | None, Student]], list[UUID], list[Reject]]:
    """Sort a batch into (before, now) of what changes, ids of the unchanged, and rows that cannot be taken.

    One statement, or two where the importer does not see every campus; writes nothing.
    """
    known = await students.by_number(tx.connection, (row.number for row in rows))
    met = {number for number, (_, seen_in) in known.items() if seen_in == of.import_id}
    strange = [row.number for row in rows if row.number not in known]
    hidden = await imports.in_use(tx.connection, of, strange)
    changed, seen, rejects = list[tuple[Student | None, Student]](), list[UUID](), list[Reject]()
    for row in rows:
        if row.number in met or row.number in hidden:
            why = _ELSEWHERE if row.number in hidden else _TWICE
            rejects.append(Reject.of(row.row, [row.number, row.campuses[0]], why))
            continue
        met.add(row.number)
        if row.number not in known:
            changed.append((None, new_student(new_id(), row)))
            continue
        before = known[row.number][0]
        now = before.as_said(row)
        if now is None:
            seen.append(before.student_id)
        else:
            changed.append((before, now))
    return changed, seen, rejects


async def forget_absent(tx: Tx, of: Import, campuses: Sequence[str]) -> int:
    """Mark as vanished students of these home campuses that a complete file did not have; return how many this time.

    Call again until it returns 0. Nothing is deleted: their referrals and flags remain theirs.
    """
    await students.lock(tx.connection)
    absent = await students.unseen(tx.connection, campuses, of.import_id, _AT_ONCE)
    gone = [student.gone() for student in absent]
    await students.save(tx, gone, of.import_id)
    await snapshots.save(tx, [student.snapshot() for student in gone])
    return len(gone)


def _by_place(waiting: Sequence[tuple[Place, Signal]]) -> dict[Place, list[Signal]]:
    places: dict[Place, list[Signal]] = {}
    for place, signal in waiting:
        places.setdefault(place, []).append(signal)
    return places
