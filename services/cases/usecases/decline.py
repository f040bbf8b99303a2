"""The owner of a case says: not mine. It goes to whoever is next."""

from uuid import UUID

from services.cases.domain.case import Case
from services.cases.usecases import changing
from shared.storage.tx import Tx


async def decline(tx: Tx, case_id: UUID, reason_code: str, seen: int | None = None) -> Case:
    """Decline a case as its owner and assign it without them; with nobody left it is nobody's, and says so."""
    caseload, case = await changing.hold(tx, case_id, seen)
    declined = case.decline(tx.actor.id, reason_code, tx.now)
    return await changing.keep(tx, caseload, declined, reason_code, follow=caseload.pass_on)
