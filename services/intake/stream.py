"""Which event goes to which use case."""

from collections.abc import Mapping
from typing import Any

from services.intake.usecases.follow_cases import FOLLOWED, follow
from services.intake.usecases.follow_pages import grant_duty, stop_watching
from shared.events import Event, Topic
from shared.events.pages import LateReviewAsked, PageAccepted, PageRaised

TOPICS: tuple[Topic, ...] = ("cases", "pages")
REPLICAS: tuple[Topic, ...] = ("program", "teams")

# All of cases in one call: what a batch locks for combining is taken before anything else.
HANDLERS: Mapping[type[Event], Any] = {
    **dict.fromkeys(FOLLOWED, follow),
    PageRaised: stop_watching,
    LateReviewAsked: stop_watching,
    PageAccepted: grant_duty,
}
