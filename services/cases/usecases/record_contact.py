"""Somebody tried to reach a student, or was reached by one."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.cases.domain.case import Case
from services.cases.domain.contact import Contact, check
from services.cases.storage import caseloads, contacts
from services.cases.usecases import changing
from shared.ids import new_id
from shared.refusal import Refused
from shared.storage.tx import Tx


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is recorded of a contact. `by` is who made it, None for whoever records it; `at` None for now."""

    mode: str
    direction: str
    outcome_code: str
    party: str
    by: str | None = None
    at: datetime | None = None
    next_due: datetime | None = None


async def record_contact(
    tx: Tx, case_id: UUID, attempt: Attempt, seen: int | None = None, *, unnamed: bool = False
) -> tuple[Case, Contact]:
    """Record a contact on a case. The first attempt begins outreach, the first answer engagement.

    Raises Refused for somebody unknown, times that cannot be, and after a change (`unnamed`: not saying whose).
    """
    caseload, case = await changing.hold(tx, case_id, seen, unnamed=unnamed)
    if attempt.by is not None and not caseload.office.knows(attempt.by):
        raise Refused("unknown_staff", "The program knows nobody of this id.", 422, "/body/by")
    contact = check(
        Contact(
            contact_id=new_id(),
            case_id=case_id,
            mode=attempt.mode,
            direction=attempt.direction,
            outcome_code=attempt.outcome_code,
            party=attempt.party,
            by=attempt.by or tx.actor.id,
            at=attempt.at or tx.now,
            next_due=attempt.next_due,
            recorded_by=tx.actor.id,
            recorded_at=tx.now,
        )
    )
    case, facts = case.record_contact(contact)
    caseload.put(case)
    tx.publish(*facts)
    await contacts.insert(tx.connection, case, contact)
    await caseloads.save(tx, caseload)
    return case, contact
