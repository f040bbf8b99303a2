"""Feeds from end to end inside intake: what a machine sends becomes flags and referrals, or waits with its reason."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.intake.domain.signatures import sign
from services.intake.storage.shipped import document_of
from tests.integration.intake.conftest import DANGER, Intake, kinds, person
from tests.support.statements import statements_of

JSON_FLAGS: dict[str, Any] = {
    "mapping": "partner",
    "brings": "flags",
    "reads": "json",
    "fields": {
        "alert_id": "id",
        "student_id": "student",
        "course_code": "course",
        "reason_code": {"path": "reason", "values": {"absent": "ABSENCE", "late work": "LATE_WORK"}},
        "raised_at": "at",
        "comment": "note",
    },
}


def alert(id_: str, student: str = "N1", **more: Any) -> dict[str, Any]:
    """Return an alert as the partner writes it."""
    said = {"id": id_, "student": student, "course": "BIO101", "reason": "absent", "at": "2026-09-10T15:00:00Z"}
    return said | more


@dataclass
class Sender:
    """A machine with a token of its feed."""

    intake: Intake
    feed_id: str
    secret: str

    async def send(self, *items: Any, **more: Any) -> httpx.Response:
        """Send items, signed now."""
        body = more.pop("body", None) or json.dumps(list(items)).encode()
        at = self.intake.clock.now() + more.pop("skew", timedelta(0))
        headers = {"Caselight-Signature": sign(self.secret, body, at), "Content-Type": "application/json"}
        headers |= more.pop("headers", {})
        transport = httpx.ASGITransport(app=self.intake.service.api)
        async with httpx.AsyncClient(transport=transport, base_url="http://intake.test", timeout=60) as client:
            return await client.post(f"/feeds/{self.feed_id}/deliveries", content=body, headers=headers)

    async def deliver(self, *items: Any) -> list[dict[str, Any]]:
        """Send items and return what became of each; fail on anything but success."""
        answer = await self.send(*items)
        assert answer.status_code == httpx.codes.OK, answer.text
        results: list[dict[str, Any]] = answer.json()["results"]
        return results


async def add_feed(intake: Intake, code: str, document: Mapping[str, Any], **more: Any) -> Sender:
    """Add a feed with a mapping in use."""
    body = {
        "code": code,
        "name": code.title(),
        "kind": "http_push",
        "brings": document["brings"],
        "campus": "NORTH",
        "owner_id": "ana",
        "document": document,
    } | more
    added = await intake.post("ada", "/feeds", **body)
    feed_id = added["feed"]["feed_id"]
    await intake.post("ada", f"/feeds/{feed_id}/mappings/1/activate")
    return Sender(intake, feed_id, added["token"]["secret"] if added["token"] else "")


def outcomes(results: list[dict[str, Any]]) -> list[str]:
    return [result["outcome"] for result in results]


@pytest.fixture
async def sender(intake: Intake) -> Sender:
    return await add_feed(intake, "partner", JSON_FLAGS)


async def test_each_item_has_a_result_and_only_the_bad_one_waits(intake: Intake, sender: Sender) -> None:
    results = await sender.deliver(alert("A1"), alert("A2", reason="asleep"), alert("A3", note="Eyes closed."))
    assert outcomes(results) == ["accepted", "quarantined", "accepted"]
    assert results[1]["place"] == "item 2"
    assert results[1]["column"] == "reason"
    assert "absent" in results[1]["accepted"]
    flags = await intake.rows("SELECT source, source_key, campus, student_id FROM flags ORDER BY source_key")
    assert [(row.source, row.source_key, row.campus) for row in flags] == [
        ("partner", "A1", "NORTH"),
        ("partner", "A3", "NORTH"),
    ]
    again = await sender.deliver(alert("A1"), alert("A2", reason="asleep"))
    assert outcomes(again) == ["unchanged", "quarantined"]
    (group,) = (await intake.get("fred", f"/feeds/{sender.feed_id}/quarantine"))["items"]
    assert (group["items"], group["times"], group["column"]) == (1, 2, "reason")


async def test_nothing_is_taken_from_who_does_not_prove_to_be_the_sender(intake: Intake, sender: Sender) -> None:
    stranger = Sender(intake, sender.feed_id, "clf_made_up")
    assert (await stranger.send(alert("A1"))).json()["type"].endswith("wrong_signature")
    unsigned = await sender.send(alert("A1"), headers={"Caselight-Signature": ""})
    assert (unsigned.status_code, unsigned.headers["WWW-Authenticate"]) == (401, "Bearer")
    late = await sender.send(alert("A1"), skew=timedelta(minutes=-6))
    assert late.json()["detail"].startswith("The time signed is 360 seconds behind ours; 300 are allowed.")
    nowhere = Sender(intake, "0192f3a1-5b7c-7d00-8000-000000000000", sender.secret)
    assert (await nowhere.send(alert("A1"))).json()["type"].endswith("wrong_token")
    assert await intake.rows("SELECT 1 FROM flags") == []
    told = (await sender.send(alert("A1"), skew=timedelta(seconds=-40))).json()
    assert told["clock_behind_seconds"] == 40.0
    # Whoever overheard it and sends it again within the window changes nothing.
    assert outcomes((await sender.send(alert("A1"), skew=timedelta(seconds=-40))).json()["results"]) == ["unchanged"]


async def test_no_secret_and_nothing_set_aside_is_readable_at_rest(intake: Intake, sender: Sender) -> None:
    await sender.deliver(alert("A1", reason="she told me about her stepfather"))
    for table in ("feed_tokens", "quarantine", "feeds", "imports", "outbox", "idempotency_keys"):
        (kept,) = await intake.rows(f"SELECT string_agg(t::text, ' ') AS said FROM {table} AS t")
        hexed = (sender.secret.encode().hex(), b"stepfather".hex())
        for secret in (sender.secret, "stepfather", *hexed):
            assert secret not in (kept.said or ""), table


async def test_what_was_set_aside_is_shown_to_its_owner_and_feed_managers_alone(intake: Intake, sender: Sender) -> None:
    await sender.deliver(alert("A1", reason="asleep"))
    items = f"/feeds/{sender.feed_id}/quarantine/items"
    (item,) = (await intake.get("ana", items))["items"]
    assert "asleep" not in json.dumps(item)
    for who, status in (("ana", 200), ("fred", 200), ("sam", 404), ("stu", 404), ("dee", 404), ("fay", 404)):
        answer = await intake.call(who, "GET", f"{items}/{item['item_id']}")
        assert answer.status_code == status, who
        assert ("asleep" in answer.text) == (status == httpx.codes.OK), who
    shown = [
        event
        for event in await intake.rows("SELECT convert_from(payload, 'UTF8') AS said FROM outbox")
        if "quarantine.show" in event.said
    ]
    assert len(shown) == 6


async def test_an_administrator_manages_feeds_and_reads_nothing_of_what_was_set_aside(intake: Intake) -> None:
    await intake.know(person("ida", "administrator"))
    sender = await add_feed(intake, "ops", JSON_FLAGS)
    await sender.deliver(alert("A1", reason="asleep"))
    (item,) = (await intake.get("ida", f"/feeds/{sender.feed_id}/quarantine/items"))["items"]
    answer = await intake.call("ida", "GET", f"/feeds/{sender.feed_id}/quarantine/items/{item['item_id']}")
    assert answer.status_code == httpx.codes.FORBIDDEN


async def test_an_owner_may_mend_and_not_change_the_feed(intake: Intake, sender: Sender) -> None:
    await sender.deliver(alert("A1", reason="asleep"))
    feed = f"/feeds/{sender.feed_id}"
    (item,) = (await intake.get("ana", f"{feed}/quarantine/items"))["items"]
    answer = await intake.call("ana", "POST", f"{feed}/tokens", json={})
    assert answer.status_code == httpx.codes.FORBIDDEN
    await intake.post("ana", f"{feed}/quarantine/items/{item['item_id']}/mend", raw=json.dumps(alert("A1")))
    assert (await intake.post("ana", f"{feed}/quarantine/replay"))["done"] == 1
    assert [row.source_key for row in await intake.rows("SELECT source_key FROM flags")] == ["A1"]
    assert (await intake.post("ana", f"{feed}/quarantine/replay"))["done"] == 0
    again = await intake.call("ana", "POST", f"{feed}/quarantine/items/{item['item_id']}/mend", json={"raw": "{}"})
    assert again.status_code == httpx.codes.CONFLICT


async def test_a_dry_run_says_what_would_be_and_leaves_nothing(intake: Intake, sender: Sender) -> None:
    await sender.deliver(alert("A1"))
    before = await intake.rows("SELECT count(*) AS n FROM imports")
    tried = await intake.post(
        "fred",
        f"/feeds/{sender.feed_id}/mappings/try",
        sample=json.dumps([alert("A1"), alert("A2"), alert("A3", reason="asleep")]),
        dry_run=True,
    )
    assert (tried["counts"]["accepted"], tried["counts"]["unchanged"], tried["counts"]["quarantined"]) == (1, 1, 1)
    assert tried["rows"][0]["reason_code"] == "ABSENCE"
    assert await intake.rows("SELECT count(*) AS n FROM imports") == before
    assert await intake.rows("SELECT 1 FROM quarantine") == []
    assert [row.source_key for row in await intake.rows("SELECT source_key FROM flags")] == ["A1"]


async def test_a_version_is_put_in_use_and_taken_back_and_flags_keep_theirs(intake: Intake, sender: Sender) -> None:
    feed = f"/feeds/{sender.feed_id}"
    renamed = {**JSON_FLAGS, "fields": {**JSON_FLAGS["fields"], "alert_id": "number"}}
    assert (await intake.post("fred", f"{feed}/mappings", document=renamed))["version"] == 2
    await sender.deliver(alert("A1"))
    await intake.post("fred", f"{feed}/mappings/2/activate")
    await sender.deliver({**alert("x", course="CHEM2"), "number": "A2"})
    await intake.post("fred", f"{feed}/mappings/1/activate")
    await sender.deliver(alert("A3", course="ART3"))
    kept = await intake.rows(
        "SELECT source_key, mapping_version, feed_id FROM flags JOIN imports USING (import_id) ORDER BY source_key"
    )
    assert [(row.source_key, row.mapping_version) for row in kept] == [("A1", 1), ("A2", 2), ("A3", 1)]
    assert {str(row.feed_id) for row in kept} == {sender.feed_id}


async def test_a_referral_of_a_partner_has_a_reference_and_its_danger_is_told_at_once(intake: Intake) -> None:
    feed = await add_feed(
        intake, "hotline", document_of("plain-referrals-json"), kind="referrals_api", brings="referrals", campus="*"
    )
    now = intake.clock.now()
    items = [
        {"id": "H-1", "campus": "NORTH", "narrative": DANGER, "concerns": ["suicide"], "happened_at": now.isoformat()},
        {"id": "H-2", "campus": "SOUTH", "narrative": DANGER, "happened_at": (now - timedelta(days=3)).isoformat()},
        {"id": "H-3", "campus": "NORTH", "happened_at": now.isoformat()},
    ]
    headers = {"Authorization": f"Bearer {feed.secret}"}
    transport = httpx.ASGITransport(app=intake.service.api)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake.test", timeout=60) as client:
        answer = await client.post(f"/feeds/{feed.feed_id}/deliveries", json=items, headers=headers)
        refused = await client.post(
            f"/feeds/{feed.feed_id}/deliveries", json=items, headers={"Authorization": "Bearer clf_x"}
        )
    assert refused.status_code == httpx.codes.UNAUTHORIZED
    results = answer.json()["results"]
    assert outcomes(results) == ["accepted", "accepted", "quarantined"]
    kept = await intake.rows("SELECT reference, live, channel, source FROM referrals ORDER BY source_event_id")
    assert [row.reference for row in kept] == [result["reference"] for result in results[:2]]
    assert [(row.live, row.channel, row.source) for row in kept] == [
        (True, "api", "hotline"),
        (False, "api", "hotline"),
    ]
    assert kinds(await intake.published("danger")) == ["DangerRaised", "DangerRaised"]


async def test_too_much_is_turned_away_to_come_again_and_a_referral_never(intake: Intake, sender: Sender) -> None:
    feed = f"/feeds/{sender.feed_id}"
    version = (await intake.get("fred", feed))["version"]
    changed = await intake.call("fred", "PATCH", feed, json={"version": version, "rate_per_minute": 1})
    assert changed.is_success, changed.text
    many = [alert(f"A{number}") for number in range(900)]
    assert (await sender.send(*many)).status_code == httpx.codes.OK
    answer = await sender.send(*many)
    assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (429, True)
    hotline = await add_feed(
        intake, "hotline", document_of("plain-referrals-json"), brings="referrals", campus="*", rate_per_minute=1
    )
    told = {"campus": "NORTH", "narrative": "Has missed class.", "happened_at": intake.clock.now().isoformat()}
    for start in range(0, 1200, 400):
        await hotline.deliver(*({**told, "id": f"H-{start + number}"} for number in range(400)))


async def test_a_feed_that_is_paused_or_ended_takes_nothing(intake: Intake, sender: Sender) -> None:
    feed = f"/feeds/{sender.feed_id}"
    for state in ("paused", "retired"):
        version = (await intake.get("fred", feed))["version"]
        await intake.call("fred", "PATCH", feed, json={"version": version, "state": state})
        assert not (await sender.send(alert("A1"))).is_success
    assert (await intake.get("fred", feed))["tokens"] == []
    stale = await intake.call("fred", "PATCH", feed, json={"version": 1, "name": "Other"})
    assert stale.json()["type"].endswith("changed_meanwhile")
    version = (await intake.get("fred", feed))["version"]
    ended = await intake.call("fred", "PATCH", feed, json={"version": version, "state": "active"})
    assert ended.json()["type"].endswith("feed_retired")


async def test_what_a_feed_needs_is_asked_for_in_plain_words(intake: Intake) -> None:
    body = {"code": "x", "name": "X", "kind": "http_push", "brings": "flags", "campus": "NORTH", "owner_id": "ana"}
    for change, problem in (
        ({"campus": "NOWHERE"}, "unknown_campus"),
        ({"owner_id": "nobody"}, "unknown_owner"),
        ({"mapping": "made-up"}, "no_such_mapping"),
        ({"document": {"brings": "flags"}}, "unfit_mapping"),
        ({"mapping": "plain-roster"}, "other_kind"),
    ):
        answer = await intake.call("ada", "POST", "/feeds", json=body | change)
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (422, problem)
    added = await intake.post("ada", "/feeds", **body)
    again = await intake.call("ada", "POST", "/feeds", json=body)
    assert again.json()["type"].endswith("code_used")
    feed = f"/feeds/{added['feed']['feed_id']}"
    for path, json_, problem in (
        ("/mappings", {}, "no_document"),
        ("/mappings/7/activate", None, "no_mapping"),
        ("/mappings/99999999999/activate", None, "no_mapping"),
        ("/mappings/try", {"sample": "{}"}, "no_mapping"),
    ):
        answer = await intake.call("ada", "POST", f"{feed}{path}", json=json_)
        assert answer.json()["type"].endswith(problem), answer.text
    active = await intake.call("ada", "PATCH", feed, json={"version": 1, "state": "active"})
    assert active.json()["type"].endswith("no_mapping")
    assert (await intake.call("fay", "POST", "/feeds", json=body)).status_code == httpx.codes.FORBIDDEN


async def test_a_feed_manager_sees_the_feeds_of_their_campus(intake: Intake, sender: Sender) -> None:
    await add_feed(intake, "south", JSON_FLAGS, campus="SOUTH", owner_id="stu")
    assert [feed["code"] for feed in (await intake.get("fred", "/feeds"))["items"]] == ["partner"]
    assert [feed["code"] for feed in (await intake.get("stu", "/feeds"))["items"]] == ["south"]
    assert len((await intake.get("ada", "/feeds"))["items"]) == 2
    assert (await intake.get("fay", "/feeds"))["items"] == []
    assert (await intake.call("stu", "GET", f"/feeds/{sender.feed_id}")).status_code == httpx.codes.NOT_FOUND


async def test_the_number_of_statements_does_not_grow_with_the_items(intake: Intake, sender: Sender) -> None:
    await sender.deliver(alert("warm"), alert("warm-2", reason="asleep"))
    lengths = list[int]()
    for count, year in ((1, 2024), (100, 2025)):
        days = [f"{year}-{1 + number // 28:02d}-{1 + number % 28:02d}" for number in range(count)]
        made = [alert(f"good-{day}", at=day) for day in days]
        bad = [alert(f"bad-{day}", at=day, reason="asleep") for day in days]
        with statements_of(intake.service.api.state.site.database) as statements:
            assert outcomes(await sender.deliver(*made, *bad)) == ["accepted"] * count + ["quarantined"] * count
        lengths.append(len(statements))
    assert lengths[0] == lengths[1]
