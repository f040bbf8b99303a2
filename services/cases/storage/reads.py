"""Cases as screens show them: without locks, in the order asked for, a page at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.cases.domain.case import Case
from services.cases.domain.combination import Combination
from services.cases.domain.students import Students
from services.cases.storage import combinations, students
from services.cases.storage.rows import SELECTED, case_of
from shared.events.teams import Member
from shared.storage.positions import Position, id_of

Order = Literal["newest", "oldest", "due", "silent"]

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
# What a case is sorted by; one on which nobody works any more comes last whatever its clocks say.
_MOMENTS = {
    "due": "coalesce(c.next_contact_due, CASE WHEN c.contacts = 0 THEN c.outreach_due END)",
    "silent": "coalesce(c.last_reached_at, c.opened_at)",
}
_VALUES = {
    order: f"CASE WHEN c.state IN ('closed', 'merged') THEN 'infinity' ELSE coalesce({moment}, 'infinity') END"
    for order, moment in _MOMENTS.items()
}
# A position says it in microseconds.
_LAST = 10**18 - 1
_POSITION = f"CASE WHEN place = 'infinity' THEN {_LAST} ELSE CAST(extract(epoch FROM place) * 1000000 AS bigint) END"
_PLACE = f"""CASE WHEN CAST(:value AS bigint) = {_LAST} THEN CAST('infinity' AS timestamptz)
    ELSE timestamptz 'epoch' + CAST(:value AS bigint) * interval '1 microsecond' END"""
_AFTERS = {"newest": "c.case_id < :after", "oldest": "c.case_id > :after"} | {
    order: f"({value}, c.case_id) > ({_PLACE}, :after)" for order, value in _VALUES.items()
}
_ORDERS = {"newest": "c.case_id DESC", "oldest": "c.case_id", "due": "place, c.case_id", "silent": "place, c.case_id"}
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
    """Which cases to list; None asks for any. `after` is where the page before ended, in the same order."""

    campus: str | None = None
    owner: str | None = None
    state: str | None = None
    family: str | None = None
    student_id: UUID | None = None
    referral_id: UUID | None = None
    after: str | None = None
    count: int = 50
    order: Order = "newest"

    def said(self) -> str:
        """Return the question as the audit keeps it."""
        asked = {
            "campus": self.campus, "owner": self.owner, "state": self.state, "family": self.family,
            "student_id": self.student_id, "referral_id": self.referral_id,
            "after": id_of(self.after) if self.after else None,
            "sort": None if self.order == "newest" else self.order,
        }  # fmt: skip
        return " ".join(f"{name}={value}" for name, value in asked.items() if value is not None)


@dataclass(frozen=True)
class Shown:
    """Cases as they are, who their students are after merges, and which referrals are matched to somebody else.

    `afters` says for each case of a page what asks for those after it.
    """

    cases: Sequence[Case]
    students: Students
    elsewhere: frozenset[UUID] = frozenset()
    afters: Mapping[UUID, str] = field(default_factory=dict)

    def student_of(self, case: Case) -> UUID | None:
        """Return the student of a case after all merges."""
        return self.students.resolve(case.student_id) if case.student_id is not None else None


async def page(connection: AsyncConnection, asked: Filter) -> Shown:
    """Return a page of cases, in the order asked for."""
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
    conditions, place = [_CONDITIONS[name] for name in given], _place(asked)
    if place:
        conditions.append(_AFTERS[asked.order])
    value, order = _VALUES.get(asked.order), _ORDERS[asked.order]
    # What a screen shows is read of the cases of the page alone, and not of all that are sorted for it.
    statement = text(
        f"SELECT {SELECTED}, {_POSITION} AS position FROM ("  # noqa: S608 - our names
        f" SELECT c.case_id, {value or 'CAST(NULL AS timestamptz)'} AS place FROM cases AS c"
        f" WHERE {' AND '.join(conditions) or 'true'} ORDER BY {order} LIMIT :count"
        f") AS listed JOIN cases AS c ON c.case_id = listed.case_id ORDER BY {order}"
    )
    rows = (await connection.execute(statement, {**given, **place, "count": asked.count})).all()
    afters = {row.case_id: str(Position(row.position, row.case_id)) if value else str(row.case_id) for row in rows}
    return replace(await _shown(connection, rows), afters=afters)


def _place(asked: Filter) -> dict[str, Any]:
    """Return where the page before ended, as the condition takes it; nothing for the first."""
    if asked.order in _VALUES:
        place = Position.read(asked.after)
        return {"value": place.value, "after": place.id} if place else {}
    return {"after": id_of(asked.after)} if asked.after else {}


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
