"""How feeds do: well, in trouble, with what was turned away; and all of them at a glance."""

from datetime import timedelta

import msgspec
from playwright.async_api import Page
from sqlalchemy import text

from shared.access.actors import service_actor
from shared.ids import new_id
from shared.storage.engines import connect
from tests.accessibility.registry import State
from tests.accessibility.states.feeds import GOOD, MAPPING
from tests.journeys.machines import add_feed
from tests.journeys.world import World

_SIGNAL = text(
    "INSERT INTO feed_signals (signal_id, feed_id, campus, signal, facts, since, resolved_at)"
    " VALUES (:id, :feed, 'NORTH', :signal, :facts, :since, :resolved)"
)
_DAY = text(
    "INSERT INTO feed_days (feed_id, day, campus, deliveries, items, accepted, unchanged, merged, skipped, quarantined,"
    " refused) VALUES (:feed, :day, 'NORTH', 1, :items, :items, 0, 0, 0, 0, 0)"
)
_REFUSED = text(
    "INSERT INTO feed_refusals (feed_id, at_hour, code, campus, detail, times, last_at)"
    " VALUES (:feed, :at, 'wrong_signature', 'NORTH', 'The signature does not fit what it signs.', 12, :at)"
)
_LOOKED = text(
    "INSERT INTO feed_health (feed_id, campus, watched_since, last_at, state, looked_at)"
    " VALUES (:feed, 'NORTH', :since, :last, 'silent', :now) ON CONFLICT (feed_id) DO NOTHING"
)


async def _feed(world: World, *signals: str) -> str:
    """Return the page of a feed with thirty days behind it and these things wrong with it.

    Whoever watches feeds may look at it before its reader does, so one that is well has to be.
    """
    code = f"health-{'-'.join(signals).replace('_', '')}-{new_id().hex[-6:]}"
    expected = {"expected": {"days": [0, 1, 2, 3, 4], "by": "06:30", "low": 20, "high": 40}} if signals else {}
    machine = await add_feed(world, code, MAPPING, owner_id="sam", **expected)
    if not signals:
        await machine.deliver(GOOD)
    now, feed = world.clock.now(), machine.feed_id
    last = now - timedelta(days=3)
    database = connect(world.settings, "intake", "worker", world.clock, pool=1)
    facts = {"expected_by": now.isoformat(), "last_at": last.isoformat(), "items": 31, "quarantined": 9, "times": 12}
    more = {"low": 20, "high": 40, "columns": ["house"]}
    async with database.transaction(service_actor("intake")) as tx:
        for back in range(3, 30):
            day = (now - timedelta(days=back)).date()
            await tx.connection.execute(_DAY, {"feed": feed, "day": day, "items": 90 if back == 9 else 22 + back % 15})
        for signal in signals:
            values = {"id": new_id(), "feed": feed, "signal": signal, "since": last, "resolved": None}
            await tx.connection.execute(_SIGNAL, {**values, "facts": msgspec.json.encode(facts | more).decode()})
        over = {"id": new_id(), "feed": feed, "signal": "late", "since": last - timedelta(days=9), "facts": "{}"}
        await tx.connection.execute(_SIGNAL, {**over, "resolved": last})
        if signals:
            await tx.connection.execute(_REFUSED, {"feed": feed, "at": now})
        await tx.connection.execute(
            _LOOKED, {"feed": feed, "since": last - timedelta(days=40), "last": last, "now": now}
        )
    await database.close()
    return f"/feeds/{feed}"


async def _well(world: World) -> str:
    return await _feed(world)


async def _silent(world: World) -> str:
    return await _feed(world, "silent", "new_columns", "unknown_codes")


async def _drifted(world: World) -> str:
    return await _feed(world, "errors", "volume_high", "refused")


async def _all(world: World) -> None:
    await _feed(world, "volume_low")
    await _feed(world)


async def _topic(world: World) -> str:
    settings = {"bootstrap": "127.0.0.1:1", "topic": "alerts"}
    machine = await add_feed(world, f"topic-{new_id().hex[-6:]}", MAPPING, kind="topic", settings=settings)
    return f"/feeds/{machine.feed_id}/settings"


async def _save_badly(page: Page) -> None:
    await page.fill("#settings", "bootstrap: [")
    await page.click("main button.govuk-button")


async def _save(page: Page) -> None:
    await page.fill("#settings", "bootstrap: kafka.example.edu:9093\ntopic: alerts\nusername: caselight")
    await page.fill("#secret", "correct horse")
    await page.click("main button.govuk-button")


STATES = [
    State("feed settings: of a topic", person="ada", arrange=_topic, says="What can be said"),
    State("feed settings: no YAML", person="ada", arrange=_topic, act=_save_badly, says="This is no YAML"),
    State("feed settings: saved", person="ada", arrange=_topic, act=_save, says="uses it from now on"),
    State("feed: doing well, with its thirty days", person="ada", arrange=_well, says="Nothing is wrong."),
    State("feed: silent, with new columns and values", person="ada", arrange=_silent, says="Nothing since"),
    State("feed: read in part, turned away", person="ada", arrange=_drifted, says="Turned away as a whole"),
    State("feeds: at a glance, one in trouble", "/feeds", "ada", arrange=_all, says="last 30 days"),
]
