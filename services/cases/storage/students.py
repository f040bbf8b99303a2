"""Who is who in the replica of the roster, and the row that lets one worker at a time work for a student."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.cases.domain.students import Students, chains
from shared.events.roster import StudentSnapshot
from shared.storage import snapshots

_PREFIX = "student:"
NOTHING_SAID: Mapping[UUID, UUID | None] = {}

# Losers of merges, found by whom they are the same as, over merges of merges. The index `roster_merged` holds only
# them, over the bytes of the snapshot as it travels.
_LOSERS = text(
    """
    WITH RECURSIVE merged (key, same_as) AS (
        SELECT r.key, substring(r.body FROM position(CAST('"same_as":"' AS bytea) IN r.body) + 11 FOR 36)
        FROM roster_snapshots AS r
        WHERE position(CAST('"same_as":"' AS bytea) IN r.body) > 0
          AND substring(r.body FROM position(CAST('"same_as":"' AS bytea) IN r.body) + 11 FOR 36)
              = ANY (CAST(:winners AS bytea[]))
        UNION
        SELECT r.key, substring(r.body FROM position(CAST('"same_as":"' AS bytea) IN r.body) + 11 FOR 36)
        FROM merged JOIN roster_snapshots AS r
          ON position(CAST('"same_as":"' AS bytea) IN r.body) > 0
         AND substring(r.body FROM position(CAST('"same_as":"' AS bytea) IN r.body) + 11 FOR 36)
             = convert_to(substr(merged.key, 9), 'UTF8')
    )
    SELECT key, convert_from(same_as, 'UTF8') AS same_as FROM merged
    """
)
_KNOW = text(
    """
    INSERT INTO students (student_id)
    SELECT student_id FROM unnest(CAST(:students AS uuid[])) AS row(student_id) ORDER BY student_id
    ON CONFLICT DO NOTHING
    """
)
_LOCK = text(
    """
    SELECT student_id FROM students WHERE student_id = ANY (CAST(:students AS uuid[]))
    ORDER BY student_id FOR NO KEY UPDATE
    """
)


async def load(
    connection: AsyncConnection, asked: Collection[UUID], said: Mapping[UUID, UUID | None] = NOTHING_SAID
) -> Students:
    """Return who these students are after all merges, with everybody merged into them, and their advisors.

    `said` counts before what the replica knows of whom a student goes by.
    """
    same_as: dict[UUID, UUID] = {}
    advisors: dict[UUID, str | None] = {}
    seen: set[UUID] = set()
    wanted = frozenset(asked)
    while wanted:
        found = await snapshots.load(connection, "roster", [f"{_PREFIX}{id_}" for id_ in wanted], removed=True)
        seen |= wanted
        for student in found.values():
            if isinstance(student, StudentSnapshot):
                advisors[student.student_id] = student.advisor_id if student.status == "active" else None
                if student.same_as is not None:
                    same_as[student.student_id] = student.same_as
        wanted = chains(same_as, seen)
    if seen:
        for row in await connection.execute(_LOSERS, {"winners": [str(id_).encode() for id_ in seen]}):
            same_as[UUID(row.key.removeprefix(_PREFIX))] = UUID(row.same_as)
    return Students(same_as=_with(same_as, said), advisors=advisors)


def _with(same_as: Mapping[UUID, UUID], said: Mapping[UUID, UUID | None]) -> dict[UUID, UUID]:
    kept = {loser: winner for loser, winner in same_as.items() if loser not in said}
    return kept | {loser: winner for loser, winner in said.items() if winner is not None}


async def lock(connection: AsyncConnection, ids: Collection[UUID]) -> None:
    """Wait until nobody else works for these students, in id order. Two workers at one instant then open one case.

    The first statement makes rows for students never worked for, and waits for whoever is making the same ones.
    """
    students = {"students": list(ids)}
    await connection.execute(_KNOW, students)
    await connection.execute(_LOCK, students)
