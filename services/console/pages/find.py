"""Find a student, a case or a referral. What is typed may be a name, so it travels in forms and never in an address."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from services.console.forms import Form
from services.console.matching import LEVELS
from services.console.visit import Visit, Visiting
from shared.access.actions import Action
from shared.access.actors import EVERYWHERE
from shared.access.rules import rule_for

router = APIRouter(include_in_schema=False)

_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
SHORTEST = 2


@router.get("/find")
async def ask(visit: Visiting) -> HTMLResponse:
    """Show the form. An address holds nothing that was typed; `for` is a referral somebody is looked for."""
    return _page(visit, referral_id=_referral(visit.request.query_params.get("for", "")))


@router.post("/find")
async def find(visit: Visiting, form: Form) -> Response:
    """Show who and what it may be: what this person may know of, and no word of what else there is."""
    typed, referral_id = form.get("q", ""), _referral(form.get("for", ""))
    if len(typed) < SHORTEST:
        return _page(visit, typed=typed, referral_id=referral_id, wrong="Type at least two letters or digits")
    if _ID.fullmatch(typed):
        case = await visit.ask("cases", f"/cases/{typed}")
        if case.ok:
            return visit.go(f"/cases/{typed}")
    campus = None if visit.campus == EVERYWHERE else visit.campus
    answer = await visit.ask_with_body("intake", "/people:find", {"q": typed[:200], "campus": campus})
    if not answer.ok and not answer.missing:
        answer.need()
    found = answer.json if answer.ok else {"people": [], "referral_id": None}
    if found["referral_id"] and not referral_id:
        return visit.go(f"/referrals/{found['referral_id']}")
    return _page(visit, typed=typed, referral_id=referral_id, people=found["people"], away=answer.missing)


def _page(
    visit: Visit,
    *,
    typed: str = "",
    referral_id: UUID | None = None,
    people: Sequence[Mapping[str, Any]] = (),
    wrong: str = "",
    away: bool = False,
) -> HTMLResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
    names = may_find(visit)
    return visit.page(
        "find.html", status, live=False, typed=typed, people=people, wrong=wrong, away=away, names=names,
        looking_for=referral_id, asked=bool(typed) and not wrong, levels=LEVELS,
        campuses=lambda each: ", ".join(visit.campus_name(campus) for campus in each["campuses"]),
    )  # fmt: skip


def may_find(visit: Visit) -> bool:
    """Return whether any role of the person lets them look students up by name; only to say so: intake decides."""
    rule = rule_for(Action.PEOPLE_FIND, attached=False)
    return visit.person.has(*rule.campus, *rule.wall)


def _referral(said: str) -> UUID | None:
    return UUID(said) if _ID.fullmatch(said) else None
