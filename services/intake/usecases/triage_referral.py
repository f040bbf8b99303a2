"""A person decides what a referral becomes."""

from uuid import UUID

from services.intake.domain.judging import rated
from services.intake.domain.referrals import Referral, triaged
from services.intake.storage import referrals, referrers, watches
from services.intake.usecases.send_to_outreach import REASON, send_to_outreach
from shared.events import Event
from shared.events.codes import Decision, Level
from shared.events.referrals import DangerRaised
from shared.refusal import Refused
from shared.storage.tx import Tx


async def triage_referral(
    tx: Tx,
    referral_id: UUID,
    decision: Decision,
    reason_code: str,
    *,
    rating: Level | None = None,
    several: bool = False,
) -> Referral:
    """Decide a referral and return it. Raises Refused when it was decided before, or cannot be decided so.

    `rating` is how grave the person finds it; danger that they see is raised with the decision. `several` says that it
    is decided together with others: danger never is.
    """
    referral = await locked(tx, referral_id)
    if several and referral.danger:
        raise Refused("danger_one_by_one", "Danger is decided one by one: open it and read it.")
    decided = await decide(tx, referral, decision, reason_code, rating=rating)
    await referrers.tell(tx, referrals=[referral_id])
    return decided


async def decide(
    tx: Tx, referral: Referral, decision: Decision, reason_code: str, *, rating: Level | None = None
) -> Referral:
    """Decide a locked referral, whatever the decision raising the danger that the person sees in it."""
    told, raised = (referral, tuple[Event, ...]()) if rating is None else rated(referral, rating, tx.now)
    decided, facts = triaged(told, decision, reason_code, tx.actor.id, tx.now)
    await referrals.save(tx, decided)
    if any(isinstance(fact, DangerRaised) for fact in raised):
        await watches.begin(tx, [decided], since=tx.now)
    tx.publish(*raised)
    tx.publish(*facts)
    if decision is Decision.WATCH and reason_code == REASON:
        await send_to_outreach(tx, decided)
    return decided


async def locked(tx: Tx, referral_id: UUID) -> Referral:
    """Return a referral, held until the transaction ends."""
    referral = await referrals.lock(tx.connection, referral_id)
    if referral is None:
        raise Refused("not_found", "There is no such referral.", status=404)
    return referral
