"""What decisions about pages are made on."""

from services.notifications.domain.page import Page
from services.notifications.domain.people import Around, kept_out
from services.notifications.storage.late_reviews import LateReview
from shared.access.decision import Resource


def of_page(page: Page, around: Around, actor_id: str) -> Resource:
    """Return a page as a resource, for a decision about one actor: whether they are walled off is a fact of it."""
    walled = kept_out(actor_id, page.matter, around)
    return Resource(
        kind="page",
        id=str(page.id),
        campus=page.cause.campus,
        sensitivity=page.cause.sensitivity,
        addressees=frozenset(page.addressees),
        recused=frozenset({actor_id} if walled else ()),
    )


def of_review(review: LateReview) -> Resource:
    """Return a review of old news as a resource."""
    return Resource(kind="late_review", id=str(review.id), campus=review.campus, sensitivity=review.sensitivity)
