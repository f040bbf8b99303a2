"""Notes on a case: kept as drafts, signed, amended, never overwritten."""

from uuid import UUID

from services.cases.domain.case import Case
from services.cases.domain.codes import NoteKind
from services.cases.domain.notes import Note
from services.cases.storage import notes
from shared.ids import new_id
from shared.privacy.keys import KeyRing
from shared.refusal import Refused
from shared.storage.tx import Tx


async def begin(tx: Tx, keys: KeyRing, case: Case, kind: NoteKind, said: str, *, sign: bool) -> Note:
    """Begin a note, as a draft or signed at once."""
    note = Note(new_id(), case.case_id, case.campus, case.sensitivity, kind.value, tx.actor.id, 0, tx.now, None)
    await notes.insert(tx.connection, note)
    if not sign:
        await notes.write(tx, keys, note, said)
        return note
    return await _sign(tx, keys, case, note, said)


async def change_draft(tx: Tx, keys: KeyRing, case: Case, note: Note, said: str, *, sign: bool) -> Note:
    """Change a draft of one's own, and sign it or not. Raises Refused once it is signed."""
    note.require_draft_of(tx.actor.id)
    if sign:
        return await _sign(tx, keys, case, note, said)
    await notes.write(tx, keys, note, said)
    return note


async def drop_draft(tx: Tx, note: Note) -> None:
    """Throw a draft of one's own away."""
    note.require_draft_of(tx.actor.id)
    await notes.drop_draft(tx.connection, note.note_id)


async def amend(tx: Tx, keys: KeyRing, case: Case, note: Note, said: str, *, reason_code: str) -> Note:
    """Say a signed note anew, with a reason. Every earlier edition stays readable."""
    note, fact = note.amended(case, tx.actor.id, tx.now)
    await notes.write(tx, keys, note, said, reason_code)
    await notes.update(tx.connection, note)
    tx.publish(fact)
    return note


async def found(tx: Tx, note_id: UUID) -> Note:
    """Return a note, locked. Raises Refused where there is none."""
    note = await notes.lock(tx.connection, note_id)
    if note is None:
        raise Refused("not_found", "There is no such thing here, or it is not yours to see.", 404)
    return note


async def _sign(tx: Tx, keys: KeyRing, case: Case, note: Note, said: str) -> Note:
    note, fact = note.signed(case, tx.actor.id, tx.now)
    await notes.write(tx, keys, note, said)
    await notes.update(tx.connection, note)
    tx.publish(fact)
    return note
