"""The roster: the only table with students' names, addresses and campus numbers."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.people import Profile
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
    "name_in_use": "text",
    "pronouns": "text",
    "birth_date": "date",
    "study_program": "text",
    "level": "text",
    "residence": "text",
    "athlete": "boolean",
    "veteran": "boolean",
    "minor": "boolean",
    "directory_opt_out": "boolean",
    "marks": "text",
    "same_as": "uuid",
    "seen_in": "once uuid",
    "changed_at": "once timestamptz",
}
_PROFILE = tuple(field.name for field in fields(Profile))
_profile = attrgetter(*_PROFILE)
_SAVE = insert(
    "students",
    _COLUMNS,
    order="student_id",
    conflict="""
    ON CONFLICT (student_id) DO UPDATE SET
        campus = excluded.campus, campuses = excluded.campuses, name = excluded.name, email = excluded.email,
        advisor_id = excluded.advisor_id, attributes = excluded.attributes, status = excluded.status,
        version = excluded.version, changed_at = excluded.changed_at, name_in_use = excluded.name_in_use,
        pronouns = excluded.pronouns, birth_date = excluded.birth_date, study_program = excluded.study_program,
        level = excluded.level, residence = excluded.residence, athlete = excluded.athlete, veteran = excluded.veteran,
        minor = excluded.minor, directory_opt_out = excluded.directory_opt_out, marks = excluded.marks,
        same_as = excluded.same_as, seen_in = coalesce(excluded.seen_in, students.seen_in)
    """,
)
_FIELDS = (
    "student_id, number, campuses, name, email, advisor_id, attributes, status, version, name_in_use, pronouns,"
    " birth_date, study_program, level, residence, athlete, veteran, minor, directory_opt_out, marks, same_as"
)
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
# By the index on merges: nearly nobody is one of several.
_WITH_MERGED = text(
    f"""
    SELECT {_FIELDS},
           same_as IS NOT NULL OR student_id IN (SELECT other.same_as FROM students AS other
               WHERE other.same_as = ANY (CAST(:ids AS uuid[]))) AS merged
    FROM students WHERE student_id = ANY (CAST(:ids AS uuid[]))
    """  # noqa: S608 - our own names
)
_HOLD = text(
    f"SELECT {_FIELDS} FROM students WHERE student_id = ANY (CAST(:ids AS uuid[])) ORDER BY student_id FOR UPDATE"  # noqa: S608
)
_CHANGE = text("UPDATE students SET same_as = :same_as, version = :version WHERE student_id = :student_id")
# By the index on merges, also while the table has no statistics.
_ANY_MERGED = text(
    "SELECT EXISTS (SELECT 1 FROM"
    " (SELECT same_as FROM students WHERE same_as IS NOT NULL ORDER BY same_as LIMIT 1) AS one)"
)
_MERGED = text(
    """
    SELECT student_id, root FROM same_students(ARRAY(
        SELECT student_id FROM students WHERE same_as IS NOT NULL
        AND (student_id = ANY (CAST(:ids AS uuid[])) OR same_as = ANY (CAST(:ids AS uuid[])))))
    """
)
_SAME = text("SELECT student_id, root FROM same_students(CAST(:ids AS uuid[]))")
_IDS_BY_NUMBER = text(f"SELECT number, student_id FROM students WHERE number = ANY ({split('numbers')})")  # noqa: S608
# Of two students with one address neither is exact: a person decides. Two whom a merge makes one are one: the one the
# others were merged into has the address.
_IDS_BY_EMAIL = text(
    """
    SELECT email, (array_agg(student_id ORDER BY same_as NULLS FIRST))[1] AS student_id FROM students
    WHERE email = ANY (CAST(:emails AS text[])) AND email <> ''
    GROUP BY email HAVING count(*) = 1 OR count(DISTINCT coalesce(same_as, student_id)) = 1
    """
)
_MATCH = text(
    """
    SELECT asked.place, by_id.student_id AS by_id, by_email.student_id AS by_email,
           coalesce(by_id.same_as, by_id.student_id) = coalesce(by_email.same_as, by_email.student_id) AS one
    FROM unnest(CAST(:campuses AS text[]), CAST(:numbers AS text[]), CAST(:ids AS uuid[]), CAST(:emails AS text[]))
         WITH ORDINALITY AS asked(campus, number, student_id, email, place)
    LEFT JOIN LATERAL (
        SELECT student_id, same_as FROM students
        WHERE (number = asked.number OR students.student_id = asked.student_id) AND asked.campus = ANY (campuses)
        LIMIT 1
    ) AS by_id ON true
    LEFT JOIN LATERAL (
        SELECT (array_agg(student_id ORDER BY same_as NULLS FIRST))[1] AS student_id,
               (array_agg(same_as ORDER BY same_as NULLS FIRST))[1] AS same_as FROM students
        WHERE asked.email <> '' AND email = asked.email AND asked.campus = ANY (campuses)
        HAVING count(*) = 1 OR count(DISTINCT coalesce(same_as, student_id)) = 1
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


async def with_merged(connection: AsyncConnection, ids: Iterable[UUID]) -> tuple[dict[UUID, Student], frozenset[UUID]]:
    """Return the students with these ids, as far as row security shows them, and those whom a merge concerns."""
    rows = (await connection.execute(_WITH_MERGED, {"ids": sorted(set(ids))})).all()
    return {row.student_id: _student(row) for row in rows}, frozenset(row.student_id for row in rows if row.merged)


async def ids_by_number(connection: AsyncConnection, numbers: Iterable[str]) -> dict[str, UUID]:
    """Return the ids of students with these campus numbers."""
    rows = await connection.execute(_IDS_BY_NUMBER, {"numbers": codes(sorted(set(numbers)))})
    return {number: student_id for number, student_id in rows}  # noqa: C416 - half the cost of reading them by name


async def ids_by_email(connection: AsyncConnection, emails: Iterable[str]) -> dict[str, UUID]:
    """Return the ids of students with these addresses; an address that two students have is nobody's."""
    rows = await connection.execute(_IDS_BY_EMAIL, {"emails": sorted(set(emails))})
    return {row.email: row.student_id for row in rows}


async def match(
    connection: AsyncConnection, asked: Sequence[tuple[str, str, UUID | None, str]]
) -> list[tuple[UUID | None, UUID | None]]:
    """Return, for each (campus, number, our id, address), who has the id and who alone has the address there.

    Of two whom a merge makes one, the one with the id stands for both.
    """
    columns = [list(column) for column in zip(*asked, strict=True)] if asked else [[], [], [], []]
    names = ("campuses", "numbers", "ids", "emails")
    rows = (await connection.execute(_MATCH, dict(zip(names, columns, strict=True)))).all()
    return [(row.by_id, row.by_id if row.one else row.by_email) for row in sorted(rows, key=lambda row: int(row.place))]


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
            *_profile(student.profile),
            json.dumps(dict(student.marks)),
            student.same_as,
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


async def hold(connection: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Student]:
    """Return students, held in id order until the transaction ends."""
    rows = (await connection.execute(_HOLD, {"ids": sorted(set(ids))})).all()
    return {row.student_id: _student(row) for row in rows}


async def relink(connection: AsyncConnection, student: Student) -> None:
    """Store whom a student is the same as."""
    named = {"student_id": student.student_id, "same_as": student.same_as, "version": student.version}
    await connection.execute(_CHANGE, named)


async def same(connection: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Return every id that merges make one with these, and the id each goes by. One that is not there is left out."""
    asked = sorted(set(ids))
    rows = (await connection.execute(_SAME, {"ids": asked})).all() if asked else []
    return {row.student_id: row.root for row in rows}


async def merged(connection: AsyncConnection, ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return the same as `same`, but only for those whom a merge concerns: nearly always nobody, and then cheap."""
    if not ids or not (await connection.execute(_ANY_MERGED)).scalar_one():
        return {}
    rows = (await connection.execute(_MERGED, {"ids": sorted(ids)})).all()
    return {row.student_id: row.root for row in rows}


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
        Profile(*(getattr(row, name) for name in _PROFILE)),
        tuple(sorted(json.loads(row.marks).items())),
        row.same_as,
    )
