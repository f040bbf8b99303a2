"""A referral in words: hits marked where they stand, the gravest first; a decision read from a form."""

from typing import Any

import pytest

from services.console import reading
from services.console.deciding import decision_of

TEXT = "She wants to die. New members chug. He is not suicidal."
HITS = [
    {"category": "hazing", "start": 18, "end": 34, "negated": False, "edition": "en-2"},
    {"category": "danger", "start": 4, "end": 16, "negated": False, "edition": "en-1"},
    {"category": "danger_imminent", "start": 4, "end": 9, "negated": False, "edition": "en-1"},
    {"category": "danger", "start": 46, "end": 54, "negated": True, "edition": "en-1"},
]


def said(**more: Any) -> dict[str, Any]:
    return {"narrative": TEXT, "hits": HITS, "screened_with": "en-1", "only_danger": False} | more


def test_hits_are_marked_where_they_stand_with_what_they_mean_and_the_list_that_found_them() -> None:
    shown = reading.narrative_of(said())
    assert "".join(text for text, _, _ in shown.parts) == TEXT
    assert [(text, kind, number) for text, kind, number in shown.parts if kind] == [
        ("wants", "danger", 1),
        ("New members chug", "other", 2),
    ]
    assert shown.hits == [(1, "wants", "imminent danger", "en-1"), (2, "New members chug", "hazing", "en-2")]
    assert shown.denied == ["suicidal"]


def test_a_hit_of_before_editions_were_kept_with_it_names_the_one_of_the_referral() -> None:
    shown = reading.narrative_of(said(hits=[{"category": "danger", "start": 4, "end": 16, "negated": False}]))
    assert shown.hits[0][3] == "en-1"


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({"hits": {"danger": 1, "danger_imminent": 1, "hazing": 1}, "level": "critical"}, ("Danger \u00d72", "danger")),
        ({"hits": {}, "level": "critical"}, ("Danger", "danger")),
        ({"hits": {"hazing": 1, "missing_person": 3}, "level": "moderate"}, ("Missing person \u00d73", "strong")),
        ({"hits": {}, "level": "mild"}, ("No hits", "")),
    ],
)  # fmt: skip
def test_a_row_says_the_gravest_that_was_found(row: dict[str, Any], shown: tuple[str, str]) -> None:
    assert reading.found_in(row) == shown


@pytest.mark.parametrize(
    ("form", "wrong"),
    [
        ({}, ["decision"]),
        ({"decision": "astrology"}, ["decision"]),
        ({"decision": "open_case"}, ["rating"]),
        ({"decision": "open_case", "rating": "grave"}, ["rating"]),
        ({"decision": "redirect"}, ["reason"]),
        ({"decision": "redirect", "reason": "new_concern"}, ["reason"]),
        ({"decision": "duplicate"}, ["of"]),
        ({"decision": "open_case", "rating": "mild"}, []),
        ({"decision": "redirect", "reason": "police"}, []),
        ({"decision": "duplicate", "of": "7kd-4qx2-9mpa"}, []),
        ({"decision": "not_our_student"}, []),
    ],
)
def test_what_is_missing_in_a_decision_is_named(form: dict[str, str], wrong: list[str]) -> None:
    assert [field for field, _ in decision_of(form).wrong] == wrong


def test_a_reason_is_the_usual_one_unless_one_of_the_decision_is_chosen() -> None:
    form = {"decision": "attach", "rating": "mild"}
    assert decision_of(form).reason == "same_concern"
    assert decision_of(form | {"reason": "new_information"}).reason == "new_information"
    assert decision_of(form | {"reason": "police"}).reason == "same_concern"


def test_every_decision_has_words_a_key_and_reasons() -> None:
    codes = [code for code, _, _ in reading.DECISIONS]
    assert "".join(key for _, _, key in reading.DECISIONS) == "aowsdn"
    assert set(codes) == set(reading.REASONS)
    assert set(codes) | {"spam"} == set(reading.DECIDED)


def test_what_happened_is_in_order_of_time_the_newest_first() -> None:
    referral = {
        "received_at": "2026-09-14T10:00:00+00:00", "triaged_at": "2026-09-14T12:00:00+00:00", "decision": "open_case",
        "decided_by": "sam", "source_kind": "peer", "channel": "form",
    }  # fmt: skip
    page = {
        "function": "danger", "raised_at": "2026-09-14T10:01:00+00:00", "reference": "7KD", "accepted_at": None,
        "accepted_by": None,
    }  # fmt: skip
    correction = {"verdict": "not_danger", "made_by": "sam", "made_at": "2026-09-14T11:00:00+00:00"}
    turn = {"kind": "reopened", "code": "x", "done_by": "sam", "done_at": "2026-09-14T13:00:00+00:00"}
    found = reading.happened(referral, {"messages": [], "turns": [turn]}, [correction], [page])
    assert [each.title for each in found] == [
        "Opened again", "Decided: a case was opened", "Not danger", "Page 7KD went out", "Received",
    ]  # fmt: skip
