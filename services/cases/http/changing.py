"""What all routes that change one case share: the version somebody saw, the decision, the case as it is then."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import Header, Response

from services.cases.domain.case import Case
from services.cases.http import seeing
from services.cases.http.models import CaseOut
from services.cases.http.view import View
from services.cases.storage import offices
from services.cases.storage.reads import Shown
from shared.access.actions import Action
from shared.access.decision import Decision
from shared.web.gate import Door, Gate

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", pattern=r'^"[0-9]{1,15}"$', description="the version you saw, as the ETag says it"),
]


async def change(
    gate: Gate, response: Response, action: Action, case_id: UUID, do: Callable[[Door], Awaitable[Case]]
) -> CaseOut:
    """Let the actor do this to a case, if they may; return it as it is then, its version in the ETag."""
    async with gate.begin() as door:
        shown, _, decision = await seeing.allowed(door, action, case_id)
        case = await do(door)
        out = await after_change(door, shown, case, decision)
    tag(response, case)
    return out


async def after_change(door: Door, shown: Shown, case: Case, decision: Decision) -> CaseOut:
    """Return a case as it is after a change."""
    staff = await offices.load(door.connection, door.now)
    return View(shown, staff, door.now).head(case, decision)


def seen(if_match: str | None, version: int | None) -> int | None:
    """Return the version somebody looked at; the header comes first."""
    return int(if_match.strip('"')) if if_match is not None else version


def tag(response: Response, case: Case) -> None:
    """Say at which version a case is."""
    response.headers["ETag"] = f'"{case.version}"'
