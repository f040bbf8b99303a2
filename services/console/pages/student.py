"""A student: who they are, what is about them, whom to call, and whether two records are one person."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from services.console import casework, flagging, reading, studying
from services.console.forms import Form
from services.console.owners import Answer
from services.console.visit import Visit, Visiting

router = APIRouter(include_in_schema=False)

_FLAGS = 20


@router.get("/students/{student_id}")
async def one(visit: Visiting, student_id: UUID) -> HTMLResponse:
    """Show a student, each part as far as its owner lets this person see."""
    return await _show(visit, student_id)


@router.post("/students/{student_id}/emergency")
async def emergency(visit: Visiting, student_id: UUID, form: Form) -> HTMLResponse:  # noqa: ARG001 - checked
    """Show whom to call in an emergency; that somebody looked is kept."""
    answer = await visit.ask("intake", f"/students/{student_id}/emergency-contacts")
    return await _show(visit, student_id, called={"emergency": answer})


@router.post("/students/{student_id}/missing-person")
async def missing_person(visit: Visiting, student_id: UUID, form: Form) -> HTMLResponse:
    """Show whom the student named for the case that they are missing; why somebody looked is kept."""
    reason = form.get("reason", "")
    if reason not in {code for code, _ in studying.WHY_MISSING}:
        return await _show(visit, student_id, wrong=("reason", "Choose why you look at it"))
    answer = await visit.ask("intake", f"/students/{student_id}/missing-person-contacts", reason=reason)
    return await _show(visit, student_id, called={"missing_person": answer})


@router.post("/students/{student_id}/names")
async def add_name(visit: Visiting, student_id: UUID, form: Form) -> Response:
    """Let the student be found by another name."""
    kind, value = form.get("kind", ""), form.get("value", "")
    if not value:
        return await _show(visit, student_id, wrong=("value", "Type the name, address or number"))
    if kind not in {code for code, _ in studying.KINDS}:
        return await _show(visit, student_id, wrong=("kind", "Choose what it is"))
    answer = await visit.tell(
        "intake", "POST", f"/students/{student_id}/names", {"kind": kind, "value": value[:200]}, key=form.key
    )
    return await _after(visit, student_id, answer, "Added. It proposes this student, and matches nothing by itself.")


@router.post("/students/{student_id}/names/{name_id}/remove")
async def remove_name(visit: Visiting, student_id: UUID, name_id: UUID, form: Form) -> Response:
    """Take a name away that a person added."""
    answer = await visit.tell("intake", "DELETE", f"/students/{student_id}/names/{name_id}", key=form.key)
    return await _after(visit, student_id, answer, "Taken away.")


@router.post("/students/{student_id}/same")
async def look_for_same(visit: Visiting, student_id: UUID, form: Form) -> HTMLResponse:
    """Show who may be the same person, to choose one."""
    typed = form.get("q", "")
    if len(typed) < 2:  # noqa: PLR2004 - as Find asks
        return await _show(visit, student_id, wrong=("same-q", "Type at least two letters or digits"))
    answer = await visit.ask_with_body("intake", "/people:find", {"q": typed[:200]})
    people = [each for each in (answer.json["people"] if answer.ok else ()) if each["student_id"] != str(student_id)]
    return await _show(visit, student_id, same=people, typed=typed)


@router.post("/students/{student_id}/merge")
async def merge(visit: Visiting, student_id: UUID, form: Form) -> Response:
    """Say that this record is another one's person."""
    same_as, reason = form.get("same_as", ""), form.get("reason", "")
    if not same_as or reason not in {code for code, _ in studying.WHY_SAME}:
        wrong = ("same-q", "Choose who it is, and how you know; look again")
        return await _show(visit, student_id, wrong=wrong)
    answer = await visit.tell(
        "intake", "POST", f"/students/{student_id}/merges", {"same_as": same_as, "reason_code": reason}, key=form.key
    )
    if answer.ok:
        return visit.go(f"/students/{same_as}", said="The two records are one person now. It can be undone here.")
    return await _after(visit, student_id, answer, "")


@router.post("/students/{student_id}/merges/{merge_id}/undo")
async def undo(visit: Visiting, student_id: UUID, merge_id: UUID, form: Form) -> Response:
    """Say that they are two people after all."""
    reason = form.get("reason", "")
    if reason not in {code for code, _ in studying.WHY_TWO}:
        return await _show(visit, student_id, wrong=(f"undo-{merge_id}", "Choose how you know that they are two"))
    answer = await visit.tell("intake", "POST", f"/merges/{merge_id}/undo", {"reason_code": reason}, key=form.key)
    said = "They are two people again. Everything is back with whom it came with."
    return await _after(visit, student_id, answer, said)


async def _after(visit: Visit, student_id: UUID, answer: Answer, said: str) -> Response:
    if answer.status in (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY):
        return await _show(visit, student_id, faster=answer.detail)
    answer.need()
    return visit.go(f"/students/{student_id}", said=said)


async def _show(
    visit: Visit,
    student_id: UUID,
    *,
    called: Mapping[str, Answer] | None = None,
    same: Sequence[Mapping[str, Any]] | None = None,
    typed: str = "",
    wrong: tuple[str, str] = ("", ""),
    faster: str = "",
) -> HTMLResponse:
    said = (await visit.ask("intake", f"/students/{student_id}")).need()
    referrals, *answers = await visit.together(
        visit.ask("intake", f"/students/{student_id}/referrals"),
        visit.ask("cases", "/cases", student_id=student_id),
        *(
            visit.ask("intake", "/flags", campus=campus, student_id=student_id, sort="newest")
            for campus in said["campuses"]
        ),
    )
    cases, *flags = answers
    names = await visit.names([each for merge in said["merges"] for each in (merge["student_id"], merge["same_as"])])
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong[0] else HTTPStatus.CONFLICT if faster else HTTPStatus.OK
    return visit.page(
        "student.html",
        status,
        student=said,
        facts=studying.facts(visit, said),
        referrals=studying.rows(referrals),
        cases=studying.rows(cases),
        flags=studying.several(flags, most=_FLAGS),
        merges=studying.merges(visit, said, names),
        called={kind: studying.contacts(visit, answer) for kind, answer in (called or {}).items()},
        may=studying.may(visit, said["campuses"]),
        why_missing=studying.WHY_MISSING,
        why_same=studying.WHY_SAME,
        why_two=studying.WHY_TWO,
        families=reading.FAMILIES,
        concerns_of=reading.concerns_of,
        case_states=casework.STATES,
        referral_states=reading.STATES,
        reason=flagging.reason,
        place=flagging.place,
        kinds=studying.KINDS,
        kind_words=studying.KIND_WORDS,
        same=same,
        typed=typed,
        wrong=wrong,
        faster=faster,
    )
