"""One process of a bare path: commits rows with an outbox, relays it, consumes, and sends mail. None of our code.

`python -m tests.bench.bare.node` reads what to do as one line of JSON, says `ready`, and begins when told `go`.
"""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from tests.bench.bare.mail import Mails
from tests.bench.bare.rows import HEADERS, STORED_HEADERS, Connection, Table, payload, shared_out

_READ = 2000
_READ_OUTBOX = "SELECT id, topic, partition, key, headers, payload FROM {}_outbox ORDER BY id LIMIT $1"
_INSERT_OUTBOX = """
INSERT INTO {}_outbox (topic, partition, key, headers, payload)
SELECT * FROM unnest($1::text[], $2::smallint[], $3::bytea[], $4::bytea[], $5::bytea[])
"""


class Part:
    """A share of the work: what is to be written and sent when so many of the things it is spread over are done."""

    def __init__(self, node: str, share: Mapping[str, Any], apart: str = "") -> None:
        self.of, self.done, self.committed = int(share["of"]), 0, 0
        self.tables = [
            Table(f"{node}_{name}", counts, size) for name, (counts, size) in share["rows"].items() if name != apart
        ]
        self._insert_outbox = _INSERT_OUTBOX.format(node)
        self.records = {topic: (int(total), int(size)) for topic, (total, size) in share["records"].items()}

    def take(self, count: int) -> Callable[[Connection], Any]:
        """Take the next `count` things in hand, and return what writes their rows and their outbox."""
        begin, self.done = self.done, self.done + count
        writes = [write for table in self.tables for write in table.take(begin, self.done, self.of)]
        rows = [
            (topic, number % 12, key, STORED_HEADERS, payload(number, size))
            for topic, (total, size) in self.records.items()
            for number, key in shared_out(begin, self.done, self.of, total)
        ]

        async def write_all(connection: Connection) -> None:
            for statement, *values in writes:
                await connection.execute(statement, *values)
            if rows:
                await connection.execute(self._insert_outbox, *map(list, zip(*rows, strict=True)))

        return write_all


class Node:
    """The process."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.told, self.name = told, str(told["name"])
        mail = told["mail"]
        self.entry = Part(self.name, told["entry"]) if told["entry"] else None
        self.assigned = {group: asyncio.Event() for group in told["groups"]}
        self.groups = {
            group: (topics, Part(self.name, share, apart=mail["table"] if mail else ""))
            for group, (topics, share) in told["groups"].items()
        }
        self.woken = asyncio.Event()
        self.relayed = True
        self.accepted: dict[int, float] = {}

    async def run(self) -> None:
        """Do everything, say when it is done, and end when told to."""
        told = self.told
        self.pool = await asyncpg.create_pool(told["dsn"], min_size=4, max_size=12)
        self.producer = AIOKafkaProducer(
            bootstrap_servers=told["bootstrap"], enable_idempotence=True, acks="all", max_batch_size=256 * 1024
        )
        await self.producer.start()
        self.mails = Mails(self.pool, self.name, told["mail"]) if told["mail"] else None
        if self.mails is not None:
            await self.mails.start()
        loops = [asyncio.create_task(self.relay()), *[asyncio.create_task(self.consume(each)) for each in self.groups]]
        await self.ready()
        _tell("ready")
        await asyncio.to_thread(sys.stdin.readline)
        if self.entry is not None:
            await self.enter()
        await self.finished(loops)
        _tell(json.dumps({"at": time.monotonic(), "accepted": self.accepted}))
        await asyncio.to_thread(sys.stdin.readline)
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await self.producer.stop()
        await self.pool.close()

    async def ready(self) -> None:
        """Wait until every consumer has its partitions."""
        for event in self.assigned.values():
            await event.wait()

    async def finished(self, loops: "list[asyncio.Task[None]]") -> None:
        """Wait until everything is consumed and relayed."""
        while (
            any(part.committed < part.of for _, part in self.groups.values()) or self.woken.is_set() or not self.relayed
        ):
            for loop in loops:
                if loop.done():
                    loop.result()
            await asyncio.sleep(0.002)

    async def enter(self) -> None:
        """Take in everything: one after another at `rate` a second, or in batches as fast as can be."""
        assert self.entry is not None
        rate, batch = self.told["rate"], self.told["batch"]
        begun, tasks = time.monotonic(), []
        for number in range(0, self.entry.of, batch):
            if rate:
                await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
                tasks.append(asyncio.create_task(self.accept(number, 1)))
            else:
                await self.accept(number, min(batch, self.entry.of - number))
        await asyncio.gather(*tasks)

    async def accept(self, number: int, count: int) -> None:
        """Commit referrals with their outbox."""
        assert self.entry is not None
        async with self.pool.acquire() as connection, connection.transaction():
            await self.entry.take(count)(connection)
        if count == 1:
            self.accepted[number] = time.monotonic()
        self.woken.set()

    async def relay(self) -> None:
        """Send what waits in the outbox, and delete what was acknowledged."""
        connection = await asyncpg.connect(self.told["dsn"])
        read, delete = _READ_OUTBOX.format(self.name), f"DELETE FROM {self.name}_outbox WHERE id = ANY($1)"
        while True:
            self.woken.clear()
            self.relayed = False
            rows = await connection.fetch(read, _READ)
            if not rows:
                self.relayed = True
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.woken.wait(), 0.005)
                continue
            by_place: dict[tuple[str, int], list[asyncpg.Record]] = {}
            for row in rows:
                by_place.setdefault((row["topic"], row["partition"]), []).append(row)
            await asyncio.gather(*[self.send(*place, those) for place, those in by_place.items()])
            await connection.execute(delete, [row["id"] for row in rows])

    async def send(self, topic: str, partition: int, rows: "list[asyncpg.Record]") -> None:
        """Send the rows of one partition."""
        start = 0
        while start < len(rows):
            batch = self.producer.create_batch()
            for row in rows[start:]:
                if batch.append(timestamp=None, key=row["key"], value=row["payload"], headers=HEADERS) is None:
                    break
                start += 1
            await (await self.producer.send_batch(batch, self.told["prefix"] + topic, partition=partition))

    async def consume(self, group: str) -> None:
        """Consume in batches: rows, outbox, commit; then Kafka commits."""
        topics, part = self.groups[group]
        prefix = self.told["prefix"]
        mails = self.mails if self.mails is not None and self.told["mail"]["group"] == group else None
        consumer = AIOKafkaConsumer(
            *[prefix + topic for topic in topics], bootstrap_servers=self.told["bootstrap"], group_id=prefix + group,
            enable_auto_commit=False, auto_offset_reset="earliest",
            session_timeout_ms=10_000, heartbeat_interval_ms=1000,
        )  # fmt: skip
        await consumer.start()
        try:
            while not consumer.assignment():
                await asyncio.sleep(0.01)
            self.assigned[group].set()
            while True:
                fetched: dict[TopicPartition, list[Any]] = await consumer.getmany(timeout_ms=1000, max_records=500)
                records = [record for of_place in fetched.values() for record in of_place]
                if records:
                    await self.handle(part, records, mails)
                    await consumer.commit()
        finally:
            await consumer.stop()

    async def handle(self, part: Part, records: Sequence[Any], mails: Mails | None) -> None:
        """Commit what a batch of records makes this process do."""
        async with self.pool.acquire() as connection, connection.transaction():
            await part.take(len(records))(connection)
            if mails is not None:
                await mails.queue(connection, records)
        part.committed += len(records)
        if part.records:
            self.woken.set()
        if mails is not None:
            mails.deliver(records)


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(Node(json.loads(sys.stdin.readline())).run())
