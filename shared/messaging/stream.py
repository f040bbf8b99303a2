"""The door for events: from the log, through the inbox, to the handlers of a service. See design §5."""

import asyncio
from collections.abc import Mapping, Sequence

from shared.events import Event, Topic
from shared.messaging import brokers, health
from shared.messaging.consuming import Consuming, Subscription
from shared.messaging.failures import is_transient
from shared.messaging.inbox import Inbox, TableInbox
from shared.messaging.lane import FromHeaders, Handler, Lane, OnStopped, Plan, nobody
from shared.messaging.records import RawRecord, topic_name
from shared.messaging.replicas import filled
from shared.settings import Settings
from shared.storage.engines import Database
from shared.telemetry import describe, logger

__all__ = ["FromHeaders", "Handler", "OnStopped", "Stream"]

_log = logger("stream")
_RETRY_EVERY = 1.0
_ASK_EVERY = 0.25


class Stream:
    """One business consumer of a service.

    `handlers` are called with many events of one type, in log order per key, inside the transaction of the batch;
    types that share a handler come in one call.
    `urgent` handlers get a consumer group and an inbox of their own (`<consumer>.urgent`): nothing that goes wrong
    with the other events can hold them up, no key of theirs is parked and no failure stops them. An urgent event that
    cannot be handled is stored as a dead letter and given to `from_headers`, which has only its headers to act on.
    `on_stopped(consumer, reason)` is told when a subscriber stops; a person must look then.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        *,
        consumer: str,
        topics: Sequence[Topic],
        handlers: Mapping[type[Event], Handler],
        urgent: Mapping[type[Event], Handler] | None = None,
        from_headers: FromHeaders | None = None,
        inbox: Inbox | None = None,
        on_stopped: OnStopped = nobody,
        patience: float = 60.0,
    ) -> None:
        self._database, self._settings = database, settings
        self._topics = [topic_name(settings.topic_prefix, topic) for topic in topics]
        memory = inbox or TableInbox()
        plans = [Plan(consumer, handlers, memory, on_stopped=on_stopped, patience=patience)] if handlers else []
        if urgent:
            plans.insert(
                0,
                Plan(
                    f"{consumer}.urgent",
                    urgent,
                    memory,
                    urgent=True,
                    from_headers=from_headers,
                    on_stopped=on_stopped,
                    patience=patience,
                ),
            )
        self.lanes = [Lane(database, plan) for plan in plans]
        self._consuming = Consuming(settings, [self._subscription(lane) for lane in self.lanes])

    async def handle(self, records: Sequence[RawRecord]) -> None:
        """Handle records as if they had come from Kafka, urgent ones first. For tests and for rebuilding."""
        for lane in self.lanes:
            await lane.handle(records)

    async def drain(self) -> int:
        """Try again the dead letters that somebody asked for, and what waited behind them; return how many."""
        return sum([await lane.drain() for lane in self.lanes])

    async def run(self) -> None:
        """Consume until cancelled: wait for replicas and the broker, then batch by batch. Drains before it returns.

        Raises WrongTopicsError when a topic has another number of partitions than keys were laid out for.
        """
        await brokers.checked(self._settings, self._topics)
        await self._replicas_filled()
        try:
            await self._consuming.start()
            while True:
                await asyncio.sleep(_RETRY_EVERY)
                await self._look_after()
        finally:
            await self._consuming.stop()

    async def _look_after(self) -> None:
        self._consuming.beat()
        for lane in self.lanes:
            if lane.stopped:
                health.beat(lane.name)  # it does not work, but a restart would not mend it
                await self._consuming.stop_one(lane.name)
        try:
            await self.drain()
        except Exception as error:  # logged; a database that is away is the usual cause, and the next look comes soon
            if not is_transient(error):
                raise
            error_class, place = describe(error)
            _log.warning("dead letters not looked at", extra={"error_class": error_class, "error_place": place})

    async def _replicas_filled(self) -> None:
        """Wait until every replica of this service is as full as it could be when it was first started."""
        while True:
            for lane in self.lanes:
                health.beat(lane.name)
            try:
                if await filled(self._database, self._settings.partitions):
                    return
            except Exception as error:  # logged; a database that is away is waited for
                if not is_transient(error):
                    raise
                _log.warning("waiting for the database", extra={"error_class": type(error).__name__})
            await asyncio.sleep(_ASK_EVERY)

    def _subscription(self, lane: Lane) -> Subscription:
        group = f"{self._settings.topic_prefix}{lane.name}"
        return Subscription(lane.name, group, self._topics, lane.handle)
