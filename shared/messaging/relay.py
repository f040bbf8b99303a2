"""The relay: sends what waits in the outbox, in order per key, and deletes by id what the broker acknowledged.

One is active per service; a standby asks for the lock twice a second and never blocks on it, because a waiting
statement would hold back vacuum. Never a cursor over ids (a lower id may commit later), never a range delete, never a
transaction over a send.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

import asyncpg
import msgspec

from shared.messaging import brokers, health
from shared.messaging.brokers import SharedProducer
from shared.messaging.failures import is_transient
from shared.messaging.hints import Hints
from shared.settings import Settings
from shared.storage.engines import Database
from shared.telemetry import counters, crash_point, describe, logger

_log = logger("relay")

BATCH = 2000
LOCK = 0x0CA5E13  # advisory locks are per database, and each service has its own
STANDBY_EVERY = 0.5
ACK_WAIT = 0.25  # how long one round waits for its slowest partition before it goes on with the others
STUCK_WAIT = 1.0
FINISH_WAIT = 2.0
_FIRST_REST, _LONGEST_REST = 0.05, 5.0
_BUSY_POLL, _IDLE_POLL = 0.003, 0.025

_READ = "SELECT id, topic, partition, key, headers, payload FROM outbox ORDER BY id LIMIT $1"
# Partitions with a send still under way keep their later rows, so that order holds.
_READ_OTHERS = """
    SELECT id, topic, partition, key, headers, payload FROM outbox
    WHERE topic || '/' || partition <> ALL ($2::text[]) ORDER BY id LIMIT $1
