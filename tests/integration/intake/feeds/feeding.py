"""Feeds as tests add them and send to them."""

from datetime import timedelta
from typing import Any

import httpx

from services.intake.domain.signatures import sign
from tests.integration.intake.conftest import Intake
from tests.support.emptying import empty


class Sender:
    """Somebody who sends to a feed."""

    def __init__(self, intake: Intake, feed: dict[str, Any], secret: str) -> None:
        self.intake, self.feed, self.secret = intake, feed, secret
        self.path = f"/feeds/{feed['feed_id']}"

    async def send(self, body: bytes, *, path: str = "/deliveries", **headers: str) -> httpx.Response:
        """Send bytes with these headers and no others."""
        transport = httpx.ASGITransport(app=self.intake.service.api)
        async with httpx.AsyncClient(transport=transport, base_url="http://intake.test") as client:
            return await client.post(self.path + path, content=body, headers=headers)

    async def shown(self, body: bytes, secret: str = "") -> httpx.Response:
        """Send bytes with the token shown."""
        return await self.send(body, Authorization=f"Bearer {secret or self.secret}")

    async def signed(self, body: bytes, secret: str = "", behind: float = 0) -> httpx.Response:
        """Send bytes signed by the clock of the test, so many seconds behind."""
        at = self.intake.clock.now() - timedelta(seconds=behind)
        return await self.send(body, **{"Caselight-Signature": sign(secret or self.secret, body, at)})

    async def results(self, answer: httpx.Response) -> list[tuple[str, str]]:
        """Return what became of each item and, for one set aside, why."""
        assert answer.status_code == httpx.codes.OK, answer.text
        return [(each["outcome"], each["code"]) for each in answer.json()["results"]]

    async def waiting(self) -> dict[str, int]:
        """Return how many items wait for each reason."""
        groups = await self.intake.get("fred", f"{self.path}/quarantine")
        return {group["code"]: group["items"] for group in groups["items"]}

    async def health(self) -> dict[str, int]:
        """Return how often deliveries were turned away, by reason."""
        rows = await self.intake.rows(
            "SELECT code, sum(times) AS times FROM feed_refusals WHERE feed_id = :feed GROUP BY code",
            feed=self.feed["feed_id"],
        )
        return {row.code: int(row.times) for row in rows}


async def add_feed(intake: Intake, kind: str, mapping: str, *, brings: str = "flags", **more: Any) -> Sender:
    """Let the feed manager add a feed and put its mapping in use."""
    count = len(await intake.rows("SELECT 1 FROM feeds"))
    body = {
        "code": f"feed-{count}", "name": "A feed", "kind": kind, "brings": brings, "campus": "NORTH",
        "owner_id": "fred", "mapping": mapping,
    } | more  # fmt: skip
    added = await intake.call("fred", "POST", "/feeds", json=body)
    assert added.status_code == httpx.codes.CREATED, added.text
    feed, token = added.json()["feed"], added.json()["token"]
    await intake.post("fred", f"/feeds/{feed['feed_id']}/mappings/1/activate")
    return Sender(intake, feed, token["secret"] if token else "")


TABLES = (
    "feeds", "feed_health", "feed_days", "feed_signals", "feed_refusals", "feed_mappings", "feed_tokens", "quarantine",
    "lms_ids", "roster_objects", "flag_sources",
)  # fmt: skip


async def forget_feeds(intake: Intake) -> None:
    """Begin without feeds."""
    await empty(intake.worker, TABLES)
