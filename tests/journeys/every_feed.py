"""Every operation about feeds, each asked once by somebody who may."""

import json

from tests.journeys.machines import add_feed
from tests.journeys.test_feeds import PARTNER, alert
from tests.journeys.world import World


async def ask_everything(world: World) -> None:
    """Ask them all."""
    machine = await add_feed(world, "every-operation", PARTNER)
    feed = f"/feeds/{machine.feed_id}"
    bad = alert("E-2", "N000000", reason="asleep")
    assert await machine.deliver(alert("E-1", "N000000"), bad, bad | {"id": "E-3"}) == [
        "accepted",
        "quarantined",
        "quarantined",
    ]
    await world.get("ada", "intake", "/feed-mappings")
    await world.get("ada", "intake", "/feeds?campus=NORTH&state=active")
    await world.get("ada", "intake", "/quarantine")
    for path in ("", "/deliveries", "/mappings", "/quarantine", "/quarantine/items"):
        await world.get("ada", "intake", f"{feed}{path}")
    await world.post("ada", "intake", f"{feed}/mappings", {"document": PARTNER, "note": "again"})
    await world.post("ada", "intake", f"{feed}/mappings/try", {"sample": json.dumps([bad]), "version": 2})
    items = (await world.get("ben", "intake", f"{feed}/quarantine/items"))["items"]
    mended = f"{feed}/quarantine/items/{items[0]['item_id']}"
    await world.get("ben", "intake", mended)
    await world.post("ben", "intake", f"{mended}/mend", {"raw": json.dumps(bad | {"reason": "late"})})
    done = await world.post("ben", "intake", f"{feed}/quarantine/replay", {"item_ids": [items[0]["item_id"]]})
    assert done["done"] == 1
    await world.post("ben", "intake", f"{feed}/quarantine/discard", {"reason": "sent by mistake"})
    token = await world.post("ada", "intake", f"{feed}/tokens", {"overlap_hours": 1})
    await world.post("ada", "intake", f"{feed}/tokens/{token['token_id']}/end", {})
    version = (await world.get("ada", "intake", feed))["version"]
    changed = await world.call("ada", "PATCH", "intake", feed, json={"version": version, "state": "paused"})
    assert changed.is_success, changed.text
    await ask_how_feeds_do(world)


async def ask_how_feeds_do(world: World) -> None:
    """Ask what is asked about their health, and give a topic the secret of its brokers."""
    machine = await add_feed(
        world, "every-topic", PARTNER, kind="topic", settings={"bootstrap": "127.0.0.1:1", "topic": "alerts"}
    )
    await world.get("ada", "intake", "/feed-health?campus=NORTH&pictures=3")
    await world.get("ada", "intake", f"/feeds/{machine.feed_id}/health")
    path = f"/feeds/{machine.feed_id}/secret"
    answer = await world.call("ada", "PUT", "intake", path, json={"secret": "correct horse"})
    assert answer.is_success, answer.text
