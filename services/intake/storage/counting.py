"""What the rules over flags look at, and what they made: firings, watched flags, what a week has brought so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.flag_rules import Signal
from services.intake.storage.batch import CODE, arrays, codes, insert, split
from services.intake.storage.flags import Place, signal_of
from shared.storage.tx import Tx

_SECOND = timedelta(seconds=1)
REFERRAL, OUTREACH, WATCH = "referral", "outreach", "watch"

_FIRINGS = {
    "referral_id": "uuid",
    "student_id": "uuid",
    "campus": CODE,
    "fired_at": "timestamptz",
    "flag_count": "integer",
    "course_count": "integer",
    "rule": "text",
    "policy_campus": "text",
    "policy_edition": "text",
    "made": "text",
    "made_at": "once timestamptz",
}
_INSERT_FIRINGS = insert("threshold_firings", _FIRINGS, order="referral_id")
_WATCHED = {"referral_id": "uuid", "flag_id": "uuid", "campus": "text"}
_INSERT_WATCHED = insert("watched_flags", _WATCHED, order="flag_id")
# Times as whole seconds, rounded outwards: a number travels at a quarter of the cost of a time, and the rules look at
# the exact times again.
_ASKED = f"""
    WITH asked AS (
        SELECT student_id, campus, to_timestamp(since) AS since, to_timestamp(until) AS until,
               CAST(:far AS interval) AS far
        FROM unnest(CAST(:students AS uuid[]), {split("campuses")}, CAST(:since AS bigint[]), CAST(:until AS bigint[]))
             AS row(student_id, campus, since, until)
        WHERE student_id IS NOT NULL)"""  # noqa: S608 - our own names
_FOUND = """asked.student_id, asked.campus, flags.flag_id, raised_at, course, severity, cleared_at, reason_code, term,
           section"""
# One student after another, by the index on students: joined, a table that is young and has no statistics yet would be
# read from end to end, and a plan once made is kept while the table grows.
_THERE = """asked JOIN LATERAL (
        SELECT * FROM flags WHERE flags.student_id = asked.student_id AND flags.campus || '' = asked.campus
            AND flags.raised_at BETWEEN asked.since AND asked.until OFFSET 0) AS flags ON true"""
_FIRED = """asked JOIN LATERAL (
        SELECT * FROM threshold_firings AS made_then WHERE made_then.student_id = asked.student_id
            AND made_then.campus || '' = asked.campus
            AND made_then.fired_at BETWEEN asked.since - asked.far AND asked.until + asked.far OFFSET 0) AS fired
        ON true"""
_AROUND = text(
    f"""
    {_ASKED}
    SELECT {_FOUND} FROM {_THERE} AND counted_in IS NULL
    UNION ALL
    SELECT asked.student_id, asked.campus, NULL, fired_at, NULL, NULL, NULL, rule, NULL, NULL
    FROM {_FIRED} AND made <> 'watch'
    """  # noqa: S608 - our own names
)
# A watching rule counts by itself: what others counted is there for it too. `seen` names the rules that watched a flag.
_WATCHED_AROUND = text(
    f"""
    {_ASKED}
    SELECT {_FOUND}, (
        SELECT array_agg(rule) FROM watched_flags JOIN threshold_firings USING (referral_id)
        WHERE watched_flags.flag_id = flags.flag_id) AS seen
    FROM {_THERE}
    UNION ALL
    SELECT asked.student_id, asked.campus, NULL, fired_at, NULL, NULL, NULL, rule, NULL, NULL, NULL
    FROM {_FIRED} AND made = 'watch'
    """  # noqa: S608 - our own names
)
_COUNT = text(
    """
    UPDATE flags SET counted_in = counted.referral_id
    FROM unnest(CAST(:flags AS uuid[]), CAST(:referrals AS uuid[])) AS counted(flag_id, referral_id)
    WHERE flags.flag_id = counted.flag_id
    """
)
_MADE_SINCE = text(
    """
    SELECT asked.campus, count(*) AS made
    FROM unnest(CAST(:campuses AS text[]), CAST(:since AS timestamptz[])) AS asked(campus, since)
    JOIN threshold_firings AS fired ON fired.campus = asked.campus AND fired.made_at >= asked.since
    WHERE fired.made = 'referral' GROUP BY asked.campus
    """
)
# As with flags: of what stands behind a wall not even that a rule made it, or whose it is would show.
_BEFORE_THE_WALL = """(made <> 'referral' OR EXISTS (
          SELECT 1 FROM referrals WHERE referrals.referral_id = fired.referral_id AND sensitivity = 'standard'))"""
_OPEN_FLAGS = text(
    f"""
    SELECT flag_id FROM flags LEFT JOIN threshold_firings AS fired ON fired.referral_id = flags.counted_in
    WHERE flag_id = ANY (CAST(:flags AS uuid[])) AND (counted_in IS NULL OR {_BEFORE_THE_WALL})
    """  # noqa: S608 - our own names
)
_PAGE = text(
    f"""
    SELECT referral_id, student_id, campus, rule, policy_campus, policy_edition, made, made_at, fired_at, flag_count,
           course_count
    FROM threshold_firings AS fired
    WHERE campus = :campus AND {_BEFORE_THE_WALL} AND (CAST(:rule AS text) IS NULL OR rule = :rule)
      AND (CAST(:made AS text) IS NULL OR made = :made)
      AND (CAST(:edition AS text) IS NULL OR policy_edition = :edition)
      AND referral_id > CAST(:after AS uuid)
    ORDER BY referral_id LIMIT :count
    """  # noqa: S608 - our own names
)
_TALLY = text(
    f"""
    SELECT rule, policy_campus, policy_edition, made, count(*) AS firings, count(DISTINCT student_id) AS students,
           min(made_at) AS first_at, max(made_at) AS last_at
    FROM threshold_firings AS fired WHERE campus = :campus AND {_BEFORE_THE_WALL}
    GROUP BY rule, policy_campus, policy_edition, made ORDER BY max(made_at) DESC, rule, made
    """  # noqa: S608 - our own names
)


class Span(NamedTuple):
    """The first and the last flag of a stretch of time, and how many days a firing reaches around them."""

    first: datetime
    last: datetime
    days: timedelta


@dataclass(frozen=True, slots=True)
class NewFiring:
    """A firing to store. `flags` only of one that watches: the others are noted with the flags themselves."""

    referral_id: UUID
    student_id: UUID | None
    campus: str
    fired_at: datetime
    flag_count: int
    course_count: int
    rule: str
    policy_campus: str
    policy_edition: str
    made: str
    flags: tuple[UUID, ...] = ()


@dataclass(slots=True)
class Around:
    """What is there around new flags of a place: flags not yet counted, and when each rule fired."""

    signals: list[Signal] = field(default_factory=list)
    fired: dict[str, list[datetime]] = field(default_factory=dict)
    # By flag, the names of the rules that have watched it already.
    seen: dict[UUID, frozenset[str]] = field(default_factory=dict)


# Which students a merge makes one: the id each goes by. Students whom no merge concerns are not in it.
Same = Mapping[UUID, UUID]


async def around(connection: AsyncConnection, spans: Mapping[Place, Span], same: Same) -> dict[Place, Around]:
    """Return the flags not yet counted within each span of time, and the firings within its days around it."""
    return _gathered((await connection.execute(_AROUND, _asked(spans, same))).all(), same)


async def watched_around(connection: AsyncConnection, spans: Mapping[Place, Span], same: Same) -> dict[Place, Around]:
    """Return the same as rules see it that only watch: every flag, with the rules that have watched it."""
    return _gathered((await connection.execute(_WATCHED_AROUND, _asked(spans, same))).all(), same)


def _asked(spans: Mapping[Place, Span], same: Same) -> dict[str, Any]:
    others: dict[UUID, list[UUID]] = {}
    for student, one in same.items():
        others.setdefault(one, []).append(student)
    students, campuses, since, until = list[UUID](), list[str](), list[int](), list[int]()
    for place, (first, last, days) in spans.items():
        reach = days // _SECOND + 1
        begin = int(first.timestamp())
        end = begin if last is first else int(last.timestamp())
        for student in others.get(place.student_id, (place.student_id,)):
            students.append(student)
            campuses.append(place.campus)
            since.append(begin - reach)
            until.append(end + reach)
    far = max(span.days for span in spans.values())
    return {"students": students, "campuses": codes(campuses), "since": since, "until": until, "far": far}


def _gathered(rows: Sequence[Any], same: Same) -> dict[Place, Around]:
    found: dict[Place, Around] = {}
    for row in rows:
        there = found.setdefault(Place(same.get(row.student_id, row.student_id), row.campus), Around())
        if row.flag_id is None:
            there.fired.setdefault(row.reason_code, []).append(row.raised_at)
            continue
        there.signals.append(signal_of(row))
        if getattr(row, "seen", None):
            there.seen[row.flag_id] = frozenset(row.seen)
    return found


async def store_firings(tx: Tx, firings: Sequence[NewFiring]) -> None:
    """Store firings, and which flags were watched."""
    rows = [
        (
            each.referral_id, each.student_id, each.campus, each.fired_at, each.flag_count, each.course_count,
            each.rule, each.policy_campus, each.policy_edition, each.made,
        )
        for each in firings
    ]  # fmt: skip
    await tx.connection.execute(_INSERT_FIRINGS, {**arrays(_FIRINGS, rows), "made_at": tx.now})
    watched = [(each.referral_id, flag, each.campus) for each in firings for flag in each.flags]
    if watched:
        await tx.connection.execute(_INSERT_WATCHED, arrays(_WATCHED, watched))


async def count(connection: AsyncConnection, counted: Mapping[UUID, UUID]) -> None:
    """Note in which referral flags were counted."""
    flags = sorted(counted)
    await connection.execute(_COUNT, {"flags": flags, "referrals": [counted[flag] for flag in flags]})


async def made_since(connection: AsyncConnection, since: Mapping[str, datetime]) -> dict[str, int]:
    """Return how many referrals rules have made on each of these campuses since an instant of its own."""
    asked = {"campuses": list(since), "since": list(since.values())}
    return {row.campus: row.made for row in (await connection.execute(_MADE_SINCE, asked)).all()}


async def page(
    connection: AsyncConnection,
    campus: str,
    *,
    rule: str | None,
    made: str | None,
    edition: str | None,
    after: UUID,
    count: int,
) -> list[Any]:
    """Return what rules made on a campus, in the order in which it was made."""
    asked = {"campus": campus, "rule": rule, "made": made, "edition": edition, "after": after, "count": count}
    return list((await connection.execute(_PAGE, asked)).all())


async def before_the_wall(connection: AsyncConnection, flags: Sequence[UUID]) -> set[UUID]:
    """Return those of these flags that are in no referral behind a wall."""
    rows = await connection.execute(_OPEN_FLAGS, {"flags": sorted(flags)})
    return set(rows.scalars())


async def tally(connection: AsyncConnection, campus: str) -> list[Any]:
    """Return for each rule and edition how often it fired, and for how many students; the latest first."""
    return list((await connection.execute(_TALLY, {"campus": campus})).all())
