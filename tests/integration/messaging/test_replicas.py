"""Replicas hold the newest state whatever the order, and business waits until they are filled."""

import pytest
from sqlalchemy import text

from deploy.local.stack import Stack
from shared.access.actors import service_actor
from shared.events.program import CampusSnapshot
from shared.events.roster import StudentSnapshot
from shared.ids import new_id
from shared.messaging import dead_letters, health
from shared.messaging.failures import StoppedError
from shared.messaging.records import Record, record_of
from shared.messaging.relay import Relay
from shared.messaging.replicas import Replicas, filled
from shared.storage import snapshots
from shared.storage.snapshots import StaleSnapshotError
from tests.support.eventually import eventually
from tests.support.loops import running
from tests.support.statements import statements_of
from tests.toys import schema
from tests.toys.fixtures import Toys
from tests.toys.services import WHEN


def campus(version: int, code: str = "north", *, status: str = "active", name: str = "") -> CampusSnapshot:
    return CampusSnapshot(
        campus=code, sequence=version, status=status, name=name or f"Edition {version}", zone="UTC", hours=()
    )


def records(toys: Toys, *events: CampusSnapshot | StudentSnapshot) -> list[Record]:
    prefix = toys.settings.topic_prefix
    return [record_of(event, now=WHEN, prefix=prefix, offset=place) for place, event in enumerate(events)]


async def held(toys: Toys, *, removed: bool = False) -> dict[str, int]:
    async with toys.sink.transaction(service_actor("toy_sink")) as tx:
        found = await snapshots.load_all(tx.connection, "program", removed=removed)
    return {each.key: each.sequence for each in found}


async def test_the_newest_version_wins_in_whatever_order_they_come(toys: Toys) -> None:
    replicas = Replicas(toys.sink, toys.settings, ["program"])

    await replicas.handle(records(toys, campus(2), campus(1), campus(1, "south")))
    await replicas.handle(records(toys, campus(1), campus(3, "south")))

    assert await held(toys) == {"campus:north": 2, "campus:south": 3}


async def test_removed_things_are_kept_and_shown_only_when_asked_for(toys: Toys) -> None:
    replicas = Replicas(toys.sink, toys.settings, ["program"])
    await replicas.handle(records(toys, campus(1), campus(2, status="removed")))

    assert await held(toys) == {}
    assert await held(toys, removed=True) == {"campus:north": 2}


async def test_a_tombstone_forgets_the_key(toys: Toys) -> None:
    replicas = Replicas(toys.sink, toys.settings, ["program"])
    first, second = records(toys, campus(1), campus(2))
    tombstone = Record(second.topic, second.partition, 2, second.key, second.headers, None)

    await replicas.handle([first, tombstone])

    assert await held(toys, removed=True) == {}


async def test_the_number_of_statements_does_not_grow_with_the_batch(toys: Toys) -> None:
    replicas = Replicas(toys.sink, toys.settings, ["roster"])
    students = [StudentSnapshot(campus="north", student_id=new_id(), campuses=("north",)) for _ in range(501)]

    with statements_of(toys.sink) as one:
        await replicas.handle(records(toys, students[0]))
    with statements_of(toys.sink) as many:
        await replicas.handle(records(toys, *students[1:]))

    assert len(one) == len(many) == 3
    async with toys.sink.transaction(service_actor("toy_sink")) as tx:
        assert len(await snapshots.load_all(tx.connection, "roster", "student:")) == 501
        some = await snapshots.load(tx.connection, "roster", [students[5].key, "student:nobody"])
    assert some == {students[5].key: students[5]}


async def test_a_snapshot_that_cannot_be_read_holds_nothing_back(toys: Toys) -> None:
    replicas = Replicas(toys.sink, toys.settings, ["program"])
    broken, whole = records(toys, campus(1), campus(1, "south"))
    broken = Record(broken.topic, broken.partition, 7, broken.key, broken.headers, b"{}")

    await replicas.handle([broken, whole])
    await replicas.handle([broken])

    assert await held(toys) == {"campus:south": 1}
    async with toys.sink.transaction(service_actor("operator")) as tx:
        assert [each.consumer for each in await dead_letters.list_(tx)] == ["replicas"]


