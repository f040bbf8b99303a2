"""What referrers were last told of their referrals: each thing once, and not too often."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_LAST = text(
    "SELECT referral_id, status, due_at FROM referrer_notices WHERE referral_id = ANY (CAST(:ids AS uuid[]))"
    " ORDER BY referral_id FOR UPDATE"
)
_KEEP = text(
    """
    INSERT INTO referrer_notices (referral_id, campus, status, due_at)
    SELECT referral_id, campus, status, due_at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:campuses AS text[]), CAST(:statuses AS text[]),
                CAST(:due_ats AS timestamptz[])) AS row(referral_id, campus, status, due_at)
    ORDER BY referral_id
    ON CONFLICT (referral_id) DO UPDATE SET status = excluded.status, due_at = excluded.due_at
    """
)
_FORGET = text(
    "UPDATE deliveries SET state = 'cancelled'"
    " WHERE kind = 'referrer' AND state = 'waiting' AND subject = ANY (CAST(:subjects AS text[]))"
)


async def last(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, tuple[str, datetime]]:
    """Return what was last told of each referral and when it was due."""
    rows = (await connection.execute(_LAST, {"ids": sorted(ids)})).all()
    return {row.referral_id: (row.status, row.due_at) for row in rows}


async def keep(connection: AsyncConnection, told: Sequence[tuple[UUID, str, str, datetime]]) -> None:
    """Note what is told: (referral, campus, status, due)."""
    if not told:
        return
    ids, campuses, statuses, due_ats = (list(column) for column in zip(*told, strict=True))
    asked = {"ids": ids, "campuses": campuses, "statuses": statuses, "due_ats": due_ats}
    await connection.execute(_KEEP, asked)


async def forget(connection: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Take back what has not left yet: the referrer wants to hear no more."""
    subjects = [subject for id_ in sorted(ids) for subject in (str(id_), f"{id_}:asked")]
    await connection.execute(_FORGET, {"subjects": subjects})
