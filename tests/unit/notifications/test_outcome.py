"""A page ends with what became of the student, and opens again when nobody reached them in time."""

import pytest

from services.notifications.domain import outcome
from services.notifications.domain.page import Page
from services.notifications.domain.record import DISPOSITIONS, State
from shared.events.pages import PageContactTried, PageDisposed, PageReopened, PageStepTaken
from shared.refusal import Refused
from tests.unit.notifications.world import NOW, around, minutes, raised, told


def taken() -> Page:
    page, _ = raised(around())
    page.accept("uma", "console", NOW)
    return page


@pytest.mark.parametrize("code", DISPOSITIONS)
def test_what_became_of_the_student_ends_the_page(code: str) -> None:
    page = taken()
    (event,) = outcome.record(page, "uma", code, NOW + minutes(5))
    assert isinstance(event, PageDisposed)
    assert (event.disposition, event.disposed_by) == (code, "uma")
    assert (page.state, page.open) == (State.ENDED, False)
    assert outcome.lapse(page, 1, around(), NOW + minutes(60)) == []


def test_no_answer_leaves_the_page_with_its_responder_and_its_clock() -> None:
    page = taken()
    (event,) = outcome.record(page, "uma", "no_answer", NOW + minutes(5))
    assert isinstance(event, PageContactTried)
    assert (page.state, page.accepted_by) == (State.ACCEPTED, "uma")
    assert outcome.lapse(page, 1, around(), NOW + minutes(30))


def test_a_page_opens_again_when_nobody_was_reached_in_time() -> None:
    page = taken()
    events = outcome.lapse(page, 1, around(), NOW + minutes(30))
    assert [type(event) for event in events] == [PageReopened, PageStepTaken]
    assert (page.state, page.accepted_by, page.reopened) == (State.NOTIFYING, None, 1)
    assert told(page, page.turn) == ["uma"]


def test_the_clock_of_an_earlier_acceptance_is_stale() -> None:
    page = taken()
    outcome.lapse(page, 1, around(), NOW + minutes(30))
    page.accept("uma", "link", NOW + minutes(31))
    assert outcome.lapse(page, 1, around(), NOW + minutes(32)) == []
    assert page.acceptance == 2


def test_contact_written_into_the_case_keeps_the_page_from_opening_again() -> None:
    page = taken()
    assert outcome.contacted(page, "ana", NOW + minutes(3), NOW + minutes(4))
    assert not outcome.contacted(page, "ana", NOW + minutes(5), NOW + minutes(5))
    assert outcome.lapse(page, 1, around(), NOW + minutes(30)) == []


def test_contact_from_before_the_page_was_accepted_says_nothing() -> None:
    page = taken()
    assert not outcome.contacted(page, "ana", NOW - minutes(1), NOW + minutes(4))


def test_only_whoever_has_the_page_writes_down_its_outcome() -> None:
    page = taken()
    with pytest.raises(Refused) as refused:
        outcome.record(page, "bea", "reached_safe", NOW)
    assert refused.value.code == "not_your_page"


def test_an_ended_page_says_so_to_the_next_and_nothing_to_the_same() -> None:
    page = taken()
    outcome.record(page, "uma", "transported", NOW)
    assert outcome.record(page, "uma", "transported", NOW) == []
    with pytest.raises(Refused) as refused:
        page.accept("bea", "link", NOW)
    assert refused.value.code == "page_ended"
