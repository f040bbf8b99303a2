"""Cases: those somebody may see, filtered, a part at a time."""

from fastapi import APIRouter
from starlette.responses import Response

from services.console import reading
from services.console.casework import STATES
from services.console.listing import Choice, Filters, as_csv
from services.console.visit import Visiting

router = APIRouter(include_in_schema=False)

_FAMILIES = [("", "Any"), *reading.FAMILIES.items()]
_COLUMNS = ("Case", "Student", "Campus", "Family", "State", "Level", "Owner", "Opened", "Next contact due")


@router.get("/cases")
async def listed(visit: Visiting) -> Response:
    """Show cases, those opened last first."""
    filters = Filters(
        visit,
        [
            Choice("whose", "Whose", [("", "Mine"), ("all", "Everybody’s")]),
            Choice("state", "State", [("", "Any"), *STATES.items()]),
            Choice("family", "About", _FAMILIES),
        ],
    )
    asked = {name: value for name, value in filters.parameters.items() if name != "whose"}
    mine = None if filters.values["whose"] == "all" else visit.person.id
    answer = await visit.ask("cases", "/cases", headers=filters.headers, owner=mine, **asked)
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
        next=filters.next(answer.json["after"]) if answer.ok else "",
        answer=answer,
    )


def _row(case: dict[str, object], name: str) -> tuple[object, ...]:
    return (
        case["case_id"], name, case["campus"], case["family"], case["state"], case["level"], case["owner_name"],
        case["opened_at"], case["next_contact_due"],
    )  # fmt: skip
