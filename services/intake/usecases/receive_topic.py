"""Take in records of a topic of the organisation's Kafka. Whatever a record is, it is taken in or set aside."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from services.intake.domain.decoders import caliper, canvas, pushed
from services.intake.domain.decoders.parts import Item, Part, Unread, json_of, mapping
from services.intake.domain.feeds import Aside, Feed
from services.intake.storage import feeds, imports
from services.intake.storage.imports import Counts
from services.intake.usecases.receive_delivery import begin, finish, receive
from services.intake.usecases.understand_events import understand
from shared.access.actors import service_actor
from shared.messaging.failures import is_transient
from shared.messaging.records import RawRecord, arrive
from shared.privacy.keys import KeyRing
from shared.refusal import Refused
from shared.storage.engines import Database
from shared.telemetry import counters, describe, logger

# What fits into one is kept whole when it is set aside, and of a larger one its beginning.
LARGEST = 1024 * 1024
_BEGINNING = 64 * 1024
_log = logger("topics")


async def receive_records(database: Database, keys: KeyRing, feed_id: UUID, records: Sequence[RawRecord]) -> None:
    """Take records in, in one transaction; when that fails, one by one, and what fails alone is set aside.

    Raises what passes by itself: the records are then read again. The same record again changes nothing.
    """
    try:
        await _receive(database, keys, feed_id, records)
    except Exception as error:  # each record then gets its own try
        if is_transient(error) or isinstance(error, _NotNowError):
            raise
        _say("records failed together, taking them one by one", error)
        for record in records:
            await _alone(database, keys, feed_id, record)


class _NotNowError(OSError):
    """The feed is not active any more; its records wait where they are."""


async def _receive(database: Database, keys: KeyRing, feed_id: UUID, records: Sequence[RawRecord]) -> None:
    async with database.transaction(service_actor(database.service)) as tx:
        feed = await feeds.find(tx.connection, feed_id)
        if feed is None or feed.state != "active":
            raise _NotNowError
        items = [item for record in records for item in items_of(feed, record)]
        if not items:
            return
        delivery = await begin(tx, feed)
        await receive(tx, keys, delivery, await understand(tx, feed, items))
        await finish(tx, delivery)


async def _alone(database: Database, keys: KeyRing, feed_id: UUID, record: RawRecord) -> None:
    try:
        await _receive(database, keys, feed_id, [record])
    except Exception as error:  # logged; the record is kept and its feed's owner sees it
        if is_transient(error):
            raise
        counters["foreign_records_poison"] += 1
        _say("a record could not be taken in and was set aside", error)
        async with database.transaction(service_actor(database.service)) as tx:
            feed = await feeds.find(tx.connection, feed_id)
            if feed is None:
                return
            delivery = await begin(tx, feed)
            reason = "This could not be stored. The operators have been told; read it again when they have mended it."
            aside = Aside(_place(record), "not_stored", "", reason, "", "json", (record.value or b"")[:LARGEST])
            await delivery.keep(tx, keys, {0: aside})
            await imports.add(tx, delivery.of.import_id, Counts(rows=1, rejected=1))
            await finish(tx, delivery)


def items_of(feed: Feed, record: RawRecord) -> Sequence[Item]:
    """Return what a record says: one item, the events of a Caliper envelope, or nothing for a tombstone."""
    value, place = record.value, _place(record)
    if not value:
        return ()
    if len(value) > LARGEST:
        reason = f"The record is larger than {LARGEST // 1024} KiB. Let its sender write it in several."
        return (Unread(place, "too_large", reason, value[:_BEGINNING], whole=False),)
    try:
        return [_known(item, place, record) for item in _items(str(feed.settings.get("format", "json")), value, place)]
    except Refused as refused:
        return (Unread(place, refused.code, refused.detail, value),)


def _items(form: str, value: bytes, place: str) -> Sequence[Item]:
    if form not in ("canvas", "caliper"):
        return (pushed.item_of(value, place),)
    said: Any = json_of(value)
    if isinstance(mapping(said).get("data"), list):
        return caliper.decode(value)
    return ((canvas if form == "canvas" else caliper).item_of(said, place),)


def _known(item: Item, place: str, record: RawRecord) -> Item:
    """Give an item the place of its record, and an id where it has none: by that a record read again is the same."""
    where = place if item.place in (place, "") else f"{place} {item.place}"
    if isinstance(item, Unread):
        return replace(item, place=where)
    return Part(where, item.event_id or arrive(record).event_id or place, item.kind, item.value, item.raw)


def _place(record: RawRecord) -> str:
    return f"{record.topic}/{record.partition}/{record.offset}"


def _say(message: str, error: BaseException) -> None:
    error_class, place = describe(error)
    _log.warning(message, extra={"error_class": error_class, "error_place": place})
