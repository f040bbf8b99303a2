"""Who gets a case, and why. Relation, then coverage, then load per FTE, then skill (design §6).

Walls, conflicts and absence filter before anything is ranked: whoever is ruled out is never compared. The answer is
kept as coded facts, so that it can be read as a sentence later without having been written as one.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.cases.domain.codes import Chosen
from services.cases.domain.office import Colleague, Office
from shared.refusal import Refused

BY_RULE = "rule"


@dataclass(frozen=True, slots=True)
class Assignment:
    """To whom a case went, how it was decided, and what counted at that moment.

    `last_worked` is when the relation ended, None with `code` `last_owner` while it goes on. `for_staff_id` is the
    absent person a cover stands in for. `asked` is how many could own such a case at all; `absent` and `unavailable`
    how many of them were ruled out. Unavailable covers walls and conflicts alike, because saying which would tell.
    """

    code: str
    staff_id: str | None = None
    by: str = BY_RULE
    reason_code: str = ""
    last_worked: date | None = None
    for_staff_id: str | None = None
    open_cases: int = 0
    fte: float = 0.0
    skills: tuple[str, ...] = ()
    over_ceiling: bool = False
    asked: int = 0
    absent: int = 0
    unavailable: int = 0
    declined: int = 0


@dataclass(frozen=True, slots=True)
class Related:
    """Somebody who knows the student: `code` is `last_owner` or `advisor`."""

    staff_id: str
    code: Chosen
    last_worked: date | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """What a case asks of its owner. `students` are all ids of the one student, as merges made them."""

    students: frozenset[str]
    walled: bool
    wanted: frozenset[str]
    related: tuple[Related, ...] = ()
    declined: frozenset[str] = frozenset()


def assign(need: Need, office: Office, loads: Mapping[str, int]) -> Assignment:
    """Return who gets the case. Nobody is no error: the case stays open, unassigned, and says why.

    Without a student nobody is chosen, because no conflict can be ruled out.
    """
    if not need.students:
        return Assignment(Chosen.NO_STUDENT.value)
    if need.walled:
        return _behind_the_wall(need, office, loads)
    choice = _Choice(need, office.managers, office.max_load, loads)
    free = choice.free()
    if not free:
        return _nobody(office.managers, need)
    return choice.by_relation(free) or choice.by_load(free, Chosen.LOAD)


def choose(staff_id: str, need: Need, office: Office, loads: Mapping[str, int], *, by: str, reason: str) -> Assignment:
    """Return the assignment a person asks for. Raises Refused where a rule would have ruled that colleague out.

    The refusal says "unavailable" for a conflict as for a wall: neither may be learnt by asking.
    """
    pool = (*office.coordinators, *office.deputies) if need.walled else office.managers
    colleague = _find(pool, staff_id)
    if colleague is None or not colleague.conflicts.isdisjoint(need.students):
        raise Refused("unavailable", "This person is unavailable for this case.", pointer="/body/staff_id")
    if not colleague.present:
        raise Refused("absent", "This person is absent; choose their cover or somebody else.", pointer="/body/staff_id")
    return _Choice(need, pool, office.max_load, loads).to(colleague, Chosen.PERSON, by=by, reason_code=reason)


@dataclass(frozen=True, slots=True)
class _Choice:
    """One choosing: among whom, for what, with which loads."""

    need: Need
    pool: Sequence[Colleague]
    max_load: float | None
    loads: Mapping[str, int]

    def free(self) -> list[Colleague]:
        need = self.need
        return [
            c
            for c in self.pool
            if c.present
            and c.fte > 0
            and c.staff_id not in need.declined
            and (not c.conflicts or c.conflicts.isdisjoint(need.students))
        ]

    def by_relation(self, free: Sequence[Colleague]) -> Assignment | None:
        for related in self.need.related:
            colleague = _find(free, related.staff_id)
            if colleague is not None:
                return self.to(colleague, related.code, last_worked=related.last_worked)
            cover = self._cover(related.staff_id, free)
            if cover is not None:
                return self.to(cover, Chosen.COVER, for_staff_id=related.staff_id)
        return None

    def _cover(self, staff_id: str, free: Sequence[Colleague]) -> Colleague | None:
        """Return who stands in for somebody absent; nobody stands in for a conflict or a refusal."""
        away = _find(self.pool, staff_id)
        if away is None or away.present or away.stand_in is None:
            return None
        if away.staff_id in self.need.declined or not away.conflicts.isdisjoint(self.need.students):
            return None
        return _find(free, away.stand_in)

    def by_load(self, free: Sequence[Colleague], code: Chosen) -> Assignment:
        """Choose the least loaded per FTE, then the best skilled; below the ceiling comes before above."""
        return self.to(min(free, key=self._rank), code)

    def _rank(self, c: Colleague) -> tuple[bool, float, int, str]:
        return (self._over(c), self.loads.get(c.staff_id, 0) / c.fte, -len(c.skills & self.need.wanted), c.staff_id)

    def _over(self, c: Colleague) -> bool:
        return self.max_load is not None and self.loads.get(c.staff_id, 0) >= self.max_load * c.fte

    def to(
        self,
        colleague: Colleague,
        code: Chosen,
        *,
        by: str = BY_RULE,
        reason_code: str = "",
        last_worked: date | None = None,
        for_staff_id: str | None = None,
    ) -> Assignment:
        return Assignment(
            code=code.value,
            staff_id=colleague.staff_id,
            by=by,
            reason_code=reason_code,
            last_worked=last_worked,
            for_staff_id=for_staff_id,
            open_cases=self.loads.get(colleague.staff_id, 0),
            fte=colleague.fte,
            skills=tuple(sorted(colleague.skills & self.need.wanted)),
            over_ceiling=self._over(colleague),
            asked=len(self.pool),
        )


def _behind_the_wall(need: Need, office: Office, loads: Mapping[str, int]) -> Assignment:
    """Coordinator, then deputy, whatever their load; no relation counts, for it would show through the wall."""
    for code, pool in ((Chosen.TITLEIX_COORDINATOR, office.coordinators), (Chosen.TITLEIX_DEPUTY, office.deputies)):
        choice = _Choice(need, pool, None, loads)
        free = choice.free()
        if free:
            return choice.by_load(free, code)
    return _nobody((*office.coordinators, *office.deputies), need)


def _find(colleagues: Iterable[Colleague], staff_id: str) -> Colleague | None:
    return next((c for c in colleagues if c.staff_id == staff_id), None)


def _nobody(pool: Collection[Colleague], need: Need) -> Assignment:
    if not pool:
        return Assignment(Chosen.NO_STAFF.value)
    absent = sum(not c.present for c in pool)
    declined = sum(c.present and c.staff_id in need.declined for c in pool)
    rest = len(pool) - absent - declined
    code = Chosen.NOBODY_AVAILABLE.value
    return Assignment(code, asked=len(pool), absent=absent, unavailable=rest, declined=declined)
