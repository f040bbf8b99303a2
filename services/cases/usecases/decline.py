"""The owner of a case says: not mine. It goes to whoever is next."""

from uuid import UUID

from services.cases.domain.case import Case
from services.cases.storage import around, caseloads
from services.cases.usecases import changing
from shared.storage.tx import Tx


async def decline(tx: Tx, case_id: UUID, reason_code: str, seen: int | None = None) -> Case:
    """Decline a case as its owner and assign it without them; with nobody left it is nobody's, and says so."""
    caseload, case = await changing.hold(tx, case_id, seen)
    case, facts = case.decline(tx.actor.id, reason_code, tx.now)
    caseload.put(case)
    tx.publish(*facts, *caseload.pass_on(case))
    await caseloads.save(tx, caseload)
    await around.log(tx, case, reason_code)
    return caseload.cases[case_id]