async def test_a_snapshot_that_can_be_read_after_all_is_taken_in_when_somebody_asks(toys: Toys) -> None:
    replicas = Replicas(toys.sink, toys.settings, ["program"])
    (whole,) = records(toys, campus(1))
    await replicas.handle([Record(whole.topic, whole.partition, 7, whole.key, whole.headers, b"{}")])
    assert await replicas.drain() == 0  # nobody has asked

    for mended in (False, True):
        async with toys.sink.transaction(service_actor("operator")) as tx:
            if mended:  # as a later release would read it
                values = {"value": whole.value}
                await tx.connection.execute(text("UPDATE dead_letters SET payload = :value"), values)
            (letter,) = await dead_letters.list_(tx, states=["dead"])
            assert (letter.retry_asked, letter.attempts) == (False, 2 if mended else 1)
            await dead_letters.retry(tx, [letter.id])
        assert await replicas.drain() == int(mended)

    assert await held(toys) == {"campus:north": 1}


async def test_a_version_of_a_snapshot_that_is_not_known_holds_the_replica(toys: Toys) -> None:
    replicas = Replicas(toys.sink, toys.settings, ["program"])
    (record,) = records(toys, campus(1))
    newer = tuple(
        (name, value.replace(b".v1", b".v2") if name == "ce_type" else value) for name, value in record.headers
    )
    newer_record = Record(record.topic, record.partition, 1, record.key, newer, record.value)

    for _ in range(2):
        with pytest.raises(StoppedError):
            await replicas.handle([newer_record])

    assert health.troubles("toy_sink")["toy_sink.replicas"].startswith("held")


async def test_a_kind_of_snapshot_that_is_not_known_is_skipped(toys: Toys) -> None:
    replicas = Replicas(toys.sink, toys.settings, ["program"])
    (record,) = records(toys, campus(1))
    other = tuple(
        (name, b"caselight.weather.snapshot.v1" if name == "ce_type" else value) for name, value in record.headers
    )
    await replicas.handle([Record(record.topic, record.partition, 1, record.key, other, record.value)])

    assert await held(toys) == {}


async def test_only_compacted_topics_can_be_replicated(toys: Toys) -> None:
    with pytest.raises(ValueError, match="flags"):
        Replicas(toys.sink, toys.settings, ["flags"])
    with pytest.raises(ValueError, match="flags"):
        async with toys.sink.transaction(service_actor("toy_sink")) as tx:
            await snapshots.load(tx.connection, "flags", [])


async def test_an_owner_that_worked_on_an_old_state_is_refused(toys: Toys) -> None:
    async with toys.source.transaction(service_actor("toy_source")) as tx:
        await snapshots.save(tx, [campus(2), campus(1, "south")])
    with pytest.raises(StaleSnapshotError):
        async with toys.source.transaction(service_actor("toy_source")) as tx:
            await snapshots.save(tx, [campus(2)])


async def test_a_replica_follows_what_comes_later(toys: Toys) -> None:
    replicas = Replicas(toys.sink, toys.settings, ["program"])
    async with running(Relay(toys.source, toys.settings).run, replicas.run):
        for version in (1, 2, 3):
            async with toys.source.transaction(service_actor("toy_source")) as tx:
                await snapshots.save(tx, [campus(version)])
            await eventually(lambda: _has(toys, version))  # noqa: B023 - awaited here


async def _has(toys: Toys, version: int) -> bool:
    return await held(toys) == {"campus:north": version}


async def test_a_new_database_is_filled_from_the_beginning_although_its_group_has_read_all(
    toys: Toys, stack: Stack
) -> None:
    async with toys.source.transaction(service_actor("toy_source")) as tx:
        await snapshots.save(tx, [campus(1), campus(1, "south")])
    async with running(Relay(toys.source, toys.settings).run, Replicas(toys.sink, toys.settings, ["program"]).run):
        await eventually(lambda: held(toys))
        await eventually(lambda: _ready(toys))
    await toys.sink.close()
    await schema.make(stack, toys.settings.database_prefix, "toy_sink")

    async with running(Replicas(toys.sink, toys.settings, ["program"]).run):
        await eventually(lambda: _ready(toys))
    assert await held(toys) == {"campus:north": 1, "campus:south": 1}


async def _ready(toys: Toys) -> bool:
    return await filled(toys.sink, toys.settings.partitions)
