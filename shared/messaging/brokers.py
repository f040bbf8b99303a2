"""Kafka's clients: how each is set up, the one producer of a process, and the check of what topics look like."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from shared.messaging import topics as declared
from shared.settings import Settings
from shared.telemetry import counters, logger

_log = logger("kafka")

MAX_BATCH = 256 * 1024
# What a start may raise while the broker is away or still coming up.
AWAY = (KafkaError, declared.TopicError, OSError, TimeoutError)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 3.0
_GIVE_UP_STOPPING = 5.0
_MISSING_FOR = 15.0


class WrongTopicsError(RuntimeError):
    """A topic is missing or has another number of partitions than this installation's settings say."""


class Pause:
    """Waits a little longer each time, until something works again."""

    def __init__(self, first: float = _FIRST_PAUSE, longest: float = _LONGEST_PAUSE) -> None:
        self._first, self._longest, self._next = first, longest, first

    async def wait(self) -> None:
        """Sleep, and longer next time."""
        pause, self._next = self._next, min(self._next * 2, self._longest)
        await asyncio.sleep(pause)

    def reset(self) -> None:
        """Begin with the shortest pause again."""
        self._next = self._first


# -- the producer ----------------------------------------------------------------------------------


class SharedProducer:
    """One idempotent producer for all relays of a process on one loop; made on first use, closed after the last."""

    _open: dict[tuple[int, str, str | None], "SharedProducer"] = {}  # noqa: RUF012 - one per process, on purpose

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.users = 0
        self._lock = asyncio.Lock()
        self._producer: AIOKafkaProducer | None = None
        self.generation = 0  # of a producer; what an earlier one had under way will never be acknowledged

    @classmethod
    @contextlib.asynccontextmanager
    async def use(cls, settings: Settings) -> AsyncIterator["SharedProducer"]:
        """Borrow the producer for the length of the block."""
        place = (id(asyncio.get_running_loop()), settings.kafka_bootstrap, settings.kafka_compression)
        shared = cls._open.setdefault(place, cls(settings))
        shared.users += 1
        try:
            yield shared
        finally:
            shared.users -= 1
            if not shared.users:
                cls._open.pop(place, None)
                await shared.replace()

    async def get(self) -> AIOKafkaProducer:
        """Return the started producer. Raises one of `AWAY` when the broker cannot be reached."""
        async with self._lock:
            if self._producer is None:
                self._producer = await started(AIOKafkaProducer(**producer_options(self._settings)))
            return self._producer

    async def replace(self) -> None:
        """Let go of the producer, with whatever it could not deliver yet; the next use makes a new one."""
        async with self._lock:
            producer, self._producer = self._producer, None
            self.generation += 1
        if producer is not None:
            await _close(producer)


def producer_options(settings: Settings) -> dict[str, Any]:
    """Return how our producer works: nothing is acknowledged before all replicas have it, and order is kept."""
    return {
        "bootstrap_servers": settings.kafka_bootstrap,
        "client_id": "caselight-relay",
        "enable_idempotence": True,
        "acks": "all",
        "compression_type": settings.kafka_compression,
        "max_batch_size": MAX_BATCH,
        "max_request_size": 4 * MAX_BATCH,
        "metadata_max_age_ms": 60_000,
    }


async def started(client: Any) -> Any:  # noqa: ANN401 - aiokafka has no types
    """Start a client, or close what a failed start left open and raise."""
    try:
        await client.start()
    except BaseException:
        with contextlib.suppress(Exception):  # the failed start is what the caller hears about
            async with asyncio.timeout(_GIVE_UP_STOPPING):
                await client.stop()
        raise
    return client


async def _close(producer: AIOKafkaProducer) -> None:
    """Flush and close; after 5 s without the broker, close without. The outbox still has what was not acknowledged."""
    try:
        async with asyncio.timeout(_GIVE_UP_STOPPING):
            await producer.stop()
    except TimeoutError:
        counters["producers_given_up"] += 1
        with contextlib.suppress(Exception):  # nothing is lost by a client that closes badly
            await producer._sender.close()  # noqa: SLF001 - stop() has no way to give up
        with contextlib.suppress(Exception):
            await producer.client.close()


# -- consumers -------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def probe(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """Open a consumer without a group, to ask the broker questions."""
    consumer = await started(AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap, enable_auto_commit=False))
    try:
        yield consumer
    finally:
        await stop(consumer)


async def stop(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer without a group.

    aiokafka cancels a task of its own, and where that had not begun it lets the cancelling out as if it were ours: a
    loop would end that nobody told to.
    """
    try:
        await consumer.stop()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise


async def end_offsets(settings: Settings, topics: Sequence[str]) -> dict[tuple[str, int], int]:
    """Return where each partition of these (full) topic names ends at this moment."""
    places = [TopicPartition(topic, partition) for topic in topics for partition in range(settings.partitions)]
    async with probe(settings) as consumer:
        ends = await consumer.end_offsets(places)
    return {(place.topic, place.partition): end for place, end in ends.items()}


async def check_topics(settings: Settings, topics: Sequence[str]) -> None:
    """Raise WrongTopicsError unless every topic has the number of partitions that keys were laid out for.

    A topic that is missing is waited for a while: the broker may be telling old news.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _MISSING_FOR
    while True:
        found = await declared.partitions(settings.kafka_bootstrap, topics)
        missing = [topic for topic in topics if not found.get(topic)]
        if not missing:
            break
        if loop.time() > deadline:
            raise WrongTopicsError(f"topics are missing: {', '.join(missing)}; caselight topics makes them")
        await asyncio.sleep(0.5)
    wrong = [f"{topic} has {count}" for topic, count in found.items() if count != settings.partitions]
    if wrong:
        raise WrongTopicsError(f"{', '.join(wrong)} partitions, this installation is set up for {settings.partitions}")


async def checked(settings: Settings, topics: Sequence[str]) -> None:
    """Wait for the broker as long as it takes, then check the topics."""
    pause = Pause()
    while True:
        try:
            await check_topics(settings, topics)
        except AWAY:
            counters["broker_waits"] += 1
            _log.warning("the broker cannot be reached, waiting")
            await pause.wait()
        else:
            return
