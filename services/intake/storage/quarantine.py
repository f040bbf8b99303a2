"""What was set aside: kept as it came, sealed, until somebody mends, replays or discards it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.feeds import Aside, Feed
from services.intake.storage.batch import arrays, insert
from services.intake.storage.imports import Import
from shared.ids import new_ids
from shared.privacy.keys import KeyRing
from shared.privacy.text import seal, unseal
from shared.storage.tx import Tx

# What a request may hold at most, and more than a record of a topic may. An item of a file can be larger: of that one
# the beginning is kept, and the file itself is in its folder.
LARGEST_RAW = 4 * 1024 * 1024
# Sealed, or opened, together: memory stays bounded however large the items are.
_TOGETHER = 8 * 1024 * 1024
_FIELD, _MENDED = "quarantine.raw", "quarantine.mended"
_COLUMNS = {
    "item_id": "uuid",
    "feed_id": "once uuid",
    "campus": "once text",
    "import_id": "once uuid",
    "mapping_version": "once integer",
    "place": "text",
    "code": "text",
    "column_name": "text",
    "reason": "text",
    "accepted": "text",
    "form": "text",
    "raw": "bytea",
    "whole": "boolean",
    "digest": "bytea",
    "state": "once text",
    "received_at": "once timestamptz",
}
_INSERT = insert(
    "quarantine",
    _COLUMNS,
    order="digest",
    conflict="ON CONFLICT (feed_id, digest) WHERE state = 'waiting' DO UPDATE SET times = quarantine.times + 1",
)
_GROUPS = text(
    """
    SELECT feed_id, code, column_name, min(reason) AS reason, min(accepted) AS accepted, count(*) AS items,
           sum(times) AS times, min(received_at) AS oldest, max(received_at) AS newest
    FROM quarantine
    WHERE state = 'waiting' AND (CAST(:feed AS uuid) IS NULL OR feed_id = :feed) AND (:campus = '' OR campus = :campus)
    GROUP BY feed_id, code, column_name ORDER BY items DESC, oldest LIMIT 500
    """
)
_ITEM = (
    "item_id, feed_id, campus, import_id, mapping_version, place, code, column_name, reason, accepted, form, times,"
    " whole, state, received_at, decided_by, decided_at, decision_reason, mended IS NOT NULL AS is_mended"
)
# Ids follow each other in the order in which items came.
_PAGE_BY = {
    order: text(
        f"""
        SELECT {_ITEM} FROM quarantine
        WHERE feed_id = :feed AND state = :state
          AND (CAST(:after AS uuid) IS NULL OR item_id {past} CAST(:after AS uuid))
          AND (CAST(:code AS text) IS NULL OR (code = :code AND column_name = :column))
        ORDER BY item_id {way} LIMIT :count
        """  # noqa: S608 - our own names
    )
    for order, past, way in (("oldest", ">", "ASC"), ("newest", "<", "DESC"))
}
_FIND = text(
    f"SELECT {_ITEM}, raw, mended FROM quarantine WHERE feed_id = :feed AND item_id = :item"  # noqa: S608 - our own names
)
# Taken in one order, and locked: two who replay at once replay each item once. As many as can be opened together. What
# somebody else holds is left out of the count, or its place would be taken for the end; and read anew once it is ours.
_TAKE = text(
    """
    SELECT item_id, campus, import_id, place, code, column_name, form, raw, mended, received_at,
           octet_length(coalesce(mended, raw)) AS size
    FROM quarantine WHERE state = 'waiting' AND item_id = ANY (ARRAY(
        SELECT item_id FROM (
            SELECT item_id, sum(octet_length(coalesce(mended, raw))) OVER (ORDER BY item_id)
                            - octet_length(coalesce(mended, raw)) AS before
            FROM (
                SELECT item_id, raw, mended FROM quarantine
                WHERE feed_id = :feed AND state = 'waiting' AND item_id > CAST(:after AS uuid)
                  AND (NOT :readable OR (form <> 'bytes' AND whole))
                  AND (CAST(:ids AS uuid[]) IS NULL OR item_id = ANY (:ids))
                  AND (CAST(:code AS text) IS NULL OR (code = :code AND column_name = :column))
                ORDER BY item_id LIMIT :count FOR UPDATE SKIP LOCKED) AS meant
        ) AS counted WHERE before < :together))
    ORDER BY item_id FOR UPDATE
    """
)
_DECIDE = text(
    """
    UPDATE quarantine SET state = :state, decided_by = :by, decided_at = :now, decision_reason = :reason,
        replayed_in = :replayed_in
    WHERE item_id = ANY (CAST(:ids AS uuid[]))
    """
)
_STILL = text(
    """
    UPDATE quarantine SET code = still.code, column_name = still.column_name, reason = still.reason,
        accepted = still.accepted, mapping_version = :version
    FROM unnest(CAST(:ids AS uuid[]), CAST(:codes AS text[]), CAST(:columns AS text[]), CAST(:reasons AS text[]),
                CAST(:accepted AS text[])) AS still(item_id, code, column_name, reason, accepted)
    WHERE quarantine.item_id = still.item_id
    """
)
_MEND = text("UPDATE quarantine SET mended = :mended WHERE item_id = :item AND state = 'waiting'")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which items are meant: these, or all of one reason, or all."""

    ids: tuple[UUID, ...] | None = None
    code: str | None = None
    column: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An item that waits, with what it says now, mended or as it came; `size` is what it takes sealed."""

    item_id: UUID
    place: str
    form: Literal["json", "csv", "bytes"]
    raw: bytes
    size: int


async def keep(tx: Tx, keys: KeyRing, of: Import, asides: Sequence[Aside]) -> None:
    """Keep items, sealed under the key of their delivery. What waits already is counted once more."""
    # Under a key: nobody who reads the table can try whether an item says what they guess.
    key = keys.secret("quarantine")
    once = {_digest(key, each): each for each in asides}
    for part in _parts(once):
        await _keep(tx, keys, of, part)


def _parts(once: Mapping[bytes, Aside]) -> Iterator[dict[bytes, Aside]]:
    """Yield items in parts that can be sealed together."""
    part, size = dict[bytes, Aside](), 0
    for digest, each in once.items():
        if part and size + len(each.raw) > _TOGETHER:
            yield part
            part, size = {}, 0
        part[digest] = each
        size += min(len(each.raw), LARGEST_RAW)
    if part:
        yield part


async def _keep(tx: Tx, keys: KeyRing, of: Import, once: Mapping[bytes, Aside]) -> None:
    ids = new_ids(len(once))
    texts = [
        (of.import_id, _FIELD, id_, each.raw[:LARGEST_RAW].decode("latin-1"))
        for id_, each in zip(ids, once.values(), strict=True)
    ]
    sealed = await seal(tx, keys, of.campus, texts)
    rows = [
        (
            id_,
            each.place[:200],
            each.code,
            each.column[:200],
            each.reason,
            each.accepted[:2000],
            each.form,
            raw,
            each.whole and len(each.raw) <= LARGEST_RAW,
            digest,
        )
        for id_, (digest, each), raw in zip(ids, once.items(), sealed, strict=True)
    ]
    same = {
        "feed_id": of.feed_id,
        "campus": of.campus,
        "import_id": of.import_id,
        "mapping_version": of.mapping_version,
        "state": "waiting",
        "received_at": tx.now,
    }
    await tx.connection.execute(_INSERT, {**arrays(_COLUMNS, rows), **same})


async def groups(connection: AsyncConnection, *, feed_id: UUID | None = None, campus: str = "") -> list[Any]:
    """Return what waits by feed and reason, most first."""
    return list((await connection.execute(_GROUPS, {"feed": feed_id, "campus": campus})).all())


async def page(
    connection: AsyncConnection,
    feed_id: UUID,
    *,
    state: str,
    code: str | None,
    column: str,
    after: UUID | None,
    count: int,
    order: Literal["oldest", "newest"] = "oldest",
) -> list[Any]:
    """Return items of a feed without what they say, in the order in which they came or the other way round."""
    asked = {"feed": feed_id, "state": state, "code": code, "column": column, "after": after, "count": count}
    return list((await connection.execute(_PAGE_BY[order], asked)).all())


async def find(connection: AsyncConnection, feed_id: UUID, item_id: UUID) -> Any:  # noqa: ANN401 - a row
    """Return an item of a feed, sealed, or None."""
    return (await connection.execute(_FIND, {"feed": feed_id, "item": item_id})).one_or_none()


async def said(tx: Tx, keys: KeyRing, row: Any) -> tuple[bytes, bytes | None]:  # noqa: ANN401 - a row of `find`
    """Return what an item said as it came, and as somebody mended it."""
    (raw,) = await unseal(tx, keys, row.campus, [(row.import_id, _FIELD, row.item_id, bytes(row.raw))])
    if row.mended is None:
        return raw.encode("latin-1"), None
    (mended,) = await unseal(tx, keys, row.campus, [(row.import_id, _MENDED, row.item_id, bytes(row.mended))])
    return raw.encode("latin-1"), mended.encode("latin-1")


async def mend(tx: Tx, keys: KeyRing, row: Any, raw: bytes) -> bool:  # noqa: ANN401 - a row of `find`
    """Keep what an item should say beside what it said; False when it does not wait any more."""
    place = (row.import_id, _MENDED, row.item_id, raw.decode("latin-1"))
    (sealed,) = await seal(tx, keys, row.campus, [place])
    return bool((await tx.connection.execute(_MEND, {"item": row.item_id, "mended": sealed})).rowcount)


async def take(
    tx: Tx, keys: KeyRing, feed: Feed, chosen: Chosen, *, after: UUID, count: int, readable: bool = False
) -> list[Waiting]:
    """Lock items that wait and return what they say, in order; with `readable` only those that can be read alone.

    At most `count`, and fewer where they are large; see `are_all`.
    """
    asked = {
        "feed": feed.feed_id,
        "after": after,
        "ids": None if chosen.ids is None else sorted(chosen.ids),
        "code": chosen.code,
        "column": chosen.column,
        "count": count,
        "together": _TOGETHER,
        "readable": readable,
    }
    rows = (await tx.connection.execute(_TAKE, asked)).all()
    texts = [
        (row.import_id, _FIELD, row.item_id, bytes(row.raw))
        if row.mended is None
        else (row.import_id, _MENDED, row.item_id, bytes(row.mended))
        for row in rows
    ]
    opened = await unseal(tx, keys, feed.campus, texts)
    return [
        Waiting(row.item_id, row.place, row.form, raw.encode("latin-1"), row.size)
        for row, raw in zip(rows, opened, strict=True)
    ]


def are_all(taken: Sequence[Waiting], count: int) -> bool:
    """Return whether no item is left behind these, which `take` returned when asked for `count`."""
    return len(taken) < count and sum(each.size for each in taken) < _TOGETHER


async def decide(tx: Tx, ids: Sequence[UUID], state: str, reason: str, replayed_in: UUID | None = None) -> None:
    """Note what became of items."""
    if ids:
        values = {"ids": sorted(ids), "state": state, "by": tx.actor.id, "now": tx.now, "reason": reason}
        await tx.connection.execute(_DECIDE, {**values, "replayed_in": replayed_in})


async def still(tx: Tx, asides: Mapping[UUID, Aside], version: int) -> None:
    """Note for items that could not be read again why not, this time."""
    if not asides:
        return
    values = list(asides.values())
    await tx.connection.execute(
        _STILL,
        {
            "ids": list(asides),
            "codes": [each.code for each in values],
            "columns": [each.column[:200] for each in values],
            "reasons": [each.reason for each in values],
            "accepted": [each.accepted[:2000] for each in values],
            "version": version,
        },
    )


def _digest(key: bytes, each: Aside) -> bytes:
    return blake2b(each.raw, digest_size=16, key=key, person=each.form.encode()).digest()
