"""Caliper envelopes: each event for itself, with who and what it is about wherever its sender puts it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from services.intake.domain.decoders import caliper, canvas
from services.intake.domain.decoders.parts import Part, Unread
from services.intake.domain.decoders.rereading import item_of
from shared.refusal import Refused
from tests.unit.intake.decoders.events import CANVAS, DROPPED, as_bytes, caliper_event, canvas_event, envelope

V1 = "http://purl.imsglobal.org/ctx/caliper/v1p1"


def part(event: Any, **more: Any) -> Part:
    (one,) = caliper.decode(as_bytes(envelope(event, **more)))
    assert isinstance(one, Part), one
    return one


def why(body: bytes) -> tuple[str, int]:
    with pytest.raises(Refused) as refused:
        caliper.decode(body)
    return refused.value.code, refused.value.status


def test_a_grade_says_whose_it_is_and_what_share_was_reached() -> None:
    grade = part(caliper_event())
    assert grade.event_id == "urn:uuid:319f0132-0584-4efd-9489-000000000001"
    assert grade.kind == "GradeEvent.Graded"
    assert grade.value["student"] == {"sis_id": "P-1001", "email": "sora.e@example.edu", "lms_id": "48"}
    assert grade.value["course"] == {"sis_id": "BIO-101-1", "lms_id": "565", "term": ""}
    assert grade.value["score"] == {"given": 41.5, "max": 100.0, "share": 0.415}


def test_canvas_and_blackboard_put_their_ids_elsewhere() -> None:
    by_canvas = caliper_event(
        object={
            "assignee": {"id": "urn:instructure:canvas:user:210700000000048", "extensions": {CANVAS: {"sis_id": "P-2"}}}
        },
        group={"id": "urn:instructure:canvas:course:210700000000565", "extensions": {CANVAS: {"entity_id": "1"}}},
        **{"@context": V1},
    )
    assert part(by_canvas).value["student"] == {"sis_id": "P-2", "email": "", "lms_id": "700000000048"}
    by_blackboard = caliper_event(
        type="SessionEvent",
        action="LoggedIn",
        object={"id": "https://lms.example.edu/"},
        generated=None,
        actor={"id": "https://lms.example.edu/users/_7_1", "extensions": {"bb:user.externalId": "P-3"}},
    )
    assert part(by_blackboard).value["student"] == {"sis_id": "P-3", "email": "", "lms_id": "_7_1"}
    assert part(by_blackboard).value["score"] == {"given": None, "max": None, "share": None}


def test_entities_may_be_given_as_their_ids_alone() -> None:
    short = part(
        caliper_event(actor="urn:lms:user:48", object="urn:lms:x", group="urn:lms:course:9", generated="urn:x")
    )
    assert short.value["student"]["lms_id"] == "48"
    assert short.value["course"]["lms_id"] == "9"


def test_a_score_out_of_nothing_has_no_share() -> None:
    assert part(caliper_event(generated={"maxScore": 0, "scoreGiven": 1})).value["score"]["share"] is None
    assert part(caliper_event(generated={"maxScore": "9", "scoreGiven": True})).value["score"]["given"] is None


def test_what_is_nobodys_business_is_gone_at_every_depth() -> None:
    kept = part(caliper_event())
    for told in (json.dumps(kept.value), kept.raw.decode()):
        assert not [each for each in (*DROPPED, "Sora", "session") if each in told]


def test_each_event_is_taken_for_itself() -> None:
    bad = [
        7,
        caliper_event(id=None),
        caliper_event(id="urn:uuid:2", eventTime=None),
        caliper_event(id="urn:uuid:3", **{"@context": "http://purl.imsglobal.org/ctx/caliper/v1p0"}),
        {"@context": V1, "id": "urn:uuid:4", "type": "Person"},
        caliper_event(id="urn:uuid:5", extensions={"a": "\x00"}),
    ]
    items = caliper.decode(as_bytes(envelope(*bad, caliper_event())))
    assert [item.place for item in items] == [f"data[{n}]" for n in range(7)]
    assert [item.code if isinstance(item, Unread) else "taken" for item in items] == [
        "not_an_event", "no_event_id", "no_time", "unknown_version", "not_an_event", "unstorable_text", "taken",
    ]  # fmt: skip


def test_an_item_that_is_no_text_costs_no_other_and_still_drops_what_is_to_be_dropped() -> None:
    broken = json.dumps(caliper_event()).replace("BIO-101-1", "\\ud800")
    body = json.dumps(envelope("HERE", caliper_event())).replace('"HERE"', broken).encode()
    first, second = caliper.decode(body)
    assert isinstance(first, Unread)
    assert first.code == "not_json"
    assert b"203.0.113.9" not in first.raw
    assert isinstance(second, Part)


def test_an_item_nested_too_deep_costs_no_other() -> None:
    deep = "[" * 100 + "]" * 100
    first, second = caliper.decode(json.dumps(envelope("HERE", caliper_event())).replace('"HERE"', deep).encode())
    assert isinstance(first, Unread)
    assert first.code == "nested_too_deep"
    assert isinstance(second, Part)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_an_envelope"),
        (b"[]", "not_an_envelope"),
        (as_bytes(caliper_event()), "not_an_envelope"),
        (as_bytes(envelope() | {"data": {}}), "not_an_envelope"),
        (as_bytes(envelope()), "empty_envelope"),
        (as_bytes(envelope(*[1] * 1_001)), "too_many_events"),
        (b"[" * 10_000_000, "not_an_envelope"),
        (b'{"data":' + b"[" * 5_000_000, "nested_too_deep"),
        (b"\xff", "not_an_envelope"),
    ],
)
def test_what_is_no_envelope_is_refused_by_name(body: bytes, code: str) -> None:
    assert why(body)[0] == code


def test_the_version_may_stand_on_the_envelope_alone() -> None:
    event = caliper_event()
    del event["@context"]
    assert part(event, dataVersion=V1).kind == "GradeEvent.Graded"
    several = part(caliper_event(**{"@context": ["http://purl.imsglobal.org/ctx/caliper/v1p2", "https://example.edu"]}))
    assert several.kind == "GradeEvent.Graded"


def test_what_was_set_aside_is_read_again_as_it_was_or_as_it_was_mended() -> None:
    first = part(caliper_event())
    assert item_of("caliper", first.place, first.raw) == first
    mended = json.loads(first.raw) | {"student": {"sis_id": "P-9", "email": "", "lms_id": "48"}}
    again = item_of("caliper", first.place, as_bytes(mended))
    assert isinstance(again, Part)
    assert (again.value["student"]["sis_id"], again.event_id) == ("P-9", first.event_id)
    (unread,) = caliper.decode(as_bytes(envelope(caliper_event(id=None))))
    with_an_id = json.loads(unread.raw) | {"id": "urn:uuid:7"}
    assert item_of("caliper", "data[0]", as_bytes(with_an_id)).place == "data[0]"
    assert isinstance(item_of("caliper", "data[0]", as_bytes(with_an_id)), Part)


def test_a_canvas_event_is_read_again_under_its_own_id() -> None:
    (first,) = canvas.decode(as_bytes(canvas_event()), datetime(2026, 10, 5, tzinfo=UTC), keys=None)
    assert isinstance(first, Part)
    assert item_of("canvas", "event", first.raw) == first
    (unread,) = canvas.decode(as_bytes(canvas_event(event_time=None)), datetime(2026, 10, 5, tzinfo=UTC), keys=None)
    said = json.loads(unread.raw)
    said["metadata"]["event_time"] = "2026-09-14T10:30:00Z"
    again = item_of("canvas", "event", as_bytes(said))
    assert isinstance(again, Part)
    assert again.event_id == first.event_id


def test_what_other_feeds_set_aside_is_the_value_itself() -> None:
    again = item_of("http_push", "items[3]", b'{"student_id": "P-1"}')
    assert isinstance(again, Part)
    assert (again.value, again.event_id) == ({"student_id": "P-1"}, "")
