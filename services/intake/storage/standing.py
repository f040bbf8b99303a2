"""How people stand to referrals and students: duty grants, and the teams of the cases they belong to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.referrals import Referral
from services.intake.storage import students as roster
from services.intake.storage.batch import arrays, insert
from shared.access.decision import Resource
from shared.events import SENSITIVITIES, STRICTEST
from shared.events.teams import TeamSnapshot
from shared.program import Program
from shared.storage import snapshots

_COLUMNS = {
    "page_id": "uuid",
    "staff_id": "text",
    "referral_id": "uuid",
    "campus": "text",
    "function": "text",
    "until": "timestamptz",
}
_GRANT = insert(
    "duty_grants",
    _COLUMNS,
    order="page_id, staff_id",
    conflict="ON CONFLICT (page_id, staff_id) DO UPDATE SET until = greatest(duty_grants.until, excluded.until)",
)
_GRANTED = text(
    """
    SELECT referral_id, staff_id FROM duty_grants
    WHERE referral_id = ANY (CAST(:referrals AS uuid[])) AND until > :now
    """
)
_OF_STUDENTS = text(
    "SELECT student_id, referral_id, case_id FROM referrals WHERE student_id = ANY (CAST(:students AS uuid[]))"
)
# On the team for a while because of a page: no more than a grant, which behind a wall shows the danger alone.
_DUTY = "duty"

Grant = tuple[UUID, str, UUID, str, str, datetime]


@dataclass(frozen=True, slots=True)
class Matter:
    """Who stands how to something at this moment, and how closely its case is held."""

    sensitivity: str = "standard"
    owner_id: str | None = None
    team: frozenset[str] = frozenset()
    recused: frozenset[str] = frozenset()
    granted: frozenset[str] = frozenset()


async def grant(connection: AsyncConnection, grants: Sequence[Grant]) -> None:
    """Store grants: (page, staff, referral, campus, function, until). A grant is never cut short by an older one."""
    newest = {(each[0], each[1]): each for each in sorted(grants, key=lambda each: each[5])}
    await connection.execute(_GRANT, arrays(_COLUMNS, list(newest.values())))


async def resources(
    connection: AsyncConnection, referrals: Sequence[Referral], program: Program, now: datetime
) -> list[Resource]:
    """Return referrals as `decide()` needs them, in order. Three statements whatever their number.

    A referral whose case has no team here is open to nobody but by its grant: no row, no access.
    """
    granted = await _granted(connection, [referral.referral_id for referral in referrals], now)
    teams = await _teams(connection, [referral.case_id for referral in referrals if referral.case_id])
    conflicts = _Conflicts(program, await _same(connection, [each.student_id for each in referrals]))
    return [
        _resource(
            referral,
            _matter(teams.get(referral.case_id), now),
            granted.get(referral.referral_id, frozenset()),
            conflicts.of(referral.student_id),
        )
        for referral in referrals
    ]


async def to_students(
    connection: AsyncConnection, students: Iterable[UUID], program: Program, now: datetime
) -> dict[UUID, Matter]:
    """Return who stands to each of these students through a matter of theirs, and who must keep away from them.

    Whoever is recused from one matter of a student keeps away from the student here: a name or a flag is of no matter.
    Students whom a merge makes one are one here.
    """
    asked = sorted(set(students))
    same = await _same(connection, asked)
    everybody = sorted({*asked, *same})
    rows = (await connection.execute(_OF_STUDENTS, {"students": everybody})).all()
    granted = await _granted(connection, [row.referral_id for row in rows], now)
    teams = await _teams(connection, [row.case_id for row in rows if row.case_id])
    conflicts = _Conflicts(program, same)
    found = {same.get(student, student): Matter(recused=conflicts.of(student)) for student in everybody}
    for row in rows:
        one = same.get(row.student_id, row.student_id)
        matter, known = _matter(teams.get(row.case_id), now), found[one]
        own = frozenset({matter.owner_id}) if matter.owner_id else frozenset()
        found[one] = Matter(
            team=known.team | matter.team | own,
            recused=known.recused | matter.recused,
            granted=known.granted | matter.granted | granted.get(row.referral_id, frozenset()),
        )
    return {student: found[same.get(student, student)] for student in asked}


async def _granted(connection: AsyncConnection, ids: Sequence[UUID], now: datetime) -> dict[UUID, frozenset[str]]:
    found: dict[UUID, set[str]] = {}
    if not ids:
        return {}
    for row in (await connection.execute(_GRANTED, {"referrals": list(ids), "now": now})).all():
        found.setdefault(row.referral_id, set()).add(row.staff_id)
    return {id_: frozenset(staff) for id_, staff in found.items()}


async def _teams(connection: AsyncConnection, cases: Iterable[UUID]) -> Mapping[UUID | None, TeamSnapshot]:
    keys = [f"case:{case}" for case in cases]
    loaded = await snapshots.load(connection, "teams", keys) if keys else {}
    return {team.case_id: team for team in loaded.values() if isinstance(team, TeamSnapshot)}


def _matter(team: TeamSnapshot | None, now: datetime) -> Matter:
    if team is None:
        return Matter()
    present = [m for m in team.members if m.since <= now and (m.until is None or now < m.until)]
    return Matter(
        team.sensitivity,
        team.owner_id,
        team=frozenset(member.staff_id for member in present if member.capacity != _DUTY),
        recused=frozenset(team.recused),
        granted=frozenset(member.staff_id for member in present if member.capacity == _DUTY),
    )


def _resource(referral: Referral, matter: Matter, granted: frozenset[str], conflicts: frozenset[str]) -> Resource:
    return Resource(
        kind="referral",
        id=str(referral.referral_id),
        campus=referral.campus,
        sensitivity=max(referral.sensitivity, matter.sensitivity, key=_strictness),
        student_id=str(referral.student_id) if referral.student_id else None,
        owner_id=matter.owner_id,
        team=matter.team,
        recused=matter.recused | conflicts,
        granted=granted | matter.granted,
        attached=referral.case_id is not None,
    )


def _strictness(sensitivity: str) -> int:
    return SENSITIVITIES.index(sensitivity if sensitivity in SENSITIVITIES else STRICTEST)


async def _same(connection: AsyncConnection, ids: Iterable[UUID | None]) -> dict[UUID, UUID]:
    return await roster.same(connection, [id_ for id_ in ids if id_ is not None])


class _Conflicts:
    """The staff who must not work with a student, whichever of the ids that merges make one was said to be theirs."""

    def __init__(self, program: Program, same: Mapping[UUID, UUID]) -> None:
        self._same = {str(id_): str(root) for id_, root in same.items()}
        self._staff: dict[str, set[str]] = {}
        for person in program.staff.values():
            for conflict in person.conflicts:
                self._staff.setdefault(self._one(conflict.student_id), set()).add(person.staff_id)

    def of(self, student_id: UUID | None) -> frozenset[str]:
        return frozenset(self._staff.get(self._one(str(student_id)), ()))

    def _one(self, student_id: str) -> str:
        return self._same.get(student_id, student_id)
