"""One referral: what was written, what screening found, who told, what happened since, who was told and why."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from services.console import reading
from services.console.forms import Form
from services.console.owners import Stopped
from services.console.pages.triage import Open, open_one
from services.console.visit import Visit, Visiting

router = APIRouter(include_in_schema=False)

_REASONS = {
    "reopen": ("new_information", "Opened again: it is back on the triage desk."),
    "retract": ("asked_for", "Taken back, as its referrer asked."),
}

# What makes the browser save a file and never show it.
_HANDED_ON = ("content-type", "content-disposition", "content-security-policy", "x-content-type-options")


@router.get("/referrals/{referral_id}")
async def show(visit: Visiting, referral_id: UUID) -> HTMLResponse:
    """Show one referral, as far as each owner lets this person see it."""
    return await _show(visit, referral_id)


@router.post("/referrals/{referral_id}/questions")
async def ask(visit: Visiting, referral_id: UUID, form: Form) -> Response:
    """Ask its referrer something."""
    text = form.get("text", "")
    if not text:
        return await _show(visit, referral_id, wrong="Write your question")
    answer = await visit.tell("intake", "POST", f"/referrals/{referral_id}/questions", {"text": text}, key=form.key)
    if not answer.ok:
        return await _show(visit, referral_id, wrong=answer.detail or "It was not sent. Try again shortly.", typed=text)
    return visit.go(f"/referrals/{referral_id}#thread", said="Asked. The answer will show here.")


@router.post("/referrals/{referral_id}/turns")
async def turn(visit: Visiting, referral_id: UUID, form: Form) -> Response:
    """Open it again, or take it back for its referrer."""
    what = form.get("do", "")
    if what not in _REASONS:
        raise Stopped("not_found", "That cannot be done here.", status=HTTPStatus.NOT_FOUND)
    reason, said = _REASONS[what]
    body = {"reason_code": reason}
    answer = await visit.tell("intake", "POST", f"/referrals/{referral_id}/{what}", body, key=form.key)
    return visit.go(f"/referrals/{referral_id}", said=said if answer.ok else answer.detail or "Try again shortly.")


@router.post("/referrals/{referral_id}/split")
async def split(visit: Visiting, referral_id: UUID, form: Form) -> Response:
    """Make a referral of its own for a further person it speaks of."""
    who = form.get("who", "")
    if not who:
        return await _show(visit, referral_id, wrong="Say who the further person is")
    body = {"people": [{"about": {"description": who}}]}
    answer = await visit.tell("intake", "POST", f"/referrals/{referral_id}/split", body, key=form.key)
    if not answer.ok:
        return await _show(visit, referral_id, wrong=answer.detail or "It was not split. Try again shortly.")
    made = answer.json["made"][0]
    return visit.go(f"/referrals/{made['referral_id']}", said=f"This is the further person’s: {made['reference']}.")


@router.get("/referrals/{referral_id}/files/{attachment_id}")
async def file(visit: Visiting, referral_id: UUID, attachment_id: UUID) -> Response:
    """Hand a file through, to be saved and never shown."""
    answer = await visit.console.owners.fetch(
        visit.asker, "intake", f"/referrals/{referral_id}/attachments/{attachment_id}"
    )
    if answer is None or not answer.is_success:
        status = HTTPStatus.SERVICE_UNAVAILABLE if answer is None else answer.status_code
        raise Stopped("no_file", "This file is not there, or not yours to have.", status=status)
    headers = {name: answer.headers[name] for name in _HANDED_ON if name in answer.headers}
    return Response(answer.content, headers=headers | {"Cache-Control": "no-store"})


async def _show(visit: Visit, referral_id: UUID, *, wrong: str = "", typed: str = "") -> HTMLResponse:
    found = await open_one(visit, str(referral_id))
    if found is None:
        (await visit.ask("intake", f"/referrals/{referral_id}")).need()
        raise Stopped("not_found", "It is not there, or not yours to see.", status=HTTPStatus.NOT_FOUND)
    names = await visit.names([found.referral["student_id"]])
    return visit.page(
        "referral.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
        found=found,
        referral=found.referral,
        who=names[found.referral["student_id"]],
        happened=_happened(found),
        explained=await _explained(visit, found),
        reading=reading,
        at_time=datetime.fromisoformat,
        wrong=wrong,
        typed=typed,
    )


def _happened(found: Open) -> list[reading.Happened]:
    return reading.happened(found.referral, found.thread, found.corrections, found.pages)


async def _explained(visit: Visit, found: Open) -> list[tuple[str, str, list[str]]]:
    """Return for each page (id, reference, sentences): who was told, when and why."""
    pages = found.pages[:3]
    answers = await visit.together(*(visit.ask("notifications", f"/pages/{page['page_id']}/why") for page in pages))
    return [
        (
            page["page_id"],
            page["reference"],
            [said["text"] for said in answer.json["sentences"] if datetime.fromisoformat(said["at"]) <= visit.now],
        )
        for page, answer in zip(pages, answers, strict=True)
        if answer.ok
    ]
