"""Canvas Live Events: signed or refused, dropped what is nobody's business, known again when they come again."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.intake.domain.decoders import canvas
from services.intake.domain.decoders.parts import Part, Unread
from services.intake.domain.decoders.signatures import UnknownKey, keys_of
from shared.refusal import Refused
from tests.unit.intake.decoders.events import DROPPED, Signer, as_bytes, caliper_event, canvas_event, envelope

NOW = datetime(2026, 9, 14, 10, 31, tzinfo=UTC)


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


def part(value: Any) -> Part:
    (one,) = canvas.decode(as_bytes(value), NOW, keys=None)
    assert isinstance(one, Part)
    return one


def why(body: bytes, signer: Signer | None = None, now: datetime = NOW) -> str:
    with pytest.raises(Refused) as refused:
        canvas.decode(body, now, keys=keys_of(signer.published()) if signer else None)
    assert refused.value.status in {401, 422}
    return refused.value.code


def test_a_grade_is_read_with_who_and_where_by_the_ids_of_the_campus() -> None:
    grade = part(canvas_event())
    assert (grade.kind, grade.place) == ("grade_change", "event")
    assert grade.value["student"] == {"sis_id": "P-1001", "lms_id": "48"}
    assert grade.value["course"] == {"sis_id": "BIO-101-1", "lms_id": "565"}
    assert grade.value["body"]["score"] == 41.5
    assert grade.value["metadata"]["event_time"] == "2026-09-14T10:30:00.250Z"


def test_a_score_is_a_share_of_what_there_was() -> None:
    assert part(canvas_event()).value["score"] == {"given": 41.5, "max": 100.0, "share": 0.415}
    course = canvas_event("course_grade_change", body={"user_id": "48", "current_score": 52.5, "final_score": 30})
    assert part(course).value["score"] == {"given": 52.5, "max": 100.0, "share": 0.525}
    for odd in ({"score": 4, "points_possible": 0}, {"score": "4"}, {"score": None, "current_score": None}, {}):
        assert part(canvas_event(body=odd)).value["score"]["share"] is None


def test_what_is_nobodys_business_is_gone_before_anything_is_kept() -> None:
    event = canvas_event("submission_created", body={"user_id": "48", "body": "I could not finish", "late": True})
    kept = part(event)
    for told in (json.dumps(kept.value), kept.raw.decode()):
        assert not [each for each in DROPPED if each in told]
    assert kept.value["body"] == {"user_id": "48", "late": True}


def test_the_same_event_has_one_id_whichever_shard_its_account_is_on() -> None:
    moved = json.loads(json.dumps(canvas_event()).replace("21070000000", "99990000000"))
    assert part(canvas_event()).event_id == part(moved).event_id
    assert part(moved).value["student"]["lms_id"] == "48"


@pytest.mark.parametrize(
    "other",
    [
        canvas_event(request_id="6f3b1d1e-0000-4000-8000-000000000002"),
        canvas_event("submission_updated"),
        canvas_event(body={"student_id": "49", "submission_id": "11086"}),
    ],
)
def test_another_request_event_or_student_is_another_event(other: dict[str, Any]) -> None:
    assert part(canvas_event()).event_id != part(other).event_id


def test_without_a_request_the_time_tells_events_apart() -> None:
    first = canvas_event(request_id=None)
    later = canvas_event(request_id=None, event_time="2026-09-14T11:30:00.250Z")
    assert part(first).event_id != part(later).event_id


def test_who_acted_is_the_student_only_where_it_is_the_same_person() -> None:
    themselves = canvas_event("submission_created", body={"user_id": "987"}, user_sis_id="P-7")
    assert part(themselves).value["student"] == {"sis_id": "P-7", "lms_id": "987"}
    by_the_teacher = canvas_event("submission_updated", body={"user_id": "48"})
    assert part(by_the_teacher).value["student"] == {"sis_id": "", "lms_id": "48"}
    looking = canvas_event("asset_accessed", body={"asset_type": "course"})
    assert part(looking).value["student"] == {"sis_id": "", "lms_id": ""}
    signed_in = canvas_event("logged_in", body={}, context_role=None, context_type=None, user_sis_id="P-7")
    assert part(signed_in).value["student"] == {"sis_id": "P-7", "lms_id": "987"}


def test_caliper_from_canvas_is_read_as_caliper(signer: Signer) -> None:
    (one,) = canvas.decode(signer.sign(envelope(caliper_event())), NOW, keys=keys_of(signer.published()))
    assert isinstance(one, Part)
    assert one.kind == "GradeEvent.Graded"


@pytest.mark.parametrize("key", [0, 1, 2])
def test_the_previous_the_current_and_the_next_key_are_all_good(signer: Signer, key: int) -> None:
    for body in (signer.sign(canvas_event(), key), b'"' + signer.sign(canvas_event(), key) + b'"\n'):
        (one,) = canvas.decode(body, NOW, keys=keys_of(signer.published()))
        assert isinstance(one, Part)
        assert one.value["student"]["sis_id"] == "P-1001"


def test_a_wrong_signature_a_stranger_and_no_signature_are_refused(signer: Signer) -> None:
    head, payload, signature = signer.sign(canvas_event()).split(b".")
    other = signer.sign(canvas_event("logged_in")).split(b".")
    assert why(b".".join((head, other[1], signature)), signer) == "wrong_signature"
    assert why(signer.sign(canvas_event(), kid="next"), signer) == "wrong_signature"
    assert why(as_bytes(canvas_event()), signer) == "not_signed"
    assert why(b".".join((head, payload, b"")), signer) in {"wrong_signature", "bad_token"}
    assert why(signer.sign(canvas_event())) == "keys_missing"
    with pytest.raises(UnknownKey):
        canvas.decode(signer.sign(canvas_event(), kid="last-year"), NOW, keys=keys_of(signer.published()))


def test_a_token_may_not_choose_how_it_is_checked(signer: Signer) -> None:
    from base64 import urlsafe_b64encode as b64  # noqa: PLC0415 - only here

    payload = b64(as_bytes(canvas_event())).rstrip(b"=")
    for head in ({"alg": "none"}, {"alg": "HS256", "kid": "current"}, {"alg": "RS512", "kid": "current"}):
        token = b".".join((b64(as_bytes(head)).rstrip(b"="), payload, b64(b"x" * 32).rstrip(b"=")))
        assert why(token, signer) in {"bad_token", "unknown_key"}


def test_clocks_may_differ_by_five_minutes_where_a_time_is_signed(signer: Signer) -> None:
    at = int(NOW.timestamp())
    assert why(signer.sign(canvas_event() | {"exp": at - 400}), signer) == "expired"
    assert why(signer.sign(canvas_event() | {"iat": at + 400}), signer) == "not_yet"
    near = signer.sign(canvas_event() | {"exp": at - 200, "iat": at + 200})
    assert canvas.decode(near, NOW, keys=keys_of(signer.published()))
    assert why(near, signer, NOW + timedelta(minutes=5)) == "expired"


def test_keys_that_are_none_are_refused_when_they_are_given(signer: Signer) -> None:
    wrongs: list[Any] = [{}, [], None, "x", {"keys": []}, {"keys": [{}]}, {"keys": [{"kty": "oct", "k": "eA"}]}]
    for wrong in wrongs:
        with pytest.raises(Refused, match=r"bad_keys|private_key"):
            keys_of(wrong)
    with pytest.raises(Refused, match="private_key"):
        keys_of({"keys": [signer.keys[0].as_dict(private=True)]})


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b"\xff\xfe{", "not_json"),
        (b'{"metadata": {', "not_json"),
        (b"[" * 5_000_000 + b"]" * 5_000_000, "nested_too_deep"),
        (b'{"metadata":' + b'{"a":' * 60 + b"1" + b"}" * 61, "nested_too_deep"),
    ],
)
def test_what_is_no_json_is_refused_by_name(body: bytes, code: str) -> None:
    assert why(body) == code


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ([], "not_an_event"),
        (7, "not_an_event"),
        ({"metadata": [], "body": {}}, "not_an_event"),
        ({"metadata": {"event_name": {"a": 1}}, "body": {}}, "not_an_event"),
        ({"metadata": {"event_name": "grade_change"}, "body": []}, "not_an_event"),
        (canvas_event(event_time=None), "no_time"),
        (canvas_event(body={"grade": "\x00"}), "unstorable_text"),
        (canvas_event(body={"gr\x00de": 1}), "unstorable_text"),
    ],
)
def test_json_of_the_wrong_shape_is_kept_with_what_to_do(event: Any, code: str) -> None:
    (one,) = canvas.decode(as_bytes(event), NOW, keys=None)
    assert isinstance(one, Unread)
    assert one.code == code
    assert one.reason.endswith(".")
    assert "203.0.113.9" not in one.raw.decode()


def test_texts_of_every_script_pass_as_they_are() -> None:
    grade = "ممتاز e\u0301 \U0001f600 \u202eabc <script>alert(1)</script> \x01"
    assert part(canvas_event(body={"student_sis_id": "P-1", "grade": grade})).value["body"]["grade"] == grade
