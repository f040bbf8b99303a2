"""FastStream's batch subscriber, set up so that nothing is lost: see design §5 and `docs/delivery.md`."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from shared.messaging import brokers, health
from shared.messaging.records import RawRecord
from shared.settings import Settings
from shared.telemetry import counters, describe, logger

_log = logger("consuming")
BATCH_TIMEOUT_MS = 5
DRAIN_SECONDS = 20.0
_LEAVE_WITHIN_S = 10.0
_REWIND_PAUSE = 0.2


@dataclasses.dataclass(frozen=True)
class Subscription:
    """A consumer group on some topics, and what is done with each batch. `topics` are full names.

    `from_start` says which partitions are to be read from their beginning, whatever the group has committed.
    """

    name: str
    group: str
    topics: Sequence[str]
    handle: Callable[[Sequence[RawRecord]], Awaitable[None]]
    from_start: Callable[[], Awaitable[set[tuple[str, int]]]] | None = None


class Consuming:
    """Subscriptions of one loop: connected with our own retry, since FastStream's own start gives up."""

    def __init__(self, settings: Settings, subscriptions: Sequence[Subscription]) -> None:
        self._settings = settings
        self._subscriptions = subscriptions
        self._broker: KafkaBroker | None = None
        self._subscribers: dict[str, Any] = {}
        self._busy: set[str] = set()

    async def start(self) -> None:
        """Connect, waiting for the broker as long as it takes, and start to consume."""
        pause = brokers.Pause()
        while True:
            self._broker = self._make()
            try:
                await self._broker.start()
            except brokers.AWAY:
                counters["broker_waits"] += 1
                _log.warning("the broker cannot be reached, waiting")
                await self.stop()
            else:
                return
            for subscription in self._subscriptions:
                health.beat(subscription.name)
            await pause.wait()

    async def stop(self) -> None:
        """Finish the batches in hand, commit them, and leave the groups."""
        broker, self._broker = self._broker, None
        if broker is not None:
            try:
                async with asyncio.timeout(DRAIN_SECONDS + _LEAVE_WITHIN_S):
                    await broker.stop()
            except TimeoutError:  # the group finds out by itself; what is not committed comes again, to the inbox
                counters["consumers_given_up"] += 1
                _log.warning("leaving the groups took too long, given up")
        for subscription in self._subscriptions:
            health.gone(subscription.name)

    def beat(self) -> None:
        """Give the heartbeat of every subscriber that turns and is not inside a batch: there the handler gives it."""
        for name, subscriber in self._subscribers.items():
            if name not in self._busy and any(not task.done() for task in subscriber.tasks):
                health.beat(name)

    async def stop_one(self, name: str) -> None:
        """Leave one group, so that its partitions go to other members; the others go on."""
        subscriber = self._subscribers.pop(name, None)
        if subscriber is not None:
            await subscriber.stop()

    def _make(self) -> KafkaBroker:
        broker = KafkaBroker(
            self._settings.kafka_bootstrap,
            client_id="caselight",
            consumer_only=True,
            allow_auto_create_topics=False,
            apply_types=False,
            graceful_timeout=DRAIN_SECONDS,
            logger=None,  # it logs errors with their messages, which may quote data; we log them ourselves
        )
        self._subscribers = {each.name: self._subscribe(broker, each) for each in self._subscriptions}
        return broker

    def _subscribe(self, broker: KafkaBroker, subscription: Subscription) -> Any:  # noqa: ANN401 - a FastStream type
        settings = self._settings
        rewind = _Rewind(subscription.from_start) if subscription.from_start else None
        subscriber = broker.subscriber(
            *subscription.topics,
            listener=rewind,
            group_id=subscription.group,
            batch=True,
            max_records=settings.batch_size,
            batch_timeout_ms=BATCH_TIMEOUT_MS,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            session_timeout_ms=settings.kafka_session_timeout_ms,
            heartbeat_interval_ms=settings.kafka_heartbeat_ms,
            partition_assignment_strategy=(RangePartitionAssignor,),
            parser=_parse,
            decoder=_raw,
        )

        async def consume(records: Any) -> None:  # noqa: ANN401 - FastStream builds a model of it
            await self._handle(subscription, records)

        subscriber(consume)
        if rewind is not None:
            rewind.subscriber = subscriber
        return subscriber

    async def _handle(self, subscription: Subscription, records: Sequence[RawRecord]) -> None:
        self._busy.add(subscription.name)
        try:
            await subscription.handle(records)
        except Exception as error:  # logged, and FastStream rewinds every partition of the batch
            counters["batches_rewound"] += 1
            error_class, place = describe(error)
            fields = {"consumer": subscription.name, "error_class": error_class, "error_place": place}
            _log.warning("batch not handled, it comes again", extra=fields)
            # FastStream asks again at once; what waits for a restart or a person need not take the processor.
            await asyncio.sleep(_REWIND_PAUSE)
            raise
        finally:
            self._busy.discard(subscription.name)


class _Rewind(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka has no types
    """Goes back to the beginning of partitions that are not complete here, each time they are assigned."""

    def __init__(self, from_start: Callable[[], Awaitable[set[tuple[str, int]]]]) -> None:
        self._from_start = from_start
        self.subscriber: Any = None

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Do nothing: the batch in hand is committed or comes again."""

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Seek before the first poll of the new assignment."""
        wanted = await self._from_start()
        for place in assigned:
            if (place.topic, place.partition) in wanted:
                # Below the first offset there is, this ends at the first: `earliest` applies.
                self.subscriber.consumer.seek(place, 0)


async def _parse(records: tuple[Any, ...], original: Callable[[Any], Awaitable[Any]]) -> Any:  # noqa: ANN401
    """Make FastStream's message without reading any header: one that is no UTF-8 would stop the partition for ever."""
    message = await original((dataclasses.replace(records[0], headers=()),))
    message.raw_message = records
    return message


async def _raw(message: Any) -> Any:  # noqa: ANN401 - FastStream's message
    """Decode nothing. An error here could not be pinned on one record; see decisions 16."""
    return message.raw_message
