"""The present state of everything on a compacted topic, one row per key: an owner's own, or a replica of it."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.access.actors import service_actor
from shared.events import COMPACTED, Event, Snapshot, catalogue
from shared.storage import outbox
from shared.storage.engines import Database
from shared.storage.tx import Tx

_encoder = msgspec.json.Encoder()
_decoders: dict[str, msgspec.json.Decoder[Event]] = {}
_AT_ONCE = 500

# Rows in key order, so that two batches never lock each other out.
_STORE = """
    INSERT INTO {table} (key, version, campus, status, type, body)
    SELECT key, version, campus, status, type, body
    FROM unnest(CAST(:keys AS text[]), CAST(:versions AS bigint[]), CAST(:campuses AS text[]),
                CAST(:statuses AS text[]), CAST(:types AS text[]), CAST(:bodies AS bytea[]))
         AS row(key, version, campus, status, type, body)
    ORDER BY key
    ON CONFLICT (key) DO UPDATE
    SET version = excluded.version, campus = excluded.campus, status = excluded.status,
        type = excluded.type, body = excluded.body
    WHERE {table}.version < excluded.version
    RETURNING key
"""
_ERASE = "DELETE FROM {table} WHERE key = ANY (CAST(:keys AS text[]))"
_LOAD = """
    SELECT type, body FROM {table} WHERE key = ANY (CAST(:keys AS text[])) AND (:removed OR status <> 'removed')
"""
_LOAD_ALL = """
    SELECT type, body FROM {table}
    WHERE starts_with(key, :prefix) AND key > :after AND (:removed OR status <> 'removed')
    ORDER BY key LIMIT :count
"""


class StaleSnapshotError(Exception):
    """An owner saved a snapshot that is no newer than what it has: it worked on an old state. Load, then try again."""


class Row(NamedTuple):
    """A row of `<topic>_snapshots`; `body` is the JSON on the wire."""

    key: str
    version: int
    campus: str
    status: str
    type: str
    body: bytes


def row_of(snapshot: Snapshot, body: bytes | None = None) -> Row:
    """Return the row of a snapshot."""
    return Row(
        snapshot.key,
        snapshot.sequence,
        snapshot.campus,
        snapshot.status,
        snapshot.TYPE,
        body if body is not None else _encoder.encode(snapshot),
    )


async def save(tx: Tx, snapshots: Sequence[Snapshot]) -> None:
    """Save the owner's snapshots and publish them, with a fixed number of statements per topic.

    Raises StaleSnapshotError when a row has the same or a higher version already. One snapshot per key.
    """
    by_topic: dict[str, list[Row]] = {}
    for snapshot in snapshots:
        by_topic.setdefault(snapshot.TOPIC, []).append(row_of(snapshot))
    for topic, rows in sorted(by_topic.items()):
        if len(await store(tx.connection, topic, rows)) < len(rows):
            raise StaleSnapshotError(topic)
    tx.publish(*snapshots)


async def load(
    connection: AsyncConnection, topic: str, keys: Sequence[str], *, removed: bool = False
) -> dict[str, Snapshot]:
    """Return the present snapshots of these keys; with `removed`, also of things that no longer exist."""
    found = await connection.execute(
        text(_LOAD.format(table=_table(topic))), {"keys": sorted(set(keys)), "removed": removed}
    )
    return {each.key: each for each in (_decode(row.type, row.body) for row in found) if each is not None}


async def load_all(
    connection: AsyncConnection, topic: str, prefix: str = "", *, removed: bool = False
) -> list[Snapshot]:
    """Return every present snapshot whose key begins with `prefix`, in key order."""
    return await _page(connection, topic, prefix, after="", count=None, removed=removed)


async def republish(database: Database, topic: str) -> int:
    """Publish every snapshot of an owned topic again, removed ones too, marked `republished`; return how many.

    For a new consumer of history. Transactions of 500, so that the service goes on working meanwhile.
    """
    after, total = "", 0
    while True:
        async with database.transaction(service_actor(database.service)) as tx:
            page = await _page(tx.connection, topic, "", after=after, count=_AT_ONCE, removed=True)
            if page:
                await outbox.write(
                    tx.connection, page, source=database.service, now=tx.now, layout=database, republished=True
                )
        database.published.set()
        if not page:
            return total
        after, total = page[-1].key, total + len(page)


async def store(connection: AsyncConnection, topic: str, rows: Sequence[Row]) -> list[str]:
    """Store rows that are newer than what is there, and return the keys that changed."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(Row._fields)
    names = ("keys", "versions", "campuses", "statuses", "types", "bodies")
    found = await connection.execute(
        text(_STORE.format(table=_table(topic))),
        {name: list(column) for name, column in zip(names, columns, strict=True)},
    )
    return list(found.scalars())


async def erase(connection: AsyncConnection, topic: str, keys: Sequence[str]) -> None:
    """Forget keys of which the log has let go (a tombstone, long after `removed`)."""
    await connection.execute(text(_ERASE.format(table=_table(topic))), {"keys": sorted(keys)})


async def _page(
    connection: AsyncConnection, topic: str, prefix: str, *, after: str, count: int | None, removed: bool
) -> list[Snapshot]:
    found = await connection.execute(
        text(_LOAD_ALL.format(table=_table(topic))),
        {"prefix": prefix, "after": after, "count": count, "removed": removed},
    )
    return [each for each in (_decode(row.type, row.body) for row in found) if each is not None]


def _decode(type_: str, body: bytes) -> Snapshot | None:
    """Decode a row; None for a type this release does not know (a newer release wrote it)."""
    decoder = _decoders.get(type_)
    if decoder is None:
        kind = catalogue.find(type_)
        if kind is None:
            return None
        decoder = _decoders[type_] = msgspec.json.Decoder(kind)
    event = decoder.decode(body)
    return event if isinstance(event, Snapshot) else None


def _table(topic: str) -> str:
    """Return the table of a compacted topic. Checked, because it becomes part of a statement."""
    if topic not in COMPACTED:
        raise ValueError(f"{topic} is no compacted topic")
    return f"{topic}_snapshots"
