"""Topic `pages`: who was told, who took it. Key: the page's id. Never what it is about beyond ids and codes."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from shared.events.base import Event, Topic, catalogue


class PageEvent(Event, frozen=True, kw_only=True):
    """What all events of a page have. `cause_id` and `function` say why there is one, once (`danger`, `titleix`)."""

    TOPIC: ClassVar[Topic] = "pages"

    page_id: UUID
    cause_id: UUID
    function: str
    level: str
    referral_id: UUID | None = None
    case_id: UUID | None = None

    @property
    def key(self) -> str:
        """The page's id."""
        return str(self.page_id)


@catalogue.add
class PageRaised(PageEvent, frozen=True, kw_only=True):
    """A page exists and its policy is frozen into it."""

    TYPE: ClassVar[str] = "caselight.page.raised.v1"

    policy_edition: str
    happened_at: datetime
    raised_at: datetime


@catalogue.add
class PageStepTaken(PageEvent, frozen=True, kw_only=True):
    """A step told its people (`staff_ids`), or was empty and skipped at once. `step` counts from 1."""

    TYPE: ClassVar[str] = "caselight.page.step_taken.v1"

    step: int
    target: str
    staff_ids: tuple[str, ...]
    taken_at: datetime


@catalogue.add
class PageAccepted(PageEvent, frozen=True, kw_only=True):
    """Somebody took the page: they are granted that one matter until `grant_until`; contact is due by `contact_due`."""

    TYPE: ClassVar[str] = "caselight.page.accepted.v1"

    accepted_by: str
    via: str
    raised_at: datetime
    accepted_at: datetime
    grant_until: datetime
    contact_due: datetime


@catalogue.add
class PageDeclined(PageEvent, frozen=True, kw_only=True):
    """Somebody cannot take the page; the next in line is told at once if nobody else of the step is left."""

    TYPE: ClassVar[str] = "caselight.page.declined.v1"

    declined_by: str
    reason_code: str
    declined_at: datetime


@catalogue.add
class PageUnreached(PageEvent, frozen=True, kw_only=True):
    """The line ended without acceptance. `owner_id`, the system duty officer, owns it and is paged again and again."""

    TYPE: ClassVar[str] = "caselight.page.unreached.v1"

    owner_id: str | None
    repeat: int
    unreached_at: datetime


@catalogue.add
class PageEnriched(PageEvent, frozen=True, kw_only=True):
    """The case of the matter became known; the page now names it."""

    TYPE: ClassVar[str] = "caselight.page.enriched.v1"

    enriched_at: datetime


@catalogue.add
class PageContactTried(PageEvent, frozen=True, kw_only=True):
    """Whoever has the page tried to reach the student and could not yet."""

    TYPE: ClassVar[str] = "caselight.page.contact_tried.v1"

    tried_by: str
    tried_at: datetime


@catalogue.add
class PageDisposed(PageEvent, frozen=True, kw_only=True):
    """The page has ended: `reached_safe`, `police_check`, `transported`, `not_located` or `handed_over`."""

    TYPE: ClassVar[str] = "caselight.page.disposed.v1"

    disposition: str
    disposed_by: str
    disposed_at: datetime


@catalogue.add
class PageReopened(PageEvent, frozen=True, kw_only=True):
    """Nobody was reached within the time of the policy after `accepted_by` took it: the line begins anew."""

    TYPE: ClassVar[str] = "caselight.page.reopened.v1"

    accepted_by: str | None
    because: str
    reopened_at: datetime


@catalogue.add
class LateReviewAsked(PageEvent, frozen=True, kw_only=True):
    """Old news of danger came in by import or replay: work to review for the duty officer, nobody is woken."""

    TYPE: ClassVar[str] = "caselight.page.late_review_asked.v1"

    happened_at: datetime
    asked_at: datetime
