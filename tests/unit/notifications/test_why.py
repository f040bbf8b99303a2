"""A page explains itself: who was told, when and why, who was not and why, and what comes next."""

from datetime import timedelta

import pytest

from services.notifications.domain import words
from services.notifications.domain.page import Page
from services.notifications.domain.why import Receipt, explain, policy_sentences
from tests.unit.notifications.world import (
    CASE,
    NOW,
    STUDENT,
    around,
    away,
    minutes,
    program,
    raised,
    rota,
    team,
)


def told(page: Page, receipts: dict[tuple[int, str], Receipt] | None = None) -> str:
    """Return the whole explanation as one text."""
    return " ".join(sentence.text for sentence in explain(page, program(), receipts or {}, NOW, reader="sys"))


def test_it_begins_with_what_raised_it_and_how_old_that_was() -> None:
    page, _ = raised(around(), happened_at=NOW - timedelta(hours=7))
    text = told(page)
    assert text.startswith("Referral K7Q-2M4X-9RTD at North Campus raised this page at 10:00:00 am")
    assert "was 7 hours old by then" in text
    assert "Edition shipped of the paging policy" in text


def test_it_says_who_was_told_why_and_what_the_mail_server_did() -> None:
    page, _ = raised(around())
    page.pass_time(page.turn, around(), NOW + minutes(2))
    receipts = {
        (1, "uma"): Receipt(NOW, NOW + timedelta(seconds=0.2), failed=False),
        (2, "bea"): Receipt(NOW, None, failed=True),
    }
    text = told(page, receipts)
    assert "Uma Duty was told at 10:00:00 am, because they are on duty at North Campus." in text
    assert "The mail server took the message after 0.2 s." in text
    assert "Nobody had accepted within 2 minutes." in text
    assert "Bea Backup was told at 10:02:00 am" in text
    assert "refused the address for good" in text
    assert "If nobody accepts before 10:04:00 am, this goes to the director of North Campus." in text


def test_it_says_who_was_not_told_and_which_steps_were_empty() -> None:
    known = around(team(recused=("dee",)), among=program(rota("NORTH"), away("ana", "Ana Ruiz")))
    page, _ = raised(known, student_id=STUDENT)
    text = told(page)
    assert "Ana Ruiz was not told at 10:00:00 am, because they are away." in text
    assert "Dee Director was not told at 10:00:00 am, because they are not to work on this matter." in text
    assert "Nobody could be told in this step (the backup duty officer of North Campus): the next came at once." in text


def test_it_says_who_answered_what() -> None:
    page, _ = raised(around())
    page.decline("uma", "with_somebody", "link", around(), NOW + minutes(1))
    page.accept("bea", "link", NOW + minutes(1.5))
    page.enrich(CASE, around(), NOW + minutes(2))
    text = told(page)
    assert "Uma Duty said at 10:01:00 am that they cannot take it: with another student." in text
    assert "Everybody just told had said that they cannot take it, so the next step came at once." in text
    assert "Bea Backup accepted at 10:01:30 am, and the telling stopped." in text
    assert "open to them until Thu Sep 17, 10:01 am" in text
    assert "The case of the matter became known" in text
    assert "If nobody accepts" not in text


def test_the_end_of_the_line_is_explained() -> None:
    nobody = around(among=program(staff=()))
    page, _ = raised(nobody)
    text = told(page)
    assert "it is owned, but unreached" in text
    assert "The emergency contact emergency@example.edu was told" in text
    assert "If nobody accepts before 10:05:00 am, this goes to the duty officer of the whole system." in text


def test_the_frozen_policy_is_told_step_by_step() -> None:
    page, _ = raised(around())
    sentences = policy_sentences(page, program())
    assert sentences[0] == (
        "Step 1: the duty officer of North Campus and the student's case manager, if at work; then 2 minutes to accept."
    )
    assert sentences[-1] == "After that the duty officer of the whole system, every 5 minutes until somebody takes it."


def test_a_page_raised_from_headers_alone_says_so() -> None:
    page, _ = raised(around(), reference="")
    assert told(page).startswith("A referral that could not be read whole")


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (timedelta(seconds=1), "1 second"),
        (timedelta(seconds=59), "59 seconds"),
        (timedelta(minutes=1, seconds=30), "1 minute"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=7, minutes=10), "7 hours 10 minutes"),
        (timedelta(days=2, hours=1, minutes=5), "2 days 1 hour"),
        (timedelta(days=1, minutes=5), "1 day"),
        (timedelta(seconds=-5), "0 seconds"),
    ],
)
def test_spans_read_as_people_say_them(length: timedelta, expected: str) -> None:
    assert words.span(length) == expected


def test_names_join_as_in_a_sentence() -> None:
    assert [words.joined(list("ABC")[:number]) for number in range(4)] == ["", "A", "A and B", "A, B and C"]
