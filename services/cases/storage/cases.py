"""Cases as rows: load and lock, insert, update. Each a fixed number of statements, whatever the number of cases."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.cases.domain.case import Case
from services.cases.storage.rows import CHANGING, COLUMNS, OPENING, SELECTED, case_of, parameters, unnested
from shared.events.teams import Member

_KEY = next(column for column in COLUMNS if column.name == "case_id")

# Locked in id order, students before cases, so that two batches never wait for each other in a ring.
_LOAD = text(
    f"""
    SELECT {SELECTED}
    FROM cases AS c
    WHERE c.student_id = ANY (CAST(:students AS uuid[])) OR c.case_id = ANY (CAST(:cases AS uuid[]))
    ORDER BY c.case_id
    FOR NO KEY UPDATE
    """  # noqa: S608 - made of our own column names
)
_STUDENTS = text(
    "SELECT DISTINCT student_id FROM cases WHERE case_id = ANY (CAST(:cases AS uuid[])) AND student_id IS NOT NULL"
)
_REFERRALS = text(
    """
    SELECT case_id, referral_id FROM referrals WHERE case_id = ANY (CAST(:cases AS uuid[]))
    ORDER BY case_id, placed_at, referral_id
    """
)
_MEMBERS = text(
    """
    SELECT case_id, staff_id, capacity, since, until FROM team_members WHERE case_id = ANY (CAST(:cases AS uuid[]))
    ORDER BY case_id, since, member_id
    """
)
_INSERT = text(
    f"""
    INSERT INTO cases ({", ".join(column.name for column in COLUMNS)})
    SELECT {", ".join(column.stored.format(f"row.{column.name}") for column in COLUMNS)}
    FROM {unnested()}
    """  # noqa: S608 - made of our own column names
)
_OPEN = text(
    f"""
    INSERT INTO cases ({", ".join(column.name for column in COLUMNS)})
    SELECT {", ".join(column.opened or column.stored.format(f"row.{column.name}") for column in COLUMNS)}
    FROM {unnested(OPENING)}
    """  # noqa: S608 - made of our own column names
)
_UPDATE = text(
    f"""
    UPDATE cases AS c
    SET {", ".join(f"{column.name} = {column.stored.format(f'row.{column.name}')}" for column in CHANGING)}
    FROM {unnested((_KEY, *CHANGING))}
    WHERE c.case_id = row.case_id AND c.version < row.version
    """  # noqa: S608 - made of our own column names
)
_SHIFT = text(
    """
    INSERT INTO caseloads (staff_id, open_cases)
    SELECT staff_id, by FROM unnest(CAST(:staff AS text[]), CAST(:by AS int[])) AS row(staff_id, by)
    ORDER BY staff_id
    ON CONFLICT (staff_id) DO UPDATE SET open_cases = caseloads.open_cases + excluded.open_cases
    """
)
_FOLLOW = text("UPDATE cases SET merged_into = :kept WHERE merged_into = :gone")
_LOADS = text("SELECT staff_id, open_cases FROM caseloads WHERE open_cases > 0")


class OvertakenError(Exception):
    """A case was changed by somebody else after it was loaded, although it was locked. Load, then try again."""


async def load(
    connection: AsyncConnection, *, students: Collection[UUID] = (), cases: Collection[UUID] = ()
) -> dict[UUID, Case]:
    """Lock and return all cases of students, past ones too, and these cases; with their referrals and members."""
    values: dict[str, Any] = {"students": list(students), "cases": list(cases)}
    rows = (await connection.execute(_LOAD, values)).all()
    ids = {"cases": [row.case_id for row in rows]}
    referrals: dict[UUID, list[UUID]] = {}
    members: dict[UUID, list[Member]] = {}
    if rows:
        for row in await connection.execute(_REFERRALS, ids):
            referrals.setdefault(row.case_id, []).append(row.referral_id)
        for row in await connection.execute(_MEMBERS, ids):
            member = Member(staff_id=row.staff_id, capacity=row.capacity, since=row.since, until=row.until)
            members.setdefault(row.case_id, []).append(member)
    return {
        row.case_id: case_of(
            row, referrals=tuple(referrals.get(row.case_id, ())), members=tuple(members.get(row.case_id, ()))
        )
        for row in rows
    }


async def students_of(connection: AsyncConnection, cases: Collection[UUID]) -> set[UUID]:
    """Return whom cases are about, without lock: who must be locked before the cases are."""
    return set((await connection.execute(_STUDENTS, {"cases": list(cases)})).scalars())


async def insert(connection: AsyncConnection, cases: Sequence[Case]) -> None:
    """Store cases opened in this transaction, changed since or not.

    The unique index over open cases is the last word on "one open case".
    """
    opened = [case for case in cases if case.version == 1]
    if opened:
        await connection.execute(_OPEN, {**parameters(opened, OPENING), "at": opened[0].opened_at})
    changed = [case for case in cases if case.version > 1]
    if changed:
        await connection.execute(_INSERT, parameters(changed))


async def update(connection: AsyncConnection, cases: Sequence[Case]) -> None:
    """Store newer versions of cases. Raises OvertakenError unless every one was older."""
    found = await connection.execute(_UPDATE, parameters(cases, (_KEY, *CHANGING)))
    if found.rowcount != len(cases):
        raise OvertakenError


async def follow(connection: AsyncConnection, *, gone: UUID, kept: UUID) -> None:
    """Let cases that were merged into a case be merged into the one that takes it in: one step leads to the work."""
    await connection.execute(_FOLLOW, {"gone": gone, "kept": kept})


async def loads(connection: AsyncConnection) -> dict[str, int]:
    """Return how many open cases everybody has, without lock: a count that is a moment old ranks as well."""
    return {row.staff_id: row.open_cases for row in await connection.execute(_LOADS)}


async def shift_loads(connection: AsyncConnection, shifts: dict[str, int]) -> None:
    """Add to the counts of open cases. Done last, since these few rows are everybody's."""
    staff = sorted(staff_id for staff_id, by in shifts.items() if by)
    if staff:
        await connection.execute(_SHIFT, {"staff": staff, "by": [shifts[staff_id] for staff_id in staff]})


def shifts(before: Iterable[Case], after: Iterable[Case]) -> dict[str, int]:
    """Return by how many open cases everybody has more or fewer."""
    counts: dict[str, int] = {}
    for cases, by in ((before, -1), (after, 1)):
        for case in cases:
            if case.owner_id is not None and case.is_open:
                counts[case.owner_id] = counts.get(case.owner_id, 0) + by
    return counts
