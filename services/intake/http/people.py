"""Routes for names: ids into names, and a name, number or address into the students it may be.

What somebody looks for travels in the body of a POST: no name stands in an address, and so in no log and no history.
"""

from uuid import UUID

from fastapi import APIRouter

from services.intake.domain.roster_rows import Student
from services.intake.http.bodies import People, PersonView, ResolveBody
from services.intake.http.knowing import decide_each
from services.intake.http.student_bodies import FindBody, FoundPeople, FoundView, end_of
from services.intake.storage import referrals, standing
from services.intake.usecases.find_people import find_people
from services.intake.usecases.resolve_people import resolve_people
from shared.access.actions import Action
from shared.access.actors import EVERYWHERE
from shared.access.decision import decide
from shared.program import load_program
from shared.web.gate import Door, SignedIn

router = APIRouter(tags=["people"])
_SHOWN = 20


@router.post("/people:resolve")
async def resolve(body: ResolveBody, gate: SignedIn) -> People:
    """Turn student ids into names: those the caller may know. The others are left out, as if they were not there."""
    async with gate.begin() as door:
        found = await resolve_people(door, body.student_ids)
        decisions = decide_each(door, Action.PEOPLE_RESOLVE, found)
        known = [person for person, decision in zip(found, decisions, strict=True) if decision is not None]
        await door.record_list(Action.PEOPLE_RESOLVE, [str(person.asked) for person in known], kind="student")
    return People(
        people=[
            PersonView(
                student_id=person.asked,
                name=person.student.shown_name,
                campus_code=person.student.campus,
                goes_by=person.student.student_id,
                pronouns=person.student.profile.pronouns,
                directory_opt_out=person.student.profile.directory_opt_out,
            )
            for person in known
        ]
    )


@router.post("/people:find")
async def find(body: FindBody, gate: SignedIn) -> FoundPeople:
    """Show the students that a name, number or address may mean, or the referral of a reference.

    Only those the caller may know, at most twenty, without a word of how many there are: a count tells too. Whoever
    may know nobody here finds nobody, whatever they type.
    """
    async with gate.begin() as door:
        referral_id = await _referral(door, body.q)
        found = await find_people(door, body.q, body.campus)
        decisions = decide_each(door, Action.PEOPLE_FIND, found)
        known = [person for person, decision in zip(found, decisions, strict=True) if decision is not None][:_SHOWN]
        await door.record_list(
            Action.PEOPLE_FIND,
            [str(person.student.student_id) for person in known],
            f"campus={body.campus}" if body.campus else "",
            kind="student",
            campus=body.campus or EVERYWHERE,
        )
    return FoundPeople(people=[_found(person.student) for person in known], referral_id=referral_id)


async def _referral(door: Door, reference: str) -> UUID | None:
    """Return the referral of a reference, if the caller may read it."""
    referral = await referrals.by_reference(door.connection, reference.upper())
    if referral is None:
        return None
    program = await load_program(door.connection)
    resource = (await standing.resources(door.connection, [referral], program, door.now))[0]
    return referral.referral_id if decide(door.actor, Action.REFERRAL_READ, resource, door.now).allow else None


def _found(student: Student) -> FoundView:
    profile = student.profile
    return FoundView(
        student_id=student.student_id,
        name=student.shown_name,
        pronouns=profile.pronouns,
        campus=student.campus,
        campuses=list(student.campuses),
        number_end=end_of(student.number),
        level=profile.level,
        study_program=profile.study_program,
        status=student.status,
        directory_opt_out=profile.directory_opt_out,
    )
