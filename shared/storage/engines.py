"""A service's database as one of its roles, and the transactions that doors open on it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from asyncpg.protocol import protocol
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.access.actors import EVERYWHERE, Actor
from shared.access.rules import STAFF_ROLES, TITLEIX_ROLES
from shared.clock import Clock
from shared.settings import DatabaseRole, Settings
from shared.storage import outbox
from shared.storage.tx import Cause, Tx

# What row security reads. Set for the transaction only, so a pooled connection carries nothing over.
_SET_CONTEXT = text(
    "SELECT set_config('caselight.actor', :actor, true), set_config('caselight.campuses', :campuses, true),"
    " set_config('caselight.walls', :walls, true)"
)
# Work repeats the same few statements over arrays, of one element or a thousand, through indexes: one plan does for
# all. Left alone, Postgres plans each of them anew every time, because it counts on ten elements where it sees one.
_PLANS: Mapping[str, Mapping[str, str]] = {
    "worker": {"plan_cache_mode": "force_generic_plan"},
    "api": {},
    "migrator": {},
}
_ARRAYS = "SELECT " + ", ".join(
    f"CAST(${place} AS {kind}[])"
    for place, kind in enumerate(
        ("uuid", "text", "bytea", "timestamptz", "date", "boolean", "smallint", "integer", "bigint", "float8", "jsonb"),
        1,
    )
)
# The driver asks of every element of an array whether it holds others, through two abstract classes: that is two thirds
# of what sending the array costs, for text 0.44 instead of 0.18 µs each. Asked whether it is of a kind that
# we send, it knows at once.
_HOLDING: tuple[type, ...] = (list, tuple, set, frozenset, type({}.keys()), type({}.values()))
vars(protocol).update(IterableABC=_HOLDING, SizedABC=_HOLDING)


@dataclass
class Database:
    """One service's database, signed in as one role.

    `published` is set after a commit that wrote to the outbox, so that the relay of the same process wakes at once.
    `replicated` names the topics that this process keeps replicas of: business consumers wait until those are filled.
    """

    service: str
    role: DatabaseRole
    engine: AsyncEngine
    clock: Clock
    topic_prefix: str
    partitions: int
    published: asyncio.Event = field(default_factory=asyncio.Event)
    replicated: set[str] = field(default_factory=set)

    @asynccontextmanager
    async def transaction(self, actor: Actor, cause: Cause | None = None) -> AsyncIterator[Tx]:
        """Open a unit of work for `actor` and commit it, with its events, when the block ends without an error.

        Only the doors call this: the gate, the stream and the timers.
        """
        async with self.engine.begin() as connection:
            await set_context(connection, row_context(actor))
            now = self.clock.now()
            encode = partial(outbox.encode, source=self.service, now=now, layout=self)
            tx = Tx(connection, actor, now, self.service, cause, encode=encode)
            yield tx
            for encoded in tx.encoded:
                await outbox.write_encoded(connection, encoded)
            if tx.outgoing:
                await outbox.write(connection, tx.outgoing, source=self.service, now=now, layout=self)
        if tx.outgoing or tx.encoded:
            self.published.set()
        for done in tx.after_commit:
            done()

    async def close(self) -> None:
        """Give the connections back."""
        await self.engine.dispose()


async def set_context(connection: AsyncConnection, context: Mapping[str, str]) -> None:
    """Tell row security, until the transaction ends, what `row_context` says (or a door that opened more)."""
    await connection.execute(_SET_CONTEXT, context)


def row_context(actor: Actor) -> dict[str, str]:
    """Return what row security is told about an actor: who, which campuses, and whether Title IX walls let them in.

    A role that opens nothing, such as `faculty`, shows no rows of its campus either.
    """
    campuses = {role.campus for role in actor.roles if role.name in STAFF_ROLES}
    walls = {role.campus for role in actor.roles if role.name in TITLEIX_ROLES}
    return {
        "actor": actor.id,
        "campuses": EVERYWHERE if EVERYWHERE in campuses else ",".join(sorted(campuses)),
        "walls": EVERYWHERE if EVERYWHERE in walls else ",".join(sorted(walls)),
    }


def connect_both(settings: Settings, service: str, clock: Clock) -> tuple[Database, Database]:
    """Return a service's database for its routes and for its work. What either commits wakes the one relay."""
    api, worker = connect(settings, service, "api", clock), connect(settings, service, "worker", clock)
    worker.published = api.published
    return api, worker


def connect(settings: Settings, service: str, role: DatabaseRole, clock: Clock, *, pool: int = 20) -> Database:
    """Return a service's database. Connects on first use; parameters never show in errors or logs."""
    engine = create_async_engine(
        settings.database_url(service, role),
        hide_parameters=True,
        # None beyond the pool: those would be closed after each use, and opening one costs more than most requests.
        pool_size=pool,
        max_overflow=0,
        pool_use_lifo=True,  # the ones used last have the statements prepared
        pool_pre_ping=False,
        pool_recycle=1800,
        connect_args={
            "server_settings": {
                "application_name": f"caselight-{service}-{role}",
                "idle_in_transaction_session_timeout": "30000",
                **_PLANS[role],
            },
            "timeout": 10,
        },
    )
    event.listen(engine.sync_engine, "connect", _learn_types)
    return Database(service, role, engine, clock, settings.topic_prefix, settings.partitions)


def _learn_types(connection: Any, _record: object) -> None:  # noqa: ANN401 - SQLAlchemy's connection of a driver
    """Let the driver look all array types up at once: it asks for each it meets, which costs Postgres 10 ms a time."""
    connection.run_async(lambda driver: driver.prepare(_ARRAYS))
