"""The outbox is sent whole, in order per key, by one relay at a time."""

import asyncio
import json
from uuid import UUID

import pytest
from aiokafka import TopicPartition
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.access.actors import service_actor
from shared.events.program import CampusSnapshot
from shared.ids import new_id
from shared.messaging import brokers
from shared.messaging.relay import BATCH, Relay
from shared.storage import snapshots
from tests.support.eventually import eventually
from tests.support.loops import running
from tests.toys.fixtures import Toys
from tests.toys.services import flag, publish, sink_stream, tallies, waiting

CAMPUS = CampusSnapshot(campus="north", name="North", zone="Europe/Berlin", hours=())


async def read_all(toys: Toys, topic: str) -> list[tuple[UUID, dict[str, str]]]:
    """Return every record of a topic from its beginning: the event's id and its headers, in order per partition."""
    name = toys.settings.topic(topic)
    ends = await brokers.end_offsets(toys.settings, [name])
    found: list[dict[str, str]] = []
    async with brokers.probe(toys.settings) as consumer:
        places = [TopicPartition(topic, partition) for (topic, partition), end in ends.items() if end]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        while len(found) < sum(ends.values()):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += [{name: value.decode() for name, value in record.headers} for record in records]
    return [(UUID(headers["ce_id"]), headers) for headers in found]


async def test_what_is_published_arrives_once_and_the_outbox_is_empty(toys: Toys) -> None:
    keys = [new_id() for _ in range(BATCH + 100)]
    await publish(toys.source, [flag(key) for key in keys])

    async with running(Relay(toys.source, toys.settings).run):
        await eventually(lambda: _empty(toys))

    records = await read_all(toys, "flags")
    assert {headers["ce_subject"] for _, headers in records} == {str(key) for key in keys}
    assert len({id_ for id_, _ in records}) == len(records) == len(keys)


async def test_events_made_ready_while_the_database_works_keep_their_place_and_fall_with_the_work(toys: Toys) -> None:
    key, actor = new_id(), service_actor("toy_source")
    events = [flag(key, sequence) for sequence in range(1, 8)]
    async with toys.source.transaction(actor) as tx:
        tx.publish(*events[:2])
        work = tx.connection.execute(text("SELECT 1 FROM pg_sleep(0.05)"))
        assert (await tx.publish_beside(work, events[2:5])).scalar_one() == 1
        tx.publish(events[5])
        await tx.publish_beside(tx.connection.execute(text("SELECT 1")), [])
        tx.publish(events[6])
    with pytest.raises(DBAPIError):
        async with toys.source.transaction(actor) as tx:
            await tx.publish_beside(tx.connection.execute(text("SELECT 1 / 0")), [flag(key, 8)])

    async with toys.source.transaction(actor) as tx:
        stored = await tx.connection.execute(text("SELECT payload FROM outbox ORDER BY id"))
        sequences = [json.loads(payload)["sequence"] for payload in stored.scalars()]
    assert sequences == [1, 2, 3, 4, 5, 6, 7]


async def test_a_relay_told_to_stop_at_the_moment_of_a_commit_stops(toys: Toys) -> None:
    relay = Relay(toys.source, toys.settings)
    async with running() as tasks:
        for _ in range(20):  # the moment is that in which it waits for work, which it does nearly always
            tasks[:] = [asyncio.ensure_future(relay.run())]
            await eventually(lambda: relay.active)
            await asyncio.sleep(0)
            toys.source.published.set()
            tasks[0].cancel()
            done, _ = await asyncio.wait(tasks, timeout=5)
            assert done


async def _empty(toys: Toys) -> bool:
    return not await waiting(toys.source)


async def test_events_of_one_partition_that_do_not_fit_one_batch_keep_their_order(toys: Toys) -> None:
    key = new_id()
    await publish(toys.source, [flag(key, sequence, reason="r" * 2000) for sequence in range(1, 601)])

    async with running(Relay(toys.source, toys.settings).run, sink_stream(toys.sink, toys.settings).run):
        await eventually(lambda: _count(toys, key, 600))

    assert (await tallies(toys.sink))[key] == (600, 600, 0)


