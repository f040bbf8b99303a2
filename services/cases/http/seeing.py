"""Cases as the decision sees them: who owns, who is on the team, who holds a grant, who is recused, at this moment."""

from collections.abc import Sequence
from uuid import UUID

from services.cases.domain.case import Case
from services.cases.storage import offices, reads
from services.cases.storage.members import DUTY
from services.cases.storage.offices import ProgramOffices
from services.cases.storage.reads import Shown
from shared.access.actions import Action
from shared.access.decision import Decision, Resource, decide
from shared.web.gate import Door


def resources(shown: Shown, staff: ProgramOffices, door: Door) -> list[Resource]:
    """Return what is decided about, for each case."""
    return [_resource(case, shown, staff, door) for case in shown.cases]


def _resource(case: Case, shown: Shown, staff: ProgramOffices, door: Door) -> Resource:
    here = [each for each in case.members if each.since <= door.now and (each.until is None or door.now < each.until)]
    student_id = shown.student_of(case)
    return Resource(
        "case",
        str(case.case_id),
        case.campus,
        case.sensitivity,
        student_id=str(student_id) if student_id else None,
        owner_id=case.owner_id if case.stands else None,
        team=frozenset(each.staff_id for each in here if each.capacity != DUTY),
        granted=frozenset(each.staff_id for each in here if each.capacity == DUTY),
        recused=frozenset(staff.recused(shown.students.aliases(case.student_id))),
    )


async def allowed(door: Door, action: Action, case_id: UUID) -> tuple[Shown, ProgramOffices, Decision]:
    """Return one case if the actor may do this to it. Raises Denied, which looks alike for "not there"."""
    shown = await reads.some(door.connection, [case_id])
    if not shown.cases:
        await door.absent(action, "case", str(case_id))
    staff = await offices.load(door.connection, door.now)
    (resource,) = resources(shown, staff, door)
    return shown, staff, await door.allow(action, resource)


_DOINGS = (
    Action.CASE_ACCEPT, Action.CASE_DECLINE, Action.CASE_ASSIGN, Action.CASE_RECORD_CONTACT, Action.CASE_HOLD,
    Action.CASE_CLOSE, Action.CASE_READ_NOTES, Action.CASE_WRITE_NOTE,
)  # fmt: skip


def may(shown: Shown, staff: ProgramOffices, door: Door) -> list[str]:
    """Return what the actor may do with the one case shown, so that a screen offers nothing else."""
    (resource,) = resources(shown, staff, door)
    return [
        action.value.partition(".")[2] for action in _DOINGS if decide(door.actor, action, resource, door.now).allow
    ]


async def allowed_both(door: Door, action: Action, question: UUID, cases: Sequence[UUID]) -> None:
    """Return if the actor may do this to both cases of a question."""
    shown = await reads.some(door.connection, cases)
    if len(shown.cases) < len(cases):
        await door.absent(action, "combination", str(question))
    staff = await offices.load(door.connection, door.now)
    for resource in resources(shown, staff, door):
        await door.allow(action, resource)