"""
_DELETE = "DELETE FROM outbox WHERE id = ANY ($1::bigint[])"

_headers = msgspec.json.Decoder(list[tuple[str, str]])
Place = tuple[str, int]


class Relay:
    """Sends the outbox of one service. Any number may run; one works."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._settings = database, settings
        self._sending: dict[Place, asyncio.Task[list[int]]] = {}
        self._hints = Hints(settings)
        self._resting: dict[Place, Rest] = {}
        self.name = f"{database.service}.relay"
        self.active = False
        self.sent = 0
        self._generation = 0

    async def run(self) -> None:
        """Relay until cancelled. Waits for a database or a broker that is away as long as it takes."""
        pause = brokers.Pause()
        hinting = asyncio.create_task(self._hints.run(), name=f"{self.name}.hints")
        async with SharedProducer.use(self._settings) as producer:
            try:
                while True:
                    try:
                        await self._session(producer, pause)
                    except Exception as error:  # logged; the next session begins with a new connection
                        if not (is_transient(error) or isinstance(error, brokers.AWAY)):
                            raise
                        self._say("relay interrupted", error)
                        await pause.wait()
            finally:
                hinting.cancel()
                await self._let_go(producer)
                health.gone(self.name)

    # -- one connection, and the lock that lives as long as it -------------------------------------

    async def _session(self, producer: SharedProducer, pause: brokers.Pause) -> None:
        async with self._connected() as connection:
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
                await self._let_go(producer)  # another one leads: what we still hold must not arrive late
                health.beat(self.name)
                await asyncio.sleep(STANDBY_EVERY)
            self.active = True
            _log.info("relay leads", extra={"service": self._database.service})
            try:
                await self._lead(connection, producer, pause)
            except asyncio.CancelledError:
                await self._finish(connection, producer)
                raise
            finally:
                self.active = False

    async def _finish(self, connection: "asyncpg.Connection[asyncpg.Record]", producer: SharedProducer) -> None:
        """Wait a moment for what is under way when we are told to stop, so that nobody has to send it again."""
        if self._sending:
            done, _ = await asyncio.wait(self._sending.values(), timeout=FINISH_WAIT)
            await self._delete(connection, await self._collect(done, producer))

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """Open a connection of our own, straight to Postgres: a pooler would lend the lock to others.

        Keepalives let the server notice within seconds that this machine is gone, and free the lock.
        """
        url = self._database.engine.url
        connection = await asyncpg.connect(
            host=url.host,
            port=url.port,
            user=url.username,
            password=str(url.password),
            database=url.database,
            timeout=10,
            command_timeout=30,
            server_settings={
                "application_name": f"caselight-{self._database.service}-relay",
                "tcp_keepalives_idle": "5",
                "tcp_keepalives_interval": "2",
                "tcp_keepalives_count": "3",
            },
        )
        try:
            await connection.execute("SELECT set_config('caselight.actor', 'relay', false)")
            yield connection
        finally:
            await _close(connection)

    async def _lead(
        self, connection: "asyncpg.Connection[asyncpg.Record]", producer: SharedProducer, pause: brokers.Pause
    ) -> None:
        published, wait = self._database.published, _BUSY_POLL
        while True:
            health.beat(self.name)
            published.clear()
            read, sent = await self._round(connection, producer)
            if sent:
                pause.reset()
            if read == BATCH:
                continue
            wait = _BUSY_POLL if read else min(wait * 1.5, _IDLE_POLL)
            # Not wait_for: before Python 3.12 it swallows being cancelled at the moment of a commit.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await published.wait()

    # -- one round ---------------------------------------------------------------------------------

    async def _round(
        self, connection: "asyncpg.Connection[asyncpg.Record]", producer: SharedProducer
    ) -> tuple[int, int]:
        """Read, send and delete once. Returns how many rows were read and how many deleted."""
        if self._generation != producer.generation:
            await self._forget(producer)
        held = self._sending.keys() | {place for place, rest in self._resting.items() if rest.until > monotonic()}
        if held:
            rows = await connection.fetch(_READ_OTHERS, BATCH, [f"{topic}/{partition}" for topic, partition in held])
        else:
            rows = await connection.fetch(_READ, BATCH)
        if rows:
            crash_point("after_domain_commit_before_relay")
            self._send(await producer.get(), rows)
        if not self._sending:
            return len(rows), 0
        if rows:
            done, _ = await asyncio.wait(self._sending.values(), timeout=ACK_WAIT)
        else:  # everything that waits is of partitions under way; looking again would only cost
            done, _ = await asyncio.wait(
                self._sending.values(), timeout=STUCK_WAIT, return_when=asyncio.FIRST_COMPLETED
            )
        acknowledged = await self._collect(done, producer)
        await self._delete(connection, acknowledged)
        return len(rows), len(acknowledged)

    async def _delete(self, connection: "asyncpg.Connection[asyncpg.Record]", acknowledged: list[int]) -> None:
        if acknowledged:
            crash_point("after_ack_before_delete")
            await connection.execute(_DELETE, acknowledged)
            self.sent += len(acknowledged)

    def _send(self, producer: Any, rows: Sequence[asyncpg.Record]) -> None:  # noqa: ANN401 - aiokafka has no types
        by_place: dict[Place, list[asyncpg.Record]] = {}
        for row in rows:
            by_place.setdefault((row["topic"], row["partition"]), []).append(row)
        for place, those in by_place.items():
            self._sending[place] = asyncio.create_task(send_partition(producer, place, those, told=self._hints.offer))

    async def _collect(self, done: set[asyncio.Task[list[int]]], producer: SharedProducer) -> list[int]:
        """Return the ids that the broker has. What failed stays in the outbox, and so does what comes after it."""
        acknowledged: list[int] = []
        failed = None
        for place, task in [(place, task) for place, task in self._sending.items() if task in done]:
            del self._sending[place]
            try:
                acknowledged += task.result()
            except SendError as error:
                acknowledged += error.acknowledged
                failed = error.__cause__ or error
                self._resting[place] = self._resting.get(place, NO_REST).longer()
            else:
                self._resting.pop(place, None)
        if failed is not None:
            counters["relay_sends_failed"] += 1
            self._say("a partition could not be sent to", failed)
            if not self._sending:
                # An idempotent producer that has failed for good says so with every send: begin with a new one.
                await producer.replace()
        return acknowledged

    async def _let_go(self, producer: SharedProducer) -> None:
        """Give up what is under way: whoever leads now sends it, and a late copy would be out of turn."""
        if self._sending:
            await producer.replace()
            await self._forget(producer)

    async def _forget(self, producer: SharedProducer) -> None:
        """Forget what a producer had under way that is no more. Its rows are still in the outbox."""
        self._generation = producer.generation
        tasks, self._sending = list(self._sending.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _say(self, message: str, error: BaseException) -> None:
        error_class, place = describe(error)
        fields = {"service": self._database.service, "error_class": error_class, "error_place": place}
        _log.warning(message, extra=fields)


@dataclass(frozen=True, slots=True)
class Rest:
    """A partition that failed is left alone until then, longer each time; its rows must not keep others waiting."""

    until: float
    pause: float

    def longer(self) -> "Rest":
        """Return the next rest, beginning now."""
        pause = min(max(self.pause * 2, _FIRST_REST), _LONGEST_REST)
        return Rest(monotonic() + pause, pause)


NO_REST = Rest(0.0, 0.0)


class SendError(Exception):
    """A partition could not be sent to. `acknowledged` are the ids that came before and did arrive."""

    def __init__(self, acknowledged: list[int]) -> None:
        super().__init__("send failed")
        self.acknowledged = acknowledged


async def send_partition(
    producer: Any,  # noqa: ANN401 - aiokafka has no types
    place: Place,
    rows: Sequence[asyncpg.Record],
    pairs: Callable[[bytes], list[tuple[str, str]]] = _headers.decode,
    told: Callable[[Sequence[asyncpg.Record]], None] = lambda _: None,
) -> list[int]:
    """Send the rows of one partition in order, and return their ids once all of them are acknowledged.

    `told` hears of rows as soon as the broker has them.
    """
    topic, partition = place
    acknowledged: list[int] = []
    start = 0
    try:
        while start < len(rows):
            batch, end = _fill(producer.create_batch(), rows, start, pairs)
            acknowledgement = await producer.send_batch(batch, topic, partition=partition)
            crash_point("after_send_before_ack")
            await acknowledgement
            acknowledged += [row["id"] for row in rows[start:end]]
            told(rows[start:end])
            start = end
    except Exception as error:  # told to the relay, with what did arrive
        raise SendError(acknowledged) from error
    return acknowledged


def _fill(
    batch: Any,  # noqa: ANN401 - aiokafka has no types
    rows: Sequence[asyncpg.Record],
    start: int,
    pairs: Callable[[bytes], list[tuple[str, str]]],
) -> tuple[Any, int]:
    """Fill a batch with as many rows as fit, and return where the next begins. A single large row always fits."""
    append = batch.append
    for place in range(start, len(rows)):
        row = rows[place]
        headers = [(name, value.encode()) for name, value in pairs(row["headers"])]
        if append(timestamp=None, key=row["key"], value=row["payload"], headers=headers) is None:
            return batch, place
    return batch, len(rows)


async def _close(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    try:
        await connection.close(timeout=2)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()
