"""Events that cannot be handled: stored raw, their key parked, later events of the key waiting behind them in order.

A consumer reads a parked key FOR SHARE inside its transaction and the retry takes it FOR UPDATE, so an event either
waits before the key is released, or is handled after everything that waited.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec
from sqlalchemy import Row, text

from shared.ids import new_id
from shared.messaging.records import Arrival, Record, arrive
from shared.storage.tx import Tx

_PARKED = text("SELECT key FROM parked WHERE consumer = :consumer AND key = ANY (CAST(:keys AS bytea[])) FOR SHARE")
_PARK = text("INSERT INTO parked (consumer, key, since) VALUES (:consumer, :key, :now) ON CONFLICT DO NOTHING")

_STORE = text(
    """
    INSERT INTO dead_letters (id, consumer, topic, partition, log_offset, key, headers, payload, event_type, event_id,
                              error_class, error_place, attempts, waiting_behind, state, recorded_at)
    SELECT row.id, :consumer, row.topic, row.partition, row.log_offset, row.key, row.headers, row.payload,
           row.event_type, row.event_id, :error_class, :error_place, :attempts,
           CASE WHEN :state = 'waiting' THEN
             (SELECT max(head.id::text)::uuid FROM dead_letters AS head
              WHERE head.consumer = :consumer AND head.key = row.key AND head.state = 'dead') END,
           :state, :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:topics AS text[]), CAST(:partitions AS int[]), CAST(:offsets AS bigint[]),
                CAST(:keys AS bytea[]), CAST(:headers AS bytea[]), CAST(:payloads AS bytea[]), CAST(:types AS text[]),
                CAST(:event_ids AS text[]))
         AS row(id, topic, partition, log_offset, key, headers, payload, event_type, event_id)
    ON CONFLICT DO NOTHING
    """
)

# Parked keys whose head is no longer an undecided dead letter, and dead letters of unparked keys to try again.
_READY = text(
    """
    SELECT parked.key, true AS parked FROM parked
    WHERE consumer = :consumer AND NOT EXISTS (
      SELECT FROM dead_letters AS letter WHERE letter.consumer = :consumer AND letter.key = parked.key
        AND letter.state = 'dead' AND letter.decided_at IS NULL)
    UNION ALL
    SELECT DISTINCT letter.key, false FROM dead_letters AS letter
    WHERE consumer = :consumer AND state = 'dead' AND decided_at IS NOT NULL
      AND NOT EXISTS (SELECT FROM parked WHERE parked.consumer = :consumer AND parked.key = letter.key)
    LIMIT 100
    """
)
_LOCK_KEY = text("SELECT 1 FROM parked WHERE consumer = :consumer AND key = :key FOR UPDATE SKIP LOCKED")
_NEXT = text(
    """
    SELECT id, topic, partition, log_offset, key, headers, payload, attempts, state, decided_at FROM dead_letters
    WHERE consumer = :consumer AND key = :key AND state IN ('dead', 'waiting')
      AND (:parked OR decided_at IS NOT NULL)
    ORDER BY topic, partition, log_offset LIMIT 1 FOR UPDATE
    """
)
_RETRIED = text("UPDATE dead_letters SET state = 'retried', decided_at = coalesce(decided_at, :now) WHERE id = :id")
_RELEASE = text(
    """
    DELETE FROM parked WHERE consumer = :consumer AND key = :key AND NOT EXISTS (
      SELECT FROM dead_letters WHERE consumer = :consumer AND key = :key AND state IN ('dead', 'waiting'))
    """
)
_FAILED_AGAIN = text(
    """
    UPDATE dead_letters SET state = 'dead', waiting_behind = NULL, decided_at = NULL, decided_by = NULL,
           attempts = attempts + 1, error_class = :error_class, error_place = :error_place WHERE id = :id
    """
)
_BEHIND = text(
    "UPDATE dead_letters SET waiting_behind = :id WHERE consumer = :consumer AND key = :key AND state = 'waiting'"
)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an event was given up: the error's class and code path, never its message. `attempts` is 0 while waiting."""

    error_class: str = ""
    error_place: str = ""
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Letter:
    """A stored event that is due to be tried again."""

    id: UUID
    arrival: Arrival


