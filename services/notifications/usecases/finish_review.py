"""Somebody has looked at old news."""

from dataclasses import replace

from services.notifications.storage import late_reviews
from services.notifications.storage.late_reviews import LateReview
from shared.refusal import Refused
from shared.storage.tx import Tx


async def finish(tx: Tx, review: LateReview, by: str, outcome: str) -> LateReview:
    """Finish a locked review and return it so. Raises Refused when somebody did before."""
    if review.state != "open":
        raise Refused("review_finished", "Somebody has finished this review already.")
    await late_reviews.finish(tx.connection, review.id, by, outcome, tx.now)
    return replace(review, state="finished", finished_by=by, finished_at=tx.now, outcome_code=outcome)
