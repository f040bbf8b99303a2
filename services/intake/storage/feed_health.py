"""What is kept of how feeds do: their days, what is wrong with them since when, and what was turned away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.feed_health import Day, Finding, Seen, Window
from services.intake.domain.feeds import Feed
from services.intake.storage.feeds import feed_of
from shared.ids import new_ids
from shared.storage.tx import Tx

KEPT = timedelta(days=400)
_UNKNOWN_CODE = "a_value_the_mapping_has_no_meaning_for"
_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext('feed_health'))")
# Feeds that are watched, or were: what is wrong with one that is no longer active is over.
_WATCHED = text(
    """
    SELECT feeds.*, CASE WHEN health.state <> 'off' THEN health.watched_since END AS watched_since, health.looked_at
    FROM feeds LEFT JOIN feed_health AS health USING (feed_id)
    WHERE feeds.state = 'active' OR health.state IS DISTINCT FROM 'off' AND health.state IS NOT NULL
    ORDER BY feed_id
    """
)
# A delivery counts on the day on which it began, by its feed's own clock; what somebody replays is no delivery.
_ROLL_UP = text(
    """
    INSERT INTO feed_days (feed_id, day, campus, deliveries, items, accepted, unchanged, merged, skipped, quarantined,
                           refused)
    SELECT feed.id, day, feed.campus, sum(deliveries), sum(items), sum(accepted), sum(unchanged), sum(merged),
           sum(skipped), sum(quarantined), sum(refused)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:campuses AS text[]), CAST(:zones AS text[]), CAST(:sinces AS timestamptz[]))
         AS feed(id, campus, zone, since)
    CROSS JOIN LATERAL (
        SELECT CAST(started_at AT TIME ZONE feed.zone AS date) AS day, count(*) AS deliveries, sum(row_count) AS items,
               sum(accepted) AS accepted, sum(unchanged) AS unchanged, sum(merged) AS merged, sum(skipped) AS skipped,
               sum(rejected) AS quarantined, 0 AS refused
        FROM imports WHERE feed_id = feed.id AND started_at >= feed.since AND started_by ~ '^(feed|service):' GROUP BY 1
        UNION ALL
        SELECT CAST(at_hour AT TIME ZONE feed.zone AS date), 0, 0, 0, 0, 0, 0, 0, sum(times)
        FROM feed_refusals WHERE feed_id = feed.id AND at_hour >= feed.since GROUP BY 1
    ) AS came
    GROUP BY feed.id, day, feed.campus ORDER BY feed.id, day
    ON CONFLICT (feed_id, day) DO UPDATE SET deliveries = excluded.deliveries, items = excluded.items,
        accepted = excluded.accepted, unchanged = excluded.unchanged, merged = excluded.merged,
        skipped = excluded.skipped, quarantined = excluded.quarantined, refused = excluded.refused
    """
)
_SEEN = text(
    f"""
    SELECT feed.id, newest.last_at, due.items AS due_items, due.quarantined AS due_quarantined,
           current.items, current.quarantined, aside.waiting, aside.unknown_codes,
           coalesce(latest.columns, '{{}}') AS columns, coalesce(first.columns, '{{}}') AS known,
           turned.times, turned.code, turned.last_at AS refused_at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:versions AS int[]), CAST(:dues AS timestamptz[]),
                CAST(:currents AS timestamptz[])) AS feed(id, version, due, current)
    LEFT JOIN LATERAL (
        SELECT started_at AS last_at FROM imports
        WHERE feed_id = feed.id AND (row_count > 0 OR state = 'finished') AND started_by ~ '^(feed|service):'
        ORDER BY started_at DESC LIMIT 1
    ) AS newest ON true
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(row_count), 0) AS items, coalesce(sum(rejected), 0) AS quarantined FROM imports
        WHERE feed_id = feed.id AND started_at >= feed.due AND started_at < feed.current
          AND started_by ~ '^(feed|service):'
    ) AS due
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(row_count), 0) AS items, coalesce(sum(rejected), 0) AS quarantined FROM imports
        WHERE feed_id = feed.id AND started_at >= feed.current AND started_by ~ '^(feed|service):'
    ) AS current
    CROSS JOIN LATERAL (
        SELECT count(*) AS waiting, count(*) FILTER (WHERE code = '{_UNKNOWN_CODE}') AS unknown_codes FROM quarantine
        WHERE feed_id = feed.id AND state = 'waiting'
    ) AS aside
    LEFT JOIN LATERAL (
        SELECT new_columns AS columns FROM imports
        WHERE feed_id = feed.id AND mapping_version = feed.version AND row_count > 0
        ORDER BY started_at DESC LIMIT 1
    ) AS latest ON true
    LEFT JOIN LATERAL (
        SELECT new_columns AS columns FROM imports
        WHERE feed_id = feed.id AND mapping_version = feed.version AND row_count > 0
        ORDER BY started_at LIMIT 1
    ) AS first ON true
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(times), 0) AS times, (array_agg(code ORDER BY last_at DESC))[1] AS code,
               max(last_at) AS last_at
        FROM feed_refusals WHERE feed_id = feed.id AND at_hour >= :refused_since
    ) AS turned
    """  # noqa: S608 - our own constant
)
# What the feed itself brought, and not what a person tried or replayed.
_CAME = text(
    """
    SELECT feed.id, (
        SELECT started_at FROM imports
        WHERE feed_id = feed.id AND (row_count > 0 OR state = 'finished') AND started_by ~ '^(feed|service):'
        ORDER BY started_at DESC LIMIT 1) AS last_at
    FROM unnest(CAST(:ids AS uuid[])) AS feed(id)
    """
)
_DAYS = text(
    """
    SELECT feed_id, day, deliveries, items, accepted, unchanged, merged, skipped, quarantined, refused
    FROM feed_days WHERE feed_id = ANY (CAST(:ids AS uuid[])) AND day >= :since ORDER BY feed_id, day
    """
)
_OPEN = text(
    """
    SELECT feed_id, signal, since, facts FROM feed_signals
    WHERE resolved_at IS NULL AND feed_id = ANY (CAST(:ids AS uuid[])) ORDER BY feed_id, since
    """
)
_OPEN_SIGNALS = text(
    """
    INSERT INTO feed_signals (signal_id, feed_id, campus, signal, facts, since)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:feeds AS uuid[]), CAST(:campuses AS text[]),
                         CAST(:signals AS text[]), CAST(:facts AS text[]), CAST(:sinces AS timestamptz[]))
    ON CONFLICT (feed_id, signal) WHERE resolved_at IS NULL DO NOTHING
    """
)
_RESOLVE = text(
    """
    UPDATE feed_signals SET resolved_at = :now
    FROM unnest(CAST(:feeds AS uuid[]), CAST(:signals AS text[])) AS over(feed, name)
    WHERE feed_id = over.feed AND signal = over.name AND resolved_at IS NULL
    """
)
_LOOKED = text(
    """
    INSERT INTO feed_health (feed_id, campus, watched_since, last_at, state, looked_at)
    SELECT id, campus, since, last_at, state, :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:campuses AS text[]), CAST(:sinces AS timestamptz[]),
                CAST(:lasts AS timestamptz[]), CAST(:states AS text[])) AS row(id, campus, since, last_at, state)
    ORDER BY id
    ON CONFLICT (feed_id) DO UPDATE SET watched_since = excluded.watched_since, last_at = excluded.last_at,
        state = excluded.state, looked_at = excluded.looked_at
    """
)
_STATES = text(
    """
    SELECT feed_id, state, last_at, watched_since, looked_at FROM feed_health
    WHERE feed_id = ANY (CAST(:ids AS uuid[])) ORDER BY feed_id
    """
)
_HISTORY = text(
    """
    SELECT signal, facts, since, resolved_at FROM feed_signals WHERE feed_id = :feed_id
    ORDER BY since DESC, signal_id DESC LIMIT :count
    """
)
_REFUSED = text(
    """
    INSERT INTO feed_refusals (feed_id, at_hour, code, campus, detail, times, last_at)
    VALUES (:feed_id, date_trunc('hour', CAST(:now AS timestamptz)), :code, :campus, :detail, 1, :now)
    ON CONFLICT (feed_id, at_hour, code) DO UPDATE SET times = feed_refusals.times + 1, last_at = excluded.last_at
    """
)
_REFUSALS = text(
    """
    SELECT code, max(detail) AS detail, sum(times) AS times, max(last_at) AS last_at FROM feed_refusals
    WHERE feed_id = :feed_id AND at_hour >= :since GROUP BY code ORDER BY last_at DESC LIMIT 20
    """
)
_FORGET = (
    text("DELETE FROM feed_days WHERE day < CAST(:before AS date)"),
    text("DELETE FROM feed_refusals WHERE at_hour < :before"),
    text("DELETE FROM feed_signals WHERE resolved_at < :before"),
)


@dataclass(frozen=True, slots=True)
class Watched:
    """A feed and since when it is watched; None for one that was not until now."""

    feed: Feed
    since: datetime | None
    looked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked about a feed: from when things count for the last day due, and from when for the current one."""

    feed: Feed
    zone: str
    rolled_up_since: datetime
    due_from: datetime
    current_from: datetime
    days_since: date


