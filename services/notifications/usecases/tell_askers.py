"""Tells staff that a referrer has answered them, or has added something to what a case of theirs came of."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from services.notifications.storage import deliveries, matters
from services.notifications.storage.deliveries import Delivery
from shared.events.referrals import ReferralAddedTo
from shared.ids import new_id
from shared.program import load_program
from shared.storage.tx import Tx

SAID = "said"
_GATHERED = timedelta(minutes=5)


async def tell_askers(tx: Tx, added: Sequence[ReferralAddedTo]) -> None:
    """Queue one message for whoever asked, else for the owner of the case; what waits on the desk is seen there."""
    program = await load_program(tx.connection)
    owners = await matters.owners(tx.connection, [each.case_id for each in added if each.case_id is not None])
    told = [each.asked_by or owners.get(each.case_id, "") for each in added if each.live]
    known = {staff_id: program.staff[staff_id] for staff_id in told if staff_id in program.staff}
    queued = [
        Delivery(
            id=new_id(),
            kind="notice",
            subject=SAID,
            page_id=None,
            turn=0,
            campus=known[staff_id].campus,
            person=staff_id,
            address=known[staff_id].email,
            facts={"about": SAID},
            due_at=tx.now + _GATHERED,
            bundled=count,
        )
        for staff_id, count in sorted(Counter(told).items())
        if staff_id in known and known[staff_id].email
    ]
    await deliveries.queue(tx.connection, queued, tx.now)
