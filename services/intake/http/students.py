"""Routes for one student: who they are, what they are called, whom to call for them, who they are the same as."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.intake.domain.people import EMERGENCY, MISSING_PERSON, Contact
from services.intake.domain.roster_rows import Student
from services.intake.http.bodies import ReferralView
from services.intake.http.imports import Keys
from services.intake.http.knowing import allowed_student
from services.intake.http.referrals import referral_view
from services.intake.http.student_bodies import (
    ClassView,
    ContactsBody,
    ContactsView,
    ContactView,
    MergeBody,
    MergeView,
    NameBody,
    NameView,
    StudentView,
    UndoBody,
    WhyMissing,
)
from services.intake.storage import beside, merges, referrals, standing, student_names, students
from services.intake.storage.beside import NewContacts
from services.intake.storage.student_names import PERSON, NewName
from services.intake.usecases.merge_students import merge_students, undo_merge
from shared.access.actions import Action
from shared.privacy.keys import KeyRing
from shared.program import load_program
from shared.refusal import Refused
from shared.web.gate import Door, SignedIn
from shared.web.listing import Listing

router = APIRouter(tags=["students"])
_PAGE = 100


@router.get("/students/{student_id}")
async def read_student(student_id: UUID, gate: SignedIn) -> StudentView:
    """Show a student as the roster knows them. Of one merged into another, the other, with both histories."""
    async with gate.begin() as door:
        person, _ = await allowed_student(door, Action.STUDENT_READ, student_id)
        return await _view(door, person.student, student_id)


@router.get("/students/{student_id}/referrals")
async def list_students_referrals(student_id: UUID, gate: SignedIn) -> Listing[ReferralView]:
    """Show the newest referrals about a student, and about whoever is the same: those the caller may see."""
    async with gate.begin() as door:
        await allowed_student(door, Action.STUDENT_READ, student_id)
        program = await load_program(door.connection)
        found = await referrals.of_students(door.connection, list(await _everybody(door, student_id)), _PAGE)
        resources = await standing.resources(door.connection, found, program, door.now)
        decisions = door.allow_each(Action.REFERRAL_LIST, resources)
        seen = [referral_view(each, yes) for each, yes in zip(found, decisions, strict=True) if yes is not None]
        ids = [str(view.referral_id) for view in seen]
        await door.record_list(Action.REFERRAL_LIST, ids, f"student={student_id}", kind="referral")
    return Listing(items=seen)


@router.post("/students/{student_id}/names", status_code=201)
async def add_name(student_id: UUID, body: NameBody, gate: SignedIn) -> list[NameView]:
    """Let a student be found by another name, or an address or number they had. It proposes, and matches nothing."""
    async with gate.begin() as door:
        person, _ = await allowed_student(door, Action.STUDENT_NAME, student_id)
        student = person.student
        await student_names.add(door, [NewName(student.student_id, student.campuses, body.kind, PERSON, body.value)])
        return await _names(door, student)


@router.delete("/students/{student_id}/names/{name_id}")
async def remove_name(student_id: UUID, name_id: UUID, gate: SignedIn) -> list[NameView]:
    """Take away a name that a person added. What the roster says is not taken away here."""
    async with gate.begin() as door:
        person, _ = await allowed_student(door, Action.STUDENT_NAME, student_id)
        if not await student_names.remove(door.connection, person.student.student_id, name_id):
            raise Refused("not_found", "No person added such a name to this student.", status=404)
        return await _names(door, person.student)


@router.post("/students/{student_id}/merges", status_code=201)
async def merge(student_id: UUID, body: MergeBody, gate: SignedIn) -> MergeView:
    """Say that this student is the same as another, and goes by the other's record from now on. It can be undone."""
    async with gate.begin() as door:
        for each in (student_id, body.same_as):
            await allowed_student(door, Action.STUDENT_MERGE, each)
        return MergeView.of(await merge_students(door, student_id, body.same_as, body.reason_code))


@router.post("/merges/{merge_id}/undo")
async def undo(merge_id: UUID, body: UndoBody, gate: SignedIn) -> MergeView:
    """Say that two students are two after all. Everything goes back to whom it came with."""
    async with gate.begin() as door:
        found = await merges.find(door.connection, merge_id)
        if found is None:
            await door.absent(Action.STUDENT_MERGE, "merge", str(merge_id))
        for each in (found.student_id, found.same_as):
            await allowed_student(door, Action.STUDENT_MERGE, each)
        return MergeView.of(await undo_merge(door, merge_id, body.reason_code))


