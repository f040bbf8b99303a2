"""Fixtures: the toys on real Kafka and Postgres, with databases and topics of each test alone."""

import itertools
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from deploy.local.stack import Stack
from deploy.local.topics import declared
from shared.messaging import topics
from shared.settings import Settings
from shared.storage.engines import Database
from tests.stack import settings_of
from tests.toys import schema, services

_numbers = itertools.count(1)
_TOPICS = ("flags", "referrals", "program", "roster")


@dataclass
class Toys:
    """Both toys, connected; nothing of theirs runs."""

    settings: Settings
    source: Database
    sink: Database


@pytest.fixture
async def toys(stack: Stack) -> AsyncIterator[Toys]:
    """The toys with empty databases and topics."""
    prefix = f"toy{os.getpid()}_{next(_numbers)}"
    settings = settings_of(stack, f"{prefix}_", f"{prefix}.")
    wanted = [topic for topic in declared(settings.topic_prefix) if topic.name.rpartition(".")[2] in _TOPICS]
    await schema.make(stack, settings.database_prefix)
    await topics.apply(stack.kafka_bootstrap, wanted)
    source, sink = (services.database(settings, toy) for toy in schema.TOYS)
    yield Toys(settings, source, sink)
    await source.close()
    await sink.close()
    await schema.drop(stack, settings.database_prefix)
    await topics.delete(stack.kafka_bootstrap, [topic.name for topic in wanted])
