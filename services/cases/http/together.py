"""Routes that do something with several cases at once, each decided by itself."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.cases.http import seeing
from services.cases.http.models import GivenOut, KeptOut, ReassignEachIn, ReassignedOut
from services.cases.storage import offices, reads
from services.cases.usecases.reassign import reassign_each
from shared.access.actions import Action
from shared.access.actors import EVERYWHERE
from shared.web.gate import Door, SignedIn
from shared.web.idempotency import IdempotencyKey, once

router = APIRouter(tags=["cases"])

# The same for what is not there: asking about several tells no more than asking about one.
_NOT_YOURS = "It is not there, or not yours to give to somebody."


@router.post("/cases:reassign", response_model=ReassignedOut)
async def reassign_cases(gate: SignedIn, body: ReassignEachIn, request: Request, _key: IdempotencyKey) -> Response:
    """Give cases to one colleague. Each goes or stays by itself, and the answer says why one stayed.

    Sending it again with the same Idempotency-Key gives them once.
    """
    wanted = {each.case_id: each.version for each in body.cases}
    async with gate.begin() as door:
        mine = await _mine(door, list(wanted), body)

        async def make() -> tuple[int, Mapping[str, Any]]:
            given, refused = await reassign_each(
                door,
                {id_: version for id_, version in wanted.items() if id_ in mine},
                body.staff_id,
                body.reason_code,
                beyond_capacity=body.beyond_capacity,
            )
            kept = {id_: KeptOut(case_id=id_, code=no.code, detail=no.detail) for id_, no in refused.items()}
            kept |= {
                id_: KeptOut(case_id=id_, code="not_found", detail=_NOT_YOURS) for id_ in wanted if id_ not in mine
            }
            out = ReassignedOut(
                given=[GivenOut(case_id=case.case_id, version=case.version) for case in given],
                kept=[kept[id_] for id_ in wanted if id_ in kept],
            )
            return 200, out.model_dump(mode="json")

        return await once(door, request, make)


async def _mine(door: Door, ids: Sequence[UUID], body: ReassignEachIn) -> set[UUID]:
    """Return those that the actor may give to somebody. Asking for others is recorded too."""
    shown = await reads.some(door.connection, ids)
    staff = await offices.load(door.connection, door.now)
    decisions = door.allow_each(Action.CASE_ASSIGN, seeing.resources(shown, staff, door))
    allowed = [case for case, yes in zip(shown.cases, decisions, strict=True) if yes is not None]
    campuses = {case.campus for case in allowed}
    campus = campuses.pop() if len(campuses) == 1 else EVERYWHERE
    question = f"staff_id={body.staff_id} reason={body.reason_code.value}"
    mine = {case.case_id for case in allowed}
    await door.record_list(Action.CASE_ASSIGN, [str(id_) for id_ in ids if id_ in mine], question, campus=campus)
    door.record_refused(Action.CASE_ASSIGN, [str(id_) for id_ in ids if id_ not in mine], question)
    return mine
