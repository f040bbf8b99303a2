"""Whether all that could happen has happened: nothing waits in an outbox, on a topic, in a timer or for the mail."""

import asyncio
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.events import TOPICS
from shared.settings import OWNERS, Settings

_WAITING = """
    SELECT set_config('caselight.actor', 'test', false), (SELECT count(*) FROM outbox),
           (SELECT count(*) FROM timers WHERE due_at <= :now)
"""
_UNSENT = "SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'claimed') AND due_at <= :now"


async def until_quiet(settings: Settings, now: datetime, within: float = 30) -> None:
    """Return once nothing is under way. `now` is what the services' clock shows."""
    async with asyncio.timeout(within):
        # Twice, because what the first look saw arriving may have set something off behind its back.
        for _ in range(2):
            while await _waiting(settings, now) or await _lag(settings):
                await asyncio.sleep(0.05)


async def _waiting(settings: Settings, now: datetime) -> int:
    total = 0
    for service in OWNERS:
        engine = create_async_engine(settings.database_url(service, "worker"), poolclass=NullPool)
        async with engine.connect() as connection:
            row = (await connection.execute(text(_WAITING), {"now": now})).one()
            total += row[1] + row[2]
            if service == "notifications":
                total += (await connection.execute(text(_UNSENT), {"now": now})).scalar_one()
        await engine.dispose()
    return total


async def _lag(settings: Settings) -> int:
    """Return how many records the consumer groups of these settings have not committed yet."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap)
    await admin.start()
    await consumer.start()
    try:
        places = [
            TopicPartition(settings.topic(topic), part) for topic in TOPICS for part in range(settings.partitions)
        ]
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
    finally:
        await consumer.stop()
        await admin.close()
