"""What stands beside a student: the classes they are in, and, sealed, whom to call for them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.people import Contact, Section
from services.intake.storage.batch import CODE, LIST, arrays, insert, joined
from shared.ids import derived_id
from shared.privacy.keys import KeyRing
from shared.privacy.text import Clear, seal_all, unseal
from shared.storage.tx import Tx

_CLASSES = {
    "student_id": "uuid",
    "campus": CODE,
    "campuses": LIST,
    "term": CODE,
    "course": CODE,
    "section": CODE,
    "instructor_id": CODE,
}
_ENROLL = insert(
    "enrollments",
    _CLASSES,
    order="student_id",
    conflict="ON CONFLICT (student_id, term, course, section) DO UPDATE SET instructor_id = excluded.instructor_id",
)
_LEAVE = text("DELETE FROM enrollments WHERE student_id = ANY (CAST(:students AS uuid[]))")
_CLASSES_OF = text(
    """
    SELECT student_id, term, course, section, instructor_id FROM enrollments
    WHERE student_id = ANY (CAST(:students AS uuid[])) ORDER BY term DESC, course, section
    """
)
_CONTACTS = {
    "student_id": "uuid",
    "kind": "text",
    "campus": CODE,
    "campuses": LIST,
    "sealed": "bytea",
    "changed_by": "once text",
    "changed_at": "once timestamptz",
}
_KEEP = insert(
    "student_contacts",
    _CONTACTS,
    order="student_id, kind",
    conflict="""
    ON CONFLICT (student_id, kind) DO UPDATE SET campus = excluded.campus, campuses = excluded.campuses,
        sealed = excluded.sealed, changed_by = excluded.changed_by, changed_at = excluded.changed_at
    """,
)
_CONTACTS_OF = text(
    """
    SELECT student_id, campus, sealed, changed_by, changed_at FROM student_contacts
    WHERE student_id = ANY (CAST(:students AS uuid[])) AND kind = :kind ORDER BY student_id
    """
)
_FIELD = "student.contacts."


class Called(NamedTuple):
    """Whom to call for a student, who last said so, and when."""

    student_id: UUID
    contacts: tuple[Contact, ...]
    changed_by: str
    changed_at: datetime


class NewContacts(NamedTuple):
    """A list of contacts of one kind that replaces what was there."""

    student_id: UUID
    campuses: tuple[str, ...]
    kind: str
    contacts: tuple[Contact, ...]


async def enroll(
    connection: AsyncConnection, classes: Mapping[UUID, tuple[tuple[str, ...], Sequence[Section]]]
) -> None:
    """Let these students be in these classes and no others: (campuses, sections) of each."""
    await connection.execute(_LEAVE, {"students": sorted(classes)})
    rows = [
        (student, campuses[0], joined(campuses), *section)
        for student, (campuses, sections) in classes.items()
        for section in {each[:3]: each for each in sections}.values()
    ]
    if rows:
        await connection.execute(_ENROLL, arrays(_CLASSES, rows))


async def classes(connection: AsyncConnection, students: Iterable[UUID]) -> dict[UUID, list[Section]]:
    """Return the classes that students are in, the newest term first."""
    found: dict[UUID, list[Section]] = {}
    for row in (await connection.execute(_CLASSES_OF, {"students": sorted(set(students))})).all():
        found.setdefault(row.student_id, []).append(Section(row.term, row.course, row.section, row.instructor_id))
    return found


async def keep_contacts(tx: Tx, keys: KeyRing, new: Sequence[NewContacts]) -> None:
    """Seal and keep lists of contacts, each under a key of its own, so that one can be destroyed without the other."""
    if not new:
        return
    clear = [
        Clear(each.campuses[0], _record(each.student_id, each.kind, each.campuses[0]), _FIELD + each.kind,
              each.student_id, json.dumps(each.contacts))
        for each in new
    ]  # fmt: skip
    sealed = await seal_all(tx, keys, clear)
    rows = [
        (each.student_id, each.kind, each.campuses[0], joined(each.campuses), text_)
        for each, text_ in zip(new, sealed, strict=True)
    ]
    await tx.connection.execute(_KEEP, {**arrays(_CONTACTS, rows), "changed_by": tx.actor.id, "changed_at": tx.now})


async def contacts(tx: Tx, keys: KeyRing, students: Iterable[UUID], kind: str) -> list[Called]:
    """Return whom to call for students, of one kind. Decide, and audit, before you ask."""
    asked: dict[str, Any] = {"students": sorted(set(students)), "kind": kind}
    found = []
    for row in (await tx.connection.execute(_CONTACTS_OF, asked)).all():
        place = (_record(row.student_id, kind, row.campus), _FIELD + kind, row.student_id, bytes(row.sealed))
        (opened,) = await unseal(tx, keys, row.campus, [place])
        listed = tuple(Contact(*each) for each in json.loads(opened))
        found.append(Called(row.student_id, listed, row.changed_by, row.changed_at))
    return found


def _record(student_id: UUID, kind: str, campus: str) -> UUID:
    """Return the record whose key seals a list: of one kind, for one home campus, whose key wraps it."""
    return derived_id(student_id, kind, campus)
