"""The match desk: who is meant. Evidence side by side, keys 1 2 … 0 N L; a name alone never decides."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from services.console import matching
from services.console.forms import Form
from services.console.listing import Choice, Filters, as_csv
from services.console.matching import LATER, NOBODY, NOT_ON_ROSTER
from services.console.owners import Answer
from services.console.visit import Visit, Visiting

router = APIRouter(include_in_schema=False)

_SOURCES = [("", "Anybody"), *matching.SOURCES.items()]
_LEFT = [("", "Any"), ("false", "Not left open"), ("true", "Left open")]
_ORDERS = (("oldest", "Danger, then oldest first"), ("newest", "Danger, then newest first"))
_COLUMNS = ("Reference", "Campus", "Who was meant", "Brought by", "Danger", "Left open", "Received")


@router.get("/match")
async def first(visit: Visiting) -> Response:
    """Show what waits, with the first of it open."""
    filters = _filters(visit)
    answer = await _waiting(visit, filters)
    if filters.csv:
        answer.need()
        return as_csv("match", _COLUMNS, map(_line, answer.items()))
    rows = answer.items()
    return await _show(visit, answer, UUID(rows[0]["referral_id"]) if rows else None)


@router.get("/match/{referral_id}")
async def one(visit: Visiting, referral_id: UUID) -> HTMLResponse:
    """Show what waits, with this one open."""
    return await _show(visit, await _waiting(visit, _filters(visit)), referral_id)


@router.post("/match/{referral_id}")
async def decide(visit: Visiting, referral_id: UUID, form: Form) -> Response:
    """Say who it is, or that it is nobody shown, nobody on the roster, or not to be told yet."""
    who, shown = form.get("who", ""), form.all("shown")
    if who not in {*shown, NOT_ON_ROSTER, LATER} and (who != NOBODY or not shown):
        wrong = "Choose who it is, or leave it open"
        return await _show(visit, await _waiting(visit, _filters(visit)), referral_id, wrong=wrong)
    answer = await _tell(visit, f"/referrals/{referral_id}", who, shown, form.key)
    if answer.ok:
        filters = _filters(visit)
        return visit.go(filters.href(after=filters.after), said=_said(who, answer.json["reference"]))
    if answer.status != HTTPStatus.CONFLICT:
        answer.need()
    return await _show(visit, await _waiting(visit, _filters(visit)), referral_id, faster=answer.detail)


@router.post("/match/{referral_id}/take-back")
async def take_back(visit: Visiting, referral_id: UUID, form: Form) -> Response:
    """Say that it is not whom it was said to be; it waits to be matched again."""
    reason, student_id = form.get("reason", ""), form.get("student_id", "")
    if reason not in {code for code, _ in matching.WHY_OTHER}:
        wrong = "Choose why it is not them"
        return await _show(visit, await _waiting(visit, _filters(visit)), referral_id, wrong=wrong, at="reason")
    body = {"student_id": student_id, "reason_code": reason}
    answer = await visit.tell("intake", "POST", f"/referrals/{referral_id}/unmatch", body, key=form.key)
    if answer.ok:
        said = "Taken back. It waits to be matched again; by whom and why is kept."
        filters = _filters(visit)
        return visit.go(_at(filters, str(referral_id)), said=said)
    if answer.status != HTTPStatus.CONFLICT:
        answer.need()
    return await _show(visit, await _waiting(visit, _filters(visit)), referral_id, faster=answer.detail)


async def _tell(visit: Visit, path: str, who: str, shown: Sequence[str], key: str) -> Answer:
    if who == NOBODY:
        return await visit.tell("intake", "POST", f"{path}/candidates:reject", {"student_ids": list(shown)}, key=key)
    if who == NOT_ON_ROSTER:
        return await visit.tell("intake", "POST", f"{path}/match:none", key=key)
    if who == LATER:
        return await visit.tell("intake", "POST", f"{path}/match:leave", {"reason_code": "ask_referrer"}, key=key)
    others = [each for each in shown if each != who]
    return await visit.tell("intake", "POST", f"{path}/match", {"student_id": who, "not_these": others}, key=key)


def _said(who: str, reference: str) -> str:
    short = reference[-4:]
    return {
        NOBODY: f"Saved: it is none of them. {short} waits for somebody else to be found.",
        NOT_ON_ROSTER: f"Saved: {short} is about nobody on the roster, and waits for its decision.",
        LATER: f"{short} stays open. Ask the referrer from the referral.",
    }.get(who, f"Saved. {short} is matched; it can be undone on the referral’s page.")


def _filters(visit: Visit) -> Filters:
    filters = Filters(
        visit,
        [Choice("source", "Brought by", _SOURCES, asks="source_kind"), Choice("left_open", "Looked at", _LEFT)],
        orders=_ORDERS,
    )
    filters.path = "/match"  # what is open, and what is sent, carries the filters in its own address
    return filters


async def _waiting(visit: Visit, filters: Filters) -> Answer:
    return await visit.ask("intake", "/match-desk", headers=filters.headers, **filters.parameters)


def _at(filters: Filters, referral_id: str) -> str:
    """Return the address that has one open, in the list as it is."""
    query = filters.href(after=filters.after).partition("?")[2]
    return f"/match/{referral_id}?{query}" if query else f"/match/{referral_id}"


def _line(row: Mapping[str, Any]) -> list[object]:
    return [
        row["reference"], row["campus"], matching.whom(row), matching.came(row), "Yes" if row["danger"] else "",
        "Yes" if row["left_open"] else "", row["received_at"],
    ]  # fmt: skip


async def _show(
    visit: Visit,
    answer: Answer,
    referral_id: UUID | None,
    *,
    wrong: str = "",
    at: str = "who",
    faster: str = "",
) -> HTMLResponse:
    """Show the list, and one referral beside it with who may be meant."""
    rows, filters = answer.items(), _filters(visit)
    values: dict[str, Any] = {"referral": None, "found": None, "history": []}
    if referral_id is not None:
        referral, candidates = await visit.together(
            visit.ask("intake", f"/referrals/{referral_id}"),
            visit.ask("intake", f"/referrals/{referral_id}/candidates"),
        )
        values["referral"] = referral.need()
        if candidates.ok:
            values["found"] = candidates.json
            people = {each["student_id"] for each in candidates.json["said"] if each["student_id"]}
            names = await visit.names([*people, values["referral"]["student_id"]])
            values["history"] = matching.history(visit, candidates.json["said"], {each: names[each] for each in people})
            values["named"] = names[values["referral"]["student_id"]]
        elif not candidates.missing:
            candidates.need()
    row = next((each for each in rows if each["referral_id"] == str(referral_id)), None)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.CONFLICT if faster else HTTPStatus.OK
    return visit.page(
        "match.html",
        status,
        rows=rows,
        row=row,
        away=answer.missing,
        filters=filters,
        saved=await filters.saved(),
        after=answer.json["after"] if answer.ok else None,
        row_href=lambda id_: _at(filters, id_),
        wrong=wrong,
        wrong_at=at,
        why_other=matching.WHY_OTHER,
        faster=faster,
        desk=matching.desk(values["found"]) if values["found"] else None,
        whom=matching.whom,
        came=matching.came,
        headline=matching.headline,
        **{"named": "", **values},
    )
