"""Flags, and what the threshold rule has made of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.flag_rows import FlagRow
from services.intake.domain.flag_rules import Signal
from services.intake.storage.batch import CODE, INSTANT, arrays, codes, insert, split
from shared.ids import derived_id
from shared.storage.tx import Tx

COMMENT = "flag.comment"
_COLUMNS = {
    "flag_id": "uuid",
    "campus": CODE,
    "student_id": "uuid",
    "student_number": CODE,
    "source_key": CODE,
    "content": "bytea",
    "reason_code": CODE,
    "severity": "code smallint",
    "course": CODE,
    "section": CODE,
    "term": CODE,
    "comment": "bytea",
    "raised_at": INSTANT,
    "cleared_at": "code timestamptz",
    "counted_in": "code uuid",
    "source": "once text",
    "recorded_at": "once timestamptz",
    "import_id": "once uuid",
    "raised_by": "once text",
}
# One transaction at a time counts flags: counting needs to see every earlier one, and no two batches can lock each
# other out.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('flags'))")
_INSERT = insert("flags", _COLUMNS, order="flag_id")
_KNOWN = text(
    f"""
    SELECT source_key, flag_id, content, coalesce(cleared_at, source_cleared_at) AS cleared_at FROM flags
    WHERE source = :source AND source_key = ANY ({split("keys")})
    UNION ALL
    SELECT also.source_key, also.flag_id, also.content, coalesce(flags.cleared_at, also.cleared_at)
    FROM flag_sources AS also JOIN flags USING (flag_id)
    WHERE also.source = :source AND also.source_key = ANY ({split("keys")})
    """  # noqa: S608 - our own names
)
_LINK = text(
    """
    UPDATE flags SET student_id = named.student_id
    FROM unnest(CAST(:numbers AS text[]), CAST(:students AS uuid[])) AS named(number, student_id)
    WHERE flags.student_id IS NULL AND flags.student_number = named.number AND named.number <> ''
    RETURNING flags.student_id, flags.campus, flag_id, raised_at, course, severity, cleared_at, reason_code, term,
        section, counted_in
    """
)
# Two alerts are one when another source has raised it: student, campus, course, reason and local day are the same. A
# flag that has this source already is another one of its own.
_SAME_ALERT = """flags.campus || '' = asked.campus AND flags.course = asked.course
         AND flags.reason_code = asked.reason_code
         AND flags.raised_at >= to_timestamp(asked.since) AND flags.raised_at < to_timestamp(asked.until)
         AND flags.source <> :source
         AND NOT EXISTS (
             SELECT 1 FROM flag_sources AS also WHERE also.flag_id = flags.flag_id AND also.source = :source)"""
_SAME_ALERTS = text(
    f"""
    WITH asked AS (
        SELECT * FROM unnest(CAST(:places AS integer[]), CAST(:students AS uuid[]), {split("numbers")},
            {split("campuses")}, {split("courses")}, {split("reasons")}, CAST(:since AS bigint[]),
            CAST(:until AS bigint[]))
            AS row(place, student_id, number, campus, course, reason_code, since, until)
        WHERE place IS NOT NULL)
    SELECT asked.place, found.flag_id FROM asked JOIN LATERAL (
        SELECT flag_id FROM flags WHERE flags.student_id = asked.student_id AND {_SAME_ALERT} OFFSET 0) AS found ON true
    UNION ALL
    SELECT asked.place, found.flag_id FROM asked JOIN LATERAL (
        SELECT flag_id FROM flags WHERE flags.student_number = asked.number AND flags.student_id IS NULL
            AND asked.student_id IS NULL AND {_SAME_ALERT} OFFSET 0) AS found ON true
    ORDER BY 1, 2
    """  # noqa: S608 - our own names
)


class Alert(NamedTuple):
    """What makes an alert the same from whatever source: whose, what it says, and its local day, in seconds."""

    student_id: UUID | None
    row: FlagRow
    since: int
    until: int


def comment_record(import_id: UUID, campus: str) -> UUID:
    """Return the record whose key seals the comments of one campus in one file: they are kept equally long."""
    return derived_id(import_id, campus)


class Known(NamedTuple):
    """A flag that is there already. `cleared_at`: since when it is over, or needs nothing for the source that asks."""

    flag_id: UUID
    content: bytes
    cleared_at: datetime | None


class Place(NamedTuple):
    """Whose flags are counted together."""

    student_id: UUID
    campus: str


async def lock(connection: AsyncConnection) -> None:
    """Let one transaction at a time count flags."""
    await connection.execute(_LOCK)


async def known(connection: AsyncConnection, source: str, keys: Sequence[str]) -> dict[str, Known]:
    """Return which of a source's flags are there."""
    rows = (await connection.execute(_KNOWN, {"source": source, "keys": codes(keys)})).all()
    return {row.source_key: Known(row.flag_id, bytes(row.content), row.cleared_at) for row in rows}


async def same_alerts(connection: AsyncConnection, source: str, alerts: Sequence[Alert]) -> list[list[UUID]]:
    """Return for each alert the flags of other sources that are the same one, oldest first."""
    asked = {
        "source": source,
        "places": list(range(len(alerts))),
        "students": [alert.student_id for alert in alerts],
        "numbers": codes([alert.row.student_number for alert in alerts]),
        "campuses": codes([alert.row.campus for alert in alerts]),
        "courses": codes([alert.row.course for alert in alerts]),
        "reasons": codes([alert.row.reason_code for alert in alerts]),
        "since": [alert.since for alert in alerts],
        "until": [alert.until for alert in alerts],
    }
    found: list[list[UUID]] = [[] for _ in alerts]
    for place, flag_id in (await connection.execute(_SAME_ALERTS, asked)).all():
        found[place].append(flag_id)
    return found


async def store(tx: Tx, source: str, import_id: UUID, raised_by: str, rows: Sequence[Sequence[object]]) -> None:
    """Store new flags of a source. Each row has its values in the order of the columns that differ."""
    same = {"source": source, "recorded_at": tx.now, "import_id": import_id, "raised_by": raised_by}
    await tx.connection.execute(_INSERT, {**arrays(_COLUMNS, rows), **same})


async def link(connection: AsyncConnection, students: Mapping[str, UUID]) -> list[tuple[Place, Signal]]:
    """Give waiting flags to the students whose numbers have now become known; return those no rule has counted."""
    numbers = sorted(students)
    asked = {"numbers": numbers, "students": [students[number] for number in numbers]}
    rows = (await connection.execute(_LINK, asked)).all()
    return [(Place(row.student_id, row.campus), signal_of(row)) for row in rows if row.counted_in is None]


def signal_of(row: Any) -> Signal:  # noqa: ANN401 - a row of one of the statements here and in `counting`
    """Return a flag as rules see it."""
    return Signal(
        row.flag_id, row.raised_at, row.course, row.severity, row.cleared_at, row.reason_code, row.term, row.section
    )  # fmt: skip
