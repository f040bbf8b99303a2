"""Health of feeds as the watcher finds it: from delivery rows, told once, over by itself."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.intake.app import NAME
from services.intake.domain.feeds import Expected, Feed
from services.intake.storage import feed_health, feeds
from services.intake.usecases.watch_feeds import forget_feed_days, watch_feeds
from shared.access.actors import service_actor
from shared.events.feeds import FeedHealthChanged
from shared.ids import new_id
from tests.integration.intake.conftest import Intake
from tests.support.emptying import empty
from tests.support.statements import statements_of

WORKDAYS = Expected(days=(0, 1, 2, 3, 4), by="06:30")
MONDAY = datetime(2026, 9, 21, 10, tzinfo=UTC)  # 06:00 at North


def a_feed(code: str = "north-alerts", **more: Any) -> Feed:
    said: dict[str, Any] = {
        "feed_id": new_id(), "code": code, "name": "Alerts", "kind": "file_drop", "brings": "flags", "campus": "NORTH",
        "owner_id": "fred", "state": "active", "mapping_version": 1, "rate_per_minute": 600, "expected": WORKDAYS,
    }  # fmt: skip
    return Feed(**(said | more))


class Watching:
    """Feeds, deliveries of theirs, and the watcher."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake

    async def add(self, *made: Feed) -> None:
        async with self.intake.worker.transaction(service_actor(NAME)) as tx:
            for feed in made:
                assert await feeds.add(tx, feed)

    async def change(self, feed: Feed, **to: Any) -> None:
        async with self.intake.worker.transaction(service_actor(NAME)) as tx:
            known = await feeds.find(tx.connection, feed.feed_id)
            assert known is not None
            assert await feeds.save(tx, replace(known, **to))

    async def deliver(
        self, feed: Feed, items: int = 100, rejected: int = 0, columns: tuple[str, ...] = (), **more: Any
    ) -> None:
        await self.intake.rows(
            "INSERT INTO imports (import_id, campus, kind, source, state, row_count, accepted, rejected, started_by,"
            " started_at, ended_at, feed_id, mapping_version, new_columns)"
            " VALUES (:id, 'NORTH', 'flags', :code, 'finished', :items, :accepted, :rejected, :by, :now, :now, :feed,"
            " :version, :columns)",
            id=new_id(), code=feed.code, items=items, accepted=items - rejected, rejected=rejected,
            by=more.get("by", feed.actor_id), now=self.intake.clock.now(), feed=feed.feed_id,
            version=more.get("version", 1), columns=list(columns),
        )  # fmt: skip

    async def at(self, day: int, hour: int, minute: int = 0) -> list[str]:
        """Move to a time by North's clock (September: four hours behind), look, and return what was told."""
        self.intake.clock.move(
            datetime(2026, 9, day, hour, minute, tzinfo=UTC) + timedelta(hours=4) - self.intake.clock.now()
        )
        return await self.look()

    async def look(self) -> list[str]:
        await watch_feeds(self.intake.worker)
        told = [event for event in await self.intake.published("feed") if isinstance(event, FeedHealthChanged)]
        await self.intake.forget_outbox()
        return [f"{event.signal} {event.state}" for event in told]

    async def states(self, *made: Feed) -> list[str]:
        rows = await self.intake.rows("SELECT feed_id, state FROM feed_health")
        by_id = {UUID(str(row.feed_id)): row.state for row in rows}
        return [by_id[feed.feed_id] for feed in made]


@pytest.fixture
async def watching(intake: Intake) -> Watching:
    tables = ("feeds", "feed_health", "feed_days", "feed_signals", "feed_refusals", "quarantine")
    await empty(intake.worker, tables)
    intake.clock.move(MONDAY - intake.clock.now())
    return Watching(intake)


async def test_a_late_feed_is_told_once_and_over_when_it_comes(watching: Watching) -> None:
    feed = a_feed()
    await watching.add(feed)
    assert await watching.look() == []
    assert await watching.at(21, 6, 29) == []
    assert await watching.at(21, 6, 30) == ["late opened"]
    assert await watching.at(21, 6, 31) == []
    assert await watching.states(feed) == ["late"]
    assert await watching.at(22, 6, 31) == ["late resolved", "silent opened"]
    assert await watching.at(26, 12) == []  # Saturday
    await watching.deliver(feed)
    assert await watching.look() == ["silent resolved"]
    assert await watching.states(feed) == ["well"]


async def test_what_a_person_replays_is_no_delivery(watching: Watching) -> None:
    feed = a_feed()
    await watching.add(feed)
    await watching.look()
    await watching.at(21, 6, 15)
    await watching.deliver(feed, by="fred")
    assert await watching.at(21, 6, 31) == ["late opened"]