@router.get("/students/{student_id}/emergency-contacts")
async def read_emergency_contacts(student_id: UUID, gate: SignedIn, keys: Keys) -> ContactsView:
    """Show whom to call in an emergency."""
    async with gate.begin() as door:
        await allowed_student(door, Action.STUDENT_READ_EMERGENCY, student_id)
        return await _contacts(door, keys, student_id, EMERGENCY)


@router.put("/students/{student_id}/emergency-contacts")
async def change_emergency_contacts(student_id: UUID, body: ContactsBody, gate: SignedIn, keys: Keys) -> ContactsView:
    """Say whom to call in an emergency, instead of whoever was named before."""
    async with gate.begin() as door:
        person, _ = await allowed_student(door, Action.STUDENT_CHANGE_EMERGENCY, student_id)
        return await _change(door, keys, person.student, EMERGENCY, body)


@router.get("/students/{student_id}/missing-person-contacts")
async def read_missing_person_contacts(
    student_id: UUID,
    gate: SignedIn,
    keys: Keys,
    reason: Annotated[WhyMissing, Query(description="why it is looked at; kept with who looked")],
) -> ContactsView:
    """Show whom the student named for the case that they are missing: confidential, and only with a reason."""
    async with gate.begin() as door:
        person, _ = await allowed_student(door, Action.STUDENT_READ_MISSING_PERSON, student_id, why=f"reason={reason}")
        return await _contacts(door, keys, person.student.student_id, MISSING_PERSON)


@router.put("/students/{student_id}/missing-person-contacts")
async def change_missing_person_contacts(
    student_id: UUID, body: ContactsBody, gate: SignedIn, keys: Keys
) -> ContactsView:
    """Keep whom the student names for the case that they are missing, instead of whoever was named before."""
    async with gate.begin() as door:
        person, _ = await allowed_student(door, Action.STUDENT_CHANGE_MISSING_PERSON, student_id)
        return await _change(door, keys, person.student, MISSING_PERSON, body)


async def _everybody(door: Door, student_id: UUID) -> set[UUID]:
    return {student_id, *await students.same(door.connection, [student_id])}


async def _names(door: Door, student: Student) -> list[NameView]:
    everybody = await _everybody(door, student.student_id)
    found = await student_names.of(door.connection, everybody)
    return [
        NameView.of(name) for id_ in sorted(found, key=lambda id_: id_ != student.student_id) for name in found[id_]
    ]


async def _contacts(door: Door, keys: KeyRing, student_id: UUID, kind: str) -> ContactsView:
    """Return the lists of a student and of whoever is the same, the student's own first."""
    called = await beside.contacts(door, keys, await _everybody(door, student_id), kind)
    called.sort(key=lambda each: each.student_id != student_id)
    newest = max(called, key=lambda each: each.changed_at, default=None)
    return ContactsView(
        contacts=[ContactView(**one._asdict()) for each in called for one in each.contacts],
        changed_by=newest.changed_by if newest else "",
        changed_at=newest.changed_at if newest else None,
    )


async def _change(door: Door, keys: KeyRing, student: Student, kind: str, body: ContactsBody) -> ContactsView:
    contacts = tuple(Contact(each.name, each.relationship, each.phone, each.email) for each in body.contacts)
    await beside.keep_contacts(door, keys, [NewContacts(student.student_id, student.campuses, kind, contacts)])
    return await _contacts(door, keys, student.student_id, kind)


async def _view(door: Door, student: Student, asked: UUID) -> StudentView:
    everybody = await _everybody(door, student.student_id)
    visible = await students.by_id(door.connection, everybody)
    classes = await beside.classes(door.connection, everybody)
    profile = student.profile
    return StudentView(
        student_id=asked,
        goes_by=student.student_id,
        also=sorted(id_ for id_ in visible if id_ != student.student_id),
        name=student.shown_name,
        roster_name=student.name,
        pronouns=profile.pronouns,
        number=student.number,
        email=student.email,
        campus=student.campus,
        campuses=list(student.campuses),
        status=student.status,
        birth_date=profile.birth_date,
        is_minor=profile.is_minor(door.now.date()),
        study_program=profile.study_program,
        level=profile.level,
        residence=profile.residence,
        athlete=profile.athlete,
        veteran=profile.veteran,
        directory_opt_out=profile.directory_opt_out,
        advisor_id=student.advisor_id,
        names=await _names(door, student),
        classes=[ClassView(**each._asdict()) for id_ in sorted(classes) for each in classes[id_]],
        merges=[MergeView.of(each) for each in await merges.of(door.connection, everybody)],
    )
