"""A service refuses to start on topics that keys were not laid out for; looking at them harms nobody."""

import asyncio

import pytest

from shared.messaging import brokers
from shared.messaging.brokers import WrongTopicsError
from tests.toys.fixtures import Toys
from tests.toys.services import sink_stream


async def test_another_number_of_partitions_is_refused(toys: Toys) -> None:
    others = toys.settings.model_copy(update={"partitions": 6})

    with pytest.raises(WrongTopicsError, match="has 12 partitions, this installation is set up for 6"):
        await sink_stream(toys.sink, others).run()


async def test_a_missing_topic_is_waited_for_a_moment_and_then_named(
    toys: Toys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brokers, "_MISSING_FOR", 0.2)
    with pytest.raises(WrongTopicsError, match=r"topics are missing: toy[^ ]*nowhere"):
        await brokers.check_topics(toys.settings, [toys.settings.topic("flags"), toys.settings.topic("nowhere")])


async def test_a_look_at_the_broker_that_asks_nothing_cancels_nobody(toys: Toys) -> None:
    async def look() -> str:
        async with brokers.probe(toys.settings):
            return "looked"

    assert await asyncio.ensure_future(look()) == "looked"
