"""Which events a consumer has seen. In the transaction of their effects, so state never changes twice."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from sqlalchemy import text

from shared.access.actors import service_actor
from shared.clock import SystemClock
from shared.ids import earliest_id
from shared.messaging.records import Arrival
from shared.storage.engines import Database
from shared.storage.tx import Tx

# Longer than topics keep facts (30 days), so that nothing can come again after it was forgotten here.
REMEMBERED = timedelta(days=35)
_CHUNK = 10_000

# Sorted, because two batches that overlap in another order would lock each other out. Whoever inserts second waits
# for the first to commit (and then skips) or to roll back (and then works): this also fences off a lost member.
_CLAIM = text(
    """
    INSERT INTO inbox (consumer, event_id)
    SELECT :consumer, id FROM unnest(CAST(:ids AS uuid[])) AS id
    ON CONFLICT DO NOTHING RETURNING event_id::text
    """
)
_FORGET = text(
    """
    DELETE FROM inbox WHERE ctid = ANY (ARRAY(SELECT ctid FROM inbox WHERE event_id < :bound LIMIT :chunk))
    """
)


class Inbox(Protocol):
    """Remembers what a consumer has taken in. Analytics' history is one: there the memory is the data."""

    async def claim(self, tx: Tx, consumer: str, arrivals: Sequence[Arrival]) -> set[str]:
        """Remember these events and return the ids (canonical text) of those not seen before.

        All have an id; the same id may be given twice. A fixed number of statements, locks in id order.
        """
        ...

    def too_old(self, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Return events older than what is remembered, so that nobody can say whether they were seen."""
        ...


class TableInbox:
    """The table `inbox`, one row per consumer and event."""

    async def claim(self, tx: Tx, consumer: str, arrivals: Sequence[Arrival]) -> set[str]:
        """Remember these events and return the ids of those not seen before."""
        ids = sorted({arrival.event_id for arrival in arrivals})
        found = await tx.connection.execute(_CLAIM, {"consumer": consumer, "ids": ids})
        return set(found.scalars())

    def too_old(self, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Compare the time inside each id with the clock that made it, not with the service's movable one."""
        bound = str(earliest_id(SystemClock().now() - REMEMBERED))
        return [arrival for arrival in arrivals if arrival.event_id < bound]


async def forget_old(database: Database) -> int:
    """Delete what is too old to come again, in chunks of their own transactions, and return how many."""
    bound, total = earliest_id(SystemClock().now() - REMEMBERED), 0
    while True:
        async with database.transaction(service_actor(database.service)) as tx:
            gone = (await tx.connection.execute(_FORGET, {"bound": bound, "chunk": _CHUNK})).rowcount
        total += gone
        if gone < _CHUNK:
            return total
