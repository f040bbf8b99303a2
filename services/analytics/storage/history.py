"""Every event there ever was, once: what this service has seen, and what its figures can be counted from anew."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import text

from shared.access.actors import service_actor
from shared.events import SENSITIVITIES, STRICTEST
from shared.messaging.records import Arrival
from shared.storage.engines import Database
from shared.storage.tx import Tx

# One text for each column, cut apart by Postgres: half the work of making arrays here, and every event passes here.
# What separates never stands in a payload, because JSON writes it as an escape; from headers it is taken out. One empty
# text alone is cut into nothing, not into one empty text: hence the coalesce.
_SEPARATOR = "\x1f"
_CUT = "string_to_array(:{}, chr(31))"
_COLUMNS = {
    "event_id": "uuid", "topic": "text", "partition": "smallint", "log_offset": "bigint", "type": "text",
    "campus": "text", "sensitivity": "text", "key": "text", "sequence": "bigint", "happened_at": "timestamptz",
    "payload": "text",
}  # fmt: skip
_APPEND = text(
    f"""
    INSERT INTO history ({", ".join(_COLUMNS)}, recorded_at)
    SELECT event_id, topic, partition, log_offset, type, coalesce(campus, ''), sensitivity, coalesce(key, ''), sequence,
           happened_at,
           CASE payload WHEN '' THEN NULL ELSE convert_to(payload, 'UTF8') END, :now
    FROM unnest({", ".join(f"CAST({_CUT.format(name)} AS {kind}[])" for name, kind in _COLUMNS.items())})
         AS row({", ".join(_COLUMNS)})
    ON CONFLICT DO NOTHING RETURNING event_id::text
    """  # noqa: S608 - put together of constants
)
_PROGRESS = text(
    """
    INSERT INTO progress (topic, partition, log_offset, happened_at, counted_at)
    SELECT topic, partition, log_offset, happened_at, :now
    FROM unnest(CAST(:topics AS text[]), CAST(:partitions AS smallint[]), CAST(:offsets AS bigint[]),
                CAST(:times AS timestamptz[])) AS row(topic, partition, log_offset, happened_at)
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
        rows = [each for _, each in sorted({each.event_id: each for each in arrivals}.items())]
        found = await tx.connection.execute(_APPEND, {"now": tx.now, **_columns(rows)})
        fresh = set(found.scalars())
        await tx.connection.execute(_PROGRESS, {"now": tx.now, **_places(rows)})
        return fresh

    def too_old(self, arrivals: Sequence[Arrival]) -> list[Arrival]:  # noqa: ARG002 - the answer is always the same
        """Return none of them."""
        return []


def _columns(rows: Sequence[Arrival]) -> dict[str, str]:
    return {
        "event_id": _joined([each.event_id for each in rows]),
        "topic": _joined([each.record.topic for each in rows]),
        "partition": _joined([str(each.record.partition) for each in rows]),
        "log_offset": _joined([str(each.record.offset) for each in rows]),
        "type": _joined([each.type for each in rows]),
        "campus": _joined([_clean(each.campus) for each in rows]),
        "sensitivity": _joined([_known(each.sensitivity) for each in rows]),
        "key": _joined([_clean(each.key.decode(errors="replace")) for each in rows]),
        "sequence": _joined([str(each.sequence) for each in rows]),
        "happened_at": _joined([_stamp(each.time) for each in rows]),
        "payload": _joined([_clean((each.record.value or b"").decode(errors="replace")) for each in rows]),
    }


_joined = _SEPARATOR.join


@lru_cache(maxsize=1024)
def _stamp(time: datetime) -> str:
    """Write a time, which the events of one transaction share."""
    return time.isoformat()


def _clean(words: str) -> str:
    """Take out what separates columns, and NUL, which no text in Postgres may hold."""
    return words if words.isprintable() else words.replace(_SEPARATOR, "").replace("\x00", "")


def _known(sensitivity: str) -> str:
    return sensitivity if sensitivity in SENSITIVITIES else STRICTEST


def _places(rows: Sequence[Arrival]) -> dict[str, list[Any]]:
    """Return the newest offset and time of each partition."""
    newest: dict[tuple[str, int], tuple[int, datetime]] = {}
    for each in rows:
        record, time = each.record, each.time
        place = record.topic, record.partition
        offset, at = newest.get(place, (record.offset, time))
        newest[place] = max(offset, record.offset), max(at, time)
    ordered = sorted(newest.items())
    return {
        "topics": [topic for (topic, _), _ in ordered],
        "partitions": [partition for (_, partition), _ in ordered],
        "offsets": [offset for _, (offset, _) in ordered],
        "times": [at for _, (_, at) in ordered],
    }


async def make_months(database: Database) -> None:
    """Make the parts of `history` for this month and the next three, where they are missing. For a watcher."""
    async with database.transaction(service_actor(database.service)) as tx:
        await tx.connection.execute(_MAKE_MONTHS, {"now": tx.now})
