"""Canvas Live Events and Caliper over HTTP: proven, taken item by item, understood, and told when they are not."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.intake.http.key_sets import KeySets
from tests.integration.intake.conftest import Intake
from tests.integration.intake.feeds.feeding import Sender, add_feed, forget_feeds
from tests.unit.intake.decoders.events import Signer, as_bytes, caliper_event, canvas_event, envelope

ACCOUNT = "madeUpAccount"
URL = "https://keys.example.edu/jwks"
KEYS_AGAIN, KEYS_FRESH = timedelta(seconds=61), timedelta(hours=1, seconds=1)
OF_NORA = {"student_sis_id": "N1", "student_id": "21070000000000048"}


@dataclass
class Publisher:
    """The address at which keys are published: what it gives, and how often it was asked."""

    signer: Signer = field(default_factory=Signer)
    status: int = 200
    asked: int = 0

    def answer(self, _request: httpx.Request) -> httpx.Response:
        self.asked += 1
        return httpx.Response(self.status, json=self.signer.published())


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


@pytest.fixture
async def keys(intake: Intake, signer: Signer) -> Publisher:
    await forget_feeds(intake)
    publisher = Publisher(signer)
    site: Any = intake.service.api.state.site
    site.parts[KeySets] = KeySets(strict=True, transport=httpx.MockTransport(publisher.answer))
    return publisher


def grade(**more: Any) -> dict[str, Any]:
    said = {"assignment_id": "355", "submission_id": "11086", "score": 41.5, "points_possible": 100} | OF_NORA
    return canvas_event(body=said | more)


async def canvas(intake: Intake, **settings: Any) -> Sender:
    return await add_feed(intake, "canvas", "canvas", settings={"accounts": [ACCOUNT], "jwks_url": URL} | settings)


async def test_a_signed_grade_becomes_a_flag_once(intake: Intake, keys: Publisher) -> None:
    sender = await canvas(intake)
    event = keys.signer.sign(grade())
    assert await sender.results(await sender.send(event)) == [("accepted", "")]
    assert await sender.results(await sender.send(event)) == [("unchanged", "")]
    (flag,) = await intake.rows("SELECT student_id, course, reason_code, source FROM flags")
    assert (flag.student_id, flag.course, flag.reason_code) == (await intake.student("N1"), "BIO-101-1", "LOW_SCORE")
    assert flag.source == sender.feed["code"]
    assert keys.asked == 1


async def test_what_is_no_concern_is_skipped_and_no_error(intake: Intake, keys: Publisher) -> None:
    sender = await canvas(intake)
    for event in (grade(score=99), canvas_event("logged_in", body={}), canvas_event("course_progress", body={"a": 1})):
        assert await sender.results(await sender.send(keys.signer.sign(event))) == [("skipped", "")]
    assert await sender.waiting() == {}


async def test_an_event_without_a_campus_number_is_understood_by_one_that_had_it(
    intake: Intake, keys: Publisher
) -> None:
    sender = await canvas(intake)
    nameless = canvas_event("course_grade_change", body={"user_id": "48", "course_id": "565", "current_score": 12})
    first = await sender.send(keys.signer.sign(nameless))
    assert [each["outcome"] for each in first.json()["results"]] == ["quarantined"]
    assert await sender.results(await sender.send(keys.signer.sign(grade()))) == [("accepted", "")]
    later = nameless | {"metadata": nameless["metadata"] | {"request_id": "another"}}
    assert await sender.results(await sender.send(keys.signer.sign(later))) == [("accepted", "")]
    again = await intake.post("fred", f"{sender.path}/quarantine/replay")
    assert (again["done"], again["still"]) == (1, 0)
    flags = await intake.rows("SELECT student_number FROM flags")
    assert [flag.student_number for flag in flags] == ["N1"] * 3


async def test_a_delivery_that_proves_nothing_is_turned_away_and_its_owner_learns_why(
    intake: Intake, keys: Publisher
) -> None:
    sender = await canvas(intake)
    head, payload, _ = keys.signer.sign(grade()).split(b".")
    forged = b".".join((head, payload, keys.signer.sign({}).split(b".")[2]))
    elsewhere = keys.signer.sign(grade() | {"metadata": grade()["metadata"] | {"root_account_uuid": "another"}})
    for body, code in (
        (forged, "wrong_signature"), (as_bytes(grade()), "not_signed"), (elsewhere, "other_account"),
        (keys.signer.sign(grade(), kid="stranger"), "unknown_key"), (b"eyJ.e30.x", "bad_token"), (b"", "not_signed"),
        (keys.signer.sign([]), "other_account"),
    ):  # fmt: skip
        answer = await sender.send(body)
        assert answer.status_code == 401, answer.text
        assert answer.json()["type"].endswith(f":{code}")
        assert len(answer.json()["detail"]) > 20
    assert await sender.health() == {
        "wrong_signature": 1, "not_signed": 2, "other_account": 2, "unknown_key": 1, "bad_token": 1,
    }  # fmt: skip
    assert await intake.rows("SELECT 1 FROM flags") == []


async def test_a_feed_that_names_no_account_takes_nothing(intake: Intake, keys: Publisher) -> None:
    sender = await canvas(intake, accounts=[])
    assert (await sender.send(keys.signer.sign(grade()))).status_code == 401
    assert await sender.health() == {"no_accounts": 1}


async def test_keys_that_change_are_fetched_once_and_old_ones_serve_while_the_address_is_away(
    intake: Intake, keys: Publisher
) -> None:
    sender = await canvas(intake)
    keys.status = 503
    away = await sender.send(keys.signer.sign(grade()))
    assert (away.status_code, away.headers["retry-after"]) == (503, "60")
    await_more = await sender.send(keys.signer.sign(grade()))
    assert await_more.status_code == 503
    assert keys.asked == 1  # not again within a minute
    keys.status = 200
    intake.clock.move(KEYS_AGAIN)
    assert (await sender.send(keys.signer.sign(grade()))).status_code == 200
    before, keys.signer = keys.signer, Signer()
    renamed = [key.kid for key in before.keys]
    assert renamed == [key.kid for key in keys.signer.keys]
    assert (await sender.send(keys.signer.sign(grade(submission_id="2")))).status_code == 401
    intake.clock.move(KEYS_FRESH)
    assert (await sender.send(keys.signer.sign(grade(submission_id="2")))).status_code == 200
    keys.status = 500
    intake.clock.move(KEYS_FRESH)
    assert (await sender.send(keys.signer.sign(grade(submission_id="3")))).status_code == 200


async def test_keys_may_be_given_as_they_are(intake: Intake, keys: Publisher) -> None:
    sender = await canvas(intake, jwks=keys.signer.published(), jwks_url="")
    assert (await sender.send(keys.signer.sign(grade()))).status_code == 200
    assert keys.asked == 0


@pytest.mark.parametrize("address", ["http://keys.example.edu/jwks", "https://127.0.0.1/jwks", "https://intake/jwks"])
async def test_an_address_of_our_own_network_is_never_asked(intake: Intake, keys: Publisher, address: str) -> None:
    sender = await canvas(intake, jwks_url=address)
    assert (await sender.send(keys.signer.sign(grade()))).status_code == 503
    assert keys.asked == 0


async def test_unsigned_events_are_taken_only_where_the_feed_says_so_and_with_its_token(
    intake: Intake, keys: Publisher
) -> None:
    sender = await canvas(intake, unsigned=True)
    body = as_bytes(grade())
    assert (await sender.send(body)).status_code == 401
    assert (await sender.send(body, path="/deliveries?token=clf_guess")).status_code == 401
    assert (await sender.send(body, path=f"/deliveries?token={sender.secret}")).status_code == 200
    assert (await sender.shown(body)).status_code == 200


async def test_canvas_may_send_calipers_format(intake: Intake, keys: Publisher) -> None:
    sender = await add_feed(
        intake, "canvas", "caliper-grades", settings={"accounts": ["lms.example.edu"], "jwks_url": URL}
    )
    beside = {"com.instructure.canvas": {"hostname": "lms.example.edu", "client_ip": "203.0.113.9"}}
    signed = keys.signer.sign(envelope(caliper_event(extensions=beside)))
    assert await sender.results(await sender.send(signed)) == [("accepted", "")]
    assert (await sender.send(keys.signer.sign(envelope(caliper_event())))).status_code == 401


async def test_an_envelope_is_answered_event_by_event(intake: Intake, keys: Publisher) -> None:
    sender = await add_feed(intake, "caliper", "caliper-grades")
    good, better = caliper_event(), caliper_event(id="urn:uuid:2", generated={"scoreGiven": 9, "maxScore": 10})
    other = caliper_event(id=good["id"], generated={"scoreGiven": 1, "maxScore": 100}, eventTime="2026-09-02T10:00:00Z")
    body = as_bytes(envelope(good, {"id": "x"}, better, good | {"id": None}, other))
    results = await sender.results(await sender.shown(body))
    assert [outcome for outcome, _ in results] == ["accepted", "quarantined", "skipped", "quarantined", "quarantined"]
    assert [code for _, code in results][:4] == ["", "not_an_event", "", "no_event_id"]
    assert await sender.results(await sender.shown(as_bytes(envelope(good)))) == [("unchanged", "")]
    assert sum((await sender.waiting()).values()) == 3
    assert (await sender.shown(body, secret="clf_wrong")).status_code == 401


async def test_nothing_that_was_dropped_is_kept_anywhere(intake: Intake, keys: Publisher) -> None:
    sender = await add_feed(intake, "caliper", "caliper-grades")
    await sender.shown(as_bytes(envelope(caliper_event(eventTime="no time"))))
    (item,) = (await intake.get("fred", f"{sender.path}/quarantine/items"))["items"]
    shown = await intake.get("fred", f"{sender.path}/quarantine/items/{item['item_id']}")
    assert "urn:uuid" in shown["raw"]
    for dropped in ("203.0.113.9", "Firefox", "sora@example.edu", "Sora Example"):
        assert dropped not in shown["raw"]
