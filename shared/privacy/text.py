"""Sealing and opening what people wrote.

Master key → campus key → a key per record (a case, a referral) → text. Destroying a record's key destroys all text
under it, wherever copies of the ciphertext lie.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.privacy.ciphers import KEY_BYTES, CannotOpenError, Sealer, decrypt, record_place, text_place
from shared.privacy.keys import KeyRing
from shared.refusal import Refused
from shared.storage.tx import Tx

# Sorted, so that two batches with records in common wait for each other instead of dead-locking.
_MAKE_CAMPUS_KEYS = text(
    """
    INSERT INTO campus_keys (campus, wrapped, created_at)
    SELECT campus, wrapped, :now
    FROM unnest(CAST(:campuses AS text[]), CAST(:wrapped AS bytea[])) AS made(campus, wrapped)
    ORDER BY campus
    ON CONFLICT (campus) DO NOTHING
    """
)
_CAMPUS_KEYS = text("SELECT campus, wrapped FROM campus_keys WHERE campus = ANY (CAST(:campuses AS text[]))")
_MAKE_RECORD_KEYS = text(
    """
    INSERT INTO record_keys (record_id, campus, wrapped, created_at)
    SELECT record_id, campus, wrapped, :now
    FROM unnest(CAST(:records AS uuid[]), CAST(:campuses AS text[]), CAST(:wrapped AS bytea[]))
         AS made(record_id, campus, wrapped)
    ORDER BY record_id
    ON CONFLICT (record_id) DO NOTHING RETURNING record_id
    """
)
_RECORD_KEYS = text(
    """
    SELECT record_keys.record_id, record_keys.campus, record_keys.wrapped, campus_keys.wrapped AS campus_wrapped
    FROM record_keys JOIN campus_keys USING (campus) WHERE record_id = ANY (CAST(:records AS uuid[]))
    """
)
_DESTROY = text("DELETE FROM record_keys WHERE record_id = ANY (CAST(:records AS uuid[]))")


class TextDestroyedError(Refused):
    """The key of a record has been destroyed, and what was written under it with it."""

    def __init__(self) -> None:
        super().__init__(
            "text_destroyed", "What was written here has been destroyed by the retention rules.", status=410
        )


class Clear(NamedTuple):
    """A text, or a file, to seal: whose campus, which record's key, and the logical field and row it is bound to."""

    campus: str
    record_id: UUID
    field: str
    row_id: UUID
    text: str | bytes


async def seal(tx: Tx, keys: KeyRing, campus: str, texts: Sequence[tuple[UUID, str, UUID, str]]) -> list[bytes]:
    """Return the ciphertexts of (record id, field, row id, text), in order, making record keys where there are none.

    One statement whatever the number of texts, two when a record has its key already; two more the first time and
    every ten minutes for the campus key.
    """
    return await seal_all(tx, keys, [Clear(campus, *each) for each in texts])


async def seal_all(tx: Tx, keys: KeyRing, texts: Sequence[Clear]) -> list[bytes]:
    """Do what `seal` does for texts of several campuses at once, in as many statements."""
    if not texts:
        return []
    campus_of = {each.record_id: each.campus for each in texts}
    campus_keys = await _campus_keys(tx, keys, sorted(set(campus_of.values())))
    record_keys = await _make_record_keys(tx, campus_of, campus_keys)
    known = {record: campus for record, campus in campus_of.items() if record not in record_keys}
    if known:
        record_keys |= await _record_keys(tx.connection, keys, tx.service, known)
    if len(record_keys) < len(campus_of):
        raise CannotOpenError("a record was first sealed for another campus")
    sealers = {record: Sealer(key) for record, key in record_keys.items()}
    return [sealers[each.record_id].seal(_bytes(each.text), text_place(each.field, each.row_id)) for each in texts]


async def unseal(
    within: Tx | AsyncConnection,
    keys: KeyRing,
    campus: str,
    texts: Sequence[tuple[UUID, str, UUID, bytes]],
    *,
    service: str = "",
) -> list[str]:
    """Return the texts of (record id, field, row id, ciphertext), in order. One statement whatever their number.

    Raise TextDestroyedError when a record has no key on this campus any more, CannotOpenError when a ciphertext is
    not in its place. `service` is needed only with a bare connection.
    """
    return [content.decode() for content in await unseal_bytes(within, keys, campus, texts, service=service)]


