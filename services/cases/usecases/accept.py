"""The owner of a case says: mine."""

from uuid import UUID

from services.cases.domain.case import Case
from services.cases.usecases import changing
from shared.storage.tx import Tx


async def accept(tx: Tx, case_id: UUID, seen: int | None = None) -> Case:
    """Accept a case as its owner. Raises Refused for anybody else, twice, or after a change."""
    caseload, case = await changing.hold(tx, case_id, seen)
    return await changing.keep(tx, caseload, case.accept(tx.actor.id, tx.now))
