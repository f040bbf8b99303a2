"""Whether all that could happen has happened: nothing waits in an outbox, on a topic, in a timer or for the mail."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import TypeAlias

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from shared.events import TOPICS
from shared.messaging import brokers
from shared.settings import OWNERS, Settings

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_WAITING = "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM timers WHERE due_at <= $1)"
_UNSENT = "SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'claimed') AND due_at <= $1"
# As often as it is worth: each look takes processor time from what it waits for.
_EVERY_S = 0.05


async def until_quiet(settings: Settings, now: datetime, within: float = 60) -> None:
    """Return once nothing is under way. `now` is what the services' clock shows."""
    async with asyncio.timeout(within), _databases(settings) as databases, _kafka(settings) as (admin, consumer):
        # Twice, because what the first look saw arriving may have set something off behind its back.
        for _ in range(2):
            while await _waiting(databases, now) or await _lag(settings, admin, consumer):
                await asyncio.sleep(_EVERY_S)


@contextlib.asynccontextmanager
async def _databases(settings: Settings) -> AsyncIterator[Mapping[str, Connection]]:
    """Connect to every service's database, once for all looks."""
    async with contextlib.AsyncExitStack() as stack:
        found = {}
        for service in OWNERS:
            url = settings.database_url(service, "worker").set(drivername="postgresql")
            found[service] = await asyncpg.connect(url.render_as_string(hide_password=False))
            stack.push_async_callback(found[service].close)
            await found[service].execute("SELECT set_config('caselight.actor', 'test', false)")
        yield found


@contextlib.asynccontextmanager
async def _kafka(settings: Settings) -> AsyncIterator[tuple[AIOKafkaAdminClient, AIOKafkaConsumer]]:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap)
    await admin.start()
    await consumer.start()
    try:
        yield admin, consumer
    finally:
        await brokers.stop(consumer)
        await admin.close()


async def _waiting(databases: Mapping[str, Connection], now: datetime) -> int:
    total = 0
    for service, connection in databases.items():
        total += await connection.fetchval(_WAITING, now)
        if service == "notifications":
            total += await connection.fetchval(_UNSENT, now)
    return total


async def _lag(settings: Settings, admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer) -> int:
    """Return how many records the consumer groups of these settings have not committed yet."""
    places = [TopicPartition(settings.topic(topic), part) for topic in TOPICS for part in range(settings.partitions)]
    ends = await consumer.end_offsets(places)
    behind = 0
    for group, *_ in await admin.list_consumer_groups():
        if group.startswith(settings.topic_prefix):
            committed = await admin.list_consumer_group_offsets(group)
            topics = {place.topic for place in committed}
            behind += sum(
                end - max(0, committed[place].offset if place in committed else 0)
                for place, end in ends.items()
                if place.topic in topics
            )
    return behind
