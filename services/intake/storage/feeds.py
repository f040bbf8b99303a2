"""Feeds, the versions of their mappings, and their deliveries."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.feeds import Expected, Feed
from shared.storage.positions import Position
from shared.storage.tx import Tx

Order = Literal["added", "name", "trouble"]
_COLUMNS = (
    "feed_id, campus, code, name, kind, brings, owner_id, state, mapping_version, rate_per_minute, expected, settings,"
    " made_at, version"
)
_INSERT = text(
    """
    INSERT INTO feeds (feed_id, campus, code, name, kind, brings, owner_id, state, mapping_version, rate_per_minute,
                       expected, settings, made_by, made_at, changed_at, version)
    VALUES (:feed_id, :campus, :code, :name, :kind, :brings, :owner_id, :state, :mapping_version, :rate_per_minute,
            :expected, :settings, :made_by, :now, :now, 1)
    ON CONFLICT (code) DO NOTHING RETURNING feed_id
    """
)
_UPDATE = text(
    """
    UPDATE feeds SET name = :name, owner_id = :owner_id, state = :state, mapping_version = :mapping_version,
        rate_per_minute = :rate_per_minute, expected = :expected, settings = :settings, changed_at = :now,
        version = version + 1
    WHERE feed_id = :feed_id AND version = :version
    """
)
_FIND = text(f"SELECT {_COLUMNS} FROM feeds WHERE feed_id = :feed_id")  # noqa: S608 - our own names
_LOCKED = text(f"SELECT {_COLUMNS} FROM feeds WHERE feed_id = :feed_id FOR UPDATE")  # noqa: S608 - our own names
# What a feed is sorted by: a number and a name. More of what troubles it comes first; one that has ended comes last.
_TROUBLE = """CASE WHEN state = 'retired' THEN 1 ELSE
    - (SELECT count(*) FROM feed_signals AS said WHERE said.feed_id = feeds.feed_id AND resolved_at IS NULL)
      * 1000000000
    - (SELECT count(*) FROM quarantine WHERE quarantine.feed_id = feeds.feed_id AND quarantine.state = 'waiting') END"""
_SORTED = {
    order: text(
        f"""
        SELECT {_COLUMNS}, place FROM (SELECT *, {value} AS place, {name} AS called FROM feeds) AS feeds
        WHERE (:campus = '' OR campus = :campus) AND (:kind = '' OR kind = :kind) AND (:state = '' OR state = :state)
          AND (CAST(:after AS uuid) IS NULL OR (place, called, feed_id) > (
               CAST(:value AS bigint), (SELECT {name} FROM feeds WHERE feed_id = :after), CAST(:after AS uuid)))
        ORDER BY place, called, feed_id LIMIT :count
        """  # noqa: S608 - our own names
    )
    for order, value, name in (("added", "0", "''"), ("name", "0", "lower(name)"), ("trouble", _TROUBLE, "lower(name)"))
}
_OF_KINDS = text(
    f"SELECT {_COLUMNS} FROM feeds WHERE state = 'active' AND kind = ANY (:kinds) ORDER BY feed_id"  # noqa: S608
)
_ADD_MAPPING = text(
    """
    INSERT INTO feed_mappings (feed_id, version, campus, document, note, made_by, made_at)
    SELECT :feed_id, coalesce(max(version), 0) + 1, :campus, :document, :note, :made_by, :now
    FROM feed_mappings WHERE feed_id = :feed_id
    RETURNING version
    """
)
_MAPPING = text("SELECT document FROM feed_mappings WHERE feed_id = :feed_id AND version = :version")
_MAPPINGS = text(
    """
    SELECT version, document, note, made_by, made_at FROM feed_mappings WHERE feed_id = :feed_id
    ORDER BY version DESC LIMIT 200
    """
)
_DELIVERIES = text(
    """
    SELECT import_id, state, mapping_version, row_count, accepted, unchanged, merged, skipped, rejected, referrals_made,
           new_columns, started_at, ended_at
    FROM imports WHERE feed_id = :feed_id AND import_id < CAST(:before AS uuid)
    ORDER BY import_id DESC LIMIT :count
    """
)
_STANDING = text(
    """
    SELECT asked.feed_id,
        (SELECT count(*) FROM quarantine WHERE quarantine.feed_id = asked.feed_id AND state = 'waiting') AS waiting,
        (SELECT started_at FROM imports WHERE imports.feed_id = asked.feed_id
         ORDER BY import_id DESC LIMIT 1) AS last_at
    FROM unnest(CAST(:feeds AS uuid[])) AS asked(feed_id)
    """
)
_OWNERS = text("SELECT feed_id, campus, owner_id FROM feeds WHERE feed_id = ANY (CAST(:feeds AS uuid[]))")
_ENDED = text(
    """
    UPDATE imports SET state = :state, ended_at = :now, skipped = skipped + :skipped, new_columns = :new_columns
    WHERE import_id = :import_id
    """
)
_BREAK_OFF = text(
    "UPDATE imports SET state = 'broken_off', ended_at = :now WHERE feed_id = :feed_id AND state = 'running'"
)
# A table of the roster says how things stand, so one that came before is news again once another came in between.
# What a flag or referral said it has said; and a zip with the time in it comes again by mistake only.
_SEEN = text(
    """
    SELECT import_id FROM imports AS came
    WHERE feed_id = :feed_id AND digest = :digest AND mapping_version = :version AND state = 'finished'
      AND (NOT :stands OR NOT EXISTS (
          SELECT 1 FROM imports AS later WHERE later.feed_id = came.feed_id AND later.import_id > came.import_id
            AND later.digest IS NOT NULL AND later.digest <> came.digest))
    LIMIT 1
    """
)


async def add(tx: Tx, feed: Feed) -> bool:
    """Store a new feed; False when another has its code."""
    made = await tx.connection.execute(_INSERT, {**_values(feed), "made_by": tx.actor.id, "now": tx.now})
    return made.scalar_one_or_none() is not None


async def save(tx: Tx, feed: Feed) -> bool:
    """Store a feed that has changed; False when somebody else changed it meanwhile."""
    done = await tx.connection.execute(_UPDATE, {**_values(feed), "version": feed.version, "now": tx.now})
    return bool(done.rowcount)


async def find(connection: AsyncConnection, feed_id: UUID, *, lock: bool = False) -> Feed | None:
    """Return a feed, if row security shows it."""
    row = (await connection.execute(_LOCKED if lock else _FIND, {"feed_id": feed_id})).one_or_none()
    return None if row is None else feed_of(row)


async def page(
    connection: AsyncConnection,
    *,
    campus: str = "",
    kind: str = "",
    state: str = "",
    order: Order = "added",
    after: Position | None = None,
    count: int,
) -> list[tuple[Feed, Position]]:
    """Return feeds as far as row security shows them, each with where it stands in the order."""
    asked = {"campus": campus, "kind": kind, "state": state, "count": count}
    begins = {"after": after.id if after else None, "value": after.value if after else None}
    rows = (await connection.execute(_SORTED[order], asked | begins)).all()
    return [(feed_of(row), Position(row.place, row.feed_id)) for row in rows]


async def add_mapping(tx: Tx, feed: Feed, document: Mapping[str, Any], note: str) -> int:
    """Store a further version of a feed's mapping and return its number. The feed is locked by the caller."""
    values = {
        "feed_id": feed.feed_id,
        "campus": feed.campus,
        "document": json.dumps(document, ensure_ascii=False),
        "note": note,
        "made_by": tx.actor.id,
        "now": tx.now,
    }
    return int((await tx.connection.execute(_ADD_MAPPING, values)).scalar_one())


