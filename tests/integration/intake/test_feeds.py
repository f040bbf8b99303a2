"""Feeds from end to end inside intake: what a machine sends becomes flags and referrals, or waits with its reason."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.intake.domain.signatures import sign
from tests.integration.intake.conftest import Intake

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