@dataclass(frozen=True, slots=True)
class Change:
    """A signal that opens (with its finding) or is over, and when it began."""

    feed: Feed
    signal: str
    since: datetime
    finding: Finding | None


async def alone(connection: AsyncConnection) -> bool:
    """Return whether nobody else looks at health just now; holds until the transaction ends."""
    return bool((await connection.execute(_ALONE)).scalar_one())


async def watched(connection: AsyncConnection) -> list[Watched]:
    """Return the feeds to look at."""
    rows = (await connection.execute(_WATCHED)).all()
    return [Watched(feed_of(row), row.watched_since, row.looked_at) for row in rows]


async def roll_up(connection: AsyncConnection, asked: Sequence[Asked]) -> None:
    """Count again what came on the latest days."""
    await connection.execute(
        _ROLL_UP,
        {
            "ids": [each.feed.feed_id for each in asked],
            "campuses": [each.feed.campus for each in asked],
            "zones": [each.zone for each in asked],
            "sinces": [each.rolled_up_since for each in asked],
        },
    )


async def seen(connection: AsyncConnection, asked: Sequence[Asked], now: datetime) -> dict[UUID, Seen]:
    """Return what is known of each feed, in two statements."""
    values = {
        "ids": [each.feed.feed_id for each in asked],
        "versions": [each.feed.mapping_version for each in asked],
        "dues": [each.due_from for each in asked],
        "currents": [each.current_from for each in asked],
        "refused_since": now - timedelta(days=1),
    }
    rows = (await connection.execute(_SEEN, values)).all()
    past = await days(connection, values["ids"], min(each.days_since for each in asked))
    return {row.id: _seen(row, past.get(row.id, [])) for row in rows}