async def mapping(connection: AsyncConnection, feed_id: UUID, version: int) -> dict[str, Any] | None:
    """Return a version of a feed's mapping."""
    found = await connection.execute(_MAPPING, {"feed_id": feed_id, "version": version})
    document = found.scalar_one_or_none()
    return None if document is None else dict(json.loads(document))


async def mappings(connection: AsyncConnection, feed_id: UUID) -> list[Any]:
    """Return the versions of a feed's mapping, newest first."""
    return list((await connection.execute(_MAPPINGS, {"feed_id": feed_id})).all())


async def deliveries(connection: AsyncConnection, feed_id: UUID, before: UUID, count: int) -> list[Any]:
    """Return deliveries of a feed, newest first."""
    asked = {"feed_id": feed_id, "before": before, "count": count}
    return list((await connection.execute(_DELIVERIES, asked)).all())


async def standing(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, tuple[int, datetime | None]]:
    """Return how much of each feed waits in quarantine, and when it last delivered."""
    rows = (await connection.execute(_STANDING, {"feeds": list(ids)})).all()
    return {row.feed_id: (row.waiting, row.last_at) for row in rows}


async def owners(connection: AsyncConnection, ids: Collection[UUID]) -> dict[UUID, tuple[str, str]]:
    """Return the campus and the owner of feeds."""
    rows = (await connection.execute(_OWNERS, {"feeds": sorted(ids)})).all()
    return {row.feed_id: (row.campus, row.owner_id) for row in rows}


