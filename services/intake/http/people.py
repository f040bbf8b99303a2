"""The route for names."""

from fastapi import APIRouter

from services.intake.http.bodies import People, PersonView, ResolveBody
from services.intake.usecases.resolve_people import resolve_people
from shared.access.actions import Action
from shared.web.gate import SignedIn

router = APIRouter(tags=["people"])


@router.post("/people:resolve")
async def resolve(body: ResolveBody, gate: SignedIn) -> People:
    """Turn student ids into names: those the caller may know. The others are left out, as if they were not there."""
    async with gate.begin() as door:
        found = await resolve_people(door, body.student_ids)
        decisions = door.allow_each(Action.PEOPLE_RESOLVE, [person.resource for person in found])
        known = [person.student for person, decision in zip(found, decisions, strict=True) if decision is not None]
        await door.record_list(Action.PEOPLE_RESOLVE, [str(student.student_id) for student in known], kind="student")
    return People(
        people=[
            PersonView(student_id=student.student_id, name=student.name, campus_code=student.campus)
            for student in known
        ]
    )
