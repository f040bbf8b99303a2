"""Work on a case ends, when nothing stands in the way, and may begin again."""

from uuid import UUID

from services.cases.domain import lifecycle
from services.cases.domain.case import Case
from services.cases.domain.lifecycle import Ending
from services.cases.storage import around
from services.cases.usecases import changing
from services.cases.usecases.rest import REVIEW
from shared.messaging.timers import cancel
from shared.storage.tx import Tx


async def close(tx: Tx, case_id: UUID, ending: Ending, seen: int | None = None) -> Case:
    """Close a case. Raises Refused with everything that stands in the way, or after a change."""
    caseload, case = await changing.hold(tx, case_id, seen)
    policy = caseload.office(case.campus).closing
    beside = await around.look(tx.connection, case)
    closed = lifecycle.close(case, ending, beside, policy, by=tx.actor.id, at=tx.now)
    case = await changing.keep(tx, caseload, closed, ending.close_code.value)
    await cancel(tx, REVIEW, [case_id])
    return case


async def reopen(tx: Tx, case_id: UUID, reason_code: str, seen: int | None = None) -> Case:
    """Reopen a closed case. Raises Refused where another one is open by now, too late, or after a change."""
    caseload, case = await changing.hold(tx, case_id, seen)
    others = [
        each
        for each in caseload.cases.values()
        if each.case_id != case_id and each.campus == case.campus and each.family == case.family and case.student_id
    ]
    policy = caseload.office(case.campus).closing
    reopened = lifecycle.reopen(case, reason_code, others, policy, by=tx.actor.id, at=tx.now)
    return await changing.keep(tx, caseload, reopened, reason_code, follow=caseload.reassign_if_barred)
