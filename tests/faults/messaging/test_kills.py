"""A kill -9 anywhere in delivery is safe: the toys have many events under way. The services have their own test."""

from pathlib import Path

import pytest

from shared.ids import new_id
from shared.storage.engines import Database
from tests.support.eventually import eventually
from tests.support.killing import killed_at
from tests.toys.fixtures import Toys
from tests.toys.services import flag, publish, tallies, waiting

pytestmark = pytest.mark.faults

SOURCE, SINK = ("tests.toys", "toy_source"), ("tests.toys", "toy_sink")
POINTS = (
    ("after_domain_commit_before_relay", SINK),
    ("after_send_before_ack", SOURCE),
    ("after_ack_before_delete", SINK),
    ("after_batch_commit_before_kafka_commit", SINK),
)
KEYS, EACH = 40, 5


@pytest.mark.parametrize(("point", "victim"), POINTS)
async def test_a_kill_in_the_midst_of_many_events_loses_none_and_counts_none_twice(
    toys: Toys, tmp_path: Path, point: str, victim: tuple[str, str]
) -> None:
    keys = [new_id() for _ in range(KEYS)]
    await publish(toys.source, [flag(key, sequence) for sequence in range(1, EACH + 1) for key in keys])
    other = SINK if victim == SOURCE else SOURCE

    async with killed_at(point, victim, toys.settings, tmp_path, others=[other]):
        await eventually(lambda: _counted(toys.source), within=30, why="every answer came back")
        await eventually(lambda: _empty(toys))

    expected = dict.fromkeys(keys, (EACH, EACH, 0))
    assert await tallies(toys.sink) == expected
    assert await tallies(toys.source) == expected


async def _counted(database: Database) -> bool:
    return sum(times for times, _, _ in (await tallies(database)).values()) >= KEYS * EACH


async def _empty(toys: Toys) -> bool:
    return not await waiting(toys.source) and not await waiting(toys.sink)
