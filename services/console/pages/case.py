"""One case: its time line, notes, contacts, and everything its people do with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from http import HTTPStatus
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from services.console import casework, reading
from services.console.forms import Fields, Form
from services.console.owners import Answer
from services.console.visit import Visit, Visiting

router = APIRouter(include_in_schema=False)

_NOON = time(12)
# What each form of the page is refused for when it is not whole: the field, and what to do.
_MISSING = {
    "outcome_code": "Choose what happened",
    "text": "Write something first",
    "kind": "Choose what kind of note it is",
    "reason_code": "Choose why",
    "staff_id": "Choose to whom",
    "review_at": "Name the day on which somebody looks again",
    "close_code": "Choose how it ended",
    "contact_outcome": "Say whether the student was reached",
    "level": "Rate it a last time",
    "student_told": "Say whether the student knows",
}


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody does with a case: the owner's operation, what it is sent, the fields it needs, what is said."""

    what: str
    body: Mapping[str, Any] | None
    needed: Sequence[str]
    said: str
    method: str = "POST"


@router.get("/cases/{case_id}")
async def one(visit: Visiting, case_id: UUID) -> HTMLResponse:
    """Show a case, as far as this person may see it."""
    return await _show(visit, case_id)


@router.post("/cases/{case_id}/accept")
async def accept(visit: Visiting, case_id: UUID, form: Form) -> Response:
    """Say: mine."""
    return await _do(visit, case_id, form, Deed("accept", {}, (), "It is yours. The clock for the first contact runs."))


@router.post("/cases/{case_id}/decline")
async def decline(visit: Visiting, case_id: UUID, form: Form) -> Response:
    """Say: not mine."""
    body = {"reason_code": form.get("reason_code", "")}
    return await _do(visit, case_id, form, Deed("decline", body, ("reason_code",), "It goes to whoever is next."))


@router.post("/cases/{case_id}/reassign")
async def reassign(visit: Visiting, case_id: UUID, form: Form) -> Response:
    """Give it to somebody else."""
    body = {"staff_id": form.get("staff_id", ""), "reason_code": form.get("reason_code", "")}
    said = f"Given to {visit.staff_name(body['staff_id'])}."
    return await _do(visit, case_id, form, Deed("reassign", body, ("staff_id", "reason_code"), said))


@router.post("/cases/{case_id}/contacts")
async def contact(visit: Visiting, case_id: UUID, form: Form) -> Response:
    """Write down a contact, or that one was tried."""
    body = {
        "mode": form.get("mode", "phone"),
        "outcome_code": form.get("outcome_code", ""),
        "with": form.get("with", "student"),
        "direction": form.get("direction", "out"),
        "next_due": _day(visit, form.get("next_due", "")),
    }
    return await _do(visit, case_id, form, Deed("contacts", body, ("outcome_code",), "Written down."))


@router.post("/cases/{case_id}/hold")
async def hold(visit: Visiting, case_id: UUID, form: Form) -> Response:
    """Let the work rest until a day."""
    body = {"reason_code": form.get("reason_code", ""), "review_at": _day(visit, form.get("review_at", ""))}
    said = "On hold. Work goes on by itself on that day."
    return await _do(visit, case_id, form, Deed("hold", body, ("reason_code", "review_at"), said))


@router.post("/cases/{case_id}/resume")
async def resume(visit: Visiting, case_id: UUID, form: Form) -> Response:
    """Go on."""
    return await _do(visit, case_id, form, Deed("resume", {}, (), "Work goes on."))


@router.post("/cases/{case_id}/close")
async def close(visit: Visiting, case_id: UUID, form: Form) -> Response:
    """End the work, where nothing stands in the way."""
    body: dict[str, Any] = {
        name: form.get(name, "") for name in ("close_code", "contact_outcome", "level", "student_told")
    }
    needed = tuple(body)
    if body["student_told"]:
        body["student_told"] = body["student_told"] == "yes"
    return await _do(
        visit, case_id, form, Deed("close", body, needed, "Closed. Who referred the student is told that it is.")
    )


@router.post("/cases/{case_id}/reopen")
async def reopen(visit: Visiting, case_id: UUID, form: Form) -> Response:
    """Begin again."""
    body = {"reason_code": form.get("reason_code", "")}
    return await _do(visit, case_id, form, Deed("reopen", body, ("reason_code",), "Reopened. Work goes on."))


