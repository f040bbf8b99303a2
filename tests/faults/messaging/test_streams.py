"""What consumers promise when batches fail, events are poison, members die and databases are new."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text

from shared.access.actors import service_actor
from shared.events import Envelope
from shared.events.flags import FlagRaised
from shared.events.program import CampusSnapshot
from shared.events.referrals import DangerRaised
from shared.ids import new_id
from shared.messaging import dead_letters
from shared.messaging.records import Arrival
from shared.messaging.relay import Relay
from shared.messaging.replicas import Replicas
from shared.messaging.stream import Stream
from shared.storage import outbox, snapshots
from shared.storage.tx import Tx
from tests.support.eventually import eventually
from tests.support.figures import figure
from tests.support.loops import running
from tests.support.processes import Served, several, start
from tests.support.statements import statements_of
from tests.toys.fixtures import Toys
from tests.toys.services import (
    BAD,
    WHEN,
    count,
    flag,
    key_in,
    on_flags,
    publish,
    tallies,
    waiting,
    workers,
)

pytestmark = pytest.mark.faults

SINK = ("tests.toys", "toy_sink")
STALL = 4.0  # seconds within which the partitions of a dead member are consumed again


async def test_a_failing_batch_across_three_partitions_loses_nothing(toys: Toys) -> None:
    keys = [key_in(partition, toys.settings.partitions) for partition in range(6) for _ in range(10)]
    failed: list[set[int]] = []

    async def handler(tx: Tx, envelopes: Sequence[Envelope[FlagRaised]]) -> None:
        if len(failed) < 4:
            failed.append({envelope.partition for envelope in envelopes})
            raise ConnectionRefusedError  # beyond this stream's patience: the batch goes back to the log
        await on_flags(tx, envelopes)

    async with running(Relay(toys.source, toys.settings).run):
        await publish(toys.source, [flag(key, sequence) for sequence in (1, 2, 3) for key in keys])
        await eventually(lambda: _empty(toys))
    stream = Stream(
        toys.sink, toys.settings, consumer="flags", topics=["flags"], handlers={FlagRaised: handler}, patience=0
    )
    async with running(stream.run):
        await eventually(lambda: _counted(toys, 3 * len(keys)))

    assert max(len(partitions) for partitions in failed) >= 3
    assert await tallies(toys.sink) == dict.fromkeys(keys, (3, 3, 0))


async def test_a_poison_event_parks_its_key_and_a_release_that_fails_on_much_stops_but_for_danger(toys: Toys) -> None:
    poisoned, healthy = new_id(), [new_id() for _ in range(30)]
    paged: list[UUID] = []
    by_headers: list[str] = []

    async def page(_tx: Tx, envelopes: Sequence[Envelope[DangerRaised]]) -> None:
        paged.extend(envelope.event.referral_id for envelope in envelopes)

    async def page_from_headers(_tx: Tx, arrivals: Sequence[Arrival]) -> None:
        by_headers.extend(arrival.subject for arrival in arrivals)

    stream = Stream(
        toys.sink,
        toys.settings,
        consumer="flags",
        topics=["flags", "referrals"],
        handlers={FlagRaised: on_flags},
        urgent={DangerRaised: page},
        from_headers=page_from_headers,
    )
    async with running(Relay(toys.source, toys.settings).run, stream.run):
        await publish(toys.source, [flag(poisoned, 1), flag(poisoned, 2, reason=BAD), flag(poisoned, 3)])
        await publish(toys.source, [flag(key) for key in healthy])
        await publish(toys.source, [danger(poisoned)])
        await eventually(lambda: _counted(toys, 31))
        await eventually(lambda: paged)
        assert (await tallies(toys.sink))[poisoned] == (1, 1, 0)

        unreadable = await _spoil(toys, danger(new_id()))
        await eventually(lambda: by_headers)
        assert by_headers == [unreadable]

        # A release that fails on everything stops its own subscriber; danger goes on.
        await publish(toys.source, [flag(new_id(), reason=BAD) for _ in range(100)])
        await eventually(lambda: stream.lanes[1].stopped, within=30)
        await publish(toys.source, [danger(healthy[0])])
        await eventually(lambda: paged == [poisoned, healthy[0]])

    async with toys.sink.transaction(service_actor("operator")) as tx:
        of_key = [each for each in await dead_letters.list_(tx, limit=500) if each.key == str(poisoned)]
    assert [each.state for each in of_key] == ["dead", "waiting"]


def danger(key: UUID) -> DangerRaised:
    return DangerRaised(
        campus="north",
        referral_id=key,
        reference="K7Q-2M4X-9RTD",
        level="critical",
        found_by="screening",
        raised_at=WHEN,
        happened_at=WHEN,
    )


async def _spoil(toys: Toys, event: DangerRaised) -> str:
    """Publish an event whose value nobody can read, as a faulty producer would."""
    headers = outbox.headers_of(event, source="toy_source", now=WHEN)
    async with toys.source.transaction(service_actor("toy_source")) as tx:
        await tx.connection.execute(
            text(
                "INSERT INTO outbox (event_id, topic, partition, key, headers, payload, created_at)"
                " VALUES (:id, :topic, 0, :key, :headers, 'spoilt', now())"
            ),
            {
                "id": new_id(),
                "topic": toys.settings.topic("referrals"),
                "key": event.key.encode(),
                "headers": msgspec.json.encode(headers),
            },
        )
    return event.key


async def test_a_group_of_three_survives_the_kill_of_one_and_the_arrival_of_one(toys: Toys, tmp_path: Path) -> None:
    settings = toys.settings
    marks = [key_in(partition, settings.partitions) for partition in range(settings.partitions)]
    traffic = [new_id() for _ in range(60)]
    members = [start(SINK, settings, tmp_path) for _ in range(3)]
    relay = Relay(toys.source, settings)
    async with several(members) as served, running(relay.run):
        marking = _Marks(toys, marks)
        await eventually(lambda: marking.by(3), within=40, every=0.2, why="three members share the partitions")
        enough = asyncio.Event()
        flow = asyncio.create_task(_flow(toys, traffic, enough))

        members[0].kill()
        stalled = await marking.all_counted()
        figure(f"after the kill of one of three: every partition consumed again after {stalled:.2f} s")
        assert stalled < STALL
        served.append(start(SINK, settings, tmp_path))
        await eventually(lambda: marking.by(3), within=40, every=0.2, why="the new member has partitions")
        joined = await marking.all_counted()
        figure(f"with a new member: every partition answers within {joined:.2f} s")
        assert joined < STALL
        enough.set()
        sent = await flow
        await eventually(lambda: _reached(toys, traffic, sent), within=30)

    found = await tallies(toys.sink)
    assert {key: found[key] for key in traffic} == dict.fromkeys(traffic, (sent, sent, 0))
    assert {found[key][2] for key in marks} == {0}
    assert [_traceback(each) for each in served] == [False] * 4


class _Marks:
    """Events that show which member works on each partition, and how soon."""

    def __init__(self, toys: Toys, keys: list[UUID]) -> None:
        self.toys, self.keys, self.sequence = toys, keys, 0

    async def all_counted(self) -> float:
        """Send one event to each partition and return after how many seconds all were counted."""
        self.sequence += 1
        begun = time.monotonic()
        await publish(self.toys.source, [flag(key, self.sequence) for key in self.keys])
        await eventually(lambda: _reached(self.toys, self.keys, self.sequence), within=30)
        return time.monotonic() - begun

    async def by(self, members: int) -> bool:
        """Return whether so many members share the partitions."""
        await self.all_counted()
        return len(set((await workers(self.toys.sink, self.keys)).values())) == members


async def _flow(toys: Toys, keys: list[UUID], enough: asyncio.Event) -> int:
    """Publish further and further events of each key until it is enough; return how many of each."""
    sent = 0
    while not enough.is_set():
        await publish(toys.source, [flag(key, sent + 1) for key in keys])
        sent += 1
        await asyncio.sleep(0.05)  # the pace of the work, not a wait
    return sent


def _traceback(served: Served) -> bool:
    return "Traceback" in served.log.read_text()


async def test_no_handler_is_called_before_replicas_are_filled(toys: Toys) -> None:
    codes = [f"campus{number}" for number in range(40)]
    async with toys.source.transaction(service_actor("toy_source")) as tx:
        await snapshots.save(tx, [_campus(code) for code in codes])
    await publish(toys.source, [flag(new_id())])
    async with running(Relay(toys.source, toys.settings).run):
        await eventually(lambda: _empty(toys))

    known: list[int] = []

    async def handler(tx: Tx, envelopes: Sequence[Envelope[FlagRaised]]) -> None:
        known.append(len(await snapshots.load_all(tx.connection, "program", "campus:")))
        await count(tx, [(envelope.event.flag_id, envelope.event.sequence) for envelope in envelopes])

    replicas = Replicas(toys.sink, toys.settings, ["program"])
    stream = Stream(toys.sink, toys.settings, consumer="flags", topics=["flags"], handlers={FlagRaised: handler})
    with statements_of(toys.sink) as asked:
        async with running(stream.run):
            await eventually(lambda: len(asked.touching("replica_ready")) >= 4, why="it asks and waits")
            assert known == []
            async with toys.sink.transaction(service_actor("toy_sink")) as tx:
                assert not await replicas.ready(tx.connection)
            async with running(replicas.run):
                await eventually(lambda: known)
    assert known == [len(codes)]


def _campus(code: str) -> CampusSnapshot:
    return CampusSnapshot(campus=code, name=code.title(), zone="UTC", hours=())


async def _counted(toys: Toys, number: int) -> bool:
    return sum(times for times, *_ in (await tallies(toys.sink)).values()) >= number


async def _reached(toys: Toys, keys: Sequence[UUID], sequence: int) -> bool:
    found: dict[UUID, Any] = await tallies(toys.sink)
    return all(key in found and found[key][1] >= sequence for key in keys)


async def _empty(toys: Toys) -> bool:
    return not await waiting(toys.source)
