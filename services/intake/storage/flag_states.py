"""What becomes of flags after they were raised: cleared, expired, reopened; and listings of them by any of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

_CHANGED = "flag_id, campus, student_id, reason_code, course, term, raised_at, cleared_at, version"
_CLEAR = text(
    f"""
    UPDATE flags SET cleared_at = cleared.at, cleared_reason = :reason, cleared_by = :by, version = version + 1
    FROM unnest(CAST(:flags AS uuid[]), CAST(:times AS timestamptz[])) AS cleared(id, at)
    WHERE flags.flag_id = cleared.id AND cleared_at IS NULL
    RETURNING {_CHANGED}
    """  # noqa: S608 - our own names
)
# Each by an index of its own: whose flags are known, and flags of a number that wait for the roster. Only what machines
# alone have raised: what a person raised too, or put in words, a person ends.
_ENDED = text(
    """
    WITH seen AS (
        SELECT * FROM unnest(
            CAST(:rows AS integer[]), CAST(:campuses AS text[]), CAST(:students AS uuid[]), CAST(:numbers AS text[]),
            CAST(:times AS timestamptz[])) AS seen(place, campus, student_id, number, at)
    ), theirs AS (
        SELECT place, at, flag_id, reason_code, coalesce(reopened_at, raised_at) AS since, raised_by, comment
        FROM seen JOIN flags USING (student_id, campus) WHERE cleared_at IS NULL
        UNION ALL
        SELECT place, at, flag_id, reason_code, coalesce(reopened_at, raised_at), raised_by, comment
        FROM seen JOIN flags ON flags.student_number = seen.number AND flags.campus = seen.campus
        WHERE flags.student_id IS NULL AND cleared_at IS NULL AND seen.number <> ''
    )
    SELECT place, flag_id, at FROM theirs WHERE since < at
      AND upper(replace(replace(trim(reason_code), ' ', '_'), '-', '_')) = ANY (CAST(:reasons AS text[]))
      AND raised_by = '' AND comment IS NULL
      AND NOT EXISTS (SELECT 1 FROM flag_sources AS also
                      WHERE also.flag_id = theirs.flag_id AND (also.source = 'person' OR also.comment IS NOT NULL))
    """
)
_EXPIRE = text(
    f"""
    UPDATE flags SET cleared_at = :now, cleared_reason = 'expired', cleared_by = '', version = version + 1
    WHERE flag_id = ANY (ARRAY(
        SELECT flag_id FROM flags WHERE campus = :campus AND cleared_at IS NULL AND raised_at < :before
          AND coalesce(reopened_at, raised_at) < :before
        ORDER BY raised_at, flag_id LIMIT :count FOR UPDATE SKIP LOCKED))
    RETURNING {_CHANGED}
    """  # noqa: S608 - our own names
)
_REOPEN = text(
    f"""
    UPDATE flags SET cleared_at = NULL, cleared_reason = '', cleared_by = '', reopened_at = :now, reopened_by = :by,
        version = version + 1
    WHERE flag_id = :id RETURNING {_CHANGED}, severity, section, counted_in
    """  # noqa: S608 - our own names
)
_LOCK = text("SELECT * FROM flags WHERE flag_id = ANY (CAST(:ids AS uuid[])) ORDER BY flag_id FOR UPDATE")
# What a listing shows. An id in `counted_in` is a referral's only where one was made of it.
_SHOWN = """flags.flag_id, flags.campus, flags.student_id, source, reason_code, severity, course, section, term,
    comment, import_id, raised_at, raised_by, cleared_at, cleared_reason, cleared_by, reopened_at, version, counted_in,
    made, rule, ARRAY(SELECT also.source FROM flag_sources AS also WHERE also.flag_id = flags.flag_id
                      ORDER BY also.recorded_at, also.source) AS also_from"""
_WHERE = """flags.campus = :campus
      AND (CAST(:student AS uuid) IS NULL
           OR flags.student_id IN (SELECT same.student_id FROM same_students(ARRAY[CAST(:student AS uuid)]) AS same))
      AND (CAST(:course AS text) IS NULL OR course = :course)
      AND (CAST(:section AS text) IS NULL OR section = :section)
      AND (CAST(:term AS text) IS NULL OR term = :term)
      AND (CAST(:reason AS text) IS NULL OR reason_code = :reason)
      AND (CAST(:source AS text) IS NULL OR source = :source)
      AND severity >= :severity
      AND (CAST(:since AS timestamptz) IS NULL OR raised_at >= :since)
      AND (CAST(:until AS timestamptz) IS NULL OR raised_at < :until)
      AND CASE :state WHEN 'open' THEN cleared_at IS NULL
                      WHEN 'expired' THEN cleared_reason = 'expired'
                      WHEN 'cleared' THEN cleared_at IS NOT NULL AND cleared_reason <> 'expired'
                      ELSE true END
      AND (CAST(:referral AS uuid) IS NULL OR counted_in = :referral)
      AND (:walled OR counted_in IS NULL OR made <> 'referral' OR EXISTS (
          SELECT 1 FROM referrals WHERE referral_id = counted_in AND sensitivity = 'standard'))"""
_FIRED = "LEFT JOIN threshold_firings AS fired ON fired.referral_id = flags.counted_in"
# Open flags and those that are over stand in an index each, in order of time. Who asks for all reads both.
BOTH = """(SELECT * FROM flags WHERE cleared_at IS NULL
    UNION ALL SELECT * FROM flags WHERE cleared_at IS NOT NULL) AS flags"""
_OPEN = "flags.cleared_at IS NULL AND CAST(:state AS text) IN ('open', 'all')"
_OVER = "flags.cleared_at IS NOT NULL AND CAST(:state AS text) <> 'open'"
# By the id a page ended with, so that a link to the next page stays short; its place is looked up again.
_ORDERS = {
    "newest": ("flags.raised_at DESC, flags.flag_id DESC", "<"),
    "oldest": ("flags.raised_at, flags.flag_id", ">"),
}


def _page(order: str, beyond: str) -> TextClause:
    """Return the statement of a page: of the first open ones and the first of the others, the first."""
    after = f"""(CAST(:after AS uuid) IS NULL OR (flags.raised_at, flags.flag_id) {beyond} (
        SELECT last.raised_at, last.flag_id FROM flags AS last WHERE last.flag_id = :after))"""  # noqa: S608
    some = [
        f"(SELECT flags.*, made, fired.rule FROM flags {_FIRED} WHERE {_WHERE} AND {which} AND {after}"  # noqa: S608
        f" ORDER BY {order} LIMIT :count)"
        for which in (_OPEN, _OVER)
    ]
    return text(f"SELECT {_SHOWN} FROM ({' UNION ALL '.join(some)}) AS flags ORDER BY {order} LIMIT :count")  # noqa: S608


_PAGES = {name: _page(order, beyond) for name, (order, beyond) in _ORDERS.items()}
_COURSES = text(
    f"""
    SELECT term, course, section, count(*) AS flags, count(*) FILTER (WHERE cleared_at IS NULL) AS open,
           count(DISTINCT coalesce(CAST(flags.student_id AS text), student_number)) AS students,
           max(severity) AS severity, max(raised_at) AS newest
    FROM (SELECT * FROM flags WHERE {_OPEN} UNION ALL SELECT * FROM flags WHERE {_OVER}) AS flags {_FIRED}
    WHERE {_WHERE} AND (term, course, section) > (:after_term, :after_course, :after_section)
    GROUP BY term, course, section ORDER BY term, course, section LIMIT :count
    """  # noqa: S608 - our own names
)


class Seen(NamedTuple):
    """A sign that somebody was active: the row that says so, where, who, by which number, and when."""

    row: int
    campus: str
    student_id: UUID | None
    number: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """Which flags a listing is about; what is None is not asked for."""

    campus: str
    student: UUID | None = None
    course: str | None = None
    section: str | None = None
    term: str | None = None
    reason: str | None = None
    source: str | None = None
    severity: int = 1
    since: datetime | None = None
    until: datetime | None = None
    state: str = "all"
    referral: UUID | None = None
    # With what stands behind a wall: for whom the wall lets in only.
    walled: bool = False

    def values(self) -> dict[str, Any]:
        """Return it as a statement takes it."""
        return {name: getattr(self, name) for name in self.__slots__}


async def clear(connection: AsyncConnection, cleared: Mapping[UUID, datetime], *, reason: str, by: str) -> list[Any]:
    """Clear flags that are open, each at its time, and return those that were."""
    flags = sorted(cleared)
    asked = {"flags": flags, "times": [cleared[flag] for flag in flags], "reason": reason, "by": by}
    return list((await connection.execute(_CLEAR, asked)).all())


async def ended_by(
    connection: AsyncConnection, seen: Sequence[Seen], reasons: Sequence[str]
) -> list[tuple[int, UUID, datetime]]:
    """Return which rows end which open flags, and when: those with these reasons, raised before their student was seen.

    Without those that a person raised, or with which something is written. `reasons` are written as codes.
    """
    if not seen:
        return []
    rows, campuses, ids, numbers, times = (list(column) for column in zip(*seen, strict=True))
    asked = {
        "rows": rows, "campuses": campuses, "students": ids, "numbers": numbers, "times": times,
        "reasons": list(reasons),
    }  # fmt: skip
    return [(row.place, row.flag_id, row.at) for row in (await connection.execute(_ENDED, asked)).all()]


async def expire(connection: AsyncConnection, campus: str, before: datetime, now: datetime, count: int) -> list[Any]:
    """Let open flags of a campus that were raised before an instant expire, so many at most; return those."""
    asked = {"campus": campus, "before": before, "now": now, "count": count}
    return list((await connection.execute(_EXPIRE, asked)).all())


async def reopen(connection: AsyncConnection, flag_id: UUID, *, by: str, now: datetime) -> Any:  # noqa: ANN401 - a row
    """Let a flag stand again, and return it."""
    return (await connection.execute(_REOPEN, {"id": flag_id, "by": by, "now": now})).one()


async def lock(connection: AsyncConnection, ids: Sequence[UUID]) -> list[Any]:
    """Return flags, held until the transaction ends."""
    return list((await connection.execute(_LOCK, {"ids": sorted(set(ids))})).all())


async def page(connection: AsyncConnection, asked: Asked, *, order: str, after: UUID | None, count: int) -> list[Any]:
    """Return flags in an order, `newest` or `oldest`, after one of them."""
    values = {**asked.values(), "after": after, "count": count}
    return list((await connection.execute(_PAGES[order], values)).all())


async def courses(connection: AsyncConnection, asked: Asked, *, after: tuple[str, str, str], count: int) -> list[Any]:
    """Return sections with how many flags they have, by term, course and section."""
    term, course, section = after
    values = {**asked.values(), "after_term": term, "after_course": course, "after_section": section, "count": count}
    return list((await connection.execute(_COURSES, values)).all())
