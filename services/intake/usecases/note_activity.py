"""Take in signs of activity, such as sign-ins: they raise nothing, and end what says that a student is not active."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from services.intake.domain.flag_rows import FlagRow
from services.intake.domain.rejects import BadCell, Reject
from services.intake.storage import flag_states, imports, students
from services.intake.storage.flag_states import Seen
from services.intake.storage.imports import Counts, Import, TakenIn
from services.intake.usecases.clear_flags import ACTIVE, note_cleared
from shared.storage.tx import Tx

_NOBODYS = BadCell(
    "student_email",
    "no student of the roster has this address, or more than one has",
    "an address that one student has, or the student's id",
)


async def note_activity(tx: Tx, of: Import, rows: Sequence[FlagRow], reasons: Sequence[str]) -> TakenIn:
    """End the open flags with these reasons of whoever was active after they were raised; say what became of each row.

    A row that ends nothing is unchanged: nearly all do, and nothing is kept of them. What rules have made of a flag
    stays. A number that the roster does not have ends what waits for the roster. A fixed number of statements.
    """
    by_number = await students.ids_by_number(tx.connection, (row.student_number for row in rows))
    by_email = await students.ids_by_email(tx.connection, (row.student_email for row in rows if row.student_email))
    seen, rejects = list[Seen](), list[Reject]()
    for row in rows:
        owner = by_number.get(row.student_number) or by_email.get(row.student_email)
        if owner is None and not row.student_number:
            rejects.append(Reject.of(row.row, [row.source_key, row.campus, row.student_email], _NOBODYS))
        else:
            seen.append(Seen(row.row, row.campus, owner, row.student_number, row.raised_at))
    ended = await flag_states.ended_by(tx.connection, await _everyone(tx, seen), reasons)
    await note_cleared(tx, _firsts(ended), reason=ACTIVE)
    did = {row for row, _, _ in ended}
    again = frozenset(each.row for each in seen if each.row not in did)
    counts = Counts(rows=len(rows), accepted=len(did), unchanged=len(again), rejected=len(rejects))
    await imports.add(tx, of.import_id, counts)
    return TakenIn(counts, rejects, again)


async def _everyone(tx: Tx, seen: Sequence[Seen]) -> list[Seen]:
    """Return who was active under every id that a merge made one: their flags may stand under any of them."""
    one = await students.merged(tx.connection, {each.student_id for each in seen if each.student_id})
    ids: dict[UUID, set[UUID]] = {}
    for id_, root in one.items():
        ids.setdefault(root, set()).add(id_)
    others = [
        each._replace(student_id=id_)
        for each in seen
        if each.student_id in one
        for id_ in sorted(ids[one[each.student_id]] - {each.student_id})
    ]
    return [*seen, *others]


def _firsts(ended: Sequence[tuple[int, UUID, datetime]]) -> Mapping[UUID, datetime]:
    """Return for each flag the first sign of activity after it."""
    found: dict[UUID, datetime] = {}
    for _, flag_id, at in ended:
        found[flag_id] = min(at, found.get(flag_id, at))
    return found
