"""Tells referrers how far it is: that it moved on, and a link. Never what it says, and never more than sensible."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.notifications.domain.words import campus_name
from services.notifications.storage import deliveries, referrer_notices
from services.notifications.storage.deliveries import Delivery
from shared.events.referrals import ReferralRetracted, ReferrerStatusMoved
from shared.ids import new_id
from shared.program import Program, load_program
from shared.storage.tx import Tx

RECEIVED, ASKED = "received", "asked"
# How far something is. A step back, or one told before, tells nobody anything.
_FAR = {RECEIVED: 0, "reviewed": 1, "acted": 2, "closed": 3}

# A thank-you and a question leave soon; steps that follow on each other are gathered into the last one.
_SOON = timedelta(0)
_QUESTION = timedelta(minutes=2)
_GATHERED = timedelta(minutes=30)
# Between two notices of steps lies at least so much; a question comes through.
_APART = timedelta(hours=12)


async def tell_referrers(tx: Tx, moved: Sequence[ReferrerStatusMoved]) -> None:
    """Queue a notice for each referral that has moved on: one at a time, the newest in place of one still waiting.

    Neither the address nor the language is known here: the courier asks for them when it sends. What came by an
    import, or is old news by policy, tells nobody.
    """
    program = await load_program(tx.connection)
    news = [each for each in moved if each.live and not _old(each, program.late_hours(each.campus, tx.now), tx.now)]
    if not news:
        return
    known = await referrer_notices.last(tx.connection, [each.referral_id for each in news])
    queued: dict[str, Delivery] = {}
    told = {}
    for event in news:
        status, due_at = known.get(event.referral_id, ("", None))
        if event.status != ASKED and _FAR.get(event.status, -1) <= _FAR.get(status, -1):
            continue
        # The first word is always the thank-you, however far a rule has brought it in the same moment.
        word = RECEIVED if not status and event.status != ASKED else event.status
        due = _due(word, due_at, tx.now)
        delivery = _delivery(event, program, word, due)
        queued[delivery.subject] = delivery
        # A question leaves the steps where they are.
        kept = status if event.status == ASKED else event.status
        known[event.referral_id] = (kept, due)
        told[event.referral_id] = (event.referral_id, event.campus, kept, due)
    await referrer_notices.keep(tx.connection, list(told.values()))
    await deliveries.queue(tx.connection, list(queued.values()), tx.now)


async def stop_telling(tx: Tx, retracted: Sequence[ReferralRetracted]) -> None:
    """Send nothing more about what was taken back, not even what waits."""
    await referrer_notices.forget(tx.connection, [each.referral_id for each in retracted])


def _old(event: ReferrerStatusMoved, late_hours: float, now: datetime) -> bool:
    return now - event.moved_at > timedelta(hours=late_hours)


def _due(status: str, last: datetime | None, now: datetime) -> datetime:
    if status == RECEIVED:
        return now + _SOON
    if status == ASKED:
        return now + _QUESTION
    return max(now + _GATHERED, last + _APART if last is not None else now)


def _delivery(event: ReferrerStatusMoved, program: Program, word: str, due_at: datetime) -> Delivery:
    form = program.referral_form(event.campus, event.moved_at)
    return Delivery(
        id=new_id(),
        kind="referrer",
        # A question does not give way to a step that comes after it.
        subject=f"{event.referral_id}:{ASKED}" if word == ASKED else str(event.referral_id),
        page_id=None,
        turn=0,
        campus=event.campus,
        person=str(event.referral_id),
        address="",
        facts={
            "status": word,
            "campus": campus_name(program, event.campus),
            "emergency": form.emergency,
            "crisis": form.crisis,
        },
        due_at=due_at,
    )