async def unseal_bytes(
    within: Tx | AsyncConnection,
    keys: KeyRing,
    campus: str,
    texts: Sequence[tuple[UUID, str, UUID, bytes]],
    *,
    service: str = "",
) -> list[bytes]:
    """Do what `unseal` does for what need not be text."""
    if not texts:
        return []
    connection, owner = (within.connection, within.service) if isinstance(within, Tx) else (within, service)
    record_keys = await _record_keys(connection, keys, owner, {record: campus for record, _, _, _ in texts})
    if any(record not in record_keys for record, _, _, _ in texts):
        raise TextDestroyedError
    return [decrypt(record_keys[record], sealed, text_place(field, row)) for record, field, row, sealed in texts]


async def destroy(tx: Tx, records: Iterable[UUID]) -> int:
    """Destroy the keys of records, and with them all text under them, for good. Return how many there were."""
    return (await tx.connection.execute(_DESTROY, {"records": sorted(records)})).rowcount


def _bytes(clear: str | bytes) -> bytes:
    return clear.encode() if isinstance(clear, str) else clear


async def _campus_keys(tx: Tx, keys: KeyRing, campuses: Sequence[str]) -> dict[str, bytes]:
    """Return the keys of campuses, making those that are missing.

    Two processes that make one at once end with the same: the second waits for the first, and reads its key. A key
    is remembered only after a commit, or a rollback would leave later text sealed under a key that nobody has.
    """
    found = {campus: key for campus in campuses if (key := keys.kept(tx.service, campus)) is not None}
    missing = [campus for campus in campuses if campus not in found]
    if not missing:
        return found
    wrapped = [keys.new_campus_key(tx.service, campus)[1] for campus in missing]
    await tx.connection.execute(_MAKE_CAMPUS_KEYS, {"campuses": missing, "wrapped": wrapped, "now": tx.now})
    for campus, stored in (await tx.connection.execute(_CAMPUS_KEYS, {"campuses": missing})).all():
        key = found[campus] = keys.unwrap_campus_key(tx.service, campus, stored)
        tx.after_commit.append(partial(keys.keep, tx.service, campus, key))
    return found


async def _make_record_keys(
    tx: Tx, campus_of: Mapping[UUID, str], campus_keys: Mapping[str, bytes]
) -> dict[UUID, bytes]:
    """Make a key for each record that has none, and return the keys made."""
    records = sorted(campus_of)
    campuses = [campus_of[record] for record in records]
    fresh = {record: secrets.token_bytes(KEY_BYTES) for record in records}
    sealers = {campus: Sealer(key) for campus, key in campus_keys.items()}
    wrapped = [
        sealers[campus_of[record]].seal(key, record_place(campus_of[record], record)) for record, key in fresh.items()
    ]
    made = await tx.connection.execute(
        _MAKE_RECORD_KEYS, {"records": records, "campuses": campuses, "wrapped": wrapped, "now": tx.now}
    )
    return {record: fresh[record] for record in made.scalars()}


async def _record_keys(
    connection: AsyncConnection, keys: KeyRing, service: str, campus_of: Mapping[UUID, str]
) -> dict[UUID, bytes]:
    """Return the keys of those records that have one on the campus named."""
    rows = (await connection.execute(_RECORD_KEYS, {"records": sorted(campus_of)})).all()
    opened: dict[str, bytes] = {}
    found: dict[UUID, bytes] = {}
    for row in rows:
        if row.campus != campus_of[row.record_id]:
            continue
        if row.campus not in opened:
            kept = keys.kept(service, row.campus)
            opened[row.campus] = kept or keys.unwrap_campus_key(service, row.campus, row.campus_wrapped)
        place = record_place(row.campus, row.record_id)
        found[row.record_id] = decrypt(opened[row.campus], row.wrapped, place)
    return found
