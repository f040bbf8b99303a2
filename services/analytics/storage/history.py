"""Every event there ever was, once: what this service has seen, and what its figures can be counted from anew."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import text

from shared.access.actors import service_actor
from shared.events import SENSITIVITIES, STRICTEST
from shared.messaging.records import Arrival
from shared.storage.engines import Database
from shared.storage.tx import Tx

_APPEND = text(
    """
    INSERT INTO history (event_id, topic, partition, log_offset, type, campus, sensitivity, key, sequence,
                         happened_at, payload, recorded_at)
    SELECT row.*, :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:topics AS text[]), CAST(:partitions AS smallint[]),
                CAST(:offsets AS bigint[]), CAST(:types AS text[]), CAST(:campuses AS text[]),
                CAST(:sensitivities AS text[]), CAST(:keys AS text[]), CAST(:sequences AS bigint[]),
                CAST(:times AS timestamptz[]), CAST(:payloads AS bytea[]))
         AS row(event_id, topic, partition, log_offset, type, campus, sensitivity, key, sequence, happened_at, payload)
    ON CONFLICT DO NOTHING RETURNING event_id::text
    """
)
_PROGRESS = text(
    """
    INSERT INTO progress (topic, partition, log_offset, happened_at, counted_at)
    SELECT topic, partition, max(log_offset), max(happened_at), :now
    FROM unnest(CAST(:topics AS text[]), CAST(:partitions AS smallint[]), CAST(:offsets AS bigint[]),
                CAST(:times AS timestamptz[])) AS row(topic, partition, log_offset, happened_at)
    GROUP BY topic, partition ORDER BY topic, partition
    ON CONFLICT (topic, partition) DO UPDATE SET
        log_offset = greatest(progress.log_offset, excluded.log_offset),
        happened_at = greatest(progress.happened_at, excluded.happened_at),
        counted_at = excluded.counted_at
    """
)
_MAKE_MONTHS = text(
    """
    SELECT count(*) FILTER (WHERE make_history_month(CAST(CAST(:now AS timestamptz) + n * interval '1 month' AS date)))
    FROM generate_series(0, 3) AS n
    """
)
MONTHS_MADE_EVERY = timedelta(days=1)


class History:
    """The inbox of analytics. It forgets nothing, so no event is too old for it."""

    async def claim(self, tx: Tx, consumer: str, arrivals: Sequence[Arrival]) -> set[str]:  # noqa: ARG002 - one consumer
        """Append these events and return the ids (canonical text) of those that were not there. Two statements.

        In id order, so that two batches that overlap wait for each other instead of locking each other out.
        """
        rows = sorted({each.event_id: each for each in arrivals}.items())
        places = {
            "topics": [each.record.topic for _, each in rows],
            "partitions": [each.record.partition for _, each in rows],
            "offsets": [each.record.offset for _, each in rows],
            "times": [each.time for _, each in rows],
            "now": tx.now,
        }
        found = await tx.connection.execute(
            _APPEND,
            places
            | {
                "ids": [id_ for id_, _ in rows],
                "types": [each.type for _, each in rows],
                "campuses": [each.campus for _, each in rows],
                "sensitivities": [_known(each.sensitivity) for _, each in rows],
                "keys": [each.key.decode(errors="replace") for _, each in rows],
                "sequences": [each.sequence for _, each in rows],
                "payloads": [each.record.value for _, each in rows],
            },
        )
        fresh = set(found.scalars())
        await tx.connection.execute(_PROGRESS, places)
        return fresh

    def too_old(self, arrivals: Sequence[Arrival]) -> list[Arrival]:  # noqa: ARG002 - the answer is always the same
        """Return none of them."""
        return []


def _known(sensitivity: str) -> str:
    return sensitivity if sensitivity in SENSITIVITIES else STRICTEST


async def make_months(database: Database) -> None:
    """Make the parts of `history` for this month and the next three, where they are missing. For a watcher."""
    async with database.transaction(service_actor(database.service)) as tx:
        await tx.connection.execute(_MAKE_MONTHS, {"now": tx.now})
