"""Imports, how far each got, and the rows that did not go in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.rejects import Reject
from services.intake.storage.batch import arrays, insert
from shared.access.actors import EVERYWHERE
from shared.ids import new_id
from shared.privacy.keys import KeyRing
from shared.privacy.text import seal, unseal
from shared.storage.tx import Tx

_REJECTS = {
    "reject_id": "uuid",
    "import_id": "uuid",
    "campus": "text",
    "line": "bigint",
    "column_name": "text",
    "reason": "text",
    "accepted": "text",
    "raw": "bytea",
}
_INSERT_REJECTS = insert("import_rejects", _REJECTS, order="reject_id")
_START = text(
    """
    INSERT INTO imports (import_id, campus, kind, source, state, started_by, started_at, feed_id, mapping_version,
                         digest)
    VALUES (:import_id, :campus, :kind, :source, 'running', :started_by, :now, :feed_id, :mapping_version, :digest)
    """
)
_ADD = text(
    """
    UPDATE imports SET row_count = row_count + :rows, accepted = accepted + :accepted,
        unchanged = unchanged + :unchanged, rejected = rejected + :rejected, merged = merged + :merged,
        referrals_made = referrals_made + :referrals_made
    WHERE import_id = :import_id
    """
)
_END = text("UPDATE imports SET state = :state, ended_at = :now WHERE import_id = :import_id")
_FIND = text("SELECT import_id, campus, kind, source, state, started_by FROM imports WHERE import_id = :import_id")
_PAGE = text(
    """
    SELECT reject_id, line, column_name, reason, accepted, raw FROM import_rejects
    WHERE import_id = :import_id AND reject_id > CAST(:after AS uuid) ORDER BY reject_id LIMIT :count
    """
)
_IN_USE = text("SELECT ids_in_use(:kind, :source, CAST(:ids AS text[]))")
_FIELD = "import_reject.raw"


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of rows: taken in, there already, or rejected; and the referrals that flags made."""

    rows: int = 0
    accepted: int = 0
    unchanged: int = 0
    rejected: int = 0
    referrals_made: int = 0
    merged: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.rows + other.rows,
            self.accepted + other.accepted,
            self.unchanged + other.unchanged,
            self.rejected + other.rejected,
            self.referrals_made + other.referrals_made,
            self.merged + other.merged,
        )


@dataclass(frozen=True, slots=True)
class Import:
    """One file being taken in, or one delivery of a feed. `campus` is `*` when it may hold rows of any.

    What a feed's delivery brings that cannot be taken is set aside whole, so that its rejects are not kept here.
    `students` are some of those met so far, by number: whose a number is never changes.
    """

    import_id: UUID
    campus: str
    kind: str
    source: str
    feed_id: UUID | None = None
    mapping_version: int = 0
    channel: str = "file"
    students: dict[str, UUID] = field(default_factory=dict, compare=False, repr=False)


_NONE: Mapping[int, str] = MappingProxyType({})


class TakenIn(NamedTuple):
    """What became of a batch.

    `again` and `merged` are the rows that were there already: from this source, or as the same alert of another.
    `references` are what the senders of referrals may ask with, by row.
    """

    counts: Counts
    rejects: list[Reject]
    again: frozenset[int] = frozenset()
    merged: frozenset[int] = frozenset()
    references: Mapping[int, str] = _NONE


async def start(tx: Tx, of: Import, digest: bytes | None = None) -> None:
    """Note that an import begins. `digest` is of a feed's delivery as it came."""
    await tx.connection.execute(
        _START,
        {
            "import_id": of.import_id,
            "campus": of.campus,
            "kind": of.kind,
            "source": of.source,
            "started_by": tx.actor.id,
            "now": tx.now,
            "feed_id": of.feed_id,
            "mapping_version": of.mapping_version,
            "digest": digest,
        },
    )


async def add(tx: Tx, import_id: UUID, counts: Counts) -> None:
    """Count a batch, in the transaction that stores it."""
    await tx.connection.execute(
        _ADD,
        {
            "import_id": import_id,
            "rows": counts.rows,
            "accepted": counts.accepted,
            "unchanged": counts.unchanged,
            "rejected": counts.rejected,
            "referrals_made": counts.referrals_made,
            "merged": counts.merged,
        },
    )


async def end(tx: Tx, import_id: UUID, state: str) -> None:
    """Note how an import ended: `finished`, or `broken_off` with the batches before it in place."""
    await tx.connection.execute(_END, {"import_id": import_id, "state": state, "now": tx.now})


async def in_use(connection: AsyncConnection, of: Import, ids: Iterable[str]) -> set[str]:
    """Return which of these ids are in use, also where the importer may not see it. None for one who sees all."""
    if of.campus == EVERYWHERE or not (asked := sorted(set(ids))):
        return set()
    names = {"kind": of.kind, "source": of.source, "ids": asked}
    return set((await connection.execute(_IN_USE, names)).scalars())


async def keep_rejects(tx: Tx, keys: KeyRing, of: Import, rejects: Sequence[Reject]) -> None:
    """Keep rejected rows, what they said encrypted under the key of the import."""
    if not rejects or of.feed_id is not None:
        return
    ids = [new_id() for _ in rejects]
    texts = [(of.import_id, _FIELD, id_, reject.raw) for id_, reject in zip(ids, rejects, strict=True)]
    sealed = await seal(tx, keys, of.campus, texts)
    rows = [
        (id_, of.import_id, of.campus, reject.row, reject.column, reject.reason, reject.accepted, raw)
        for id_, reject, raw in zip(ids, rejects, sealed, strict=True)
    ]
    await tx.connection.execute(_INSERT_REJECTS, arrays(_REJECTS, rows))


async def find(connection: AsyncConnection, import_id: UUID) -> Import | None:
    """Return an import, if row security shows it."""
    row = (await connection.execute(_FIND, {"import_id": import_id})).one_or_none()
    return None if row is None else Import(row.import_id, row.campus, row.kind, row.source)


async def rejects(tx: Tx, keys: KeyRing, of: Import, after: UUID, count: int) -> list[tuple[UUID, Reject]]:
    """Return rejected rows of an import with what they said, in the order they were found."""
    asked: dict[str, Any] = {"import_id": of.import_id, "after": after, "count": count}
    rows = (await tx.connection.execute(_PAGE, asked)).all()
    texts = [(of.import_id, _FIELD, row.reject_id, bytes(row.raw)) for row in rows]
    opened = await unseal(tx, keys, of.campus, texts)
    return [
        (row.reject_id, Reject(row.line, row.column_name, row.reason, row.accepted, raw))
        for row, raw in zip(rows, opened, strict=True)
    ]
