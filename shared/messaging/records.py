"""A record of the log as it arrives, before and after its headers were read. Events themselves are decoded later."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol
from uuid import UUID

import msgspec
from asyncpg.pgproto.pgproto import UUID as FastUUID  # noqa: N811 - a uuid.UUID, read six times as fast

from shared.events import Envelope, Event, Topic
from shared.storage import outbox

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_ID = UUID(int=0)
_CANONICAL = 36


class RawRecord(Protocol):
    """What the Kafka client hands over, and what tests make."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def headers(self) -> Iterable[tuple[str, bytes]]: ...
    @property
    def value(self) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Record:
    """A raw record outside Kafka: in tests, and out of `dead_letters`. `topic` carries the prefix."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    value: bytes | None


class Arrival(msgspec.Struct, frozen=True):
    """A record whose headers were read. `id` is None when the record does not carry a readable one.

    Header texts are as sent and may be empty; nothing here has looked into the value.
    """

    record: RawRecord
    key: bytes
    id: UUID | None
    event_id: str  # the same as canonical text, which sorts by time; empty without an id
    type: str
    said: dict[str, bytes]  # its headers

    @property
    def campus(self) -> str:
        """Campus code of the event, empty when its headers do not say."""
        return self._header("ce_campus")

    @property
    def sensitivity(self) -> str:
        """Sensitivity as sent. Unknown or missing means the strictest; the reader maps it."""
        return self._header("ce_sensitivity")

    @property
    def subject(self) -> str:
        """Id of the aggregate, which is also the key of the record."""
        return self._header("ce_subject") or self.key.decode(errors="replace")

    @property
    def time(self) -> datetime:
        """When the event was recorded by its owner; the epoch when its headers do not say."""
        return _time(self.said.get("ce_time", b""))

    @property
    def sequence(self) -> int:
        """Version of the aggregate; 0 when its headers do not say."""
        text = self.said.get("ce_sequence", b"")
        return int(text) if text.isdigit() else 0

    @property
    def republished(self) -> bool:
        """Whether the owner sent this again for a new consumer of history. No effect on people may follow."""
        return "republished" in self.said

    def envelope(self, event: Event) -> Envelope[Any]:
        """Return the decoded event with what its headers and place say."""
        return Envelope(
            id=self.id or _NO_ID,
            time=self.time,
            source=self._header("ce_source"),
            event=event,
            topic=self.record.topic,
            partition=self.record.partition,
            offset=self.record.offset,
            republished=self.republished,
        )

    def _header(self, name: str) -> str:
        return self.said.get(name, b"").decode(errors="replace")


def arrive(record: RawRecord) -> Arrival:
    """Read a record's headers. Never raises: bytes that are no UTF-8 show as replacement characters."""
    said = dict(record.headers)
    text = said.get("ce_id", b"").decode(errors="replace")
    id_ = _id(text)
    event_id = "" if id_ is None else text.lower() if len(text) == _CANONICAL else str(id_)
    return Arrival(record, record.key or b"", id_, event_id, said.get("ce_type", b"").decode(errors="replace"), said)


@lru_cache(maxsize=1024)
def _time(text: bytes) -> datetime:
    """Read a time, which the events of one transaction share."""
    try:
        return datetime.fromisoformat(text.decode())
    except ValueError:
        return EPOCH


def _id(text: str) -> UUID | None:
    try:
        return FastUUID(text)
    except ValueError:
        return None


def record_of(
    event: Event,
    *,
    now: datetime,
    prefix: str,
    offset: int = 0,
    partitions: int = 12,
    source: str = "test",
    event_id: UUID | None = None,
    republished: bool = False,
) -> Record:
    """Make the record that the relay would have sent for an event, so that a test can feed a stream without Kafka."""
    key = event.key.encode()
    headers = outbox.headers_of(event, source=source, now=now, event_id=event_id, republished=republished)
    return Record(
        topic=topic_name(prefix, event.TOPIC),
        partition=outbox.partition_of(key, partitions),
        offset=offset,
        key=key,
        headers=tuple((name, value.encode()) for name, value in headers),
        value=msgspec.json.encode(event),
    )


def topic_name(prefix: str, topic: Topic) -> str:
    """Return the full name of a topic."""
    return prefix + topic