async def parked(tx: Tx, consumer: str, keys: Collection[bytes]) -> set[bytes]:
    """Return which of the keys are parked, holding them so until this transaction ends."""
    found = await tx.connection.execute(_PARKED, {"consumer": consumer, "keys": sorted(keys)})
    return set(found.scalars())


async def bury(tx: Tx, consumer: str, arrivals: Sequence[Arrival], reason: Reason, *, state: str = "dead") -> None:
    """Store events raw, as `dead` or as `waiting` behind the dead one of their key. Storing one again is a no-op."""
    records = [arrival.record for arrival in arrivals]
    await tx.connection.execute(
        _STORE,
        {
            "consumer": consumer,
            "ids": [new_id() for _ in arrivals],
            "topics": [record.topic for record in records],
            "partitions": [record.partition for record in records],
            "offsets": [record.offset for record in records],
            "keys": [arrival.key for arrival in arrivals],
            "headers": [pack_headers(record.headers) for record in records],
            "payloads": [record.value for record in records],
            "types": [arrival.type for arrival in arrivals],
            "event_ids": [str(arrival.id or "") for arrival in arrivals],
            "error_class": reason.error_class,
            "error_place": reason.error_place,
            "attempts": reason.attempts,
            "state": state,
            "now": tx.now,
        },
    )


async def park(tx: Tx, consumer: str, key: bytes) -> None:
    """Let later events of this key wait."""
    await tx.connection.execute(_PARK, {"consumer": consumer, "key": key, "now": tx.now})


async def ready(tx: Tx, consumer: str) -> list[tuple[bytes, bool]]:
    """Return keys with something to try again, and whether each is parked."""
    found = await tx.connection.execute(_READY, {"consumer": consumer})
    return [(row.key, row.parked) for row in found]


async def take(tx: Tx, consumer: str, key: bytes, *, is_parked: bool) -> Letter | None:
    """Take the next event of a key to try again, holding the key; None when another worker has it or none is due.

    A parked key with nothing left is released.
    """
    names = {"consumer": consumer, "key": key}
    if is_parked and (await tx.connection.execute(_LOCK_KEY, names)).first() is None:
        return None
    row = (await tx.connection.execute(_NEXT, {**names, "parked": is_parked})).first()
    if row is None:
        await tx.connection.execute(_RELEASE, names)
        return None
    return Letter(row.id, restore(row)) if row.state == "waiting" or row.decided_at is not None else None


async def finish(tx: Tx, consumer: str, letter: Letter) -> None:
    """Say that a stored event has been handled, and release its key when it was the last."""
    await tx.connection.execute(_RETRIED, {"id": letter.id, "now": tx.now})
    await tx.connection.execute(_RELEASE, {"consumer": consumer, "key": letter.arrival.key})


async def fail_again(tx: Tx, consumer: str, letter: Letter, reason: Reason) -> None:
    """Say that a stored event failed once more: it is dead until somebody decides, the others wait behind it."""
    await tx.connection.execute(
        _FAILED_AGAIN, {"id": letter.id, "error_class": reason.error_class, "error_place": reason.error_place}
    )
    await tx.connection.execute(_BEHIND, {"id": letter.id, "consumer": consumer, "key": letter.arrival.key})


def restore(row: "Row[tuple[object, ...]]") -> Arrival:
    """Return a stored event as it arrived."""
    headers = unpack_headers(row.headers)
    return arrive(Record(row.topic, row.partition, row.log_offset, row.key, headers, row.payload))


def pack_headers(headers: Iterable[tuple[str, bytes]]) -> bytes:
    """Keep headers without loss, whatever bytes they hold: latin-1 maps each byte to one character."""
    pairs = [(name, value.decode("latin-1")) for name, value in headers]
    return msgspec.json.encode(pairs)


def unpack_headers(packed: bytes) -> tuple[tuple[str, bytes], ...]:
    """Return headers as they arrived."""
    pairs = msgspec.json.decode(packed, type=list[tuple[str, str]])
    return tuple((name, value.encode("latin-1")) for name, value in pairs)
