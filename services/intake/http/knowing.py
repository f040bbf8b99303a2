"""Which students a caller may know: decided on each campus that a student studies on."""

from collections.abc import Sequence
from uuid import UUID

from services.intake.usecases.resolve_people import Person, resolve_people
from shared.access.actions import Action
from shared.access.decision import Decision, decide
from shared.web.gate import Door


def decide_each(door: Door, action: Action, people: Sequence[Person]) -> list[Decision | None]:
    """Return for each student the decision by the first campus that opens them, or None where they are left out."""
    flat = [resource for person in people for resource in person.resources]
    decisions = iter(door.allow_each(action, flat))
    found = []
    for person in people:
        own = [next(decisions) for _ in person.resources]
        found.append(next((each for each in own if each is not None), None))
    return found


async def allowed_student(door: Door, action: Action, student_id: UUID, *, why: str = "") -> tuple[Person, Decision]:
    """Return a student whom the caller may do this to, by the first campus of theirs that opens them, or refuse.

    `why` is kept with the decision, in codes.
    """
    people = await resolve_people(door, [student_id])
    if not people:
        await door.absent(action, "student", str(student_id))
    (person,) = people
    opening = (each for each in person.resources if decide(door.actor, action, each, door.now).allow)
    return person, await door.allow(action, next(opening, person.resources[0]), ids=(str(student_id),), filter=why)
