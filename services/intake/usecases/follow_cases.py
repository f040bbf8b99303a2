"""What cases say about referrals: where they belong, and how far their matter has come, in the referrer's words."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.intake.storage import referrals, referrers
from shared.events import Envelope
from shared.events.cases import CaseAccepted, CaseClosed, CaseOpened, CasesCombined, ContactRecorded, ReferralAttached
from shared.storage.tx import Tx


async def note_opened(tx: Tx, envelopes: Sequence[Envelope[CaseOpened]]) -> None:
    """Note the case that was opened on each referral."""
    await _attach(tx, [(e.event.referral_id, e.event.case_id) for e in envelopes])


async def note_attached(tx: Tx, envelopes: Sequence[Envelope[ReferralAttached]]) -> None:
    """Note the case that each referral joined."""
    await _attach(tx, [(e.event.referral_id, e.event.case_id) for e in envelopes])


async def note_work(tx: Tx, envelopes: Sequence[Envelope[CaseAccepted] | Envelope[ContactRecorded]]) -> None:
    """Note that somebody has begun to work on the cases."""
    cases = [envelope.event.case_id for envelope in envelopes]
    await referrals.act(tx.connection, cases)
    await referrers.tell(tx, cases=cases)


async def note_closed(tx: Tx, envelopes: Sequence[Envelope[CaseClosed]]) -> None:
    """Note that the matter of these cases has ended, as far as the referrer is told."""
    cases = [envelope.event.case_id for envelope in envelopes]
    await referrals.end(tx.connection, cases)
    await referrers.tell(tx, cases=cases)


async def note_combined(tx: Tx, envelopes: Sequence[Envelope[CasesCombined]]) -> None:
    """Note that the referrals of one case now belong to another, in the order in which that was decided."""
    into: dict[Any, Any] = {}
    for envelope in envelopes:
        event = envelope.event
        into = {case: event.case_id if target == event.other_case_id else target for case, target in into.items()}
        into[event.other_case_id] = event.case_id
    await referrals.move(tx.connection, [(target, case) for case, target in into.items()])


async def _attach(tx: Tx, pairs: Sequence[tuple[UUID, UUID]]) -> None:
    await referrals.attach(tx.connection, pairs)
    await referrers.tell(tx, referrals=[referral for referral, _ in pairs])
