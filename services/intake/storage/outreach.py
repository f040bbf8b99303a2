"""Outreach lists and who is on them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.flag_rules import Signal
from services.intake.domain.outreach import Cohort, Entry
from services.intake.domain.referrals import Referral
from services.intake.storage.batch import LIST, arrays, insert, joined
from services.intake.storage.flags import signal_of
from services.intake.storage.referrals import FIELDS, referral_of
from shared.ids import new_id
from shared.storage.positions import Position
from shared.storage.tx import Tx

Order = Literal["oldest", "newest", "due"]
_COLUMNS = {
    "referral_id": "uuid",
    "list_id": "uuid",
    "campus": "text",
    "student_id": "uuid",
    "rule": "text",
    "family": "text",
    "level": "text",
    "concerns": LIST,
    "fired_at": "timestamptz",
    "listed_at": "timestamptz",
    "refer_at": "timestamptz",
}
_FIELDS = """referral_id, list_id, campus, student_id, rule, family, level, concerns, fired_at, listed_at, refer_at,
    messaged_at, messaged_by, state, outcome_code, decided_at, decided_by"""
_INSERT = insert("outreach_entries", _COLUMNS, order="referral_id")
_LISTS = text(
    """
    WITH asked AS (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:campuses AS text[]), CAST(:weeks AS date[]),
            CAST(:terms AS text[]), CAST(:courses AS text[]), CAST(:sections AS text[]))
            AS row(list_id, campus, week_of, term, course, section)
    ), made AS (
        INSERT INTO outreach_lists (list_id, campus, week_of, term, course, section, opened_at)
        SELECT list_id, campus, week_of, term, course, section, :now FROM asked
        ON CONFLICT (campus, week_of, term, course, section) DO UPDATE SET opened_at = outreach_lists.opened_at
        RETURNING list_id, campus, week_of, term, course, section)
    SELECT * FROM made
    """
)
_SAVE = text(
    """
    UPDATE outreach_entries AS entry
    SET state = row.state, outcome_code = row.outcome_code, decided_at = row.decided_at, decided_by = row.decided_by,
        messaged_at = row.messaged_at, messaged_by = row.messaged_by
    FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:outcomes AS text[]),
                CAST(:decided AS timestamptz[]), CAST(:deciders AS text[]), CAST(:messaged AS timestamptz[]),
                CAST(:messengers AS text[]))
         AS row(referral_id, state, outcome_code, decided_at, decided_by, messaged_at, messaged_by)
    WHERE entry.referral_id = row.referral_id
    """
)
_LOAD = text(f"SELECT {_FIELDS} FROM outreach_entries WHERE list_id = :list_id ORDER BY referral_id")  # noqa: S608
_LOCK = text(
    f"""
    SELECT {_FIELDS} FROM outreach_entries WHERE referral_id = ANY (CAST(:ids AS uuid[]))
    ORDER BY referral_id FOR UPDATE
    """  # noqa: S608 - our own names
)
# In what order all hold them: whoever has a referral in hand comes to its entry afterwards.
_LOCK_REFERRALS = text(
    "SELECT 1 FROM referrals WHERE referral_id = ANY (CAST(:ids AS uuid[])) ORDER BY referral_id FOR UPDATE"
)
_LIST = text(
    "SELECT list_id, campus, week_of, term, course, section, opened_at FROM outreach_lists WHERE list_id = :list_id"
)
# What a list is sorted by: nothing but its id, or when the first on it is referred after all, in microseconds.
_LAST = 10**18 - 1
_DUE = f"coalesce(CAST(extract(epoch FROM counts.refer_at) * 1000000 AS bigint), {_LAST})"
_PAGE = """
    SELECT list_id, lists.campus, week_of, term, course, section, opened_at, counts.*, {value} AS place
    FROM outreach_lists AS lists CROSS JOIN LATERAL (
        SELECT count(*) AS students, count(*) FILTER (WHERE state = 'waiting') AS waiting,
               count(*) FILTER (WHERE state = 'waiting' AND messaged_at IS NOT NULL) AS messaged,
               count(*) FILTER (WHERE state = 'ended') AS ended, count(*) FILTER (WHERE state = 'referred') AS referred,
               min(refer_at) FILTER (WHERE state = 'waiting') AS refer_at
        FROM outreach_entries AS entry WHERE entry.list_id = lists.list_id) AS counts
    WHERE (CAST(:campus AS text) IS NULL OR lists.campus = :campus)
      AND (CAST(:only AS uuid) IS NULL OR list_id = :only)
      AND (CAST(:open AS boolean) IS NULL OR (counts.waiting > 0) = :open)
      AND (CAST(:after AS uuid) IS NULL
           OR ({value}, lists.list_id) {past} (CAST(:value AS bigint), CAST(:after AS uuid)))
    ORDER BY {order} LIMIT :count
