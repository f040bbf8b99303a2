"""Flags: by student, by course, with what became of each; raise one, clear them, let one stand again."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from services.console import flagging
from services.console.forms import Form
from services.console.listing import NEWEST_FIRST, Choice, Filters, as_csv
from services.console.visit import Visit, Visiting
from shared.access.actors import EVERYWHERE

router = APIRouter(include_in_schema=False)

_CARE = ("case_manager", "supervisor", "triager")
_CHOICES = (
    Choice("state", "State", flagging.STATES),
    Choice("reason", "Reason", [("", "Any"), *flagging.REASONS]),
    Choice("severity", "Gravity", [("", "Any"), ("2", "Medium or high"), ("3", "High")]),
    Choice("course", "Course"),
    Choice("term", "Term"),
    # Whose flags they are comes from a link: nobody types an id.
    Choice("student_id", "Student", ()),
)


@router.get("/flags")
async def listing(visit: Visiting) -> Response:
    """List flags of the campus, the newest first unless they are wanted otherwise."""
    filters = Filters(visit, _CHOICES, orders=NEWEST_FIRST)
    campus = campus_of(visit)
    asked = filters.parameters | {"campus": campus}
    answer = await visit.ask("intake", "/flags", headers=filters.headers, **asked)
    rows = answer.items()
    names = await visit.names([filters.values["student_id"], *(row["student_id"] for row in rows)])
    if filters.csv:
        columns = ["Student", "Reason", "Course", "Section", "Term", "Gravity", "Raised", "State", "Why", "Referral"]
        return as_csv("flags", columns, [_line(row, names[row["student_id"]]) for row in rows])
    return visit.page(
        "flags.html",
        filters=filters,
        saved=await filters.saved(),
        rows=rows,
        names=names,
        campus=campus,
        works=visit.person.has(*_CARE),
        words=flagging,
        away=answer.missing,
        refused="" if answer.ok or answer.missing else answer.detail,
        after=answer.json["after"] if answer.ok else None,
    )


@router.get("/flags/courses")
async def courses(visit: Visiting) -> Response:
    """List how many flags each section of a course has."""
    filters = Filters(visit, [choice for choice in _CHOICES if choice.name != "student_id"])
    campus = campus_of(visit)
    asked = filters.parameters | {"campus": campus}
    answer = await visit.ask("intake", "/flags/courses", headers=filters.headers, **asked)
    rows = answer.items()
    if filters.csv:
        columns = ["Term", "Course", "Section", "Open flags", "Flags", "Students"]
        lines = [[row[key] for key in ("term", "course", "section", "open", "flags", "students")] for row in rows]
        return as_csv("flags-by-course", columns, lines)
    return visit.page(
        "flag_courses.html",
        filters=filters,
        saved=await filters.saved(),
        rows=rows,
        campus=campus,
        words=flagging,
        away=answer.missing,
        after=answer.json["after"] if answer.ok else None,
    )


@router.get("/flags/raise")
async def new(visit: Visiting) -> HTMLResponse:
    """Show the form that raises a flag."""
    return _raising(visit, {"student_id": visit.request.query_params.get("student", "")}, {})


@router.post("/flags/raise")
async def raise_one(visit: Visiting, form: Form) -> Response:
    """Raise a flag about a student."""
    typed = dict(form)
    wrong = _missing(typed)
    if wrong:
        return _raising(visit, typed, wrong)
    body: dict[str, Any] = {
        "campus": campus_of(visit),
        "reason_code": typed["reason"],
        "severity": int(typed["severity"]),
        **{name: typed.get(name, "") for name in ("course", "section", "term", "comment")},
    }
    whose = "student_id" if typed.get("student_id") else "student_number"
    answer = await visit.tell("intake", "POST", "/flags", body | {whose: typed[whose]}, key=form.key)
    if answer.ok:
        said = "Saved. A personal concern is a referral at once; other flags are counted by the rules."
        return visit.go("/flags" if visit.person.has(*_CARE, "feed_manager") else "/", said=said)
    if answer.status != HTTPStatus.UNPROCESSABLE_ENTITY:
        answer.need()
    places = {"reason_code": "reason", "raised_at": "reason"}
    found = [(each["pointer"].rpartition("/")[2], each["detail"]) for each in answer.errors]
    return _raising(visit, typed, {places.get(field, field): detail for field, detail in found})


@router.post("/flags/clear")
async def clear(visit: Visiting, form: Form) -> Response:
    """Clear all flags that are chosen."""
    chosen, why = form.all("pick"), form.get("reason", "")
    if not chosen or why not in dict(flagging.CLEARED):
        return visit.go("/flags", said="Nothing was changed: choose flags, and why they need nothing any more.")
    answer = await visit.tell("intake", "POST", "/flags:clear", {"flag_ids": chosen[:200], "reason": why})
    done = len(answer.need()["cleared"])
    return visit.go("/flags", said=f"{_flags(done)} cleared. What rules made of them stays.")


@router.post("/flags/{flag_id}/reopen")
async def reopen(visit: Visiting, flag_id: UUID, form: Form) -> Response:  # noqa: ARG001 - checked
    """Let a flag stand again."""
    answer = await visit.tell("intake", "POST", f"/flags/{flag_id}/reopen")
    if answer.status == HTTPStatus.CONFLICT:
        return visit.go("/flags", said="This flag is open already.")
    answer.need()
    return visit.go("/flags", said="The flag stands again. Rules count it unless one has.")


def campus_of(visit: Visit) -> str:
    """Return the campus that is looked at; the first there is where all are chosen."""
    if visit.campus != EVERYWHERE or not visit.campuses:
        return visit.campus
    return visit.campuses[0].code


def _raising(visit: Visit, typed: dict[str, str], wrong: dict[str, str]) -> HTMLResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
    return visit.page(
        "flag_raise.html", status, live=False, typed=typed, wrong=wrong, words=flagging, campus=campus_of(visit)
    )


def _missing(typed: dict[str, str]) -> dict[str, str]:
    """Return what is missing, by field, in words."""
    wrong = {}
    if not typed.get("student_id") and not typed.get("student_number"):
        wrong["student_number"] = "Type the student’s ID"
    if typed.get("reason") not in dict(flagging.REASONS):
        wrong["reason"] = "Choose what you noticed"
    if typed.get("severity") not in dict(flagging.SEVERITIES):
        wrong["severity"] = "Choose how grave it is"
    return wrong


def _line(row: dict[str, Any], student: str) -> list[object]:
    return [
        student, flagging.reason(row["reason_code"]), row["course"], row["section"], row["term"],
        flagging.severity(row["severity"]), row["raised_at"], row["state"], flagging.cleared(row["cleared_reason"]),
        row["referral_id"],
    ]  # fmt: skip


def _flags(number: int) -> str:
    return "1 flag" if number == 1 else f"{number} flags"
