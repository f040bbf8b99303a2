"""A referral was triaged: it joins the open case of its student, campus and family, or opens one."""

from collections.abc import Sequence

from services.cases.domain.caseload import Opening
from services.cases.storage import caseloads
from shared.events.cases import CaseEvent
from shared.storage.tx import Tx


async def open_cases(tx: Tx, openings: Sequence[Opening]) -> list[CaseEvent]:
    """Return what became of the openings, in order. Repeating a referral changes nothing and says nothing.

    A fixed number of statements, whatever `len(openings)`. No known student or no staff is no error: the case opens
    unassigned and says why, because a lost referral is a student nobody called.
    """
    caseload = await caseloads.load(
        tx,
        of_referrals={opening.referral_id for opening in openings},
        of_students={opening.student_id for opening in openings if opening.student_id is not None},
        of_cases={opening.case_id for opening in openings if opening.case_id is not None},
    )
    facts = [fact for opening in openings for fact in caseload.receive(opening)]
    tx.publish(*facts)
    await caseloads.save(tx, caseload)
    return facts
