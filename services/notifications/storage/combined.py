"""Which cases gave way to which. What two cases say has two keys, so it may be read in any order."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.storage import combined_cases

_REMEMBER = text(
    """
    INSERT INTO combined_cases (case_id, into_case, campus, student_id)
    SELECT case_id, into_case, campus, student_id
    FROM unnest(CAST(:cases AS uuid[]), CAST(:intos AS uuid[]), CAST(:campuses AS text[]), CAST(:students AS uuid[]))
         AS row(case_id, into_case, campus, student_id)
    ORDER BY case_id
    ON CONFLICT (case_id) DO NOTHING
    """
)
_MOVE = text(
    """
    UPDATE matters SET case_id = combined.into_case, student_id = coalesce(matters.student_id, combined.student_id)
    FROM combined_cases AS combined
    WHERE matters.case_id = combined.case_id AND combined.case_id = ANY (CAST(:cases AS uuid[]))
    """
)
_NOW = text("SELECT case_id, into_case FROM combined_cases WHERE case_id = ANY (CAST(:cases AS uuid[])) FOR KEY SHARE")


async def remember(connection: AsyncConnection, combined: Sequence[tuple[UUID, UUID, UUID | None, str]]) -> None:
    """Note that the matter of a case is another's from now on: (into, from, student, campus)."""
    intos, cases, students, campuses = (list(column) for column in zip(*combined, strict=True))
    await combined_cases.lock(connection)
    asked = {"cases": cases, "intos": intos, "campuses": campuses, "students": students}
    await connection.execute(_REMEMBER, asked)
    await combined_cases.shorten(connection, cases)
    await connection.execute(_MOVE, {"cases": cases})


async def now(connection: AsyncConnection, cases: Collection[UUID]) -> dict[UUID, UUID]:
    """Return where the matters of cases that gave way are now; a case that stands is left out."""
    rows = (await connection.execute(_NOW, {"cases": sorted(cases)})).all()
    return {row.case_id: row.into_case for row in rows}
