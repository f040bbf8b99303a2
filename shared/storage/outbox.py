"""The outbox: events wait here, as final wire bytes, in the transaction that made them true. The relay sends them."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Protocol
from uuid import UUID
from zlib import crc32

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events import Event
from shared.ids import new_id

_encoder = msgspec.json.Encoder()

# One statement whatever the number of events. `WITH ORDINALITY` keeps the order given: per aggregate, id order is
# commit order because whoever writes holds the aggregate's lock.
_INSERT = text(
    """
    INSERT INTO outbox (event_id, topic, partition, key, headers, payload, created_at)
    SELECT event_id, topic, partition, key, headers, payload, :created_at
    FROM unnest(CAST(:event_ids AS uuid[]), CAST(:topics AS text[]), CAST(:partitions AS smallint[]),
                CAST(:keys AS bytea[]), CAST(:headers AS bytea[]), CAST(:payloads AS bytea[]))
         WITH ORDINALITY AS row(event_id, topic, partition, key, headers, payload, place)
    ORDER BY place
    """
)


class Layout(Protocol):
    """How topics are laid out: their prefix and how many partitions each has."""

    topic_prefix: str
    partitions: int


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of a key: crc32, which librdkafka's default partitioner uses too."""
    return crc32(key) % partitions


async def write(
    connection: AsyncConnection,
    events: Sequence[Event],
    *,
    source: str,
    now: datetime,
    layout: Layout,
    republished: bool = False,
) -> None:
    """Store events for the relay, in the order given, in one statement.

    `republished` marks snapshots that their owner sends again for a new consumer of history.
    """
    keys = [event.key.encode() for event in events]
    ids = [new_id() for _ in events]
    await connection.execute(
        _INSERT,
        {
            "event_ids": ids,
            "topics": [layout.topic_prefix + event.TOPIC for event in events],
            "partitions": [partition_of(key, layout.partitions) for key in keys],
            "keys": keys,
            "headers": [
                _encoder.encode(headers_of(event, source=source, now=now, event_id=id_, republished=republished))
                for id_, event in zip(ids, events, strict=True)
            ],
            "payloads": [_encoder.encode(event) for event in events],
            "created_at": now,
        },
    )


def headers_of(
    event: Event, *, source: str, now: datetime, event_id: UUID | None = None, republished: bool = False
) -> list[tuple[str, str]]:
    """Return the CloudEvents 1.0 attributes of an event (Kafka binary mode); the row keeps them as JSON pairs."""
    headers = [
        ("ce_specversion", "1.0"),
        ("ce_id", str(event_id or new_id())),
        ("ce_type", event.TYPE),
        ("ce_source", f"/caselight/{source}"),
        ("ce_time", _stamp(now)),
        ("ce_subject", event.key),
        ("ce_campus", event.campus),
        ("ce_sensitivity", event.sensitivity),
        ("ce_sequence", str(event.sequence)),
        ("content-type", "application/json"),
    ]
    if republished:
        headers.append(("republished", "1"))
    return headers


@lru_cache(maxsize=64)
def _stamp(now: datetime) -> str:
    """Format the time of a transaction, which all of its events share."""
    return now.isoformat()