async def test_a_paused_feed_misses_nothing_and_begins_anew(watching: Watching) -> None:
    feed = a_feed()
    await watching.add(feed)
    await watching.look()
    assert await watching.at(21, 7) == ["late opened"]
    await watching.change(feed, state="paused")
    assert await watching.look() == ["late resolved"]
    assert await watching.at(24, 12) == []
    await watching.change(feed, state="active")
    assert await watching.look() == []
    assert await watching.at(25, 6, 31) == ["late opened"]


async def test_days_are_counted_by_the_feeds_own_clock(watching: Watching) -> None:
    feed = a_feed()
    await watching.add(feed)
    await watching.at(21, 23, 30)
    await watching.deliver(feed, 10)
    await watching.at(22, 0, 30)
    await watching.deliver(feed, 20, 5)
    await watching.deliver(feed, 30)
    await watching.look()
    async with watching.intake.worker.transaction(service_actor(NAME)) as tx:
        found = (await feed_health.days(tx.connection, [feed.feed_id], date(2026, 9, 1)))[feed.feed_id]
    assert [(day.day.day, day.deliveries, day.items, day.quarantined) for day in found] == [
        (21, 1, 10, 0),
        (22, 2, 50, 5),
    ]


async def test_volume_columns_codes_errors_and_refusals_are_told_and_resolve(watching: Watching) -> None:
    feed = a_feed(expected=replace(WORKDAYS, low=50, high=200))
    await watching.add(feed)
    await watching.look()
    await watching.at(21, 6, 10)
    await watching.deliver(feed, 10, columns=("extra",))
    assert await watching.look() == []
    assert await watching.at(21, 6, 31) == ["volume_low opened"]
    assert await watching.at(22, 6, 10) == []
    await watching.deliver(feed, 300, 30, columns=("extra", "house"))
    await watching.intake.rows(
        "INSERT INTO quarantine (item_id, feed_id, campus, import_id, mapping_version, place, code, column_name,"
        " reason, accepted, form, raw, digest, state, received_at) VALUES (:id, :feed, 'NORTH', :id, 1, 'line 2',"
        " 'a_value_the_mapping_has_no_meaning_for', 'Priority', 'r', 'a', 'csv', '', '', 'waiting', now())",
        id=new_id(), feed=feed.feed_id,
    )  # fmt: skip
    assert sorted(await watching.look()) == [
        "errors opened", "new_columns opened", "unknown_codes opened", "volume_high opened", "volume_low resolved",
    ]  # fmt: skip
    assert await watching.states(feed) == ["errors"]
    await watching.intake.rows("UPDATE quarantine SET state = 'replayed'")
    await watching.change(feed, mapping_version=2)
    assert sorted(await watching.look()) == ["errors resolved", "new_columns resolved", "unknown_codes resolved"]
    assert await watching.at(22, 6, 20) == []
    async with watching.intake.worker.transaction(service_actor(NAME)) as tx:
        for _ in range(3):
            await feed_health.refuse(tx, feed, "wrong_signature", "The signature does not fit.")
    assert await watching.look() == ["refused opened"]
    await watching.at(22, 6, 25)
    await watching.deliver(feed, 1, version=2)
    assert await watching.look() == ["refused resolved"]


async def test_the_number_of_statements_does_not_grow_with_the_feeds(watching: Watching) -> None:
    await watching.add(a_feed("one"))
    await watching.look()
    watching.intake.clock.move(timedelta(minutes=1))
    with statements_of(watching.intake.worker) as for_one:
        await watch_feeds(watching.intake.worker)
    await watching.add(*(a_feed(f"more-{n}") for n in range(40)))
    with statements_of(watching.intake.worker) as for_many:
        await watch_feeds(watching.intake.worker)
    assert len(for_many) <= len(for_one)


async def test_what_is_too_old_to_be_shown_is_forgotten(watching: Watching) -> None:
    feed = a_feed()
    await watching.add(feed)
    await watching.deliver(feed)
    await watching.look()
    watching.intake.clock.move(timedelta(days=401))
    await forget_feed_days(watching.intake.worker)
    assert await watching.intake.rows("SELECT 1 FROM feed_days") == []


async def test_when_a_feed_last_came_is_known_before_anybody_has_looked(watching: Watching) -> None:
    feed = a_feed()
    await watching.add(feed)
    await watching.deliver(feed)
    came = watching.intake.clock.now().isoformat().replace("+00:00", "Z")
    watching.intake.clock.move(timedelta(minutes=5))
    await watching.deliver(feed, by="fred")  # what a person replays is no delivery
    (listed,) = (await watching.intake.get("fred", "/feed-health"))["items"]
    shown = await watching.intake.get("fred", f"/feeds/{feed.feed_id}/health")
    assert (listed["last_at"], listed["looked_at"], shown["last_at"]) == (came, None, came)
