"""Past flags, student by student, for trying rules on; and when people referred those students."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.flag_rules import Signal
from services.intake.domain.simulation import Whom
from services.intake.storage.flag_states import BOTH
from services.intake.storage.flags import signal_of

# Some at a time, so that others are answered in between: danger does not wait for a trial.
_AT_ONCE = 500
_CODE = "upper(replace(replace(trim(reason_code), ' ', '_'), '-', '_'))"
_SPAN = "campus = ANY (CAST(:campuses AS text[])) AND raised_at >= :since AND raised_at < :until"
# Most students have a flag or two: who cannot make any rule fire stays where they are.
_PAST = text(
    f"""
    SELECT flags.student_id, campus, flag_id, raised_at, course, severity, cleared_at, reason_code, term, section
    FROM {BOTH} LEFT JOIN (
        SELECT student_id, campus FROM {BOTH} WHERE {_SPAN} AND student_id IS NOT NULL GROUP BY student_id, campus
        HAVING count(*) >= :fewest OR bool_or({_CODE} = ANY (CAST(:at_once AS text[])))) AS enough
        USING (student_id, campus)
    WHERE {_SPAN} AND (enough.student_id IS NOT NULL
        OR flags.student_id IS NULL AND {_CODE} = ANY (CAST(:at_once AS text[])))
    ORDER BY flags.student_id, campus
    """  # noqa: S608 - our own names
)
_HOW_MANY = text(
    f"SELECT count(*) AS flags, count(DISTINCT student_id) AS students FROM {BOTH} WHERE {_SPAN}"  # noqa: S608
)
# What stands behind a wall is in nobody's figures.
_REFERRED = text(
    """
    SELECT student_id, array_agg(happened_at) AS times FROM referrals
    WHERE student_id = ANY (CAST(:students AS uuid[])) AND source_kind <> 'rule' AND sensitivity = 'standard'
    GROUP BY student_id
    """
)


async def past(
    connection: AsyncConnection,
    campuses: Sequence[str],
    since: datetime,
    until: datetime,
    *,
    fewest: int,
    at_once: Sequence[str],
) -> AsyncIterator[tuple[Whom, list[Signal]]]:
    """Yield the flags of each student who has at least `fewest` of them, or one of the reasons `at_once`."""
    asked = {
        "campuses": list(campuses), "since": since, "until": until, "fewest": fewest, "at_once": list(at_once),
    }  # fmt: skip
    held: list[Any] = []
    async with connection.stream(_PAST, asked) as rows:
        async for part in rows.partitions(_AT_ONCE):
            held += part
            # The last student of a part may go on in the next.
            last = (held[-1].student_id, held[-1].campus)
            whole = [row for row in held if (row.student_id, row.campus) != last]
            held = [row for row in held if (row.student_id, row.campus) == last]
            for each in _by_student(whole):
                yield each
    for each in _by_student(held):
        yield each


def _by_student(rows: Sequence[Any]) -> list[tuple[Whom, list[Signal]]]:
    return [
        (Whom(*whose), [signal_of(row) for row in group])
        for whose, group in groupby(rows, key=lambda row: (row.student_id, row.campus))
    ]


async def how_many(
    connection: AsyncConnection, campuses: Sequence[str], since: datetime, until: datetime
) -> tuple[int, int]:
    """Return how many flags were raised in a time, and of how many students."""
    row = (
        await connection.execute(_HOW_MANY, {"campuses": list(campuses), "since": since, "until": until})
    ).one()  # fmt: skip
    return row.flags, row.students


async def referred(connection: AsyncConnection, students: Sequence[UUID]) -> dict[UUID, list[datetime]]:
    """Return when people referred these students, leaving out what stands behind a wall."""
    rows = (await connection.execute(_REFERRED, {"students": sorted(students)})).all()
    return {row.student_id: list(row.times) for row in rows}
