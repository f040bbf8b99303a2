"""What the outbox promises when transactions are slow and relays die."""

import asyncio
import time
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from shared.ids import new_id
from shared.messaging import brokers
from shared.messaging.relay import Relay
from tests.support.eventually import eventually
from tests.support.figures import figure
from tests.support.loops import running
from tests.support.processes import several, start
from tests.toys.fixtures import Toys
from tests.toys.services import flag, publish, sink_stream, tallies, waiting

pytestmark = pytest.mark.faults

SOURCE = ("tests.toys", "toy_source")


async def test_a_row_that_commits_late_with_a_lower_id_is_still_published(toys: Toys) -> None:
    late = (
        "INSERT INTO outbox (event_id, topic, partition, key, headers, payload, created_at)"
        " VALUES (:event, :topic, 0, 'key', '[]', '{}', now()) RETURNING id"
    )
    async with running(Relay(toys.source, toys.settings).run), toys.source.engine.connect() as slow:
        await slow.execute(text("SELECT set_config('caselight.actor', 'test', true)"))
        names = {"event": new_id(), "topic": toys.settings.topic("flags")}
        lower = (await slow.execute(text(late), names)).scalar_one()
        for _ in range(3):  # these take higher ids, commit first and are sent
            await publish(toys.source, [flag(new_id())])
            await eventually(lambda: _empty(toys))
        async with toys.source.engine.connect() as other:
            await other.execute(text("SELECT set_config('caselight.actor', 'test', true)"))
            higher = (await other.execute(text("SELECT pg_sequence_last_value('outbox_id_seq')"))).scalar_one()
        assert lower < higher

        await slow.commit()
        await eventually(lambda: _empty(toys))

    ends = await brokers.end_offsets(toys.settings, [toys.settings.topic("flags")])
    assert sum(ends.values()) == 4


async def test_a_second_relay_takes_over_and_order_per_key_holds(toys: Toys, tmp_path: Path) -> None:
    keys = [new_id() for _ in range(20)]
    first = start(SOURCE, toys.settings, tmp_path)
    async with several([first]) as served, running(sink_stream(toys.sink, toys.settings).run):
        await publish(toys.source, [flag(key, 1) for key in keys])
        await eventually(lambda: _reached(toys, keys, 1), within=30)
        served.append(start(SOURCE, toys.settings, tmp_path))  # the standby
        killed, rounds = 0.0, 120
        for sequence in range(2, rounds + 1):
            await publish(toys.source, [flag(key, sequence) for key in keys])
            await asyncio.sleep(0.01)  # the pace of the work, not a wait
            if sequence == rounds // 2:
                first.kill()
                killed = time.monotonic()
        await eventually(lambda: _reached(toys, keys, rounds // 2 + 1), within=30)
        figure(f"the standby had taken over at the latest {time.monotonic() - killed:.2f} s after the kill")
        await eventually(lambda: _reached(toys, keys, rounds), within=30)

    assert await tallies(toys.sink) == dict.fromkeys(keys, (rounds, rounds, 0))


async def _reached(toys: Toys, keys: list[UUID], sequence: int) -> bool:
    found = await tallies(toys.sink)
    return all(key in found and found[key][1] >= sequence for key in keys)


async def _empty(toys: Toys) -> bool:
    return not await waiting(toys.source)
