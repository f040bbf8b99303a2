"""Two toy services that do nothing but count, so that what delivery promises can be seen in two tables.

`toy_source` publishes flags, several per key. `toy_sink` counts them and answers each with an event of its own, which
`toy_source` counts in turn: two outboxes, two relays, two inboxes, one loop.
"""

import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import text

from shared.access.actors import service_actor
from shared.clock import SystemClock
from shared.events import Envelope, Event
from shared.events.flags import FlagRaised
from shared.events.referrals import ReferralMatched
from shared.ids import new_id
from shared.messaging.relay import Relay
from shared.messaging.stream import Stream
from shared.service import Loop
from shared.settings import Settings
from shared.storage.engines import Database, connect
from shared.storage.outbox import partition_of
from shared.storage.tx import Tx

WHEN = datetime(2026, 11, 2, 9, tzinfo=UTC)
BAD = "unheard_of"  # a reason code that the sink's handler fails on

# `times` grows once per event, however often it is delivered; `disorder` when one arrives after a later one.
_COUNT = text(
    """
    INSERT INTO tally (key, campus, times, last_sequence, disorder, worker)
    SELECT key, 'north', 1, sequence, 0, :worker
    FROM unnest(CAST(:keys AS uuid[]), CAST(:sequences AS int[])) AS row(key, sequence)
    ON CONFLICT (key) DO UPDATE
    SET times = tally.times + 1, last_sequence = excluded.last_sequence, worker = excluded.worker,
        disorder = tally.disorder + CASE WHEN excluded.last_sequence <= tally.last_sequence THEN 1 ELSE 0 END
    """
)


def flag(key: UUID, sequence: int = 1, *, reason: str = "absences") -> FlagRaised:
    """Make an event of the source. `sequence` says its place among those of its key."""
    return FlagRaised(
        campus="north",
        sequence=sequence,
        flag_id=key,
        student_id=None,
        source="toy",
        reason_code=reason,
        severity=1,
        course="BIO 101",
        term="2026F",
        raised_at=WHEN,
        recorded_at=WHEN,
    )


def echo(key: UUID, sequence: int) -> ReferralMatched:
    """Make the sink's answer."""
    return ReferralMatched(
        campus="north",
        sequence=sequence,
        referral_id=key,
        reference="K7Q-2M4X-9RTD",
        matched_at=WHEN,
        basis="exact_id",
        matched_by="rule:toy",
    )


async def count(tx: Tx, events: Sequence[tuple[UUID, int]]) -> None:
    """Count events, one statement for as many as have different keys."""
    todo = list(events)
    while todo:
        now: dict[UUID, int] = {}
        later: list[tuple[UUID, int]] = []
        for key, sequence in todo:
            if key in now:
                later.append((key, sequence))
            else:
                now[key] = sequence
        names = {"keys": sorted(now), "sequences": [now[key] for key in sorted(now)], "worker": os.getpid()}
        await tx.connection.execute(_COUNT, names)
        todo = later


async def on_flags(tx: Tx, envelopes: Sequence[Envelope[FlagRaised]]) -> None:
    """Count flags and answer each. Fails on a reason nobody knows, as a bug would."""
    if any(envelope.event.reason_code == BAD for envelope in envelopes):
        raise LookupError("a reason nobody knows")
    await count(tx, [(envelope.event.flag_id, envelope.event.sequence) for envelope in envelopes])
    tx.publish(*[echo(envelope.event.flag_id, envelope.event.sequence) for envelope in envelopes])


async def on_echoes(tx: Tx, envelopes: Sequence[Envelope[ReferralMatched]]) -> None:
    """Count the answers."""
    await count(tx, [(envelope.event.referral_id, envelope.event.sequence) for envelope in envelopes])


async def publish(database: Database, events: Sequence[Event]) -> None:
    """Publish events in one transaction, as a use case would."""
    async with database.transaction(service_actor(database.service)) as tx:
        tx.publish(*events)


def database(settings: Settings, toy: str) -> Database:
    """Return a toy's database."""
    return connect(settings, toy, "worker", SystemClock(), pool=4)


def sink_stream(sink: Database, settings: Settings, **more: object) -> Stream:
    """Return the sink's consumer."""
    return Stream(sink, settings, consumer="flags", topics=["flags"], handlers={FlagRaised: on_flags}, **more)  # type: ignore[arg-type]


def source_stream(source: Database, settings: Settings) -> Stream:
    """Return the source's consumer."""
    return Stream(source, settings, consumer="echoes", topics=["referrals"], handlers={ReferralMatched: on_echoes})


def loops(settings: Settings, toy: str) -> tuple[dict[str, Loop], Callable[[], Awaitable[None]]]:
    """Return the loops of a toy service and what closes it."""
    here = database(settings, toy)
    stream = source_stream(here, settings) if toy == "toy_source" else sink_stream(here, settings)
    return {"relay": Relay(here, settings).run, "stream": stream.run}, here.close


async def tallies(database: Database) -> dict[UUID, tuple[int, int, int]]:
    """Return (times, last sequence, disorder) of every key counted."""
    async with database.transaction(service_actor(database.service)) as tx:
        rows = await tx.connection.execute(text("SELECT key, times, last_sequence, disorder FROM tally"))
        return {row.key: (row.times, row.last_sequence, row.disorder) for row in rows}


async def workers(database: Database, keys: Sequence[UUID]) -> dict[UUID, int]:
    """Return which process counted each of these keys last."""
    async with database.transaction(service_actor(database.service)) as tx:
        rows = await tx.connection.execute(
            text("SELECT key, worker FROM tally WHERE key = ANY (:keys)"), {"keys": keys}
        )
        return {row.key: row.worker for row in rows}


def key_in(partition: int, partitions: int) -> UUID:
    """Return a new key that lies in this partition."""
    while True:
        key = new_id()
        if partition_of(str(key).encode(), partitions) == partition:
            return key


async def waiting(database: Database) -> int:
    """Return how many events wait in the outbox."""
    async with database.transaction(service_actor(database.service)) as tx:
        return int((await tx.connection.execute(text("SELECT count(*) FROM outbox"))).scalar_one())
