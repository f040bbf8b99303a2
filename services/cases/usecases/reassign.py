"""A person gives a case to somebody else."""

from uuid import UUID

from services.cases.domain.assignment import choose
from services.cases.domain.case import Case
from services.cases.usecases import changing
from shared.storage.tx import Tx


async def reassign(tx: Tx, case_id: UUID, staff_id: str, reason_code: str, seen: int | None = None) -> Case:
    """Give a case to `staff_id`. Raises Refused where the rules would not have let them have it."""
    caseload, case = await changing.hold(tx, case_id, seen)
    case.require_reassignable(staff_id)
    chosen = choose(
        staff_id, caseload.need(case), caseload.office(case.campus), caseload.loads, by=tx.actor.id, reason=reason_code
    )
    return await changing.keep(tx, caseload, case.assign(chosen, tx.now), reason_code)
