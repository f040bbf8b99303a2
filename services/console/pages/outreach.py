"""Outreach: those whom rules found beyond what the campus can take in a week, until each has an outcome."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from services.console import flagging
from services.console.forms import Form
from services.console.listing import OLDEST_FIRST, Choice, Filters, as_csv
from services.console.owners import Answer
from services.console.pages.flags import campus_of
from services.console.visit import Visit, Visiting
from shared.web.gate import EXPORT, USE_HEADER

router = APIRouter(include_in_schema=False)

_OPEN = (("true", "Somebody waits"), ("", "Any"), ("false", "All have an outcome"))
_ORDERS = (*OLDEST_FIRST, ("due", "Referred after all soonest"))
_CODES = {code for _, codes in flagging.OUTCOMES for code, _ in codes}


@router.get("/outreach")
async def lists(visit: Visiting) -> Response:
    """List the outreach lists of the campus."""
    filters = Filters(visit, [Choice("open", "How it stands", [_OPEN[1], _OPEN[0], _OPEN[2]])], orders=_ORDERS)
    campus = campus_of(visit)
    asked = filters.parameters | {"campus": campus}
    answer = await visit.ask("intake", "/outreach", headers=filters.headers, **asked)
    rows = answer.items()
    if filters.csv:
        keys = ("week_of", "term", "course", "section", "students", "waiting", "messaged", "ended", "referred")
        return as_csv("outreach", list(keys), [[row[key] for key in keys] for row in rows])
    return visit.page(
        "outreach.html",
        filters=filters,
        saved=await filters.saved(),
        rows=rows,
        campus=campus,
        words=flagging,
        capacity=visit.program.capacity(campus, visit.now),
        away=answer.missing,
        refused="" if answer.ok or answer.missing else answer.detail,
        after=answer.json["after"] if answer.ok else None,
    )


@router.get("/outreach/{list_id}")
async def one(visit: Visiting, list_id: UUID) -> Response:
    """Show everybody on a list."""
    taken = visit.request.query_params.get("as") == "csv"
    headers = {USE_HEADER: EXPORT} if taken else {}
    found = (await visit.ask("intake", f"/outreach/{list_id}", headers=headers)).need()
    entries: list[dict[str, Any]] = found["entries"]
    names = await visit.names([each["student_id"] for each in entries])
    if taken:
        columns = ["Student", "Rule", "Flags", "Courses", "State", "Outcome", "Written to", "Referred after all"]
        return as_csv("outreach-list", columns, [_line(each, names[each["student_id"]]) for each in entries])
    return visit.page("outreach_list.html", about=found["about"], entries=entries, names=names, words=flagging)


@router.post("/outreach/{list_id}")
async def act(visit: Visiting, list_id: UUID, form: Form) -> Response:
    """Write to those chosen, or say what came of asking them."""
    here, chosen = f"/outreach/{list_id}", form.all("pick")
    if not chosen:
        return visit.go(here, said="Nothing was changed: choose students first.")
    if form.get("do") == "write":
        template = form.get("template", "")
        if template not in dict(flagging.TEMPLATES):
            return visit.go(here, said="Nothing was sent: choose a message.")
        body = {"entries": chosen, "template": template, "language": form.get("language") or "en"}
        answer = await visit.tell("intake", "POST", f"{here}/messages", body, key=form.key)
        return _after(visit, here, answer, "{} written to. The message says that help is there, and nothing else.")
    outcome = form.get("outcome", "")
    if outcome not in _CODES:
        return visit.go(here, said="Nothing was changed: choose what came of it.")
    body = {"entries": chosen, "outcome_code": outcome}
    answer = await visit.tell("intake", "POST", f"{here}/outcomes", body, key=form.key)
    return _after(visit, here, answer, "Saved for {}.")


def _after(visit: Visit, here: str, answer: Answer, said: str) -> Response:
    if answer.status in (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY):
        return visit.go(here, said=answer.detail)
    done = answer.need()
    students = "1 student" if len(done["changed"]) == 1 else f"{len(done['changed'])} students"
    referred = f" {_became(done['referred'])}" if done["referred"] else ""
    return visit.go(here, said=said.format(students) + referred)


def _became(referred: int) -> str:
    return "1 became a referral." if referred == 1 else f"{referred} became referrals."


def _line(entry: dict[str, Any], student: str) -> list[object]:
    return [
        student, flagging.name(entry["rule"]), entry["flags"], ", ".join(entry["courses"]), entry["state"],
        flagging.outcome(entry["outcome_code"]) if entry["outcome_code"] else "", entry["messaged_at"],
        entry["refer_at"] if entry["state"] == "waiting" else "",
    ]  # fmt: skip
