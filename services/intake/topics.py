"""Feeds that read a topic of the organisation's Kafka: one consumer each, kept as the feeds are."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.intake.domain.feeds import Feed
from services.intake.storage import feed_health, feed_tokens, feeds
from services.intake.usecases.receive_topic import receive_records
from shared.access.actors import service_actor
from shared.messaging import health
from shared.messaging.failures import is_transient
from shared.messaging.foreign import Connection, ForeignTopic, Handle, OnAway, UnfitConnectionError
from shared.messaging.records import RawRecord
from shared.privacy.keys import KeyRing
from shared.settings import Settings
from shared.storage.engines import Database
from shared.telemetry import counters, describe, logger

KIND = "topic"
_LOOK_EVERY_S = 2.0
_log = logger("topics")


@dataclass
class _Reading:
    version: tuple[int, tuple[UUID, ...]]
    task: asyncio.Task[None]


@dataclass
class Topics:
    """Reads every active feed's topic. Several workers share the partitions of each."""

    database: Database
    settings: Settings
    keys: KeyRing
    _reading: dict[UUID, _Reading] = field(default_factory=dict)
    _told: dict[UUID, str] = field(default_factory=dict)

    async def run(self) -> None:
        """Keep a consumer for each feed until cancelled; a database that is away is waited for."""
        name = f"{self.database.service}.topics"
        try:
            while True:
                health.beat(name)
                try:
                    await self.look()
                except Exception as error:  # logged; what passes by itself is waited for
                    if not is_transient(error):
                        raise
                    error_class, place = describe(error)
                    _log.warning("topics not looked at", extra={"error_class": error_class, "error_place": place})
                await asyncio.sleep(_LOOK_EVERY_S)
        finally:
            await self.stop()
            health.gone(name)

    async def stop(self) -> None:
        """End all consumers; each leaves its group."""
        await self._stop(list(self._reading))

    async def look(self) -> int:
        """Start, change and end consumers as the feeds say now; return how many there are."""
        wanted: dict[UUID, tuple[Feed, tuple[int, tuple[UUID, ...]], str]] = {}
        async with self.database.transaction(service_actor(self.database.service)) as tx:
            for feed in await feeds.of_files(tx.connection, [KIND]):
                secrets = await feed_tokens.live(tx, self.keys, feed, "outgoing")
                version = (feed.version, tuple(token.token_id for token in secrets))
                wanted[feed.feed_id] = feed, version, secrets[0].secret if secrets else ""
        changed = [
            id_
            for id_, reading in self._reading.items()
            if id_ not in wanted or wanted[id_][1] != reading.version or reading.task.done()
        ]
        await self._stop(changed)
        for id_, (feed, version, secret) in wanted.items():
            if id_ not in self._reading:
                await self._start(feed, version, secret)
        return len(self._reading)

    async def _start(self, feed: Feed, version: tuple[int, tuple[UUID, ...]], secret: str) -> None:
        group = f"{self.settings.topic_prefix}feed.{feed.code}"
        try:
            connection = Connection.of(feed.settings, group, secret)
            name = f"{self.database.service}.topic.{feed.code}"
            topic = ForeignTopic(name, connection, self._handler(feed), self._away(feed))
        except UnfitConnectionError as unfit:
            await self._unfit(feed, str(unfit))
            return
        self._told.pop(feed.feed_id, None)
        self._reading[feed.feed_id] = _Reading(version, asyncio.create_task(topic.run()))

    def _handler(self, feed: Feed) -> Handle:
        async def handle(records: Sequence[RawRecord]) -> None:
            await receive_records(self.database, self.keys, feed.feed_id, records)

        return handle

    def _away(self, feed: Feed) -> OnAway:
        async def away(why: str) -> None:
            detail = f"The brokers cannot be reached, or turn us away ({why}). It is tried again and again."
            await self._tell(feed, "brokers_away", detail)

        return away

    async def _unfit(self, feed: Feed, why: str) -> None:
        """Let the owner see that the settings name no connection; once for each thing wrong with them."""
        if self._told.get(feed.feed_id) == why:
            return
        self._told[feed.feed_id] = why
        counters["foreign_connections_unfit"] += 1
        detail = f"The settings name no connection: {why}. Change them, and it is tried again."
        await self._tell(feed, "unfit_connection", detail)

    async def _tell(self, feed: Feed, code: str, detail: str) -> None:
        """Note it for the owner; a database that is away just now is told the next time."""
        try:
            async with self.database.transaction(service_actor(self.database.service)) as tx:
                await feed_health.refuse(tx, feed, code, detail)
        except Exception as error:  # logged; what passes by itself is tried again with the topic
            if not is_transient(error):
                raise
            _log.warning("not noted", extra={"error_class": type(error).__name__})

    async def _stop(self, ids: Sequence[UUID]) -> None:
        tasks = [self._reading.pop(id_).task for id_ in ids]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await _ended(task)


async def _ended(task: "asyncio.Task[None]") -> None:
    """Wait for a consumer to end. One that failed is said, and started anew with the next look."""
    try:
        await task
    except Exception as error:  # noqa: BLE001 - logged; it is started anew
        error_class, place = describe(error)
        _log.error("reading a topic failed", extra={"error_class": error_class, "error_place": place})