async def _count(toys: Toys, key: UUID, times: int) -> bool:
    return (await tallies(toys.sink)).get(key, (0,))[0] >= times


async def test_two_relays_never_work_at_once(toys: Toys) -> None:
    one, two = Relay(toys.source, toys.settings), Relay(toys.source, toys.settings)
    async with running(one.run):
        await eventually(lambda: one.active)
        async with running(two.run):
            await publish(toys.source, [flag(new_id()) for _ in range(50)])
            await eventually(lambda: _empty(toys))
            assert (one.active, two.active, two.sent) == (True, False, 0)


async def test_the_standby_takes_over_when_the_active_relay_loses_its_connection(toys: Toys) -> None:
    one, two = Relay(toys.source, toys.settings), Relay(toys.source, toys.settings)
    async with running(one.run):
        await eventually(lambda: one.active)
        async with running(two.run):
            await _cut(toys)
            await eventually(lambda: one.active or two.active)
            await publish(toys.source, [flag(new_id())])
            await eventually(lambda: _empty(toys))


async def _cut(toys: Toys) -> None:
    async with toys.source.transaction(service_actor("toy_source")) as tx:
        await tx.connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name AND pid IN"
                 " (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)"),
            {"name": "caselight-toy_source-relay"},
        )  # fmt: skip


async def test_republished_snapshots_carry_the_header_that_says_so(toys: Toys) -> None:
    async with toys.source.transaction(service_actor("toy_source")) as tx:
        await snapshots.save(tx, [CAMPUS])
    assert await snapshots.republish(toys.source, "program") == 1

    async with running(Relay(toys.source, toys.settings).run):
        await eventually(lambda: _empty(toys))

    records = await read_all(toys, "program")
    assert ["republished" in headers for _, headers in records] == [False, True]


async def test_a_relay_that_is_told_to_stop_leaves_nothing_half_done(toys: Toys) -> None:
    for _ in range(5):
        relay = Relay(toys.source, toys.settings)
        async with running(relay.run):
            await publish(toys.source, [flag(new_id()) for _ in range(500)])
            await eventually(lambda: relay.sent)  # noqa: B023 - awaited here
    async with running(Relay(toys.source, toys.settings).run, sink_stream(toys.sink, toys.settings).run):
        await eventually(lambda: _all(toys, 2500))
    assert all(tally == (1, 1, 0) for tally in (await tallies(toys.sink)).values())


async def _all(toys: Toys, number: int) -> bool:
    return len(await tallies(toys.sink)) == number


async def test_a_commit_wakes_the_relay_of_its_process(toys: Toys) -> None:
    relay = Relay(toys.source, toys.settings)
    async with running(relay.run):
        await eventually(lambda: relay.active)
        await asyncio.wait_for(publish(toys.source, [flag(new_id())]), 30)
        await eventually(lambda: relay.sent == 1)


async def test_a_partition_that_cannot_be_sent_to_keeps_its_rows_and_no_other_waits(toys: Toys) -> None:
    lost = toys.settings.topic("nowhere")
    async with toys.source.transaction(service_actor("toy_source")) as tx:
        await tx.connection.execute(
            text(
                "INSERT INTO outbox (event_id, topic, partition, key, headers, payload, created_at)"
                " SELECT :id, :topic, 0, 'key', '[]', '{}', now() FROM generate_series(1, :count)"
            ),
            {"id": new_id(), "topic": lost, "count": 2 * BATCH},
        )
    relay = Relay(toys.source, toys.settings)
    async with running(relay.run):
        for _ in range(3):
            await publish(toys.source, [flag(new_id()) for _ in range(20)])
        await eventually(lambda: relay.sent == 60)
        assert await waiting(toys.source) == 2 * BATCH


async def test_a_relay_told_to_stop_waits_for_what_is_under_way(toys: Toys) -> None:
    relay = Relay(toys.source, toys.settings)
    async with running(relay.run):
        await eventually(lambda: relay.active)
        await publish(toys.source, [flag(new_id()) for _ in range(1500)])
        await eventually(lambda: relay._sending or relay.sent, every=0)
    ends = await brokers.end_offsets(toys.settings, [toys.settings.topic("flags")])
    assert sum(ends.values()) == 1500 - await waiting(toys.source)
