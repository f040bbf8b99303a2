"""Cases: those somebody may see, filtered and sorted, a part at a time; several given to a colleague at once."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from services.console import handing, reading
from services.console.casework import REASSIGN_REASONS, STATES
from services.console.forms import Form
from services.console.handing import Handed
from services.console.listing import NEWEST_FIRST, Choice, Filters, as_csv
from services.console.visit import Visit, Visiting

router = APIRouter(include_in_schema=False)

_FAMILIES = [("", "Any"), *reading.FAMILIES.items()]
_ORDERS = (*NEWEST_FIRST, ("due", "What is due first"), ("silent", "Longest without the student"))
_COLUMNS = (
    "Case", "Student", "Campus", "Family", "State", "Level", "Owner", "Opened", "Last reached", "Next contact due",
)  # fmt: skip


@router.get("/cases")
async def listed(visit: Visiting) -> Response:
    """Show cases, those opened last first unless they are wanted otherwise."""
    return await _show(visit, _filters(visit))


@router.post("/cases/reassign")
async def reassign(visit: Visiting, form: Form) -> Response:
    """Give the cases that are chosen to one colleague, and say of each what became of it."""
    filters = _filters(visit)
    wanted = handing.wanted(form)
    if wanted is None:
        said = "Nothing was changed: tick cases, and choose who gets them and why."
        return visit.go(filters.href(after=filters.after), said=said)
    answer = await visit.tell("cases", "POST", "/cases:reassign", wanted, key=form.key)
    if not answer.ok:
        said = answer.detail or "Nothing was changed: cases are away just now. Try again shortly."
        return visit.go(filters.href(after=filters.after), said=said)
    return await _show(visit, filters, handed=handing.handed(visit, wanted["staff_id"], answer.json))


def _filters(visit: Visit) -> Filters:
    filters = Filters(
        visit,
        [
            Choice("whose", "Whose", [("", "Mine"), ("all", "Everybody’s")]),
            Choice("state", "State", [("", "Any"), *STATES.items()]),
            Choice("family", "About", _FAMILIES),
        ],
        orders=_ORDERS,
    )
    filters.path = "/cases"  # what is sent carries the filters in its own address
    return filters


async def _show(visit: Visit, filters: Filters, *, handed: Handed | None = None) -> Response:
    asked = {name: value for name, value in filters.parameters.items() if name != "whose"}
    mine = None if filters.values["whose"] == "all" else visit.person.id
    supervises = visit.person.has("supervisor") and not filters.csv
    answer, *loads = await visit.together(
        visit.ask("cases", "/cases", headers=filters.headers, owner=mine, **asked),
        *([visit.ask("analytics", "/figures/caseloads", campus=asked.get("campus"))] if supervises else []),
    )
    found = answer.items()
    names = await visit.names([case["student_id"] for case in found])
    if filters.csv:
        answer.need()
        return as_csv("cases", _COLUMNS, [_row(case, names[case["student_id"]]) for case in found])
    return visit.page(
        "cases.html",
        cases=found,
        families=reading.FAMILIES,
        names=names,
        states=STATES,
        everybody=filters.href(whose="all"),
        filters=filters,
        saved=await filters.saved(),
        query=filters.href(after=filters.after).partition("?")[2],
        next=filters.next(answer.json["after"]) if answer.ok else "",
        answer=answer,
        managers=handing.managers(visit, loads[0]) if loads else [],
        reasons=REASSIGN_REASONS,
        handed=handed,
        whose={case["case_id"]: names[case["student_id"]] for case in found},
    )


def _row(case: Mapping[str, Any], name: str) -> tuple[object, ...]:
    return (
        case["case_id"], name, case["campus"], case["family"], case["state"], case["level"], case["owner_name"],
        case["opened_at"], case["last_reached_at"], case["next_contact_due"],
    )  # fmt: skip
