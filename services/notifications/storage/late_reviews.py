"""Old news of danger that somebody should look at, and wakes nobody."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifications.domain.causes import DANGER, TITLEIX, Cause, cause_id

_ADD = text(
    """
    INSERT INTO late_reviews (id, cause_id, campus, sensitivity, function, level, reference, referral_id, state,
                              happened_at, asked_at)
    SELECT id, cause_id, campus, sensitivity, function, level, reference, referral_id, 'open', happened_at, :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:cause_ids AS uuid[]), CAST(:campuses AS text[]),
                CAST(:sensitivities AS text[]), CAST(:functions AS text[]), CAST(:levels AS text[]),
                CAST(:references AS text[]), CAST(:referral_ids AS uuid[]), CAST(:happened_ats AS timestamptz[]))
         AS row(id, cause_id, campus, sensitivity, function, level, reference, referral_id, happened_at)
    ORDER BY cause_id
    ON CONFLICT (cause_id) DO NOTHING
    RETURNING id
    """
)
_LIST = text(
    """
    SELECT id, campus, sensitivity, function, level, reference, referral_id, state, happened_at, asked_at, finished_at,
           finished_by, outcome_code
    FROM late_reviews
    WHERE (CAST(:state AS text) IS NULL OR state = :state) AND (CAST(:campus AS text) IS NULL OR campus = :campus)
      AND (CAST(:after AS uuid) IS NULL
           OR (asked_at, id) < (SELECT before.asked_at, before.id FROM late_reviews AS before WHERE before.id = :after))
    ORDER BY asked_at DESC, id DESC LIMIT :count
    """
)
_OF_CAUSES = text("SELECT referral_id FROM late_reviews WHERE cause_id = ANY (CAST(:cause_ids AS uuid[]))")
_LOCK = text(
    """
    SELECT id, campus, sensitivity, function, level, reference, referral_id, state, happened_at, asked_at, finished_at,
           finished_by, outcome_code
    FROM late_reviews WHERE id = :id FOR UPDATE
    """
)
_FINISH = text(
    "UPDATE late_reviews SET state = 'finished', finished_at = :now, finished_by = :by, outcome_code = :outcome"
    " WHERE id = :id"
)


@dataclass(frozen=True, slots=True)
class LateReview:
    """One review. `finished_by` and `outcome_code` are empty while it is open."""

    id: UUID
    campus: str
    sensitivity: str
    function: str
    level: str
    reference: str
    referral_id: UUID
    state: str
    happened_at: datetime
    asked_at: datetime
    finished_at: datetime | None
    finished_by: str | None
    outcome_code: str


async def add(connection: AsyncConnection, asked: Sequence[tuple[UUID, Cause]], now: datetime) -> set[UUID]:
    """Store reviews by their ids; return those that are new."""
    found = await connection.execute(
        _ADD,
        {
            "now": now,
            "ids": [id_ for id_, _ in asked],
            "cause_ids": [cause.id for _, cause in asked],
            "campuses": [cause.campus for _, cause in asked],
            "sensitivities": [cause.sensitivity for _, cause in asked],
            "functions": [cause.function for _, cause in asked],
            "levels": [cause.level for _, cause in asked],
            "references": [cause.reference for _, cause in asked],
            "referral_ids": [cause.referral_id for _, cause in asked],
            "happened_ats": [cause.happened_at for _, cause in asked],
        },
    )
    return set(found.scalars())


async def listing(
    connection: AsyncConnection, *, state: str | None, campus: str | None, after: UUID | None, count: int
) -> list[LateReview]:
    """Return reviews, the newest first, those that row security shows."""
    names = {"state": state, "campus": campus, "after": after, "count": count}
    return [_review(row) for row in await connection.execute(_LIST, names)]


async def among(connection: AsyncConnection, referral_ids: Iterable[UUID]) -> set[UUID]:
    """Return which of these referrals brought old news."""
    causes = [cause_id(id_, function) for id_ in sorted(set(referral_ids)) for function in (DANGER, TITLEIX)]
    return set((await connection.execute(_OF_CAUSES, {"cause_ids": causes})).scalars()) if causes else set()


async def lock(connection: AsyncConnection, id_: UUID) -> LateReview | None:
    """Return a review, locked until the transaction ends."""
    row = (await connection.execute(_LOCK, {"id": id_})).one_or_none()
    return _review(row) if row is not None else None


async def finish(connection: AsyncConnection, id_: UUID, by: str, outcome: str, now: datetime) -> None:
    """Store that a review is done."""
    await connection.execute(_FINISH, {"id": id_, "by": by, "outcome": outcome, "now": now})


def _review(row: Sequence[Any]) -> LateReview:
    return LateReview(*row)