async def days(connection: AsyncConnection, feed_ids: Any, since: date) -> dict[UUID, list[Day]]:  # noqa: ANN401
    """Return what came on each day on which anything did, by feed."""
    found: dict[UUID, list[Day]] = {}
    for row in (await connection.execute(_DAYS, {"ids": feed_ids, "since": since})).all():
        _, day, *counts = row
        found.setdefault(row.feed_id, []).append(Day(day, *map(int, counts)))
    return found


async def open_signals(
    connection: AsyncConnection, feed_ids: Sequence[UUID]
) -> dict[UUID, dict[str, tuple[datetime, Any]]]:
    """Return what is wrong with each feed since when, with its facts."""
    found: dict[UUID, dict[str, tuple[datetime, Any]]] = {}
    for row in (await connection.execute(_OPEN, {"ids": list(feed_ids)})).all():
        found.setdefault(row.feed_id, {})[row.signal] = (row.since, msgspec.json.decode(row.facts))
    return found


async def keep(tx: Tx, changes: Sequence[Change]) -> None:
    """Store what opened and what is over."""
    opened = [each for each in changes if each.finding is not None]
    over = [each for each in changes if each.finding is None]
    if over:
        values = {"feeds": [each.feed.feed_id for each in over], "signals": [each.signal for each in over]}
        await tx.connection.execute(_RESOLVE, {**values, "now": tx.now})
    if opened:
        await tx.connection.execute(
            _OPEN_SIGNALS,
            {
                "ids": new_ids(len(opened)),
                "feeds": [each.feed.feed_id for each in opened],
                "campuses": [each.feed.campus for each in opened],
                "signals": [each.signal for each in opened],
                "facts": [msgspec.json.encode(each.finding.facts).decode() for each in opened if each.finding],
                "sinces": [each.since for each in opened],
            },
        )


