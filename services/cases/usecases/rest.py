"""Work on a case rests until a day, and goes on by itself when nobody has said more by then."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.cases.domain import lifecycle
from services.cases.domain.case import Case
from services.cases.domain.codes import HoldReason
from services.cases.storage import around, caseloads
from services.cases.usecases import changing
from shared.messaging.timers import Timer, cancel, set_timers
from shared.storage.tx import Tx

REVIEW = "hold_review"


async def hold(tx: Tx, case_id: UUID, reason: HoldReason, review_at: datetime, seen: int | None = None) -> Case:
    """Put a case on hold. Raises Refused where it is on hold or closed, for a day that cannot be, after a change."""
    caseload, case = await changing.hold(tx, case_id, seen)
    case = await changing.keep(tx, caseload, lifecycle.hold(case, reason, review_at, tx.actor.id, tx.now), reason.value)
    await set_timers(tx, [Timer(REVIEW, case_id, case.version, case.campus, review_at)])
    return case


async def resume(tx: Tx, case_id: UUID, seen: int | None = None) -> Case:
    """Go on with a case on hold. Raises Refused where it is not, or after a change."""
    caseload, case = await changing.hold(tx, case_id, seen)
    case = await changing.keep(tx, caseload, lifecycle.resume(case, tx.actor.id, tx.now))
    await cancel(tx, REVIEW, [case_id])
    return case


async def review_holds(tx: Tx, timers: Sequence[Timer]) -> None:
    """Go on with the cases whose hold is over. One that went on before, or rests for longer by now, stays as it is."""
    caseload = await caseloads.load(tx, of_cases={timer.subject for timer in timers})
    at_work = []
    for timer in timers:
        case = caseload.cases.get(timer.subject)
        over = lifecycle.hold_is_over(case, tx.now) if case is not None else None
        if over is not None:
            resumed, facts = over
            caseload.put(resumed)
            tx.publish(*facts)
            at_work.append(resumed)
    await caseloads.save(tx, caseload)
    await around.log(tx, at_work)
