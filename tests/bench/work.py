"""What a benchmark's referrals really cost: rows written, records published, records delivered; counted."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from deploy.local import databases
from shared.messaging import brokers

PARTITIONS = 12
# Kept by the delivery itself: the outbox is counted as records, the rest is written once at start.
_ASIDE = ("outbox", "replica_ready")
_WRITTEN = "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables"

# The columns of a row, without what Postgres keeps about it.
_SIZE = "SELECT coalesce(avg(pg_column_size(t.*)) - 24, 0)::int FROM (SELECT * FROM {} LIMIT 300) AS t"
_SAMPLE = 100
_CHANGES = ("inserted", "updated", "deleted")


@dataclass(frozen=True)
class Work:
    """`rows`: by (database, table), inserted, updated and deleted. `records`: by topic. `delivered`: by (group, topic).

    Short names throughout: without the prefix of the installation. `sizes` are the bytes of a row of each table, and
    of the value of a record on each topic, in the mean.
    """

    rows: dict[tuple[str, str], tuple[int, int, int]]
    records: dict[str, int]
    delivered: dict[tuple[str, str], int]
    row_sizes: dict[tuple[str, str], int]
    record_sizes: dict[str, int]

    def __sub__(self, earlier: "Work") -> "Work":
        nothing = (0, 0, 0)
        rows = {
            place: _minus(counts, earlier.rows.get(place, nothing))
            for place, counts in self.rows.items()
            if counts != earlier.rows.get(place, nothing)
        }
        return Work(
            rows,
            dict(Counter(self.records) - Counter(earlier.records)),
            dict(Counter(self.delivered) - Counter(earlier.delivered)),
            self.row_sizes,
            self.record_sizes,
        )

    def totals(self) -> tuple[int, int, int]:
        """Return all rows written (inserted, updated or deleted), records and deliveries. An outbox row is two rows."""
        published = sum(self.records.values())
        return sum(map(sum, self.rows.values())) + 2 * published, published, sum(self.delivered.values())

    def described(self, each: int) -> str:
        """Say what one of `each` things costs."""
        rows, records, delivered = (total / each for total in self.totals())
        return f"{rows:.1f} rows, {records:.1f} records, {delivered:.1f} deliveries"

    def lines(self, each: int) -> list[str]:
        """Say the same by table, topic and group."""
        found = [
            f"  {database}.{table}: "
            + ", ".join(f"{n / each:.2f} {what}" for n, what in zip(counts, _CHANGES, strict=True) if n)
            + f"; {self.row_sizes[database, table]} bytes"
            for (database, table), counts in sorted(self.rows.items())
        ]
        found += [
            f"  topic {topic}: {count / each:.2f} records of {self.record_sizes[topic]} bytes"
            for topic, count in sorted(self.records.items())
        ]
        return found + [
            f"  {group} reads {topic}: {count / each:.2f}" for (group, topic), count in sorted(self.delivered.items())
        ]


def _minus(one: tuple[int, int, int], other: tuple[int, int, int]) -> tuple[int, int, int]:
    return one[0] - other[0], one[1] - other[1], one[2] - other[2]


async def count(
    postgres_url: str, bootstrap: str, *, database_prefix: str, names: Sequence[str], topic_prefix: str
) -> Work:
    """Count everything so far. Right only when whoever wrote has disconnected: Postgres counts late."""
    rows: dict[tuple[str, str], tuple[int, int, int]] = {}
    sizes: dict[tuple[str, str], int] = {}
    for name in names:
        async with databases.session(postgres_url, f"{database_prefix}{name}") as connection:
            for table, inserted, updated, deleted in await connection.fetch(_WRITTEN):
                if table not in _ASIDE:
                    rows[name, table] = (inserted, updated, deleted)
                    sizes[name, table] = await connection.fetchval(_SIZE.format(table))
    published = await records(bootstrap, topic_prefix)
    delivered = await _delivered(bootstrap, topic_prefix)
    return Work(rows, published, delivered, sizes, await _record_sizes(bootstrap, topic_prefix, published))


async def records(bootstrap: str, prefix: str) -> dict[str, int]:
    """Return how many records each topic has."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        names = [name for name in await consumer.topics() if name.startswith(prefix)]
        places = [TopicPartition(name, partition) for name in names for partition in range(PARTITIONS)]
        found: Counter[str] = Counter()
        for place, end in (await consumer.end_offsets(places)).items():
            found[place.topic.removeprefix(prefix)] += end
        return dict(found)
    finally:
        await brokers.stop(consumer)


async def _record_sizes(bootstrap: str, prefix: str, topics: Iterable[str]) -> dict[str, int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        sizes: dict[str, int] = {}
        for topic in topics:
            place = TopicPartition(prefix + topic, 0)
            consumer.assign([place])
            end = (await consumer.end_offsets([place]))[place]
            consumer.seek(place, max(0, end - _SAMPLE))
            fetched = await consumer.getmany(place, timeout_ms=500 if end else 0)
            values = [len(record.value or b"") for record in fetched.get(place, ())]
            sizes[topic] = sum(values) // len(values) if values else 0
        return sizes
    finally:
        await brokers.stop(consumer)


async def _delivered(bootstrap: str, prefix: str) -> dict[tuple[str, str], int]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        found: Counter[tuple[str, str]] = Counter()
        for group, _ in await admin.list_consumer_groups():
            if group.startswith(prefix):
                for place, offset in (await admin.list_consumer_group_offsets(group)).items():
                    found[group.removeprefix(prefix), place.topic.removeprefix(prefix)] += offset.offset
        return dict(found)
    finally:
        await admin.close()
