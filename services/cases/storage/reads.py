"""Cases as screens show them: without locks, newest first, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.cases.domain.case import Case
from services.cases.domain.combination import Combination
from services.cases.domain.students import Students
from services.cases.storage import combinations, students
from services.cases.storage.rows import SELECTED, case_of
from shared.events.teams import Member

_NEWEST = UUID(int=(1 << 128) - 1)
_FIRST = UUID(int=0)

# Only what is asked for becomes part of the statement, so that each question gets a plan of its own.
_CONDITIONS = {
    "campus": "c.campus = :campus",
    "owner": "c.owner_id = :owner",
    "state": "c.state = :state",
    "family": "c.family = :family",
    "students": "c.student_id = ANY (CAST(:students AS uuid[]))",
    "referral": "c.case_id = (SELECT r.case_id FROM referrals AS r WHERE r.referral_id = :referral)",
}
_PAGE = f"SELECT {SELECTED} FROM cases AS c WHERE c.case_id < :after{{0}} ORDER BY c.case_id DESC LIMIT :count"  # noqa: S608 - our names
_SOME = text(f"SELECT {SELECTED} FROM cases AS c WHERE c.case_id = ANY (CAST(:cases AS uuid[]))")  # noqa: S608 - our names
_REFERRALS = text(
    """
    SELECT case_id, referral_id, student_id FROM referrals WHERE case_id = ANY (CAST(:cases AS uuid[]))
    ORDER BY case_id, placed_at, referral_id
    """
)
_MEMBERS = text(
    """
    SELECT case_id, staff_id, capacity, since, until FROM team_members WHERE case_id = ANY (CAST(:cases AS uuid[]))
    ORDER BY case_id, since, member_id
    """
)
_ONE_COMBINATION = text("SELECT case_id, other_case_id FROM combinations WHERE combination_id = :id")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cases to list; None asks for any. `after` is the last case id of the page before."""

    campus: str | None = None
    owner: str | None = None
    state: str | None = None
    family: str | None = None
    student_id: UUID | None = None
    referral_id: UUID | None = None
    after: UUID | None = None
    count: int = 50

    def said(self) -> str:
        """Return the question as the audit keeps it."""
        asked = {
            "campus": self.campus, "owner": self.owner, "state": self.state, "family": self.family,
            "student_id": self.student_id, "referral_id": self.referral_id, "after": self.after,
        }  # fmt: skip
        return " ".join(f"{name}={value}" for name, value in asked.items() if value is not None)


@dataclass(frozen=True)
class Shown:
    """Cases as they are, who their students are after merges, and which referrals are matched to somebody else."""

    cases: Sequence[Case]
    students: Students
    elsewhere: frozenset[UUID] = frozenset()

    def student_of(self, case: Case) -> UUID | None:
        """Return the student of a case after all merges."""
        return self.students.resolve(case.student_id) if case.student_id is not None else None


async def page(connection: AsyncConnection, asked: Filter) -> Shown:
    """Return a page of cases, those opened last first."""
    ids: list[UUID] | None = None
    if asked.student_id is not None:
        ids = list((await students.load(connection, [asked.student_id])).ids(asked.student_id))
    filters: dict[str, Any] = {
        "campus": asked.campus,
        "owner": asked.owner,
        "state": asked.state,
        "family": asked.family,
        "students": ids,
        "referral": asked.referral_id,
    }
    given = {name: value for name, value in filters.items() if value is not None}
    statement = text(_PAGE.format("".join(f" AND {_CONDITIONS[name]}" for name in given)))
    found = await connection.execute(statement, {**given, "after": asked.after or _NEWEST, "count": asked.count})
    return await _shown(connection, found.all())


async def some(connection: AsyncConnection, case_ids: Sequence[UUID]) -> Shown:
    """Return these cases, without those that are not there or that row security hides."""
    return await _shown(connection, (await connection.execute(_SOME, {"cases": list(case_ids)})).all())


async def _shown(connection: AsyncConnection, rows: Sequence[Any]) -> Shown:
    ids = {"cases": [row.case_id for row in rows]}
    placed = (await connection.execute(_REFERRALS, ids)).all()
    referrals: dict[UUID, list[UUID]] = {}
    for row in placed:
        referrals.setdefault(row.case_id, []).append(row.referral_id)
    members: dict[UUID, list[Member]] = {}
    for row in await connection.execute(_MEMBERS, ids):
        member = Member(staff_id=row.staff_id, capacity=row.capacity, since=row.since, until=row.until)
        members.setdefault(row.case_id, []).append(member)
    cases = [
        case_of(row, referrals=tuple(referrals.get(row.case_id, ())), members=tuple(members.get(row.case_id, ())))
        for row in rows
    ]
    about = {case.case_id: case.student_id for case in cases}
    everybody = {id_ for id_ in about.values() if id_} | {row.student_id for row in placed if row.student_id}
    who = await students.load(connection, everybody)
    elsewhere = frozenset(
        row.referral_id
        for row in placed
        if row.student_id and about[row.case_id] and who.aliases(row.student_id) != who.aliases(about[row.case_id])
    )
    return Shown(cases, who, elsewhere)


async def questions(
    connection: AsyncConnection, *, campus: str | None, after: UUID | None, count: int
) -> list[Combination]:
    """Return open questions whether two cases are one, in the order in which pages follow each other."""
    rows = await connection.execute(combinations.OPEN, {"campus": campus, "after": after or _FIRST, "count": count})
    return [combinations.combination_of(row) for row in rows.mappings()]


async def cases_asked_about(connection: AsyncConnection, combination_id: UUID) -> tuple[UUID, UUID] | None:
    """Return the two cases of a question."""
    row = (await connection.execute(_ONE_COMBINATION, {"id": combination_id})).one_or_none()
    return (row.case_id, row.other_case_id) if row is not None else None
