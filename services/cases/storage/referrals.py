"""What is known of referrals here: the case each belongs to, or facts that came before it had one."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.cases.domain.caseload import Noted

_LOAD = text(
    """
    SELECT referral_id, campus, sensitivity, case_id, student_id, level FROM referrals
    WHERE referral_id = ANY (CAST(:referrals AS uuid[]))
    """
)
# Somebody else may have noted a referral meanwhile (a page about it was accepted): then this waits for them, and a
# case is only ever added. Rows in id order, so that two never wait for each other in a ring.
_SAVE = text(
    """
    INSERT INTO referrals (referral_id, campus, sensitivity, case_id, student_id, level, placed_at)
    SELECT referral_id, campus, sensitivity, case_id, student_id, level,
           CASE WHEN case_id IS NOT NULL THEN CAST(:at AS timestamptz) END
    FROM unnest(CAST(:referrals AS uuid[]), CAST(:campuses AS text[]), CAST(:sensitivities AS text[]),
                CAST(:cases AS uuid[]), CAST(:students AS uuid[]), CAST(:levels AS text[]))
         AS row(referral_id, campus, sensitivity, case_id, student_id, level)
    ORDER BY referral_id
    ON CONFLICT (referral_id) DO UPDATE
    SET case_id = excluded.case_id, student_id = excluded.student_id, level = excluded.level,
        sensitivity = excluded.sensitivity, placed_at = coalesce(referrals.placed_at, excluded.placed_at)
    WHERE referrals.case_id IS NULL OR referrals.case_id = excluded.case_id
    """
)
_HOLD = text(
    """
    INSERT INTO referrals (referral_id, campus, sensitivity, level)
    SELECT referral_id, campus, sensitivity, 'none'
    FROM unnest(CAST(:referrals AS uuid[]), CAST(:campuses AS text[]), CAST(:sensitivities AS text[]))
         AS row(referral_id, campus, sensitivity)
    ORDER BY referral_id
    ON CONFLICT (referral_id) DO UPDATE SET campus = referrals.campus
    RETURNING referral_id, case_id
    """
)
_MOVE = text("UPDATE referrals SET case_id = :kept WHERE case_id = :gone")


class PlacedElsewhereError(Exception):
    """A referral got its case from somebody else since it was loaded. Load, then try again."""


async def load(connection: AsyncConnection, referrals: Collection[UUID]) -> dict[UUID, Noted]:
    """Return what is known of referrals, leaving out those nothing is known of."""
    return {
        row.referral_id: Noted(row.campus, row.sensitivity, row.case_id, row.student_id, row.level)
        for row in await connection.execute(_LOAD, {"referrals": list(referrals)})
    }


async def save(connection: AsyncConnection, noted: Mapping[UUID, Noted], at: datetime) -> None:
    """Store what is known. Raises PlacedElsewhereError where a referral has another case by now."""
    found = await connection.execute(
        _SAVE,
        {
            "referrals": list(noted),
            "campuses": [each.campus for each in noted.values()],
            "sensitivities": [each.sensitivity for each in noted.values()],
            "cases": [each.case_id for each in noted.values()],
            "students": [each.student_id for each in noted.values()],
            "levels": [each.level for each in noted.values()],
            "at": at,
        },
    )
    if found.rowcount != len(noted):
        raise PlacedElsewhereError


async def hold(connection: AsyncConnection, noted: Mapping[UUID, Noted]) -> dict[UUID, UUID | None]:
    """Lock referrals, known or not, and return the case of each. Whoever opens a case for one of them waits."""
    found = await connection.execute(
        _HOLD,
        {
            "referrals": list(noted),
            "campuses": [each.campus for each in noted.values()],
            "sensitivities": [each.sensitivity for each in noted.values()],
        },
    )
    return {row.referral_id: row.case_id for row in found}


async def move(connection: AsyncConnection, *, gone: UUID, kept: UUID) -> None:
    """Let the referrals of one case belong to another."""
    await connection.execute(_MOVE, {"gone": gone, "kept": kept})
