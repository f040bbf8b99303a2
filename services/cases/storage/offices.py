"""The program of the campuses, seen as the office that assigns and times cases."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache, lru_cache

from sqlalchemy.ext.asyncio import AsyncConnection

from services.cases.domain.office import Closing, Colleague, Office
from shared.events.codes import level as read_level
from shared.program import Program, load_program

_DAYS_IN_MONTH = 30.44


class ProgramOffices:
    """The offices at one instant, each made once when it is first asked for."""

    def __init__(self, program: Program, at: datetime) -> None:
        self.program = program
        self._at = at
        self._made: dict[str, Office] = {}
        self._conflicts: dict[str, list[str]] = {}
        for person in program.staff.values():
            for conflict in person.conflicts:
                self._conflicts.setdefault(conflict.student_id, []).append(person.staff_id)

    def __call__(self, campus: str) -> Office:
        """Return the office of a campus. One that the program does not know has nobody and the shipped calendar."""
        if campus not in self._made:
            self._made[campus] = self._make(campus)
        return self._made[campus]

    def recused(self, students: Iterable[str]) -> tuple[str, ...]:
        """Return who must not see the matter of a student (all ids of whom are given)."""
        if not self._conflicts:
            return ()
        return tuple(sorted({staff_id for id_ in students for staff_id in self._conflicts.get(id_, ())}))

    def name(self, staff_id: str) -> str:
        """Return what to call somebody; their id when the program does not know them."""
        person = self.program.staff.get(staff_id)
        return person.name if person is not None else staff_id

    def knows(self, staff_id: str) -> bool:
        """Return whether somebody is on the staff."""
        return staff_id in self.program.staff

    def names(self) -> dict[str, str]:
        """Return staff names by id."""
        return {staff_id: person.name for staff_id, person in self.program.staff.items()}

    def _make(self, campus: str) -> Office:
        program, at = self.program, self._at
        rules, clocks = program.assignment(campus, at), program.clocks(campus, at)
        calendar, closing = program.calendar(campus), program.closing(campus, at)

        @cache
        def outreach_due(level: str) -> datetime | None:
            days = clocks.outreach_business_days.of(read_level(level))
            return calendar.after_days(at, days) if days is not None else None

        @lru_cache(maxsize=1024)
        def report_due(received: datetime) -> datetime:
            return calendar.after_hours(received, clocks.report_to_case_business_hours)

        return Office(
            campus=campus,
            managers=self._holders("case_manager", campus),
            coordinators=self._holders("titleix_coordinator", campus),
            deputies=self._holders("titleix_deputy", campus),
            related_since=at - timedelta(days=rules.relation_months * _DAYS_IN_MONTH),
            max_load=rules.max_load,
            calendar_version=calendar.version,
            clocks_edition=program.policy("clocks", campus, at).edition,
            outreach_due=outreach_due,
            report_due=report_due,
            closing=Closing(closing.unreachable_attempts, closing.reopen_days),
        )

    def _holders(self, role: str, campus: str) -> tuple[Colleague, ...]:
        return tuple(self._colleague(staff_id, campus) for staff_id in self.program.holders(role, campus, self._at))

    def _colleague(self, staff_id: str, campus: str) -> Colleague:
        person, present = self.program.staff[staff_id], self.program.present(staff_id, self._at)
        cover = () if present else self.program.standing_in((staff_id,), campus, self._at)
        return Colleague(
            staff_id=staff_id,
            fte=person.fte,
            skills=frozenset(person.skills),
            conflicts=frozenset(conflict.student_id for conflict in person.conflicts),
            present=present,
            stand_in=cover[0] if cover else None,
        )


async def load(connection: AsyncConnection, at: datetime) -> ProgramOffices:
    """Return the offices at an instant: one cheap statement while the program is unchanged."""
    return ProgramOffices(await load_program(connection), at)
