"""Tells people that a case is theirs now. A notice demands nothing, so it can wait a little and be one for many."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.notifications.storage import deliveries, late_reviews, matters
from services.notifications.storage.deliveries import Delivery
from shared.ids import new_id
from shared.program import load_program
from shared.storage.tx import Tx

CASES = "cases"

# How long assignments are gathered into one message.
GATHERED = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Assignment:
    """A case has an owner since an instant; `referral_id` where it was opened on a referral just then."""

    case_id: UUID
    campus: str
    owner_id: str
    since: datetime
    referral_id: UUID | None = None


async def tell_owners(tx: Tx, assignments: Sequence[Assignment]) -> None:
    """Queue one message per owner for the cases that are newly theirs. What is old news by policy tells nobody.

    Nor does a case that was opened on old news: the duty officer has it to review.
    """
    if not assignments:
        return
    new = await matters.owned_newly(tx.connection, [(each.case_id, each.campus, each.owner_id) for each in assignments])
    program = await load_program(tx.connection)
    old = await late_reviews.among(tx.connection, (each.referral_id for each in assignments if each.referral_id))
    last = {each.case_id: each for each in assignments if each.case_id in new}
    recent = [
        each
        for each in last.values()
        if tx.now - each.since <= timedelta(hours=program.late_hours(each.campus, tx.now))
        and each.referral_id not in old
    ]
    counts = Counter(each.owner_id for each in recent)
    queued = [
        Delivery(
            id=new_id(),
            kind="notice",
            subject=CASES,
            page_id=None,
            turn=0,
            campus=program.staff[owner].campus,
            person=owner,
            address=program.staff[owner].email,
            facts={},
            due_at=tx.now + GATHERED,
            bundled=count,
        )
        for owner, count in sorted(counts.items())
        if owner in program.staff and program.staff[owner].email
    ]
    await deliveries.queue(tx.connection, queued, tx.now)