"""
_PAGE_BY = {
    order: text(_PAGE.format(value=value, past=past, order=by))
    for order, value, past, by in (
        ("oldest", "0", ">", "lists.list_id"),
        ("newest", "0", "<", "lists.list_id DESC"),
        ("due", _DUE, ">", "place, lists.list_id"),
    )
}
_FIRING = text(
    """
    SELECT fired.referral_id, policy_edition, array_agg(DISTINCT flags.course ORDER BY flags.course) AS courses,
           count(flags.flag_id) AS flag_count, max(flags.severity) AS severity
    FROM threshold_firings AS fired LEFT JOIN flags ON flags.counted_in = fired.referral_id
    WHERE fired.referral_id = ANY (CAST(:ids AS uuid[])) GROUP BY fired.referral_id
    """
)
# Held, so that none is taken off a list between the look at it and the decision that leans on it.
_WAITS = text(
    """
    SELECT 1 FROM outreach_entries
    WHERE student_id = ANY (CAST(:students AS uuid[])) AND campus = :campus AND state = 'waiting'
    ORDER BY referral_id FOR SHARE
    """
)
# Sent to outreach while their student waited there already; and nobody has had an answer of the student since.
_LEAN = text(
    f"""
    SELECT {FIELDS} FROM referrals AS sent
    WHERE student_id = ANY (CAST(:students AS uuid[])) AND campus = :campus AND state = 'triaged'
      AND decision = 'watch_no_case' AND reason_code = 'outreach' AND NOT 'retracted' = ANY (marks)
      AND NOT EXISTS (SELECT 1 FROM outreach_entries AS own WHERE own.referral_id = sent.referral_id)
      AND NOT EXISTS (
          SELECT 1 FROM outreach_entries AS asked WHERE asked.student_id = ANY (CAST(:students AS uuid[]))
            AND asked.campus = :campus AND asked.state = 'ended' AND asked.decided_at >= sent.triaged_at)
    ORDER BY triaged_at, referral_id LIMIT 1
    """  # noqa: S608 - our own names
)
_FLAGS = text(
    """
    SELECT flag_id, raised_at, course, severity, cleared_at, reason_code, term, section FROM flags
    WHERE student_id = ANY (CAST(:students AS uuid[])) AND campus = :campus AND cleared_at IS NULL
    ORDER BY raised_at DESC LIMIT 100
    """
)
_MADE = text("UPDATE threshold_firings SET made = 'referral' WHERE referral_id = ANY (CAST(:ids AS uuid[]))")


class Place(NamedTuple):
    """Which list: of a campus, from a Monday on, for a cohort."""

    campus: str
    week_of: date
    cohort: Cohort


async def lists(tx: Tx, places: Iterable[Place]) -> dict[Place, UUID]:
    """Return the lists of these places, made where there was none. One statement."""
    asked = sorted(set(places))
    rows = await tx.connection.execute(
        _LISTS,
        {
            "now": tx.now,
            "ids": [new_id() for _ in asked],
            "campuses": [place.campus for place in asked],
            "weeks": [place.week_of for place in asked],
            "terms": [place.cohort.term for place in asked],
            "courses": [place.cohort.course for place in asked],
            "sections": [place.cohort.section for place in asked],
        },
    )
    return {Place(r.campus, r.week_of, Cohort(r.term, r.course, r.section)): r.list_id for r in rows.all()}


async def store(connection: AsyncConnection, entries: Sequence[Entry]) -> None:
    """Store new entries."""
    rows = [
        (
            each.referral_id, each.list_id, each.campus, each.student_id, each.rule, each.family, each.level,
            joined(each.concerns), each.fired_at, each.listed_at, each.refer_at,
        )
        for each in entries
    ]  # fmt: skip
    await connection.execute(_INSERT, arrays(_COLUMNS, rows))


async def save(connection: AsyncConnection, entries: Sequence[Entry]) -> None:
    """Store what became of entries."""
    await connection.execute(
        _SAVE,
        {
            "ids": [each.referral_id for each in entries],
            "states": [each.state for each in entries],
            "outcomes": [each.outcome_code for each in entries],
            "decided": [each.decided_at for each in entries],
            "deciders": [each.decided_by for each in entries],
            "messaged": [each.messaged_at for each in entries],
            "messengers": [each.messaged_by for each in entries],
        },
    )


async def made_referrals(connection: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Note that what was on a list is a referral now."""
    await connection.execute(_MADE, {"ids": sorted(ids)})


