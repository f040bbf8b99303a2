"""The program as one aggregate: locked, loaded and saved whole, because every part may name every other."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.program.domain.changes import Change
from shared.events import Snapshot
from shared.ids import new_id
from shared.storage import snapshots
from shared.storage.tx import Tx

_LOCK = 0x0CA5E14
_TAKE = text("SELECT pg_advisory_xact_lock(:lock)")

_NOTE = text(
    """
    INSERT INTO program_changes (id, key, version, campus, change, changed_at, changed_by, before, after)
    SELECT id, key, version, campus, change, :at, :by, CAST(before AS jsonb), CAST(after AS jsonb)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:keys AS text[]), CAST(:versions AS bigint[]),
                CAST(:campuses AS text[]), CAST(:changes AS text[]), CAST(:befores AS text[]), CAST(:afters AS text[]))
         AS row(id, key, version, campus, change, before, after)
    """
)


async def lock(connection: AsyncConnection) -> None:
    """Wait until nobody else changes the program. Held until the transaction ends."""
    await connection.execute(_TAKE, {"lock": _LOCK})


async def load(connection: AsyncConnection) -> dict[str, Snapshot]:
    """Return every snapshot by key, removed ones too."""
    return {found.key: found for found in await snapshots.load_all(connection, "program", removed=True)}


async def read(connection: AsyncConnection, kind: str) -> list[Snapshot]:
    """Return what there is of a kind (all kinds for an empty one), in key order."""
    return await snapshots.load_all(connection, "program", f"{kind}:" if kind else "")


async def one(connection: AsyncConnection, key: str) -> list[Snapshot]:
    """Return what a key stands for, if anything that was not removed."""
    found = (await snapshots.load(connection, "program", [key])).values()
    return [snapshot for snapshot in found if not snapshot.removed]


async def save(tx: Tx, changes: Sequence[Change]) -> None:
    """Store and publish what changed, and note who changed what into what."""
    if not changes:
        return
    await snapshots.save(tx, [change.after for change in changes])
    await tx.connection.execute(
        _NOTE,
        {
            "ids": [new_id() for _ in changes],
            "keys": [change.key for change in changes],
            "versions": [change.after.sequence for change in changes],
            "campuses": [change.after.campus for change in changes],
            "changes": [change.change for change in changes],
            "befores": [_json(change.before) if change.before else None for change in changes],
            "afters": [_json(change.after) for change in changes],
            "at": tx.now,
            "by": tx.actor.id,
        },
    )


def _json(snapshot: Snapshot) -> str:
    return msgspec.json.encode(snapshot).decode()
