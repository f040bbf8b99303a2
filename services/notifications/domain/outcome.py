"""What became of a page after somebody took it: attempts, contact, its end, and its return when nobody was reached."""

from datetime import datetime

from services.notifications.domain.page import Page
from services.notifications.domain.people import Around
from services.notifications.domain.record import DISPOSITIONS, NO_ANSWER, Answer, State
from shared.events.pages import PageContactTried, PageDisposed, PageEvent, PageReopened
from shared.refusal import Refused


def record(page: Page, person: str, code: str, now: datetime) -> list[PageEvent]:
    """Write down what came of it. `no_answer` leaves the page with its responder; everything else ends it.

    Raises Refused for anybody but whoever has the page, and for a page that has ended otherwise.
    """
    if code != NO_ANSWER and code not in DISPOSITIONS:
        raise Refused("unknown_outcome", "Choose one of: " + ", ".join((NO_ANSWER, *DISPOSITIONS)), 422)
    if page.state == State.ENDED and page.accepted_by == person and page.disposition == code:
        return []
    if page.state == State.ENDED:
        raise Refused("page_ended", "This page has ended: somebody has written down what became of it.")
    if page.state != State.ACCEPTED or page.accepted_by != person:
        raise Refused("not_your_page", "Only whoever has accepted this page can write down what came of it.")
    page.answers.append(Answer(person, "outcome", "console", now, code))
    if code == NO_ANSWER:
        return [page.fact(PageContactTried, tried_by=person, tried_at=now)]
    page.state, page.disposition, page.disposed_at, page.contacted_at = State.ENDED, code, now, now
    return [page.fact(PageDisposed, disposition=code, disposed_by=person, disposed_at=now)]


def contacted(page: Page, person: str, at: datetime, now: datetime) -> bool:
    """Note that the student was reached, as the case says; the page then no longer returns. Return whether it is new.

    What came before the page was accepted says nothing about the danger it is about.
    """
    if page.state != State.ACCEPTED or page.contacted_at or page.accepted_at is None or at < page.accepted_at:
        return False
    page.contacted_at = now
    page.answers.append(Answer(person, "outcome", "case", now, "contact"))
    return True


def lapse(page: Page, acceptance: int, around: Around, now: datetime) -> list[PageEvent]:
    """Open a page again because nobody was reached in time after its n-th acceptance: its line begins anew.

    Whoever had it keeps what was opened to them until its own end: they may be on the way to the student.
    """
    if page.state != State.ACCEPTED or page.contacted_at or page.acceptance != acceptance:
        return []
    page.state, page.step, page.line_from, page.reopened = State.NOTIFYING, 0, page.turn, page.reopened + 1
    before, page.accepted_by = page.accepted_by, None
    reopened = page.fact(PageReopened, accepted_by=before, because="no_contact", reopened_at=now)
    return [reopened, *page.advance("reopened", around, now)]
