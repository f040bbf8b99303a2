"""Machines that send: what a partner's system or a registrar's nightly job does, as a test sees it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from services.intake.domain.signatures import sign
from services.intake.drops import SETTLED
from tests.journeys.world import World
from tests.support.eventually import eventually


@dataclass
class Machine:
    """A sender with a token of its feed."""

    world: World
    feed_id: str
    secret: str

    async def send(self, *items: Mapping[str, Any]) -> httpx.Response:
        """Send items to the feed, signed now."""
        body = json.dumps(items).encode()
        headers = {
            "Caselight-Signature": sign(self.secret, body, self.world.clock.now()),
            "Content-Type": "application/json",
        }
        path = f"/feeds/{self.feed_id}/deliveries"
        return await self.world.call(None, "POST", "intake", path, content=body, headers=headers)

    async def deliver(self, *items: Mapping[str, Any]) -> list[str]:
        """Send items and return what became of each; fail on anything but success."""
        answer = await self.send(*items)
        assert answer.is_success, answer.text
        return [result["outcome"] for result in answer.json()["results"]]


async def add_feed(world: World, code: str, document: Mapping[str, Any], **more: Any) -> Machine:
    """Let a feed manager add a feed and put its mapping in use."""
    body = {
        "code": code,
        "name": code.replace("-", " ").title(),
        "kind": "http_push",
        "brings": document["brings"],
        "campus": "NORTH",
        "owner_id": "ben",
        "document": document,
    } | more
    added = await world.post("ada", "intake", "/feeds", body)
    feed_id = added["feed"]["feed_id"]
    await world.post("ada", "intake", f"/feeds/{feed_id}/mappings/1/activate", {})
    return Machine(world, feed_id, added["token"]["secret"] if added["token"] else "")


async def drop(world: World, code: str, name: str, content: str | bytes) -> str:
    """Drop a file into a feed's folder and return the folder it ends in, once the worker has dealt with it."""
    assert world.settings.feeds is not None
    folder = world.settings.feeds / code
    await eventually((folder / "rejected").is_dir)
    (folder / f".{name}").write_bytes(content.encode() if isinstance(content, str) else content)
    (folder / f".{name}").rename(folder / name)

    async def ended() -> str | None:
        world.clock.move(SETTLED)
        return next((path.parent.name for path in _ended(folder, name)), None)

    found: str = await eventually(ended)
    return found


def _ended(folder: Path, name: str) -> list[Path]:
    return [*folder.glob(f"processed/*-{name}"), *folder.glob(f"rejected/*-{name}")]
