"""Which event goes to which use case."""

from collections.abc import Mapping
from typing import Any

from services.intake.usecases.follow_cases import (
    note_attached,
    note_closed,
    note_combined,
    note_opened,
    note_reopened,
    note_work,
)
from services.intake.usecases.follow_pages import grant_duty, stop_watching
from shared.events import Event, Topic
from shared.events.cases import (
    CaseAccepted,
    CaseClosed,
    CaseOpened,
    CaseReopened,
    CasesCombined,
    ContactRecorded,
    ReferralAttached,
)
from shared.events.pages import LateReviewAsked, PageAccepted, PageRaised

TOPICS: tuple[Topic, ...] = ("cases", "pages")
REPLICAS: tuple[Topic, ...] = ("program", "teams")

HANDLERS: Mapping[type[Event], Any] = {
    CaseOpened: note_opened,
    ReferralAttached: note_attached,
    CaseAccepted: note_work,
    ContactRecorded: note_work,
    CasesCombined: note_combined,
    CaseClosed: note_closed,
    CaseReopened: note_reopened,
    PageRaised: stop_watching,
    LateReviewAsked: stop_watching,
    PageAccepted: grant_duty,
}