async def waits(connection: AsyncConnection, campus: str, students: Iterable[UUID]) -> bool:
    """Return whether somebody waits on a list of a campus, under any of these ids. They stay there until we end."""
    asked = {"students": sorted(set(students)), "campus": campus}
    return bool((await connection.execute(_WAITS, asked)).all())


async def leaning(connection: AsyncConnection, campus: str, students: Iterable[UUID]) -> Referral | None:
    """Return the first referral that was sent to outreach and has no entry, its student having waited already."""
    asked = {"students": sorted(set(students)), "campus": campus}
    row = (await connection.execute(_LEAN, asked)).one_or_none()
    return None if row is None else referral_of(row)


async def open_flags(connection: AsyncConnection, campus: str, students: Iterable[UUID]) -> list[Signal]:
    """Return the newest open flags of a student there: they say on whose list somebody belongs."""
    asked = {"students": sorted(set(students)), "campus": campus}
    return [signal_of(row) for row in (await connection.execute(_FLAGS, asked)).all()]


async def find(connection: AsyncConnection, list_id: UUID) -> Any:  # noqa: ANN401 - a row of a statement
    """Return a list, or None."""
    return (await connection.execute(_LIST, {"list_id": list_id})).one_or_none()


async def page(
    connection: AsyncConnection,
    campus: str | None,
    *,
    is_open: bool | None = None,
    order: Order = "oldest",
    after: Position | None = None,
    count: int,
    only: UUID | None = None,
) -> list[Any]:
    """Return lists of a campus with how far they have come and their `place` in the order; or `only` one."""
    begins = {"after": after.id if after else None, "value": after.value if after else None}
    asked = {"campus": campus, "open": is_open, "count": count, "only": only}
    return list((await connection.execute(_PAGE_BY[order], asked | begins)).all())


async def load(connection: AsyncConnection, list_id: UUID) -> list[Entry]:
    """Return everybody on a list."""
    return [_entry(row) for row in (await connection.execute(_LOAD, {"list_id": list_id})).all()]


async def lock(connection: AsyncConnection, ids: Iterable[UUID]) -> list[Entry]:
    """Return entries, held until the transaction ends; and before them the referrals that they are, if they are."""
    asked = {"ids": sorted(set(ids))}
    await connection.execute(_LOCK_REFERRALS, asked)
    return [_entry(row) for row in (await connection.execute(_LOCK, asked)).all()]


async def firings(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Return for entries what made them: edition, courses, how many flags and how grave."""
    rows = (await connection.execute(_FIRING, {"ids": sorted(ids)})).all()
    return {row.referral_id: row for row in rows}


def messaged(entry: Entry, by: str, now: datetime) -> Entry:
    """Return an entry whose student is written to."""
    return replace(entry, messaged_at=now, messaged_by=by)


def _entry(row: Any) -> Entry:  # noqa: ANN401 - a row of one of the statements above
    values: Mapping[str, Any] = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for a row by names
    return Entry(**{**values, "concerns": tuple(values["concerns"])})
