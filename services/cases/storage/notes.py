"""Notes as rows. What they say is sealed under the key of the case they were written for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.cases.domain.notes import FIELD, Note
from shared.ids import new_id
from shared.privacy.keys import KeyRing
from shared.privacy.text import seal, unseal
from shared.storage.tx import Tx

_COLUMNS = "note_id, case_id, campus, sensitivity, kind, author_id, edition, begun_at, signed_at"
_INSERT = text(
    f"""
    INSERT INTO notes ({_COLUMNS})
    VALUES (:note_id, :case_id, :campus, :sensitivity, :kind, :author_id, :edition, :begun_at, :signed_at)
    """  # noqa: S608 - our own names
)
_UPDATE = text("UPDATE notes SET kind = :kind, edition = :edition, signed_at = :signed_at WHERE note_id = :note_id")
_LOCK = text(f"SELECT {_COLUMNS} FROM notes WHERE note_id = :note_id FOR UPDATE")  # noqa: S608 - our own names
_OF_CASE = text(f"SELECT {_COLUMNS} FROM notes WHERE case_id = :case_id ORDER BY note_id DESC LIMIT 500")  # noqa: S608
_WRITE = text(
    """
    INSERT INTO note_texts (text_id, note_id, campus, sensitivity, case_id, record_id, edition, reason_code,
                            written_by, written_at, sealed)
    VALUES (:text_id, :note_id, :campus, :sensitivity, :case_id, :case_id, :edition, :reason_code, :by, :at, :sealed)
    """
)
_FORGET_DRAFT = text("DELETE FROM note_texts WHERE note_id = :note_id AND edition = 0")
_DROP = text("DELETE FROM notes WHERE note_id = :note_id AND edition = 0")
_TEXTS = text(
    """
    SELECT text_id, note_id, record_id, edition, reason_code, written_by, written_at, sealed FROM note_texts
    WHERE note_id = ANY (CAST(:notes AS uuid[])) ORDER BY note_id, edition
    """
)
_MOVE = (
    text("UPDATE notes SET case_id = :kept WHERE case_id = :gone"),
    text("UPDATE note_texts SET case_id = :kept WHERE case_id = :gone"),
    text("UPDATE case_changes SET case_id = :kept WHERE case_id = :gone"),
)


@dataclass(frozen=True, slots=True)
class Edition:
    """What a note said from some moment on; `reason_code` why it was amended."""

    edition: int
    text: str
    reason_code: str
    written_by: str
    written_at: datetime


async def insert(connection: AsyncConnection, note: Note) -> None:
    """Store a new note."""
    await connection.execute(_INSERT, {name: getattr(note, name) for name in Note.__slots__})


async def update(connection: AsyncConnection, note: Note) -> None:
    """Store what became of a note."""
    await connection.execute(_UPDATE, {name: getattr(note, name) for name in Note.__slots__})


async def lock(connection: AsyncConnection, note_id: UUID) -> Note | None:
    """Return a note and hold it until the transaction ends."""
    row = (await connection.execute(_LOCK, {"note_id": note_id})).one_or_none()
    return None if row is None else Note(**row._mapping)  # noqa: SLF001 - SQLAlchemy's documented way to a mapping


async def drop_draft(connection: AsyncConnection, note_id: UUID) -> None:
    """Throw a draft away, with its text."""
    await connection.execute(_DROP, {"note_id": note_id})


async def write(tx: Tx, keys: KeyRing, note: Note, said: str, reason_code: str = "") -> None:
    """Store what a note says at its present edition. A draft's text takes the place of the draft's before."""
    id_ = new_id()
    (sealed,) = await seal(tx, keys, note.campus, [(note.case_id, FIELD, id_, said)])
    if note.edition <= 1:
        await tx.connection.execute(_FORGET_DRAFT, {"note_id": note.note_id})
    values: dict[str, Any] = {name: getattr(note, name) for name in Note.__slots__}
    more = {"text_id": id_, "reason_code": reason_code, "by": tx.actor.id, "at": tx.now, "sealed": sealed}
    await tx.connection.execute(_WRITE, values | more)


async def of_case(connection: AsyncConnection, case_id: UUID) -> Sequence[Note]:
    """Return the notes of a case, the newest first."""
    rows = (await connection.execute(_OF_CASE, {"case_id": case_id})).all()
    return [Note(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's documented way to a mapping


async def texts(tx: Tx, keys: KeyRing, notes: Sequence[Note]) -> Mapping[UUID, Sequence[Edition]]:
    """Return every edition of these notes, in order. They are of one campus."""
    if not notes:
        return {}
    rows = (await tx.connection.execute(_TEXTS, {"notes": [note.note_id for note in notes]})).all()
    sealed = [(row.record_id, FIELD, row.text_id, bytes(row.sealed)) for row in rows]
    found: dict[UUID, list[Edition]] = {}
    for row, said in zip(rows, await unseal(tx, keys, notes[0].campus, sealed), strict=True):
        edition = Edition(row.edition, said, row.reason_code, row.written_by, row.written_at)
        found.setdefault(row.note_id, []).append(edition)
    return found


async def move(connection: AsyncConnection, *, gone: UUID, kept: UUID) -> None:
    """Let the notes and the changes of one case belong to another. Their key stays that of the case they were for."""
    for statement in _MOVE:
        await connection.execute(statement, {"gone": gone, "kept": kept})
