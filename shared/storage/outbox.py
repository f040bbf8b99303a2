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
from shared.ids import new_id, new_ids
from shared.storage.tx import Encoded

_encoder = msgspec.json.Encoder()
_PLACEHOLDER = UUID(int=0)

# One statement whatever the number of events. `WITH ORDINALITY` keeps the order given: per aggregate, id order is
# commit order because whoever writes holds the aggregate's lock.
_INSERT = text(
    """
    INSERT INTO outbox (event_id, topic, partition, key, headers, payload, created_at)
    SELECT event_id, topic, partition, key, headers, payload, :created_at
    FROM unnest(CAST(:event_ids AS uuid[]), string_to_array(:topics, ' '), CAST(:partitions AS smallint[]),
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
    ids = new_ids(len(events))
    await write_encoded(connection, encode(events, ids, source=source, now=now, layout=layout, republished=republished))


async def write_encoded(connection: AsyncConnection, encoded: Encoded) -> None:
    """Store what `encode` made, in one statement."""
    await connection.execute(_INSERT, encoded)


def encode(
    events: Sequence[Event],
    ids: Sequence[UUID],
    *,
    source: str,
    now: datetime,
    layout: Layout,
    republished: bool = False,
) -> Encoded:
    """Return events as they are stored, each with an id. May run in a thread."""
    keys = [event.key for event in events]
    raw_keys = [key.encode() for key in keys]
    heads = _Headers(source, now, republished=republished)
    return {
        "event_ids": ids,
        "topics": " ".join([layout.topic_prefix + event.TOPIC for event in events]),
        "partitions": [partition_of(key, layout.partitions) for key in raw_keys],
        "keys": raw_keys,
        "headers": [heads.of(event, key, str(id_)) for id_, key, event in zip(ids, keys, events, strict=True)],
        "payloads": [_encoder.encode(event) for event in events],
        "created_at": now,
    }


class _Headers:
    """The headers of the events of one transaction, encoded: only two of ten differ between events of one kind."""

    def __init__(self, source: str, now: datetime, *, republished: bool) -> None:
        self._source, self._now, self._republished = source, now, republished
        self._around: dict[tuple[str, str, str, int], tuple[bytes, bytes, bytes]] = {}

    def of(self, event: Event, key: str, id_: str) -> bytes:
        """Return what encoding `headers_of` gives."""
        kind = (event.TYPE, event.campus, event.sensitivity, event.sequence)
        around = self._around.get(kind)
        if around is None:
            around = self._around[kind] = self._split(event)
        before, between, behind = around
        return b"".join((before, id_.encode(), between, _encoder.encode(key), behind))

    def _split(self, event: Event) -> tuple[bytes, bytes, bytes]:
        pairs = headers_of(
            event, source=self._source, now=self._now, event_id=_PLACEHOLDER, republished=self._republished
        )
        pairs = [(name, "\x00" if name == "ce_subject" else value) for name, value in pairs]
        before, rest = _encoder.encode(pairs).split(str(_PLACEHOLDER).encode(), 1)
        between, behind = rest.split(_encoder.encode("\x00"), 1)
        return before, between, behind


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
