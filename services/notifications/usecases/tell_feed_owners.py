"""Tells whoever owns a feed that something is wrong with it: each thing once, before anybody has to ask."""

from collections.abc import Sequence
from datetime import timedelta

from services.notifications.domain.words import campus_name, day_and_clock, zone
from services.notifications.storage import deliveries
from services.notifications.storage.deliveries import Delivery
from shared.access.actors import EVERYWHERE
from shared.events.feeds import FeedHealthChanged
from shared.ids import new_id
from shared.program import Program, load_program
from shared.storage.tx import Tx

OPENED = "opened"
# What is over again at once is never told.
GATHERED = timedelta(minutes=1)


async def tell_feed_owners(tx: Tx, changes: Sequence[FeedHealthChanged]) -> None:
    """Queue a notice for each thing that is newly wrong; what is over by now and has not been told yet is not told."""
    if not changes:
        return
    program = await load_program(tx.connection)
    last = {(each.feed_id, each.signal): each for each in changes}
    over = [_subject(each) for each in last.values() if each.state != OPENED]
    await deliveries.cancel_notices(tx.connection, "feed", over)
    opened = [each for each in last.values() if each.state == OPENED]
    queued = [_delivery(each, person, program, tx) for each in opened for person in told_of(program, each, tx)]
    await deliveries.queue(tx.connection, queued, tx.now)


def told_of(program: Program, change: FeedHealthChanged, tx: Tx) -> tuple[str, ...]:
    """Return who is told: the owner, or who stands in for them; else those who manage feeds there, and are present."""
    owner = program.standing_in([change.owner_id], change.campus, tx.now)
    campus = change.campus
    found = owner or program.standing_in(program.holders("feed_manager", campus, tx.now), campus, tx.now)
    return tuple(person for person in found if program.staff[person].email)


def _subject(change: FeedHealthChanged) -> str:
    return f"{change.feed_id}:{change.signal}"


def _delivery(change: FeedHealthChanged, person: str, program: Program, tx: Tx) -> Delivery:
    home = program.staff[person].campus if change.campus == EVERYWHERE else change.campus
    facts = {
        "feed_id": str(change.feed_id),
        "feed": change.feed,
        "signal": change.signal,
        "campus": "all campuses" if change.campus == EVERYWHERE else campus_name(program, change.campus),
        "since": f"{day_and_clock(program, home, change.since)} {zone(program, home, change.since)}",
    }
    return Delivery(
        id=new_id(),
        kind="feed",
        subject=_subject(change),
        page_id=None,
        turn=0,
        campus=home,
        person=person,
        address=program.staff[person].email,
        facts=facts,
        due_at=tx.now + GATHERED,
    )