async def end_delivery(tx: Tx, import_id: UUID, state: str, skipped: int, new_columns: Sequence[str]) -> None:
    """Note how a delivery ended."""
    values = {
        "import_id": import_id,
        "state": state,
        "now": tx.now,
        "skipped": skipped,
        "new_columns": sorted(set(new_columns)),
    }
    await tx.connection.execute(_ENDED, values)


async def break_off(tx: Tx, feed: Feed) -> None:
    """Note that no delivery of this feed is under way: whoever took one in has died."""
    await tx.connection.execute(_BREAK_OFF, {"feed_id": feed.feed_id, "now": tx.now})


async def of_files(connection: AsyncConnection, kinds: Collection[str]) -> list[Feed]:
    """Return the active feeds of some kinds."""
    return [feed_of(row) for row in (await connection.execute(_OF_KINDS, {"kinds": sorted(kinds)})).all()]


async def seen(connection: AsyncConnection, feed: Feed, digest: bytes) -> UUID | None:
    """Return the delivery that brought exactly this and was read by the mapping in use, if there is one."""
    asked: dict[str, Any] = {"feed_id": feed.feed_id, "digest": digest, "version": feed.mapping_version}
    asked["stands"] = feed.kind == "file_drop" and feed.brings == "roster"
    found: UUID | None = (await connection.execute(_SEEN, asked)).scalar_one_or_none()
    return found


def _values(feed: Feed) -> dict[str, Any]:
    return {
        "feed_id": feed.feed_id,
        "campus": feed.campus,
        "code": feed.code,
        "name": feed.name,
        "kind": feed.kind,
        "brings": feed.brings,
        "owner_id": feed.owner_id,
        "state": feed.state,
        "mapping_version": feed.mapping_version,
        "rate_per_minute": feed.rate_per_minute,
        "expected": msgspec.json.encode(feed.expected).decode(),
        "settings": json.dumps(feed.settings),
    }


def feed_of(row: Any) -> Feed:  # noqa: ANN401 - a row of one of the statements above, or of another with its columns
    """Return the feed of a row."""
    return Feed(
        feed_id=row.feed_id,
        code=row.code,
        name=row.name,
        kind=row.kind,
        brings=row.brings,
        campus=row.campus,
        owner_id=row.owner_id,
        state=row.state,
        mapping_version=row.mapping_version,
        rate_per_minute=row.rate_per_minute,
        expected=msgspec.json.decode(row.expected, type=Expected),
        settings=json.loads(row.settings),
        made_at=row.made_at,
        version=row.version,
    )
