"""A person decides what a referral becomes."""

from uuid import UUID

from services.intake.domain.referrals import Referral, triaged
from services.intake.storage import referrals
from shared.events.codes import Decision
from shared.refusal import Refused
from shared.storage.tx import Tx


async def triage_referral(tx: Tx, referral_id: UUID, decision: Decision, reason_code: str) -> Referral:
    """Decide a referral and return it. Raises Refused when it was decided before, or cannot be decided so."""
    referral = await locked(tx, referral_id)
    decided, facts = triaged(referral, decision, reason_code, tx.actor.id, tx.now)
    await referrals.save(tx, decided)
    tx.publish(*facts)
    return decided


async def locked(tx: Tx, referral_id: UUID) -> Referral:
    """Return a referral, held until the transaction ends."""
    referral = await referrals.lock(tx.connection, referral_id)
    if referral is None:
        raise Refused("not_found", "There is no such referral.", status=404)
    return referral
