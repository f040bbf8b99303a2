"""The triage desk: what waits, danger first, the open one beside the list, and a decision in a few keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from services.console import reading
from services.console.deciding import Decision, decision_of, send
from services.console.forms import Fields, Form
from services.console.listing import Choice, Filters, as_csv, each
from services.console.visit import Visit, Visiting

router = APIRouter(include_in_schema=False)

_SOURCES = [("", "Any source"), *reading.SOURCES.items()]
_CONCERNS = [("", "Any concern"), *reading.CONCERNS.items()]
_SCREENING = [
    ("", "With or without hits"),
    ("danger", "Danger"),
    ("misconduct", "Sex-based misconduct"),
    ("missing_person", "Missing person"),
    ("child_abuse", "Child abuse"),
    ("hazing", "Hazing"),
]
_MATCHED = [("", "Known or not"), ("true", "Student known"), ("false", "Not yet known")]
_LATE = [("", "Late or not"), ("true", "Late"), ("false", "Not late")]
_ORDERS = (
    ("urgent", "Most urgent first"),
    ("oldest", "Danger, then oldest first"),
    ("newest", "Danger, then newest first"),
)
_BY = {
    "urgent": "Danger first, then by time left",
    "oldest": "Danger first, then the oldest",
    "newest": "Danger first, then the newest",
}
_SHOWN = 25
_TOGETHER = {"watch": "nothing_more_known"}
_NOTHING = Decision("", "", "", "", ())


@dataclass(frozen=True, slots=True)
class Open:
    """The open referral: everything its reader may see of it, each part missing where its owner is away."""

    referral: Mapping[str, Any]
    narrative: reading.Narrative | None
    said: Mapping[str, Any]
    thread: Mapping[str, Any] | None
    pages: list[Any]
    cases: list[Any]
    corrections: list[Any]


@router.get("/triage")
async def desk(visit: Visiting) -> Response:
    """Show what waits, and the one to look at."""
    filters = _filters(visit)
    if filters.csv:
        return await _file(visit, filters)
    return await _show(visit, filters, visit.request.query_params.get("open", ""))


@router.post("/triage/together")
async def decide_together(visit: Visiting, form: Form) -> Response:
    """Watch everything chosen. Each is decided for itself; danger never is so."""
    chosen, what = form.all("pick"), form.get("do", "")
    back = _back(_filters(visit))
    if what not in _TOGETHER or not chosen:
        return visit.go(back, said="Choose rows first: tick them, or press X on a row.")
    made = Decision("watch_no_case", "mild", _TOGETHER[what], "", ())
    done = await each(chosen, lambda id_: send(visit, id_, made, f"{form.key} {id_}", several=True))
    return visit.go(back, said=done.said("decided together"))


@router.post("/triage/{referral_id}")
async def decide(visit: Visiting, referral_id: UUID, form: Form) -> Response:
    """Decide one, and go on to the next."""
    made = decision_of(form)
    if made.wrong:
        return await _again(visit, str(referral_id), made, HTTPStatus.UNPROCESSABLE_ENTITY)
    answer = await send(visit, str(referral_id), made, form.key)
    if answer.ok:
        words = reading.DECIDED["spam" if made.reason == "spam" else made.decision]
        said = f"{form.get('reference', 'Saved')}: {words}."
        if reading.in_danger(answer.json) and made.rating in ("elevated", "critical"):
            said += " The duty officer is told of it."
        return visit.go(_back(_filters(visit), form.get("next", "")), said=said)
    if answer.problem == "already_triaged":
        return await _faster(visit, form, str(referral_id), made)
    if answer.missing:
        return await _again(visit, str(referral_id), made, HTTPStatus.SERVICE_UNAVAILABLE)
    wrong = (("decision", answer.detail or "That cannot be decided so."),)
    shown = Decision(made.decision, made.rating, made.reason, made.of, wrong)
    return await _again(visit, str(referral_id), shown, HTTPStatus.UNPROCESSABLE_ENTITY)


@router.post("/triage/{referral_id}/correct")
async def correct(visit: Visiting, referral_id: UUID, form: Form) -> Response:
    """Confirm or correct what screening found."""
    verdict, level = form.get("verdict", ""), form.get("level", "")
    to = form.get("to", "")
    back = f"/referrals/{referral_id}" if to == "referral" else _back(_filters(visit), str(referral_id))
    if verdict not in reading.VERDICTS:
        return visit.go(back, said="Nothing was changed: choose what was wrong.")
    body = {"verdict": verdict, "words": form.get("words", "")}
    if level in ("elevated", "critical"):
        body["level"] = level
    answer = await visit.tell("intake", "POST", f"/referrals/{referral_id}/corrections", body, key=form.key)
    if not answer.ok:
        return visit.go(back, said=answer.detail or "That could not be saved just now. Try again shortly.")
    if verdict == "misconduct_missed":
        return visit.go("/triage", said="Saved. The Title IX coordinator has it now, and it is no longer shown here.")
    return visit.go(back, said=_THANKS[verdict])


_THANKS = {
    "right": "Saved: screening was right.",
    "not_danger": "Saved. Whoever was told keeps their page: only they end it. Word lists are measured on this.",
    "danger_missed": "Saved. The duty officer is being told now.",
}


async def open_one(visit: Visit, referral_id: str) -> Open | None:
    """Ask all owners for one referral; None where it is not there or not this person's."""
    here = f"/referrals/{referral_id}"
    referral, narrative, thread, corrections, pages = await visit.together(
        visit.ask("intake", here),
        visit.ask("intake", f"{here}/narrative"),
        visit.ask("intake", f"{here}/thread"),
        visit.ask("intake", f"{here}/corrections"),
        visit.ask("notifications", "/pages", referral_id=referral_id),
    )
    if not referral.ok:
        return None
    student = referral.json["student_id"]
    cases = await visit.ask("cases", "/cases", student_id=student) if student else None
    return Open(
        referral=referral.json,
        narrative=reading.narrative_of(narrative.json) if narrative.ok else None,
        said=narrative.json if narrative.ok else {},
        thread=thread.json if thread.ok else None,
        pages=pages.items(),
        cases=[case for case in cases.items() if case["state"] != "closed"] if cases else [],
        corrections=corrections.items(),
    )


