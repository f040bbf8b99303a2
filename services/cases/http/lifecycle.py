"""Routes by which work on a case rests, ends and begins again."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.cases.domain import lifecycle as rules
from services.cases.domain.lifecycle import Ending
from services.cases.http import seeing
from services.cases.http.changing import IfMatch, change, seen
from services.cases.http.models import CaseOut, CloseIn, ClosingOut, GuardOut, HoldIn, ReopenIn, ResumeIn
from services.cases.storage import around
from services.cases.usecases import end, rest
from shared.access.actions import Action
from shared.web.gate import SignedIn

router = APIRouter(tags=["cases"])


@router.post("/cases/{case_id}/hold")
async def hold_case(
    gate: SignedIn, case_id: UUID, body: HoldIn, response: Response, if_match: IfMatch = None
) -> CaseOut:
    """Let the work rest until a day. It goes on by itself then, and at once when the case becomes graver."""
    version = seen(if_match, body.version)
    return await change(
        gate,
        response,
        Action.CASE_HOLD,
        case_id,
        lambda door: rest.hold(door, case_id, body.reason_code, body.review_at, version),
    )


@router.post("/cases/{case_id}/resume")
async def resume_case(
    gate: SignedIn, case_id: UUID, body: ResumeIn, response: Response, if_match: IfMatch = None
) -> CaseOut:
    """Go on with a case that is on hold."""
    version = seen(if_match, body.version)
    return await change(
        gate,
        response,
        Action.CASE_HOLD,
        case_id,
        lambda door: rest.resume(door, case_id, version),
    )


@router.get("/cases/{case_id}/closing")
async def what_closing_needs(gate: SignedIn, case_id: UUID) -> ClosingOut:
    """Say what stands in the way of closing a case, whatever way it is to be closed."""
    async with gate.begin() as door:
        shown, staff, _ = await seeing.allowed(door, Action.CASE_CLOSE, case_id)
        (case,) = shown.cases
        policy = staff(case.campus).closing
        found = rules.guards(case, None, await around.look(door.connection, case), policy)
        return ClosingOut(
            in_the_way=[GuardOut(code=guard.code, sentence=guard.sentence) for guard in found],
            attempts=case.contacts,
            attempts_needed=policy.unreachable_attempts,
            reopen_days=policy.reopen_days,
        )


@router.post("/cases/{case_id}/close")
async def close_case(
    gate: SignedIn, case_id: UUID, body: CloseIn, response: Response, if_match: IfMatch = None
) -> CaseOut:
    """Close a case. Refused, with everything that stands in the way, while something does."""
    ending = Ending(body.close_code, body.contact_outcome, body.level, body.student_told)
    version = seen(if_match, body.version)
    return await change(
        gate, response, Action.CASE_CLOSE, case_id, lambda door: end.close(door, case_id, ending, version)
    )


@router.post("/cases/{case_id}/reopen")
async def reopen_case(
    gate: SignedIn, case_id: UUID, body: ReopenIn, response: Response, if_match: IfMatch = None
) -> CaseOut:
    """Reopen a closed case, within the days of the policy."""
    version = seen(if_match, body.version)
    return await change(
        gate,
        response,
        Action.CASE_CLOSE,
        case_id,
        lambda door: end.reopen(door, case_id, body.reason_code.value, version),
    )
