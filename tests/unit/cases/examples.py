"""Small ways to say a campus, a referral and a caseload."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.cases.domain.caseload import Caseload, Noted, Opening
from services.cases.domain.office import Colleague, Office
from services.cases.domain.students import Students
from shared.ids import new_id

NOW = datetime(2026, 9, 14, 10, 0, tzinfo=UTC)


def colleague(staff_id: str, **more: Any) -> Colleague:
    facts: dict[str, Any] = {"fte": 1.0, "skills": frozenset(), "conflicts": frozenset(), "present": True} | more
    return Colleague(staff_id, **facts)


def office(*managers: Colleague, **more: Any) -> Office:
    facts: dict[str, Any] = {
        "coordinators": (),
        "deputies": (),
        "related_since": NOW - timedelta(days=730),
        "max_load": None,
        "calendar_version": "7",
        "clocks_edition": "shipped",
        "outreach_due": lambda level: NOW + timedelta(days=1 if level == "critical" else 3),
        "report_due": lambda received: received + timedelta(days=6),
    }
    return Office(campus="NORTH", managers=managers, **(facts | more))


def opening(student_id: UUID | None, **more: Any) -> Opening:
    facts: dict[str, Any] = {
        "referral_id": new_id(),
        "campus": "NORTH",
        "sensitivity": "standard",
        "family": "health",
        "concerns": ("mood",),
        "level": "moderate",
        "reason_code": "concern_from_staff",
        "received_at": NOW,
    }
    return Opening(student_id=student_id, **(facts | more))


class Everywhere:
    """The same office on every campus, with nobody recused."""

    def __init__(self, place: Office) -> None:
        self._place = place

    def __call__(self, campus: str) -> Office:  # noqa: ARG002 - everywhere the same
        return self._place

    def recused(self, students: Iterable[str]) -> tuple[str, ...]:  # noqa: ARG002 - nobody
        return ()

    def name(self, staff_id: str) -> str:
        return staff_id

    def knows(self, staff_id: str) -> bool:  # noqa: ARG002 - everybody
        return True


def caseload(*managers: Colleague, students: Students | None = None, **more: Any) -> Caseload:
    place = office(*(managers or (colleague("ana"),)), **more)
    return Caseload(at=NOW, office=Everywhere(place), students=students or Students())


def note(load: Caseload, referral_id: UUID, **more: Any) -> None:
    load.noted[referral_id] = Noted("NORTH", "standard", **more)


def open_cases(load: Caseload) -> list[UUID]:
    return [case.case_id for case in load.cases.values() if case.is_open]


def places(load: Caseload) -> list[tuple[Any, ...]]:
    return [
        (load.students.resolve(case.student_id), case.campus, case.family)
        for case in load.cases.values()
        if case.is_open and case.student_id is not None and not case.apart
    ]


def kinds(facts: Iterable[object]) -> list[str]:
    return [type(fact).__name__ for fact in facts]
