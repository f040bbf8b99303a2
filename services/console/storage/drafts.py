"""What was typed into a form when the session ended: sealed, for its writer alone, for a day."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from shared.access.actors import EVERYWHERE
from shared.ids import new_id
from shared.privacy.keys import KeyRing
from shared.privacy.text import destroy, seal, unseal
from shared.storage.tx import Tx

KEPT_FOR = timedelta(days=1)
_FIELD = "draft"

_KEEP = text(
    """
    INSERT INTO drafts (draft_id, campus, person_id, path, sealed, kept_at)
    VALUES (:draft_id, '*', :person_id, :path, :sealed, :now)
    """
)
_OLD = text("DELETE FROM drafts WHERE kept_at < :before RETURNING draft_id")
_READ = text("SELECT path, sealed FROM drafts WHERE draft_id = :draft_id AND kept_at >= :since")
_DROP = text("DELETE FROM drafts WHERE draft_id = :draft_id RETURNING draft_id")


@dataclass(frozen=True, slots=True)
class Draft:
    """A form that was not sent: where to, and its fields in order."""

    draft_id: UUID
    path: str
    fields: tuple[tuple[str, str], ...]


async def keep(tx: Tx, keys: KeyRing, person_id: str, path: str, fields: Sequence[tuple[str, str]]) -> UUID:
    """Keep a form of a person; drop what nobody came back for."""
    old = (await tx.connection.execute(_OLD, {"before": tx.now - KEPT_FOR})).scalars().all()
    if old:
        await destroy(tx, old)
    draft_id = new_id()
    (sealed,) = await seal(tx, keys, EVERYWHERE, [(draft_id, _FIELD, draft_id, json.dumps(list(fields)))])
    row: Mapping[str, object] = {
        "draft_id": draft_id, "person_id": person_id, "path": path, "sealed": sealed, "now": tx.now,
    }  # fmt: skip
    await tx.connection.execute(_KEEP, row)
    return draft_id


async def read(tx: Tx, keys: KeyRing, draft_id: UUID) -> Draft | None:
    """Return a form that the transaction's person kept."""
    found = await tx.connection.execute(_READ, {"draft_id": draft_id, "since": tx.now - KEPT_FOR})
    row = found.one_or_none()
    if row is None:
        return None
    (said,) = await unseal(tx, keys, EVERYWHERE, [(draft_id, _FIELD, draft_id, bytes(row.sealed))])
    return Draft(draft_id, row.path, tuple((name, value) for name, value in json.loads(said)))


async def drop(tx: Tx, draft_id: UUID) -> None:
    """Forget a form, and destroy its key."""
    if (await tx.connection.execute(_DROP, {"draft_id": draft_id})).scalar_one_or_none() is not None:
        await destroy(tx, [draft_id])