async def looked(tx: Tx, states: Sequence[tuple[Feed, datetime, datetime | None, str]]) -> None:
    """Note how each feed is: (feed, watched since, when something came last, state)."""
    await tx.connection.execute(
        _LOOKED,
        {
            "now": tx.now,
            "ids": [feed.feed_id for feed, *_ in states],
            "campuses": [feed.campus for feed, *_ in states],
            "sinces": [since for _, since, _, _ in states],
            "lasts": [last for _, _, last, _ in states],
            "states": [state for *_, state in states],
        },
    )


async def states(connection: AsyncConnection, feed_ids: Sequence[UUID]) -> Mapping[UUID, Any]:
    """Return how feeds were when they were looked at last, as far as row security shows them."""
    rows = (await connection.execute(_STATES, {"ids": list(feed_ids)})).all()
    return {row.feed_id: row for row in rows}


async def history(connection: AsyncConnection, feed_id: UUID, count: int) -> list[Any]:
    """Return what has been wrong with a feed, the newest first."""
    return list((await connection.execute(_HISTORY, {"feed_id": feed_id, "count": count})).all())


async def came(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, datetime | None]:
    """Return when each feed last delivered, whether or not anybody has looked at how it does since."""
    rows = (await connection.execute(_CAME, {"ids": list(ids)})).all()
    return {row.id: row.last_at for row in rows}


def facts_of(text_: str) -> dict[str, Any]:
    """Read the facts of a signal."""
    return dict(msgspec.json.decode(text_))


async def refuse(tx: Tx, feed: Feed, code: str, detail: str) -> None:
    """Note that a delivery was turned away as a whole. Counted by the hour: whoever floods us fills no table."""
    values = {"feed_id": feed.feed_id, "campus": feed.campus, "code": code[:64], "detail": detail[:500], "now": tx.now}
    await tx.connection.execute(_REFUSED, values)


async def refusals(connection: AsyncConnection, feed_id: UUID, since: datetime) -> list[Any]:
    """Return why deliveries were turned away, the latest first."""
    return list((await connection.execute(_REFUSALS, {"feed_id": feed_id, "since": since})).all())


async def forget_old(tx: Tx) -> None:
    """Delete what nobody looks at any more."""
    for statement in _FORGET:
        await tx.connection.execute(statement, {"before": tx.now - KEPT})


def _seen(row: Any, past: Sequence[Day]) -> Seen:  # noqa: ANN401 - a row of `_SEEN`
    return Seen(
        last_at=row.last_at,
        current=Window(int(row.items), int(row.quarantined)),
        last_due=Window(int(row.due_items), int(row.due_quarantined)),
        days=past,
        waiting=row.waiting,
        unknown_codes=row.unknown_codes,
        new_columns=tuple(sorted(set(row.columns) - set(row.known))),
        refused=int(row.times),
        refused_code=row.code or "",
        refused_at=row.refused_at,
    )
