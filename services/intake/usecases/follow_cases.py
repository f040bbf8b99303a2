"""What cases say about referrals: where they belong, and how far their matter has come, in the referrer's words."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.intake.storage import progress, referrers
from shared.events import Envelope
from shared.events.cases import (
    CaseAccepted,
    CaseClosed,
    CaseEvent,
    CaseOpened,
    CaseReopened,
    CasesCombined,
    ContactRecorded,
    ReferralAttached,
)
from shared.messaging.grouping import group_by_type
from shared.storage.tx import Cause, Tx


async def follow(tx: Tx, envelopes: Sequence[Envelope[Any]]) -> None:
    """Note what a batch says of cases, in the order of each."""
    await progress.hold(tx.connection, combines=any(isinstance(each.event, CasesCombined) for each in envelopes))
    noted = ((each.event.key.encode(), FOLLOWED[type(each.event)], each) for each in envelopes)
    for note, some in group_by_type(noted):
        first = some[0]
        tx.cause = Cause(first.id, first.event.TYPE, republished=first.republished)
        await note(tx, some)


async def note_opened(tx: Tx, envelopes: Sequence[Envelope[CaseOpened]]) -> None:
    """Note the case that was opened on each referral."""
    await _attach(tx, [(e.event.referral_id, e.event.case_id) for e in envelopes])


async def note_attached(tx: Tx, envelopes: Sequence[Envelope[ReferralAttached]]) -> None:
    """Note the case that each referral joined."""
    await _attach(tx, [(e.event.referral_id, e.event.case_id) for e in envelopes])


async def note_work(tx: Tx, envelopes: Sequence[Envelope[CaseAccepted] | Envelope[ContactRecorded]]) -> None:
    """Note that somebody has begun to work on the cases."""
    await referrers.tell(tx, referrals=await progress.act(tx.connection, [e.event.case_id for e in envelopes]))


async def note_closed(tx: Tx, envelopes: Sequence[Envelope[CaseClosed]]) -> None:
    """Note that the matter of these cases has ended, as far as the referrer is told."""
    await referrers.tell(tx, referrals=await progress.end(tx.connection, [e.event.case_id for e in envelopes]))


async def note_reopened(tx: Tx, envelopes: Sequence[Envelope[CaseReopened]]) -> None:
    """Note that somebody works on these cases again, so that nobody reads that they are closed."""
    await referrers.tell(tx, referrals=await progress.resume(tx.connection, [e.event.case_id for e in envelopes]))


async def note_combined(tx: Tx, envelopes: Sequence[Envelope[CasesCombined]]) -> None:
    """Note that the referrals of one case now belong to another, whatever is read of them before or after."""
    combined = [(e.event.case_id, e.event.other_case_id, e.event.campus) for e in envelopes]
    await referrers.tell(tx, referrals=await progress.combine(tx.connection, combined))


async def _attach(tx: Tx, pairs: Sequence[tuple[UUID, UUID]]) -> None:
    await progress.attach(tx.connection, pairs)
    await referrers.tell(tx, referrals=[referral for referral, _ in pairs])


FOLLOWED: Mapping[type[CaseEvent], Any] = {
    CaseOpened: note_opened,
    ReferralAttached: note_attached,
    CaseAccepted: note_work,
    ContactRecorded: note_work,
    CasesCombined: note_combined,
    CaseClosed: note_closed,
    CaseReopened: note_reopened,
}
