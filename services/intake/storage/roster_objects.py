"""OneRoster's rows as a feed last said them: what a delta leaves out was said before."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.decoders.oneroster import Kind, Object
from services.intake.domain.feeds import Feed
from services.intake.storage.imports import Import
from shared.storage.tx import Tx

# A row that says what it said before is only seen. One that is gone is marked, so that who it concerned can be found.
_PUT = text(
    """
    INSERT INTO roster_objects (feed_id, kind, sourced_id, campus, fields, changed_in, seen_in, gone)
    SELECT :feed_id, kind, sourced_id, :campus, CAST(fields AS jsonb), :import_id, :import_id, gone
    FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS text[]), CAST(:fields AS text[]), CAST(:gone AS boolean[]))
         AS row(kind, sourced_id, fields, gone)
    ORDER BY kind, sourced_id
    ON CONFLICT (feed_id, kind, sourced_id) DO UPDATE SET
        fields = CASE WHEN excluded.gone THEN roster_objects.fields ELSE excluded.fields END,
        gone = excluded.gone, seen_in = excluded.seen_in,
        changed_in = CASE WHEN roster_objects.gone = excluded.gone
                           AND (excluded.gone OR roster_objects.fields = excluded.fields)
                          THEN roster_objects.changed_in ELSE excluded.changed_in END
    """
)
_NOT_SEEN = text(
    """
    UPDATE roster_objects SET gone = true, changed_in = :import_id
    WHERE feed_id = :feed_id AND kind = :kind AND seen_in <> :import_id AND NOT gone
    """
)
# Whoever changed, whose role or enrollment changed, and everybody in a class that changed or has another teacher now.
_CONCERNED = text(
    """
    SELECT sourced_id FROM (
        SELECT sourced_id FROM roster_objects
        WHERE feed_id = :feed_id AND kind = 'users' AND changed_in = :import_id
        UNION SELECT fields ->> 'userSourcedId' FROM roster_objects
        WHERE feed_id = :feed_id AND kind IN ('roles', 'enrollments') AND changed_in = :import_id
        UNION SELECT enrolled.fields ->> 'userSourcedId'
        FROM roster_objects AS changed JOIN roster_objects AS enrolled
          ON enrolled.feed_id = :feed_id AND enrolled.kind = 'enrollments'
         AND enrolled.fields ->> 'classSourcedId' = changed.sourced_id
        WHERE changed.feed_id = :feed_id AND changed.kind = 'classes' AND changed.changed_in = :import_id
        UNION SELECT enrolled.fields ->> 'userSourcedId'
        FROM roster_objects AS taught JOIN roster_objects AS enrolled
          ON enrolled.feed_id = :feed_id AND enrolled.kind = 'enrollments'
         AND enrolled.fields ->> 'classSourcedId' = taught.fields ->> 'classSourcedId'
        WHERE taught.feed_id = :feed_id AND taught.kind = 'enrollments' AND taught.changed_in = :import_id
          AND lower(taught.fields ->> 'role') = 'teacher'
    ) AS concerned (sourced_id)
    WHERE sourced_id > :after ORDER BY sourced_id LIMIT :count
    """
)
_EVERYBODY = text(
    """
    SELECT sourced_id FROM roster_objects WHERE feed_id = :feed_id AND kind = 'users' AND sourced_id > :after
    ORDER BY sourced_id LIMIT :count
    """
)
_USERS = text(
    """
    SELECT sourced_id, CAST(fields AS text) AS fields, gone FROM roster_objects
    WHERE feed_id = :feed_id AND kind = 'users' AND sourced_id = ANY (CAST(:ids AS text[])) ORDER BY sourced_id
    """
)
_OF_USERS = text(
    """
    SELECT kind, fields ->> 'userSourcedId' AS user_id, CAST(fields AS text) AS fields FROM roster_objects
    WHERE feed_id = :feed_id AND kind IN ('roles', 'enrollments') AND NOT gone
      AND fields ->> 'userSourcedId' = ANY (CAST(:ids AS text[]))
    ORDER BY kind, sourced_id
    """
)
_TEACHERS = text(
    """
    SELECT sourced_id, CAST(fields AS text) AS fields FROM roster_objects
    WHERE feed_id = :feed_id AND kind = 'enrollments' AND NOT gone
      AND fields ->> 'classSourcedId' = ANY (CAST(:ids AS text[])) AND lower(fields ->> 'role') = 'teacher'
    ORDER BY sourced_id
    """
)
_SOME = text(
    """
    SELECT sourced_id, CAST(fields AS text) AS fields FROM roster_objects
    WHERE feed_id = :feed_id AND kind = :kind AND NOT gone AND sourced_id = ANY (CAST(:ids AS text[]))
    """
)
_ALL = text(
    """
    SELECT kind, sourced_id, CAST(fields AS text) AS fields FROM roster_objects
    WHERE feed_id = :feed_id AND kind IN ('orgs', 'academicSessions', 'courses') AND NOT gone
    """
)
_read = msgspec.json.Decoder(dict[str, str]).decode


class Users(NamedTuple):
    """Users with what hangs on them; `gone` are the fields of those who are no longer there."""

    there: dict[str, dict[str, str]]
    gone: dict[str, dict[str, str]]
    roles: dict[str, list[dict[str, str]]]
    enrollments: dict[str, list[dict[str, str]]]


async def put(tx: Tx, feed: Feed, of: Import, objects: Sequence[Object]) -> None:
    """Store what some rows say, in one statement."""
    if objects:
        values = {"feed_id": feed.feed_id, "campus": feed.campus, "import_id": of.import_id}
        columns = {
            "kinds": [each.kind for each in objects],
            "ids": [each.sourced_id for each in objects],
            "fields": [msgspec.json.encode(each.fields).decode() for each in objects],
            "gone": [each.gone for each in objects],
        }
        await tx.connection.execute(_PUT, values | columns)


async def gone_unless_seen(tx: Tx, feed: Feed, of: Import, kind: Kind) -> int:
    """Mark what a file in bulk did not say any more; return how many rows."""
    asked = {"feed_id": feed.feed_id, "import_id": of.import_id, "kind": kind}
    return (await tx.connection.execute(_NOT_SEEN, asked)).rowcount


async def concerned(
    connection: AsyncConnection, feed: Feed, import_id: UUID, after: str, count: int, *, everybody: bool
) -> list[str]:
    """Return the ids of users about whom a delivery says something new, or of everybody, in order."""
    asked: dict[str, Any] = {"feed_id": feed.feed_id, "after": after, "count": count}
    if not everybody:
        asked["import_id"] = import_id
    found = (await connection.execute(_EVERYBODY if everybody else _CONCERNED, asked)).scalars()
    return list(found)


async def users(connection: AsyncConnection, feed: Feed, ids: Sequence[str]) -> Users:
    """Return users with their roles and enrollments."""
    asked = {"feed_id": feed.feed_id, "ids": list(ids)}
    found = Users({}, {}, {}, {})
    for row in (await connection.execute(_USERS, asked)).all():
        (found.gone if row.gone else found.there)[row.sourced_id] = _read(row.fields)
    for row in (await connection.execute(_OF_USERS, asked)).all():
        hangs = found.roles if row.kind == "roles" else found.enrollments
        hangs.setdefault(row.user_id, []).append(_read(row.fields))
    return found


async def catalog(connection: AsyncConnection, feed: Feed) -> dict[str, dict[str, dict[str, str]]]:
    """Return what is small and everybody refers to, by kind: orgs, terms and courses."""
    found: dict[str, dict[str, dict[str, str]]] = {"orgs": {}, "academicSessions": {}, "courses": {}}
    for row in (await connection.execute(_ALL, {"feed_id": feed.feed_id})).all():
        found[row.kind][row.sourced_id] = _read(row.fields)
    return found


async def some(connection: AsyncConnection, feed: Feed, kind: Kind, ids: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return these objects, as far as they are there."""
    asked = {"feed_id": feed.feed_id, "kind": kind, "ids": sorted(set(ids))}
    return {row.sourced_id: _read(row.fields) for row in (await connection.execute(_SOME, asked)).all()}


async def teaching(connection: AsyncConnection, feed: Feed, classes: Iterable[str]) -> list[Object]:
    """Return the enrollments of those who teach some classes."""
    asked = {"feed_id": feed.feed_id, "ids": sorted(set(classes))}
    rows = (await connection.execute(_TEACHERS, asked)).all()
    return [Object("enrollments", row.sourced_id, gone=False, fields=_read(row.fields), place="") for row in rows]
