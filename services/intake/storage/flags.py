"""Flags, and what the threshold rule has made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.threshold import Signal
from services.intake.storage.batch import CODE, arrays, codes, insert, split
from shared.storage.tx import Tx

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
    "raised_at": "timestamptz",
    "cleared_at": "code timestamptz",
    "counted_in": "code uuid",
    "source": "once text",
    "recorded_at": "once timestamptz",
    "import_id": "once uuid",
}
_FIRINGS = {
    "referral_id": "uuid",
    "student_id": "uuid",
    "campus": CODE,
    "fired_at": "timestamptz",
    "flag_count": "integer",
    "course_count": "integer",
    "policy_edition": "text",
}
# One transaction at a time counts flags: counting needs to see every earlier one, and no two batches can lock each
# other out.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('flags'))")
_INSERT = insert("flags", _COLUMNS, order="flag_id")
_INSERT_FIRINGS = insert("threshold_firings", _FIRINGS, order="referral_id")
_KNOWN = text(
    f"""
    SELECT source_key, flag_id, content, cleared_at FROM flags
    WHERE source = :source AND source_key = ANY ({split("keys")})
    """  # noqa: S608 - our own names
)
# Times as whole seconds, rounded outwards: a number travels at a quarter of the cost of a time, and the rule looks at
# the exact times again.
_AROUND = text(
    f"""
    WITH asked AS (
        SELECT student_id, campus, to_timestamp(since) AS since, to_timestamp(until) AS until,
               CAST(:far AS interval) AS far
        FROM unnest(CAST(:students AS uuid[]), {split("campuses")}, CAST(:since AS bigint[]), CAST(:until AS bigint[]))
             AS row(student_id, campus, since, until)
        WHERE student_id IS NOT NULL)
    SELECT asked.student_id, asked.campus, flag_id, raised_at, course, severity, cleared_at, reason_code
    FROM asked JOIN flags ON flags.student_id = asked.student_id AND flags.campus = asked.campus
         AND flags.raised_at BETWEEN asked.since AND asked.until AND counted_in IS NULL
    UNION ALL
    SELECT asked.student_id, asked.campus, NULL, fired_at, NULL, NULL, NULL, NULL
    FROM asked JOIN threshold_firings AS fired ON fired.student_id = asked.student_id AND fired.campus = asked.campus
         AND fired.fired_at BETWEEN asked.since - asked.far AND asked.until + asked.far
    """  # noqa: S608 - our own names
)
_COUNT = text(
    """
    UPDATE flags SET counted_in = counted.referral_id
    FROM unnest(CAST(:flags AS uuid[]), CAST(:referrals AS uuid[])) AS counted(flag_id, referral_id)
    WHERE flags.flag_id = counted.flag_id
    """
)
_CLEAR = text(
    """
    UPDATE flags SET cleared_at = cleared.at
    FROM unnest(CAST(:flags AS uuid[]), CAST(:times AS timestamptz[])) AS cleared(flag_id, at)
    WHERE flags.flag_id = cleared.flag_id
    """
)
_LINK = text(
    """
    UPDATE flags SET student_id = named.student_id
    FROM unnest(CAST(:numbers AS text[]), CAST(:students AS uuid[])) AS named(number, student_id)
    WHERE flags.student_id IS NULL AND flags.student_number = named.number AND named.number <> ''
    RETURNING flags.student_id, flags.campus, flag_id, raised_at, course, severity, cleared_at, reason_code
    """
)
_PAGE = text(
    """
    SELECT flag_id, campus, student_id, source, reason_code, severity, course, section, term, comment, import_id,
           raised_at, cleared_at, counted_in
    FROM flags
    WHERE campus = :campus AND (CAST(:student AS uuid) IS NULL OR student_id = :student)
      AND (CAST(:referral AS uuid) IS NULL OR counted_in = :referral)
      AND flag_id > CAST(:after AS uuid)
    ORDER BY flag_id LIMIT :count
    """
)


class Known(NamedTuple):
    """A flag that is there already."""

    flag_id: UUID
    content: bytes
    cleared_at: datetime | None


class Place(NamedTuple):
    """Whose flags are counted together."""

    student_id: UUID
    campus: str


class Counted(NamedTuple):
    """A flag as the rule needs it, with what its referral will say."""

    signal: Signal
    reason_code: str


class Span(NamedTuple):
    """A stretch of time to look at, and how many days a firing reaches."""

    since: datetime
    until: datetime
    days: timedelta


@dataclass(frozen=True, slots=True)
class NewFiring:
    """A firing to store."""

    referral_id: UUID
    place: Place
    fired_at: datetime
    flag_count: int
    course_count: int
    policy_edition: str


async def lock(connection: AsyncConnection) -> None:
    """Let one transaction at a time count flags."""
    await connection.execute(_LOCK)


async def known(connection: AsyncConnection, source: str, keys: Sequence[str]) -> dict[str, Known]:
    """Return which of a source's flags are there."""
    rows = (await connection.execute(_KNOWN, {"source": source, "keys": codes(keys)})).all()
    return {row.source_key: Known(row.flag_id, bytes(row.content), row.cleared_at) for row in rows}


