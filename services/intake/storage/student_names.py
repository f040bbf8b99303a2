"""Every name, address and number a student goes by or went by, in the spelling that names are compared in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.nicknames import written_out
from services.intake.domain.people import EMAIL, NUMBER, comparable
from services.intake.storage.batch import CODE, LIST, arrays, insert, joined
from shared.ids import new_ids
from shared.storage.tx import Tx

ROSTER, HISTORY, PERSON = "roster", "history", "person"

_COLUMNS = {
    "name_id": "uuid",
    "student_id": "uuid",
    "campus": CODE,
    "campuses": LIST,
    "kind": CODE,
    "source": CODE,
    "value": "text",
    "norm": "text",
    "alike": "text",
    "added_by": "once text",
    "added_at": "once timestamptz",
}
_ADD = insert("student_names", _COLUMNS, order="name_id", conflict="ON CONFLICT (student_id, kind, norm) DO NOTHING")
_FORGET = text(
    """
    DELETE FROM student_names WHERE source = 'roster'
    AND (kind IN ('name', 'in_use') AND student_id = ANY (CAST(:students AS uuid[]))
         OR kind = 'alias' AND student_id = ANY (CAST(:listed AS uuid[])))
    """
)
_FOLLOW = text(
    """
    UPDATE {table} SET campuses = string_to_array(moved.campuses, E'\\x1e')
    FROM unnest(CAST(:students AS uuid[]), CAST(:campuses AS text[])) AS moved(student_id, campuses)
    WHERE {table}.student_id = moved.student_id
    """
)
_OF = text(
    """
    SELECT name_id, student_id, campus, kind, source, value, norm, added_by, added_at FROM student_names
    WHERE student_id = ANY (CAST(:students AS uuid[])) ORDER BY name_id
    """
)
_WHOLE = text(
    """
    SELECT DISTINCT student_id, kind FROM student_names
    WHERE norm = ANY (CAST(:said AS text[])) AND kind = ANY (CAST(:kinds AS text[]))
      AND CAST(:campus AS text) = ANY (campuses)
    """
)
_FORMER = text(
    """
    SELECT DISTINCT student_id FROM student_names WHERE norm = :said AND kind = ANY (CAST(:kinds AS text[]))
    """
)
_REMOVE = text("DELETE FROM student_names WHERE name_id = :name_id AND student_id = :student_id AND source = 'person'")
# Whom the search finds and who is in somebody's class, with what each is called: one look instead of three. Who teaches
# a few hundred knows them; a list of thousands is no class.
_CALLED = text(
    """
    SELECT student_id, norm FROM student_names
    WHERE kind NOT IN ('email', 'number') AND student_id = ANY (ARRAY(
        SELECT student_id FROM students_alike(CAST(:said AS text[]), CAST(:campuses AS text[]), :most)
        UNION (SELECT DISTINCT student_id FROM enrollments
               WHERE instructor_id = :instructor AND instructor_id <> '' AND campuses && CAST(:campuses AS text[])
               LIMIT 600)))
    """
)


@dataclass(frozen=True, slots=True)
class Name:
    """One way a student is called. `name_id` names it for who takes it away."""

    name_id: UUID
    student_id: UUID
    campus: str
    kind: str
    source: str
    value: str
    norm: str
    added_by: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class NewName:
    """A way a student is called, to keep."""

    student_id: UUID
    campuses: tuple[str, ...]
    kind: str
    source: str
    value: str


def norm_of(kind: str, value: str) -> str:
    """Return a name in the spelling it is compared in. Addresses and numbers are compared as they are."""
    return value.strip().lower() if kind in (EMAIL, NUMBER) else comparable(value)


async def forget(connection: AsyncConnection, students: Iterable[UUID], listed: Iterable[UUID]) -> None:
    """Forget the names that the last file gave these students, and the other names where a file lists them anew."""
    await connection.execute(_FORGET, {"students": sorted(students), "listed": sorted(listed)})


async def add(tx: Tx, names: Sequence[NewName]) -> None:
    """Keep names; one that is there already is there once."""
    rows = [
        (
            name_id,
            each.student_id,
            each.campuses[0],
            joined(each.campuses),
            each.kind,
            each.source,
            each.value,
            norm,
            written_out(norm),
        )
        for name_id, each in zip(new_ids(len(names)), names, strict=True)
        if (norm := norm_of(each.kind, each.value))
    ]
    if rows:
        same = {"added_by": tx.actor.id, "added_at": tx.now}
        await tx.connection.execute(_ADD, {**arrays(_COLUMNS, rows), **same})


async def follow(connection: AsyncConnection, table: str, campuses: Mapping[UUID, tuple[str, ...]]) -> None:
    """Let what stands beside students in one of our tables be of the campuses that they are of now."""
    students = sorted(campuses)
    asked = {"students": students, "campuses": [joined(campuses[id_]) for id_ in students]}
    await connection.execute(text(_FOLLOW.text.format(table=table)), asked)


async def of(connection: AsyncConnection, students: Iterable[UUID]) -> dict[UUID, list[Name]]:
    """Return the names of students, the oldest first."""
    found: dict[UUID, list[Name]] = {}
    for row in (await connection.execute(_OF, {"students": sorted(set(students))})).all():
        name = Name(*row)
        found.setdefault(name.student_id, []).append(name)
    return found


async def whole(
    connection: AsyncConnection, campus: str, kinds: Sequence[str], said: Iterable[str]
) -> dict[UUID, list[str]]:
    """Return who on a campus goes, or went, by exactly one of these, with the kinds of what they have."""
    asked = {"said": sorted({each for each in said if each}), "kinds": list(kinds), "campus": campus}
    found: dict[UUID, list[str]] = {}
    for row in (await connection.execute(_WHOLE, asked)).all() if asked["said"] else []:
        found.setdefault(row.student_id, []).append(row.kind)
    return found


async def former(connection: AsyncConnection, kinds: Sequence[str], said: str) -> list[UUID]:
    """Return who once had this address or number, on whatever campus row security shows."""
    return list((await connection.execute(_FORMER, {"said": said, "kinds": list(kinds)})).scalars())


async def called_like(
    connection: AsyncConnection, campuses: Sequence[str], said: Iterable[str], most: int, *, taught_by: str = ""
) -> dict[UUID, list[str]]:
    """Return who is called like one of these, and whoever somebody teaches there, with the comparable names of each.

    `*` is every campus. The one search that does not go through row security (an index could not serve it then). It
    keeps to these campuses and to those of the transaction; decide about each before anything of them is shown, and
    audit it.
    """
    asked = sorted({written_out(each) for each in said if each})
    found: dict[UUID, list[str]] = {}
    if asked:
        values = {"said": asked, "campuses": list(campuses), "most": most, "instructor": taught_by}
        for student_id, norm in (await connection.execute(_CALLED, values)).all():
            found.setdefault(student_id, []).append(norm)
    return found


async def remove(connection: AsyncConnection, student_id: UUID, name_id: UUID) -> bool:
    """Take away a name that a person added; return whether there was one."""
    return (await connection.execute(_REMOVE, {"student_id": student_id, "name_id": name_id})).rowcount > 0