def _filters(visit: Visit) -> Filters:
    filters = Filters(
        visit,
        [
            Choice("source", "Source", _SOURCES, asks="source_kind"),
            Choice("concern", "Concern", _CONCERNS),
            Choice("screening", "Screening", _SCREENING),
            Choice("matched", "Student", _MATCHED),
            Choice("late", "Time", _LATE),
        ],
        orders=_ORDERS,
    )
    filters.path = "/triage"  # what is sent carries the filters in its own address
    return filters


async def _show(
    visit: Visit,
    filters: Filters,
    wanted: str,
    *,
    chosen: Decision = _NOTHING,
    already: Mapping[str, Any] | None = None,
    away: bool = False,
    status: int = HTTPStatus.OK,
) -> HTMLResponse:
    listed = await visit.ask("intake", "/desk", headers=filters.headers, count=_SHOWN, **filters.parameters)
    if listed.status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
        listed.need()
    rows = listed.items()
    at = _is_id(wanted) or (rows[0]["referral_id"] if rows else "")
    found = await open_one(visit, at) if at else None
    following = _following(rows, at)
    if listed.ok and not filters.chosen:
        visit.count("/triage", listed.json["waiting"])
    names = await visit.names([row["student_id"] for row in rows] + ([found.referral["student_id"]] if found else []))
    return visit.page(
        "triage.html",
        status,
        at_time=datetime.fromisoformat,
        filters=filters,
        saved=await filters.saved(),
        desk=listed.json if listed.ok else None,
        rows=rows,
        names=names,
        found=found,
        at=at,
        place=next((place for place, row in enumerate(rows, start=1) if row["referral_id"] == at), 0),
        following=following,
        reading=reading,
        chosen=chosen,
        already=already,
        away=away,
        by=_BY[filters.order],
        query=filters.href(after=filters.after).partition("?")[2],
        row_href=lambda id_: f"{filters.href(after=filters.after, open=id_)}#detail",
    )


async def _file(visit: Visit, filters: Filters) -> Response:
    listed = await visit.ask("intake", "/desk", headers=filters.headers, count=_SHOWN, **filters.parameters)
    rows = [
        (
            row["reference"],
            row["campus"],
            reading.concerns_of(row),
            reading.source_of(row),
            reading.found_in(row)[0],
            row["received_at"],
            row["due_at"],
        )
        for row in listed.items()
    ]
    return as_csv("triage", ["Reference", "Campus", "Concerns", "Source", "Screening", "Received", "Due"], rows)


async def _again(visit: Visit, referral_id: str, made: Decision, status: HTTPStatus) -> Response:
    """Show the desk again with what was chosen, and what is missing."""
    filters = _filters(visit)
    away = status == HTTPStatus.SERVICE_UNAVAILABLE
    return await _show(visit, filters, referral_id, chosen=made, away=away, status=status)


async def _faster(visit: Visit, form: Fields, referral_id: str, made: Decision) -> Response:
    """Somebody else decided while this was read: say who, when and what, and keep what was chosen."""
    now = await visit.ask("intake", f"/referrals/{referral_id}")
    if not now.ok:
        return visit.go(_back(_filters(visit)), said="This was decided meanwhile, and is no longer yours to see.")
    if now.json["decided_by"] == visit.person.id:
        return visit.go(_back(_filters(visit), form.get("next", "")), said="You decided this already.")
    filters = _filters(visit)
    return await _show(visit, filters, referral_id, chosen=made, already=now.json, status=HTTPStatus.CONFLICT)


def _back(filters: Filters, open_: str = "") -> str:
    """Return the desk as it was, with one open; its place is where keys act."""
    return f"{filters.href(after=filters.after, open=_is_id(open_))}#detail"


def _following(rows: list[Any], at: str) -> str:
    """Return the id of the row after the open one, or before it at the end."""
    ids = [row["referral_id"] for row in rows]
    if at not in ids:
        return ids[0] if ids else ""
    place = ids.index(at)
    rest = ids[place + 1 :] or ids[:place][-1:]
    return rest[0] if rest else ""


def _is_id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return ""