async def store(tx: Tx, source: str, import_id: UUID, rows: Sequence[Sequence[object]]) -> None:
    """Store new flags of a source. Each row has its values in the order of the columns that differ."""
    same = {"source": source, "recorded_at": tx.now, "import_id": import_id}
    await tx.connection.execute(_INSERT, {**arrays(_COLUMNS, rows), **same})


@dataclass(slots=True)
class Around:
    """What is there around new flags of a place: flags not yet counted, and when the rule fired."""

    counted: list[Counted] = field(default_factory=list)
    fired: list[datetime] = field(default_factory=list)


async def around(connection: AsyncConnection, spans: Mapping[Place, Span]) -> dict[Place, Around]:
    """Return the flags not yet counted within each span of time, and the firings within its days around it."""
    asked = {
        "students": [place.student_id for place in spans],
        "campuses": codes([place.campus for place in spans]),
        "since": [int(span.since.timestamp()) - 1 for span in spans.values()],
        "until": [int(span.until.timestamp()) + 1 for span in spans.values()],
        "far": max(span.days for span in spans.values()),
    }
    found: dict[Place, Around] = {}
    for row in (await connection.execute(_AROUND, asked)).all():
        there = found.setdefault(Place(row.student_id, row.campus), Around())
        if row.flag_id is None:
            there.fired.append(row.raised_at)
        else:
            there.counted.append(_counted(row))
    return found


async def store_firings(connection: AsyncConnection, firings: Sequence[NewFiring]) -> None:
    """Store firings."""
    rows = [
        (each.referral_id, *each.place, each.fired_at, each.flag_count, each.course_count, each.policy_edition)
        for each in firings
    ]
    await connection.execute(_INSERT_FIRINGS, arrays(_FIRINGS, rows))


async def count(connection: AsyncConnection, counted: Mapping[UUID, UUID]) -> None:
    """Note in which referral flags were counted."""
    flags = sorted(counted)
    await connection.execute(_COUNT, {"flags": flags, "referrals": [counted[flag] for flag in flags]})


async def clear(connection: AsyncConnection, cleared: Mapping[UUID, datetime]) -> None:
    """Note that flags were cleared at their source."""
    flags = sorted(cleared)
    await connection.execute(_CLEAR, {"flags": flags, "times": [cleared[flag] for flag in flags]})


async def link(connection: AsyncConnection, students: Mapping[str, UUID]) -> list[tuple[Place, Counted]]:
    """Give waiting flags to the students whose numbers have now become known; return those flags."""
    numbers = sorted(students)
    asked = {"numbers": numbers, "students": [students[number] for number in numbers]}
    rows = (await connection.execute(_LINK, asked)).all()
    return [(Place(row.student_id, row.campus), _counted(row)) for row in rows]


async def page(
    connection: AsyncConnection,
    campus: str,
    *,
    student_id: UUID | None,
    referral_id: UUID | None,
    after: UUID,
    count: int,
) -> list[Any]:
    """Return flags of a campus, oldest id first: of one student, or counted in one referral, where that is given."""
    asked = {"campus": campus, "student": student_id, "referral": referral_id, "after": after, "count": count}
    return list((await connection.execute(_PAGE, asked)).all())


def _counted(row: Any) -> Counted:  # noqa: ANN401 - a row of one of the statements above
    return Counted(Signal(row.flag_id, row.raised_at, row.course, row.severity, row.cleared_at), row.reason_code)
