"""The roster: the only table with students' names, addresses and campus numbers."""

import json
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.roster_rows import Student
from services.intake.storage.batch import CODE, LIST, arrays, codes, insert, joined, split
from shared.storage.tx import Tx

_COLUMNS = {
    "student_id": "uuid",
    "number": CODE,
    "campus": CODE,
    "campuses": LIST,
    "name": "text",
    "email": "text",
    "advisor_id": CODE,
    "attributes": "text",
    "status": CODE,
    "version": "bigint",
    "seen_in": "once uuid",
    "changed_at": "once timestamptz",
}
_SAVE = insert(
    "students",
    _COLUMNS,
    order="student_id",
    conflict="""
    ON CONFLICT (student_id) DO UPDATE SET
        campus = excluded.campus, campuses = excluded.campuses, name = excluded.name, email = excluded.email,
        advisor_id = excluded.advisor_id, attributes = excluded.attributes, status = excluded.status,
        version = excluded.version, seen_in = excluded.seen_in, changed_at = excluded.changed_at
    """,
)
_FIELDS = "student_id, number, campuses, name, email, advisor_id, attributes, status, version"
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('roster'))")
_BY_NUMBER = text(f"SELECT {_FIELDS}, seen_in FROM students WHERE number = ANY (CAST(:numbers AS text[]))")  # noqa: S608
_SEEN = text("UPDATE students SET seen_in = :import_id WHERE student_id = ANY (CAST(:ids AS uuid[]))")
_UNSEEN = text(
    f"""
    SELECT {_FIELDS} FROM students
    WHERE campus = ANY (CAST(:campuses AS text[])) AND seen_in <> :import_id AND status = 'active'
    ORDER BY student_id LIMIT :count
    """  # noqa: S608
)
_CAMPUSES_SEEN = text("SELECT DISTINCT campus FROM students WHERE seen_in = :import_id")
_BY_ID = text(f"SELECT {_FIELDS} FROM students WHERE student_id = ANY (CAST(:ids AS uuid[]))")  # noqa: S608
_IDS_BY_NUMBER = text(f"SELECT number, student_id FROM students WHERE number = ANY ({split('numbers')})")  # noqa: S608
_IDS_BY_EMAIL = text(
    """
    SELECT email, (array_agg(student_id))[1] AS student_id FROM students
    WHERE email = ANY (CAST(:emails AS text[])) AND email <> '' GROUP BY email HAVING count(*) = 1
    """
)
# Of two students with one address neither is exact: a person decides.
_MATCH = text(
    """
    SELECT asked.place, by_id.student_id AS by_id, by_email.student_id AS by_email
    FROM unnest(CAST(:campuses AS text[]), CAST(:numbers AS text[]), CAST(:ids AS uuid[]), CAST(:emails AS text[]))
         WITH ORDINALITY AS asked(campus, number, student_id, email, place)
    LEFT JOIN LATERAL (
        SELECT student_id FROM students
        WHERE (number = asked.number OR students.student_id = asked.student_id) AND asked.campus = ANY (campuses)
        LIMIT 1
    ) AS by_id ON true
    LEFT JOIN LATERAL (
        SELECT (array_agg(student_id))[1] AS student_id FROM students
        WHERE asked.email <> '' AND email = asked.email AND asked.campus = ANY (campuses) HAVING count(*) = 1
    ) AS by_email ON true
    """
)


async def lock(connection: AsyncConnection) -> None:
    """Let one transaction at a time change the roster."""
    await connection.execute(_LOCK)


async def by_number(connection: AsyncConnection, numbers: Iterable[str]) -> dict[str, tuple[Student, UUID]]:
    """Return the students with these campus numbers, each with the import that saw it last."""
    rows = (await connection.execute(_BY_NUMBER, {"numbers": sorted(set(numbers))})).all()
    return {row.number: (_student(row), row.seen_in) for row in rows}


async def by_id(connection: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Student]:
    """Return the students with these ids, as far as row security shows them."""
    rows = (await connection.execute(_BY_ID, {"ids": sorted(set(ids))})).all()
    return {row.student_id: _student(row) for row in rows}


async def ids_by_number(connection: AsyncConnection, numbers: Iterable[str]) -> dict[str, UUID]:
    """Return the ids of students with these campus numbers."""
    rows = await connection.execute(_IDS_BY_NUMBER, {"numbers": codes(sorted(set(numbers)))})
    return {row.number: row.student_id for row in rows}


async def ids_by_email(connection: AsyncConnection, emails: Iterable[str]) -> dict[str, UUID]:
    """Return the ids of students with these addresses; an address that two students have is nobody's."""
    rows = await connection.execute(_IDS_BY_EMAIL, {"emails": sorted(set(emails))})
    return {row.email: row.student_id for row in rows}


async def match(
    connection: AsyncConnection, asked: Sequence[tuple[str, str, UUID | None, str]]
) -> list[tuple[UUID | None, UUID | None]]:
    """Return, for each (campus, number, our id, address), who has the id and who alone has the address there."""
    columns = [list(column) for column in zip(*asked, strict=True)] if asked else [[], [], [], []]
    names = ("campuses", "numbers", "ids", "emails")
    rows = (await connection.execute(_MATCH, dict(zip(names, columns, strict=True)))).all()
    return [(row.by_id, row.by_email) for row in sorted(rows, key=lambda row: int(row.place))]


async def save(tx: Tx, students: Sequence[Student], import_id: UUID) -> None:
    """Store students that are new or changed."""
    rows = [
        (
            student.student_id,
            student.number,
            student.campus,
            joined(student.campuses),
            student.name,
            student.email,
            student.advisor_id,
            json.dumps(student.attributes),
            student.status,
            student.version,
        )
        for student in students
    ]
    same = {"seen_in": import_id, "changed_at": tx.now}
    await tx.connection.execute(_SAVE, {**arrays(_COLUMNS, rows), **same})


async def mark_seen(connection: AsyncConnection, ids: Sequence[UUID], import_id: UUID) -> None:
    """Note that a file has these students, unchanged."""
    await connection.execute(_SEEN, {"ids": sorted(ids), "import_id": import_id})


async def campuses_seen(connection: AsyncConnection, import_id: UUID) -> list[str]:
    """Return the home campuses of the students an import had."""
    return sorted((await connection.execute(_CAMPUSES_SEEN, {"import_id": import_id})).scalars())


async def unseen(connection: AsyncConnection, campuses: Sequence[str], import_id: UUID, count: int) -> list[Student]:
    """Return active students of these home campuses that an import did not have."""
    asked: Mapping[str, object] = {"campuses": list(campuses), "import_id": import_id, "count": count}
    return [_student(row) for row in (await connection.execute(_UNSEEN, asked)).all()]


def _student(row: Row[tuple[object, ...]]) -> Student:
    return Student(
        row.student_id,
        row.number,
        tuple(row.campuses),
        row.name,
        row.email,
        row.advisor_id,
        tuple((name, value) for name, value in json.loads(row.attributes)),
        row.status,
        row.version,
    )
