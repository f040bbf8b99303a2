"""Replicas: local copies of compacted topics, so that no service has to ask another one to do its job."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.access.actors import service_actor
from shared.events import COMPACTED, Event, Snapshot, Topic, catalogue
from shared.messaging import brokers, health, parking
from shared.messaging.consuming import Consuming, Subscription
from shared.messaging.failures import StoppedError, is_transient, patiently
from shared.messaging.parking import Reason
from shared.messaging.records import Arrival, RawRecord, arrive, topic_name
from shared.settings import Settings
from shared.storage import snapshots
from shared.storage.engines import Database
from shared.storage.tx import Tx
from shared.telemetry import counters, describe, logger

_log = logger("replicas")
CONSUMER = "replicas"
_PATIENCE = 60.0
_RETRY_EVERY = 1.0

_TARGET = text(
    """
    INSERT INTO replica_ready (topic, partition, target_offset, reached)
    SELECT topic, partition, target, target = 0
    FROM unnest(CAST(:topics AS text[]), CAST(:partitions AS int[]), CAST(:targets AS bigint[]))
         AS row(topic, partition, target)
    ON CONFLICT DO NOTHING
    """
)
_REACHED = text(
    """
    UPDATE replica_ready AS ready SET reached = true
    FROM unnest(CAST(:topics AS text[]), CAST(:partitions AS int[]), CAST(:positions AS bigint[]))
         AS row(topic, partition, position)
    WHERE ready.topic = row.topic AND ready.partition = row.partition
      AND NOT ready.reached AND ready.target_offset <= row.position
    """
)
_INCOMPLETE = text("SELECT topic, partition FROM replica_ready WHERE topic = ANY (:topics) AND NOT reached")
_FILLED = text("SELECT count(*) FILTER (WHERE reached), count(*) FROM replica_ready WHERE topic = ANY (:topics)")


async def filled(database: Database, partitions: int) -> bool:
    """Return whether the replicas that this process keeps hold what the log held at their first start."""
    async with database.transaction(service_actor(database.service)) as tx:
        return await _filled(tx.connection, database, sorted(database.replicated), partitions)


async def _filled(connection: AsyncConnection, database: Database, topics: Sequence[str], partitions: int) -> bool:
    if not topics:
        return True
    names = [database.topic_prefix + topic for topic in topics]
    reached, known = (await connection.execute(_FILLED, {"topics": names})).one()
    return bool(reached == known == partitions * len(names))


class Replicas:
    """Keeps `<topic>_snapshots` of this database in step with compacted topics.

    A snapshot replaces an older one and never a newer one, so the order and number of deliveries do not matter and no
    inbox is needed. Making one of these tells the database's business consumers to wait for it.
    """

    def __init__(self, database: Database, settings: Settings, topics: Sequence[Topic]) -> None:
        unknown = set(topics) - COMPACTED
        if unknown:
            raise ValueError(f"{sorted(unknown)} are no compacted topics")
        self._database, self._settings, self._short = database, settings, tuple(topics)
        self._tables = {topic_name(settings.topic_prefix, topic): topic for topic in topics}
        self._actor = service_actor(database.service)
        self._decoders: dict[str, msgspec.json.Decoder[Event]] = {}
        self._stopped = ""
        self.name = f"{database.service}.{CONSUMER}"
        database.replicated.update(topics)
        group = f"{settings.topic_prefix}{self.name}"
        subscription = Subscription(self.name, group, list(self._tables), self.handle, self._incomplete)
        self._consuming = Consuming(settings, [subscription])

    async def ready(self, connection: AsyncConnection) -> bool:
        """Return whether these replicas hold what the log held at their first start; until then 503."""
        return await _filled(connection, self._database, self._short, self._settings.partitions)

    async def run(self) -> None:
        """Follow the topics until cancelled."""
        await brokers.checked(self._settings, list(self._tables))
        await self._aim()
        try:
            await self._consuming.start()
            while True:
                await asyncio.sleep(_RETRY_EVERY)
                await self._look_after()
        finally:
            await self._consuming.stop()

    async def _look_after(self) -> None:
        self._consuming.beat()
        if self._stopped:
            health.beat(self.name)
            await self._consuming.stop_one(self.name)
            return
        try:
            await self.drain()
        except Exception as error:  # logged; a database that is away is the usual cause, and the next look comes soon
            if not is_transient(error):
                raise
            error_class, place = describe(error)
            _log.warning("dead letters not looked at", extra={"error_class": error_class, "error_place": place})

    async def handle(self, records: Sequence[RawRecord]) -> None:
        """Take in a batch in one transaction. Raises what passes by itself, after 60 s, and on an unknown version."""
        if self._stopped:
            raise StoppedError(self._stopped)
        changes = self._read([arrive(record) for record in records])
        await patiently(lambda: self._write(records, changes), patience=_PATIENCE, waiting=self._turn)

    async def _aim(self) -> None:
        """Note, once for ever, where each partition ended when this replica was first started."""
        pause = brokers.Pause()
        while True:
            self._turn()
            try:
                ends = await brokers.end_offsets(self._settings, list(self._tables))
                async with self._database.transaction(self._actor) as tx:
                    places = sorted(ends)
                    names = {"topics": [topic for topic, _ in places], "partitions": [part for _, part in places]}
                    await tx.connection.execute(_TARGET, {**names, "targets": [ends[place] for place in places]})
            except Exception as error:  # logged; whatever is away is waited for
                if not (is_transient(error) or isinstance(error, brokers.AWAY)):
                    raise
                _log.warning("waiting to learn how far replicas must get", extra={"error_class": type(error).__name__})
                await pause.wait()
            else:
                return

    async def _incomplete(self) -> set[tuple[str, int]]:
        """Return partitions to read from their beginning: a new database knows nothing of what its group committed."""

        async def ask() -> set[tuple[str, int]]:
            async with self._database.transaction(self._actor) as tx:
                rows = await tx.connection.execute(_INCOMPLETE, {"topics": list(self._tables)})
                return {(row.topic, row.partition) for row in rows}

        return await patiently(ask, patience=math.inf, waiting=self._turn)

    def _turn(self) -> None:
        health.beat(self.name)

    # -- trying stored snapshots again --------------------------------------------------------------

    async def drain(self) -> int:
        """Try again the unreadable snapshots that somebody asked to be tried; return how many could be read now."""
        async with self._database.transaction(self._actor) as tx:
            keys = await parking.ready(tx, CONSUMER)
        return sum([await self._again(key) for key, _ in keys])

    async def _again(self, key: bytes) -> bool:
        async with self._database.transaction(self._actor) as tx:
            letter = await parking.take(tx, CONSUMER, key, is_parked=False)
            if letter is None:
                return False
            changes = self._read([letter.arrival])
            for _, reason in changes.unreadable:
                await parking.fail_again(tx, CONSUMER, letter, reason)
                return False
            await self._take_in(tx, changes)
            await parking.finish(tx, CONSUMER, letter)
        return True

    # -- one batch ---------------------------------------------------------------------------------

    def _read(self, arrivals: Sequence[Arrival]) -> "Changes":
        """Find the newest state of each key; what cannot be read is a dead letter and holds nothing back."""
        changes = Changes({}, [])
        for arrival in arrivals:
            place = (self._tables[arrival.record.topic], arrival.key.decode(errors="replace"))
            if arrival.record.value is None:
                changes.newest[place] = None
                continue
            try:
                row = self._row(arrival)
            except msgspec.MsgspecError as error:
                changes.unreadable.append((arrival, Reason(*describe(error), attempts=1)))
                continue
            known = changes.newest.get(place)
            if row is not None and (known is None or known.version < row.version):
                changes.newest[place] = row
        return changes

    def _row(self, arrival: Arrival) -> snapshots.Row | None:
        kind = catalogue.find(arrival.type)
        if kind is None:
            self._hold_if_known(arrival)
            counters["events_of_unknown_type"] += 1
            return None
        if kind.TYPE not in self._decoders:
            self._decoders[kind.TYPE] = msgspec.json.Decoder(kind)
        event = self._decoders[kind.TYPE].decode(arrival.record.value or b"")
        return snapshots.row_of(event, bytes(arrival.record.value or b"")) if isinstance(event, Snapshot) else None

    def _hold_if_known(self, arrival: Arrival) -> None:
        """Stop at a version of a snapshot that this release does not know; skipping it would leave an old state."""
        base = arrival.type.rpartition(".v")[0]
        if not any(kind.TYPE.rpartition(".v")[0] == base for kind in catalogue):
            return
        self._stopped = "held: a snapshot of a version this release does not know"
        health.trouble(self.name, self._stopped)
        counters["subscribers_stopped"] += 1
        _log.critical(self._stopped, extra={"event_type": arrival.type, "consumer": self.name})
        raise StoppedError(self._stopped)

    async def _write(self, records: Sequence[RawRecord], changes: "Changes") -> None:
        positions: dict[tuple[str, int], int] = {}
        for record in records:
            place = (record.topic, record.partition)
            positions[place] = max(positions.get(place, 0), record.offset + 1)
        async with self._database.transaction(self._actor) as tx:
            await self._take_in(tx, changes)
            for arrival, reason in changes.unreadable:
                await parking.bury(tx, CONSUMER, [arrival], reason)
            names = {"topics": [topic for topic, _ in positions], "partitions": [part for _, part in positions]}
            await tx.connection.execute(_REACHED, {**names, "positions": list(positions.values())})

    async def _take_in(self, tx: Tx, changes: "Changes") -> None:
        for topic in sorted({topic for topic, _ in changes.newest}):
            await self._save(tx, topic, changes)

    async def _save(self, tx: Tx, topic: str, changes: "Changes") -> None:
        of_topic = {key: row for (of, key), row in changes.newest.items() if of == topic}
        rows = [row for row in of_topic.values() if row is not None]
        gone = [key for key, row in of_topic.items() if row is None]
        if rows:
            await snapshots.store(tx.connection, topic, rows)
        if gone:
            await snapshots.erase(tx.connection, topic, gone)


@dataclass
class Changes:
    """What a batch says: per (table, key) the newest row, or None after a tombstone; and what could not be read."""

    newest: dict[tuple[str, str], snapshots.Row | None]
    unreadable: list[tuple[Arrival, Reason]]
