"""Dangers that somebody must have been told of, until a page shows that somebody was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.referrals import Referral
from services.intake.storage.batch import arrays, insert
from shared.events.referrals import DangerRaised
from shared.ids import new_id
from shared.storage.tx import Tx

_COLUMNS = {"referral_id": "uuid", "campus": "text", "reference": "text", "raised_at": "timestamptz"}
_BEGIN = insert("danger_watches", _COLUMNS, order="referral_id", conflict="ON CONFLICT DO NOTHING")
_STOP = text("DELETE FROM danger_watches WHERE referral_id = ANY (CAST(:ids AS uuid[]))")
# Whatever else is old, what was raised within the shorter wait is not looked at: mostly there is nothing to look at.
_ANY = text("SELECT EXISTS (SELECT 1 FROM danger_watches WHERE mailed_at IS NULL AND raised_at <= :unsent)")
# A claim that was not followed by a mail (the process died, or SMTP said no) runs out and is taken again, as it was.
_CLAIM = text(
    """
    UPDATE danger_watches SET claim = coalesce(claim, CAST(:claim AS uuid)), claimed_at = :now
    WHERE referral_id = ANY (ARRAY(
        SELECT referral_id FROM danger_watches
        WHERE mailed_at IS NULL AND (claimed_at IS NULL OR claimed_at <= :stale)
          AND (raised_at <= :silent OR raised_at <= :unsent AND referral_id IN (
              SELECT CAST(convert_from(key, 'UTF8') AS uuid) FROM outbox
              WHERE created_at <= :unsent AND position(CAST(:danger AS bytea) IN headers) > 0))
        ORDER BY referral_id FOR UPDATE SKIP LOCKED))
    RETURNING referral_id, campus, reference, raised_at, claim
    """
)
_MAILED = text("UPDATE danger_watches SET mailed_at = :now WHERE claim = :claim AND campus = :campus")
UNSENT = timedelta(seconds=20)
SILENT = timedelta(seconds=60)
_CLAIM_HOLDS = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A danger that nobody is known to have been told of, claimed by whoever mails about it."""

    referral_id: UUID
    campus: str
    reference: str
    raised_at: datetime
    claim: UUID


async def begin(tx: Tx, referrals: Sequence[Referral], *, since: datetime | None = None) -> None:
    """Begin to watch over dangers, raised when their referrals came or, where they were raised later, then."""
    rows = [(each.referral_id, each.campus, each.reference, since or each.received_at) for each in referrals]
    await tx.connection.execute(_BEGIN, arrays(_COLUMNS, rows))


async def stop(connection: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Stop watching: a page is out, or a review item for what is old."""
    await connection.execute(_STOP, {"ids": sorted(set(ids))})


async def claim(tx: Tx) -> list[Waiting]:
    """Claim what waits: unsent in the outbox for 20 s, or without a page for 60 s."""
    if not (await tx.connection.execute(_ANY, {"unsent": tx.now - UNSENT})).scalar_one():
        return []
    asked = {
        "claim": new_id(),
        "now": tx.now,
        "stale": tx.now - _CLAIM_HOLDS,
        "silent": tx.now - SILENT,
        "unsent": tx.now - UNSENT,
        "danger": DangerRaised.TYPE.encode(),
    }
    rows = (await tx.connection.execute(_CLAIM, asked)).all()
    return [Waiting(row.referral_id, row.campus, row.reference, row.raised_at, row.claim) for row in rows]


async def mailed(tx: Tx, claim_: UUID, campus: str) -> None:
    """Note that the emergency contacts were told."""
    await tx.connection.execute(_MAILED, {"claim": claim_, "campus": campus, "now": tx.now})