@router.post("/cases/{case_id}/notes")
async def write(visit: Visiting, case_id: UUID, form: Form) -> Response:
    """Write a note: sign it, or keep it as a draft."""
    sign = form.get("do") == "sign"
    body = {"kind": form.get("kind", ""), "text": form.get("text", ""), "sign": sign}
    said = "Signed. Everybody who works on this case can read it." if sign else "Kept. Only you see a draft."
    return await _do(visit, case_id, form, Deed("notes", body, ("kind", "text"), said))


@router.post("/cases/{case_id}/notes/{note_id}")
async def change(visit: Visiting, case_id: UUID, note_id: UUID, form: Form) -> Response:
    """Change a draft, sign it, or throw it away."""
    what, there = form.get("do", "keep"), f"notes/{note_id}"
    if what == "drop":
        return await _do(visit, case_id, form, Deed(there, None, (), "The draft is gone.", method="DELETE"))
    body = {"text": form.get("text", ""), "sign": what == "sign"}
    said = "Signed. Everybody who works on this case can read it." if what == "sign" else "Kept. Only you see a draft."
    return await _do(visit, case_id, form, Deed(there, body, ("text",), said, method="PUT"))


@router.post("/cases/{case_id}/notes/{note_id}/amend")
async def amend(visit: Visiting, case_id: UUID, note_id: UUID, form: Form) -> Response:
    """Say a signed note anew; what was written stays."""
    body = {"text": form.get("text", ""), "reason_code": form.get("reason_code", "")}
    said = "Amended. What it said before stays below it."
    return await _do(visit, case_id, form, Deed(f"notes/{note_id}/amend", body, ("text", "reason_code"), said))


async def _do(visit: Visit, case_id: UUID, form: Fields, deed: Deed) -> Response:
    """Have it done and come back to the case; or show the case with what is missing, and what was typed."""
    typed = {name: value for name, value in form.items() if name != "csrf"}
    for name in deed.needed:
        if deed.body is not None and deed.body[name] in ("", None):
            return await _show(visit, case_id, wrong=(deed.what, name, _MISSING[name]), typed=typed)
    headers = (
        {"If-Match": f'"{form["version"]}"'} if form.get("version", "").isdigit() and "notes" not in deed.what else {}
    )
    answer = await visit.tell(
        "cases", deed.method, f"/cases/{case_id}/{deed.what}", deed.body, key=form.key, headers=headers
    )
    if answer.ok:
        return visit.go(f"/cases/{case_id}", said=deed.said)
    if answer.status in (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.FORBIDDEN):
        return await _show(visit, case_id, faster=answer.detail, typed=typed, opened=deed.what)
    answer.need()
    raise AssertionError  # `need` has raised


async def _show(
    visit: Visit,
    case_id: UUID,
    *,
    wrong: tuple[str, str, str] = ("", "", ""),
    faster: str = "",
    typed: Mapping[str, str] | None = None,
    opened: str = "",
) -> HTMLResponse:
    case = (await visit.ask("cases", f"/cases/{case_id}")).need()
    may = frozenset(case["may"])
    questions = [
        visit.ask("cases", f"/cases/{case_id}/notes"),
        visit.ask("notifications", "/pages", case_id=case_id),
    ]
    if "close" in may and case["state"] not in ("closed", "merged"):
        questions.append(visit.ask("cases", f"/cases/{case_id}/closing"))
    notes, pages, *closing = await visit.together(*questions)
    names = await visit.names([case["student_id"]])
    said = _said(notes)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong[0] else HTTPStatus.CONFLICT if faster else HTTPStatus.OK
    return visit.page(
        "case.html",
        status,
        case=case,
        student=names[case["student_id"]],
        may=may,
        concerns=reading.concerns_of(case) if case["concerns"] else "",
        entries=casework.timeline(visit, case, said),
        drafts=casework.drafts(said),
        notes_away=notes.missing,
        pages=[each for each in pages.items() if each.get("case_id") == str(case_id)],
        closing=closing[0].json if closing and closing[0].ok else None,
        colleagues=casework.colleagues(visit, case),
        words=casework,
        wrong=wrong,
        faster=faster,
        typed=typed or {},
        opened=opened or wrong[0],
    )


def _said(notes: Answer) -> Mapping[str, Any] | None:
    """Return the notes, or None for who may not read them."""
    return notes.json if notes.ok else None


def _day(visit: Visit, said: str) -> str | None:
    """Return noon of a day on the clock of the page; None for what is no day."""
    try:
        day = datetime.fromisoformat(said).date()
    except ValueError:
        return None
    return datetime.combine(day, _NOON, ZoneInfo(visit.zone)).isoformat()
