"""Making topics, and noticing that they are not as declared."""

import dataclasses

import pytest

from deploy.local.stack import Stack
from deploy.local.topics import declared
from shared.messaging import topics


async def test_topics_that_were_made_are_as_declared(stack: Stack, topic_prefix: str) -> None:
    assert await topics.check(stack.kafka_bootstrap, declared(topic_prefix)) == []


async def test_making_them_again_makes_nothing(stack: Stack, topic_prefix: str) -> None:
    assert await topics.apply(stack.kafka_bootstrap, declared(topic_prefix)) == []


async def test_every_difference_is_named(stack: Stack, topic_prefix: str) -> None:
    roster, program, teams, flags, *_ = declared(topic_prefix)
    asked = [
        dataclasses.replace(roster, partitions=3),
        program,
        dataclasses.replace(teams, name=f"{topic_prefix}nowhere"),
        dataclasses.replace(flags, compacted=True),
    ]

    problems = await topics.check(stack.kafka_bootstrap, asked)

    assert problems == [
        f"topic {topic_prefix}nowhere is missing",
        f"topic {roster.name} has 12 partitions, declared are 3",
        f"topic {flags.name} has cleanup.policy=delete, declared is compact",
    ]


async def test_without_a_broker_there_is_one_plain_error() -> None:
    with pytest.raises(topics.TopicError, match=r"127\.0\.0\.1:1 does not answer"):
        await topics.check("127.0.0.1:1", declared())
