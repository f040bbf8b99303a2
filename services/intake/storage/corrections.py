"""What people said of screening: codes, and the words it is about, sealed under the referral's own key."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.referrals import Referral
from shared.storage.tx import Tx

WORDS = "referral.correction"

_ADD = text(
    """
    INSERT INTO screening_corrections (correction_id, referral_id, campus, sensitivity, verdict, level, categories,
                                       language, screened_with, words, made_by, made_at)
    VALUES (:correction_id, :referral_id, :campus, :sensitivity, :verdict, :level, :categories, :language,
            :screened_with, :words, :made_by, :made_at)
    """
)
_FIELDS = (
    "correction_id, referral_id, campus, verdict, level, categories, language, screened_with, words, made_by, made_at"
)
_OF = text(
    f"SELECT {_FIELDS} FROM screening_corrections WHERE referral_id = :id ORDER BY correction_id"  # noqa: S608
)
# The newest of each referral counts: whoever looked last knew most.
_NEWEST = text(
    f"""
    SELECT DISTINCT ON (referral_id) {_FIELDS} FROM screening_corrections WHERE words IS NOT NULL
    ORDER BY referral_id, correction_id DESC LIMIT :count
    """  # noqa: S608
)
_COUNTS = text(
    """
    SELECT screened_with, verdict, count(*) AS number FROM screening_corrections GROUP BY screened_with, verdict
    ORDER BY screened_with, verdict
    """
)


@dataclass(frozen=True, slots=True)
class Correction:
    """One person's word on what screening found. `categories` are those they say are there."""

    correction_id: UUID
    referral_id: UUID
    campus: str
    verdict: str
    level: str
    categories: tuple[str, ...]
    language: str
    screened_with: str
    words: bytes | None
    made_by: str
    made_at: datetime


async def add(tx: Tx, referral: Referral, correction: Correction) -> None:
    """Store a correction, as closely held as its referral."""
    given = {name: getattr(correction, name) for name in Correction.__dataclass_fields__}
    given |= {"categories": list(correction.categories), "sensitivity": referral.sensitivity}
    await tx.connection.execute(_ADD, given)


async def of_referral(connection: AsyncConnection, referral_id: UUID) -> list[Correction]:
    """Return what people said of a referral's screening, in order."""
    return [_correction(row) for row in (await connection.execute(_OF, {"id": referral_id})).all()]


async def newest(connection: AsyncConnection, count: int) -> list[Correction]:
    """Return the last word on each referral, as far as row security shows it."""
    return [_correction(row) for row in (await connection.execute(_NEWEST, {"count": count})).all()]


async def counts(connection: AsyncConnection) -> list[tuple[str, str, int]]:
    """Return how often each verdict was given on what each edition found: (edition, verdict, number)."""
    rows = (await connection.execute(_COUNTS)).all()
    return [(row.screened_with, row.verdict, row.number) for row in rows]


def _correction(row: Any) -> Correction:  # noqa: ANN401 - a row of one of the statements above
    said = {name: getattr(row, name) for name in Correction.__dataclass_fields__}
    words = None if row.words is None else bytes(row.words)
    return Correction(**said | {"categories": tuple(row.categories), "words": words})
