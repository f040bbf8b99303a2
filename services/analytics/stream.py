"""Which event goes to which use case. Every type there is has one: what is not counted is kept all the same."""

from services.analytics.domain.counting import BY_ITSELF, CHANGES
from services.analytics.storage.history import History
from services.analytics.usecases.count import count_by_themselves, count_matters, keep
from shared.events import TOPICS, Event, catalogue
from shared.messaging.stream import Handler, Stream
from shared.settings import Settings
from shared.storage.engines import Database

CONSUMER = "history"
HANDLERS: dict[type[Event], Handler] = {
    **dict.fromkeys(catalogue, keep),
    **dict.fromkeys(CHANGES, count_matters),
    **dict.fromkeys(BY_ITSELF, count_by_themselves),
}


def stream(database: Database, settings: Settings) -> Stream:
    """Return the consumer of all topics, with history for its inbox."""
    return Stream(
        database, settings, consumer=CONSUMER, topics=TOPICS, handlers=HANDLERS, inbox=History(),
    )  # fmt: skip
