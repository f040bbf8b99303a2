"""What screens and reports read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.analytics.domain.figures import STARTS

# What is visible is what row security lets this actor see; the campuses were decided on before.
_FIGURES = text(
    """
    SELECT campus, day, kind, code, sum(count) AS total, sum(milliseconds) AS milliseconds, max(longest) AS longest
    FROM figures
    WHERE campus = ANY (:campuses) AND day BETWEEN :since AND :until AND kind = ANY (:kinds)
    GROUP BY campus, day, kind, code HAVING sum(count) > 0
    ORDER BY campus, day, kind, code
    """
)
_OPEN = text(
    """
    SELECT campus, code, sum(CASE kind WHEN 'cases_opened' THEN count ELSE -count END) AS open
    FROM figures
    WHERE campus = ANY (:campuses) AND day <= :until AND kind IN ('cases_opened', 'cases_combined', 'cases_closed')
    GROUP BY campus, code ORDER BY campus, code
    """
)
_CASELOADS = text(
    """
    SELECT campus, staff_id, sum(open_cases) AS open_cases FROM caseloads
    WHERE campus = ANY (:campuses) GROUP BY campus, staff_id HAVING sum(open_cases) > 0 ORDER BY campus, staff_id
    """
)
_PROGRESS = text("SELECT happened_at, counted_at FROM progress ORDER BY counted_at DESC, happened_at DESC LIMIT 1")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of one campus and day, over both sides of the wall as far as the reader may see them."""

    campus: str
    day: date
    kind: str
    code: str
    count: int
    mean_seconds: float | None
    longest_seconds: float | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far counting has come: the newest event counted, and how long after it happened that was."""

    as_of: datetime | None
    lag_seconds: float


async def figures(
    connection: AsyncConnection, campuses: Sequence[str], since: date, until: date, kinds: Sequence[str]
) -> list[Row]:
    """Return figures of these days, both ends included."""
    rows = await connection.execute(
        _FIGURES, {"campuses": campuses, "since": since, "until": until, "kinds": list(kinds)}
    )  # fmt: skip
    return [
        Row(
            campus=row.campus,
            day=row.day,
            kind=row.kind,
            code=row.code,
            count=int(row.total),
            mean_seconds=None if row.kind in STARTS else int(row.milliseconds) / int(row.total) / 1000,
            longest_seconds=None if row.kind in STARTS else row.longest / 1000,
        )
        for row in rows
    ]


async def open_cases(connection: AsyncConnection, campuses: Sequence[str], until: date) -> list[tuple[str, str, int]]:
    """Return (campus, family, open cases) at the end of a day, counting those opened until then."""
    rows = await connection.execute(_OPEN, {"campuses": campuses, "until": until})
    return [(row.campus, row.code, int(row.open)) for row in rows]


async def caseloads(connection: AsyncConnection, campuses: Sequence[str]) -> list[tuple[str, str, int]]:
    """Return (campus, staff id, open cases) for whoever has any."""
    rows = await connection.execute(_CASELOADS, {"campuses": campuses})
    return [(row.campus, row.staff_id, int(row.open_cases)) for row in rows]


async def progress(connection: AsyncConnection) -> Progress:
    """Return how far counting has come."""
    row = (await connection.execute(_PROGRESS)).first()
    if row is None:
        return Progress(None, 0.0)
    return Progress(row.happened_at, max(0.0, (row.counted_at - row.happened_at).total_seconds()))
