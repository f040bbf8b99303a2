"""The answers of the public form: what is missing, what they make, and the tokens a form and a referrer hold."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.intake.domain.public_form import (
    Answers,
    about,
    chosen,
    faults,
    first_faults,
    line,
    marks,
    source_kind,
    text,
    urgency,
)
from services.intake.domain.referrals import About
from services.intake.domain.signed import Ticket, Way, ticket_in, way_in
from shared.ids import new_id

GOOD = Answers(about="other", named="no", words="She cries.")
NOW = datetime(2026, 9, 14, 10, tzinfo=UTC)


def says(answers: Answers, *, anonymous: bool = True) -> list[tuple[str, str]]:
    return [(fault.field, fault.says) for fault in faults(answers, anonymous=anonymous)]


def test_only_whom_and_what_is_asked_of_everybody() -> None:
    assert says(GOOD) == []
    assert says(Answers()) == [("about", "fault_about"), ("named", "fault_named"), ("words", "fault_words")]
    assert [fault.field for fault in first_faults(Answers(about="other"), anonymous=False)] == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"words": "a" * 20_001}, ("words", "fault_words_long")),
        ({"who": "a" * 201}, ("who", "fault_line")),
        ({"where": "a" * 601}, ("where", "fault_where")),
        ({"your_email": "no address"}, ("your_email", "fault_email")),
        ({"named": "yes"}, ("your_name", "fault_name")),
        ({"notices": True}, ("your_email", "fault_notices")),
    ],
)
def test_each_mistake_is_said_where_it_is(change: dict[str, object], fault: tuple[str, str]) -> None:
    assert says(replace(GOOD, **change)) == [fault]  # type: ignore[arg-type]


def test_a_campus_that_asks_for_a_name_says_so() -> None:
    assert says(GOOD, anonymous=False) == [("your_name", "fault_name_needed")]
    assert says(replace(GOOD, your_phone="555-0100"), anonymous=False) == []


def test_whom_it_is_about_is_read_from_what_was_typed() -> None:
    assert about(replace(GOOD, who="Jo Doe", who_id="N123")) == About(number="N123", name="Jo Doe")
    assert about(replace(GOOD, who_id="Jo@Example.edu")) == About(email="jo@example.edu")
    unread = about(replace(GOOD, who_id="the tall one", where="in BIO 101"))
    assert unread == About(description="in BIO 101\nthe tall one")
    me = Answers(about="me", your_name="Sam", your_email="Sam@x.example", who_id="N9")
    assert about(me) == About("N9", "sam@x.example", "", "Sam")


def test_a_source_is_only_what_somebody_puts_their_name_to() -> None:
    assert source_kind(replace(GOOD, relation="instructor")) == "anonymous"
    assert source_kind(replace(GOOD, relation="instructor", your_name="Sam")) == "faculty"
    assert source_kind(replace(GOOD, relation="made up", your_name="Sam")) == "other"
    assert source_kind(Answers(about="me")) == "self"


def test_codes_that_are_not_ours_mean_nothing() -> None:
    assert urgency(replace(GOOD, urgency="now")) == "emergency"
    assert urgency(replace(GOOD, urgency="yesterday")) == "routine"
    assert chosen(["mood", "mood", "drop table"]) == ("mood",)
    assert marks(replace(GOOD, about="group", knows="no")) == ("group", "unaware")


def test_text_keeps_what_people_mean_and_loses_what_nobody_sees() -> None:
    assert text(" a\r\nb\x00\x07\ud800 e\u0301 \U0001f469\u200d\U0001f4bb ") == "a\nb \u00e9 \U0001f469\u200d\U0001f4bb"
    assert line("Jo\n\u202eDoe\t x") == "Jo Doe x"


def test_tokens_open_only_what_we_signed() -> None:
    key, other = b"k" * 32, b"o" * 32
    way = Way(new_id(), NOW + timedelta(hours=1))
    token = way.token(key)
    found = way_in(key, token)
    assert found is not None
    assert (str(found.referral_id), found.until) == (str(way.referral_id), way.until)
    assert way_in(other, token) is None
    for strange in ("", "x", token[:-2], token + "AA", "é" * 30, "A" * len(token)):
        assert way_in(key, strange) is None
    ticket = Ticket(new_id(), NOW)
    assert ticket_in(key, ticket.token(key)) is not None
    assert ticket_in(other, ticket.token(key)) is None
