"""Dead letters, put where a worker would leave them."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.ids import new_id
from tests.journeys.world import World

_LETTER = text(
    """
    INSERT INTO dead_letters (id, consumer, topic, partition, log_offset, key, headers, payload, event_type, event_id,
                              error_class, error_place, attempts, state, recorded_at)
    VALUES (:id, :consumer, 'caselight.referrals', 0, :offset, 'k', '[]', '{"referral_id": "…"}',
            'caselight.referral.received.v1', '', 'ValueError', 'services.cases.stream:41', 3, 'dead', :at)
    """
)


async def leave_dead_letters(world: World, service: str, count: int, consumer: str = "nobody") -> list[str]:
    """Leave so many events that a service could not handle; return their ids."""
    ids = [str(new_id()) for _ in range(count)]
    engine = create_async_engine(world.settings.database_url(service, "worker"), poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.execute(text("SELECT set_config('caselight.actor', 'test', true)"))
        for id_ in ids:
            offset = int(id_[-8:], 16)  # no two at one place of the log
            values = {"id": id_, "consumer": consumer, "offset": offset, "at": world.clock.now()}
            await connection.execute(_LETTER, values)
    await engine.dispose()
    return ids
