"""Reviews of old news over HTTP."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from services.notifications.http.resources import of_review
from services.notifications.storage import late_reviews
from services.notifications.storage.late_reviews import LateReview
from services.notifications.usecases import finish_review
from shared.access.actions import Action
from shared.web.gate import SignedIn
from shared.web.listing import Listing
from shared.web.shown import look_past

router = APIRouter(tags=["late reviews"])

_MOST = 100
OutcomeCode = Literal["nothing_to_do", "followed_up", "opened_again", "passed_on"]


class Review(BaseModel):
    """Old news of danger, or of misconduct, that came in by an import or a replay and woke nobody."""

    review_id: UUID
    reference: str
    state: Literal["open", "finished"]
    function: str
    level: str
    campus: str
    referral_id: UUID
    happened_at: datetime
    asked_at: datetime
    finished_at: datetime | None
    finished_by: str | None
    outcome_code: str

    @classmethod
    def of(cls, review: LateReview) -> "Review":
        """Return a review as it is shown."""
        return cls(
            review_id=review.id,
            reference=review.reference,
            state="open" if review.state == "open" else "finished",
            function=review.function,
            level=review.level,
            campus=review.campus,
            referral_id=review.referral_id,
            happened_at=review.happened_at,
            asked_at=review.asked_at,
            finished_at=review.finished_at,
            finished_by=review.finished_by,
            outcome_code=review.outcome_code,
        )


class Finish(BaseModel):
    """What looking at it came to."""

    model_config = ConfigDict(extra="forbid")

    outcome_code: OutcomeCode


@router.get("/late-reviews")
async def list_reviews(
    gate: SignedIn,
    state: Literal["open", "finished"] | None = None,
    campus: Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$")] = None,
    after: UUID | None = None,
) -> Listing[Review]:
    """List the reviews that the caller may know of, the newest first."""
    async with gate.begin() as door:

        async def shown_of(found: Sequence[LateReview]) -> list[LateReview]:
            decisions = door.allow_each(Action.LATE_REVIEW_LIST, [of_review(review) for review in found])
            return [review for review, decision in zip(found, decisions, strict=True) if decision is not None]

        shown, more = await look_past(
            lambda at, count: late_reviews.listing(door.connection, state=state, campus=campus, after=at, count=count),
            shown_of,
            id_of=lambda review: review.id,
            after=after,
            count=_MOST,
        )
        question = f"state={state or ''} campus={campus or ''} after={after or ''}"
        ids = [str(review.id) for review in shown]
        await door.record_list(Action.LATE_REVIEW_LIST, ids, question, kind="late_review")
        return Listing(items=[Review.of(review) for review in shown], after=more)


@router.post("/late-reviews/{review_id}/finish")
async def finish_late_review(gate: SignedIn, review_id: UUID, body: Finish) -> Review:
    """Say what looking at it came to."""
    async with gate.begin() as door:
        review = await late_reviews.lock(door.connection, review_id)
        if review is None:
            await door.absent(Action.LATE_REVIEW_FINISH, "late_review", str(review_id))
        await door.allow(Action.LATE_REVIEW_FINISH, of_review(review))
        finished = await finish_review.finish(door, review, door.actor.id, body.outcome_code)
        return Review.of(finished)
