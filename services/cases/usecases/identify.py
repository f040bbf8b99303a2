"""Somebody found out which student a referral is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.cases.domain.caseload import Noted
from services.cases.storage import caseloads
from shared.events.cases import CaseEvent
from shared.storage.tx import Tx


@dataclass(frozen=True, slots=True)
class Identification:
    """Which student a referral is about; None where that was taken back."""

    referral_id: UUID
    campus: str
    sensitivity: str
    student_id: UUID | None


async def identify(tx: Tx, identifications: Sequence[Identification]) -> list[CaseEvent]:
    """Give cases of nobody in particular their student, or ask a person where the student has an open case already.

    A referral without a case is remembered for the case it may get. Repeating it changes nothing.
    """
    caseload = await caseloads.load(
        tx,
        of_referrals={each.referral_id for each in identifications},
        of_students={each.student_id for each in identifications if each.student_id is not None},
    )
    facts: list[CaseEvent] = []
    for each in identifications:
        caseload.noted.setdefault(each.referral_id, Noted(each.campus, each.sensitivity))
        if each.student_id is None:
            facts += caseload.unidentify(each.referral_id)
        else:
            facts += caseload.identify(each.referral_id, each.student_id)
    tx.publish(*facts)
    await caseloads.save(tx, caseload)
    return facts
