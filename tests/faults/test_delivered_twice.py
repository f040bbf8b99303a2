"""Telling services the same thing twice, in whatever order, changes nothing."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import pytest

from deploy.local import databases
from deploy.local.installation import services
from deploy.local.stack import Stack
from shared.messaging.records import Record
from shared.settings import Settings
from tests.faults import term
from tests.faults.likeness import Tables, contents, differences
from tests.faults.term import CONSUMERS, Log, quiet
from tests.stack import copies, settings_of
from tests.support.figures import figure

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

SEED = 20260914
TOPICS = "term."


async def test_the_whole_demo_term_delivered_twice_interleaved_leaves_every_table_the_same(
    stack: Stack, tmp_path: Path
) -> None:
    async with AsyncExitStack() as made:
        lived, once, twice = [
            settings_of(
                stack, await made.enter_async_context(copies(stack, f"{name}_", services())), TOPICS
            ).model_copy(update={"administrators": term.ADMINISTRATOR})
            for name in ("lived", "once", "twice")
        ]
        log = await term.live_through(lived, tmp_path)
        for settings in (once, twice):
            # Intake brought the term in; what it learns of cases and pages is delivered to it like to the others.
            await databases.clone(stack.postgres_url, lived.database_prefix, settings.database_prefix, ["intake"])
        await term.go_on(log)

        chance = Random(SEED)  # noqa: S311 - the same each time
        batches = [*term.batches(log.of("program", "roster")), *term.batches(_riffled(log, chance))]
        for settings, delivered in ((once, batches), (twice, _doubled(batches, chance))):
            for service in CONSUMERS:
                await _deliver(settings, service, delivered)

        for service in CONSUMERS:
            first, second = await contents(once, service), await contents(twice, service)
            assert not first["dead_letters"]
            assert differences(first, second) == {}, service
            figure(f"{service}: the same after two deliveries: {_sizes(first)}")


async def _deliver(settings: Settings, service: str, batches: Sequence[Sequence[Record]]) -> None:
    async with quiet(service, settings) as consumer:
        for batch in batches:
            await consumer.feed(batch)


def _riffled(log: Log, chance: Random) -> list[Record]:
    """Mix topics, each in its own order: between topics there is no order to rely on."""
    by_topic: dict[str, list[Record]] = defaultdict(list)
    for record in log.of("flags", "referrals", "cases", "teams", "pages", "access"):
        by_topic[record.topic].append(record)
    turns = [topic for topic, records in by_topic.items() for _ in records]
    chance.shuffle(turns)
    after = {topic: iter(records) for topic, records in by_topic.items()}
    return [next(after[topic]) for topic in turns]


def _doubled(batches: Sequence[Sequence[Record]], chance: Random) -> list[list[Record]]:
    """Deliver each record once more: somewhere behind itself in its own batch, among later ones, or after all."""
    doubled = [list(batch) for batch in batches] + [[]]
    for number, batch in enumerate(batches):
        for record in batch:
            into = doubled[
                chance.choice((number, min(number + 1, len(batches)), chance.randrange(number, len(doubled))))
            ]
            first = into.index(record) + 1 if into is doubled[number] else 0
            into.insert(chance.randint(first, len(into)), record)
    assert sum(map(len, doubled)) == 2 * sum(map(len, batches))
    return doubled


def _sizes(held: Tables) -> str:
    return ", ".join(f"{len(rows)} {table}" for table, rows in held.items() if rows)
