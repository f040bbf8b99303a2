"""What becomes of a batch, whatever happens. Records are handed in; Postgres is real."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from shared.access.actors import service_actor
from shared.events import Envelope
from shared.events.flags import FlagRaised
from shared.ids import new_id
from shared.messaging import dead_letters, health
from shared.messaging.failures import StoppedError
from shared.messaging.records import Arrival, Record, record_of
from shared.messaging.stream import Stream
from shared.refusal import Refused
from shared.storage.tx import Tx
from shared.telemetry import counters
from tests.support.statements import statements_of
from tests.toys.fixtures import Toys
from tests.toys.services import BAD, WHEN, flag, on_flags, sink_stream, tallies, waiting

KEY, OTHER = new_id(), new_id()


class Log:
    """Makes records as they would lie in the log."""

    def __init__(self, prefix: str) -> None:
        self.prefix, self.offset = prefix, 0

    def record(self, key: UUID, sequence: int = 1, **more: Any) -> Record:
        self.offset += 1
        return record_of(flag(key, sequence, **more), now=WHEN, prefix=self.prefix, offset=self.offset)

    def changed(self, record: Record, **headers: bytes | None) -> Record:
        kept = tuple((name, headers.get(name, value)) for name, value in record.headers)
        present = tuple((name, value) for name, value in kept if value is not None)
        return Record(record.topic, record.partition, record.offset, record.key, present, record.value)

    def with_value(self, record: Record, value: bytes | None) -> Record:
        return Record(record.topic, record.partition, record.offset, record.key, record.headers, value)


@pytest.fixture
def log(toys: Toys) -> Log:
    return Log(toys.settings.topic_prefix)


async def letters(toys: Toys, *states: dead_letters.State) -> list[dead_letters.DeadLetter]:
    async with toys.sink.transaction(service_actor("operator")) as tx:
        return await dead_letters.list_(tx, states=states or ("dead", "waiting"))


async def test_a_batch_is_handled_and_answered_in_one_transaction(toys: Toys, log: Log) -> None:
    stream = sink_stream(toys.sink, toys.settings)

    await stream.handle([log.record(KEY, 1), log.record(OTHER, 1), log.record(KEY, 2)])

    assert await tallies(toys.sink) == {KEY: (2, 2, 0), OTHER: (1, 1, 0)}
    assert await waiting(toys.sink) == 3


async def test_an_event_delivered_twice_changes_state_once(toys: Toys, log: Log) -> None:
    stream = sink_stream(toys.sink, toys.settings)
    first = log.record(KEY)

    await stream.handle([first, first])
    await stream.handle([first])

    assert await tallies(toys.sink) == {KEY: (1, 1, 0)}
    assert await waiting(toys.sink) == 1


async def test_the_number_of_statements_does_not_grow_with_the_batch(toys: Toys, log: Log) -> None:
    stream = sink_stream(toys.sink, toys.settings)

    with statements_of(toys.sink) as one:
        await stream.handle([log.record(new_id())])
    with statements_of(toys.sink) as many:
        await stream.handle([log.record(new_id()) for _ in range(500)])

    assert len(one) == len(many) == 6  # row context, plans by keys, inbox, parked keys, the handler's own, outbox


async def test_no_statement_of_a_batch_is_planned_to_read_a_whole_table(toys: Toys, log: Log) -> None:
    planned: list[object] = []

    async def on_flags(tx: Tx, _: Sequence[Envelope[FlagRaised]]) -> None:
        planned.extend((await tx.connection.execute(text("SHOW enable_seqscan"))).scalars())

    stream = Stream(toys.sink, toys.settings, consumer="plans", topics=("flags",), handlers={FlagRaised: on_flags})
    await stream.handle([log.record(KEY)])
    async with toys.sink.transaction(service_actor("operator")) as tx:
        planned.extend((await tx.connection.execute(text("SHOW enable_seqscan"))).scalars())

    assert planned == ["off", "on"]


async def test_an_unknown_type_is_skipped_and_counted(toys: Toys, log: Log) -> None:
    stream = sink_stream(toys.sink, toys.settings)
    before = counters["events_of_unknown_type"]

    await stream.handle([log.changed(log.record(KEY), ce_type=b"caselight.flag.withdrawn.v1"), log.record(OTHER)])

    assert counters["events_of_unknown_type"] == before + 1
    assert await tallies(toys.sink) == {OTHER: (1, 1, 0)}


async def test_a_higher_version_of_a_handled_type_holds_the_subscriber_and_is_never_skipped(
    toys: Toys, log: Log
) -> None:
    told = []

    async def on_stopped(consumer: str, reason: str) -> None:
        told.append((consumer, reason))

    stream = sink_stream(toys.sink, toys.settings, on_stopped=on_stopped)
    batch = [log.record(KEY), log.changed(log.record(OTHER), ce_type=b"caselight.flag.raised.v2")]

    for _ in range(2):
        with pytest.raises(StoppedError):
            await stream.handle(batch)

    assert told == [("flags", "held: an event of a version this release does not know")]
    assert health.troubles("toy_sink") == {"toy_sink.flags": told[0][1]}
    assert await tallies(toys.sink) == {}


async def test_a_poison_event_is_given_up_after_three_tries_and_only_its_key_waits(toys: Toys, log: Log) -> None:
    stream = sink_stream(toys.sink, toys.settings)

    await stream.handle([log.record(KEY, 1), log.record(KEY, 2, reason=BAD), log.record(KEY, 3), log.record(OTHER, 1)])
    await stream.handle([log.record(KEY, 4), log.record(OTHER, 2)])

    assert await tallies(toys.sink) == {KEY: (1, 1, 0), OTHER: (2, 2, 0)}
    dead, *behind = await letters(toys)
    assert (dead.state, dead.error_class, dead.attempts) == ("dead", "LookupError", 3)
    assert dead.error_place.startswith("messaging/lane.py") or "toys" in dead.error_place
    assert [(each.state, each.waiting_behind, each.attempts) for each in behind] == [("waiting", dead.id, 0)] * 2


async def test_a_retry_handles_the_dead_event_and_then_what_waited_in_order(
    toys: Toys, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = sink_stream(toys.sink, toys.settings)
    await stream.handle([log.record(KEY, 1, reason=BAD), log.record(KEY, 2), log.record(KEY, 3)])
    assert await stream.drain() == 0  # nobody has asked

    monkeypatch.setattr("tests.toys.services.BAD", "mended")
    async with toys.sink.transaction(service_actor("operator")) as tx:
        dead = (await dead_letters.list_(tx, states=["dead"]))[0]
        assert await dead_letters.retry(tx, [dead.id]) == 1
        assert await dead_letters.retry(tx, [dead.id]) == 0

    assert await stream.drain() == 3
    await stream.handle([log.record(KEY, 4)])

    assert await tallies(toys.sink) == {KEY: (4, 4, 0)}
    assert await letters(toys) == []
    assert {each.state for each in await letters(toys, "retried")} == {"retried"}


async def test_a_retry_waits_for_whoever_is_deciding_and_overtakes_nothing(
    toys: Toys, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = sink_stream(toys.sink, toys.settings)
    await stream.handle([log.record(KEY, 1, reason=BAD), log.record(KEY, 2)])
    monkeypatch.setattr("tests.toys.services.BAD", "mended")
    operator = service_actor("operator")
    async with toys.sink.transaction(operator) as tx:
        (dead,) = await dead_letters.list_(tx, states=["dead"])
        await dead_letters.retry(tx, [dead.id])

    async with toys.sink.transaction(operator) as tx:
        await dead_letters.retry(tx, [dead.id])  # asked twice, and still holding the row
        drained = asyncio.create_task(stream.drain())
        await asyncio.wait([drained], timeout=0.3)

    assert await drained == 2
    assert await tallies(toys.sink) == {KEY: (2, 2, 0)}


async def test_a_retry_that_fails_again_leaves_the_key_parked(toys: Toys, log: Log) -> None:
    stream = sink_stream(toys.sink, toys.settings)
    await stream.handle([log.record(KEY, 1, reason=BAD), log.record(KEY, 2)])
    async with toys.sink.transaction(service_actor("operator")) as tx:
        await dead_letters.retry(tx, [(await dead_letters.list_(tx, states=["dead"]))[0].id])

    assert await stream.drain() == 0

    dead, behind = await letters(toys)
    assert (dead.attempts, dead.retry_asked, dead.decided_by) == (4, False, None)
    assert behind.waiting_behind == dead.id


async def test_discarding_the_dead_event_lets_the_others_go_on(toys: Toys, log: Log) -> None:
    stream = sink_stream(toys.sink, toys.settings)
    await stream.handle([log.record(KEY, 1, reason=BAD), log.record(KEY, 2), log.record(KEY, 3, reason=BAD)])
    await stream.handle([log.record(KEY, 4)])
    async with toys.sink.transaction(service_actor("operator")) as tx:
        dead = (await dead_letters.list_(tx, states=["dead"]))[0]
        assert await dead_letters.discard(tx, [dead.id], "test_data") == 1
        with pytest.raises(Refused, match="not_dead"):
            await dead_letters.retry(tx, [dead.id])

    assert await stream.drain() == 1  # the second goes through, the third fails in its turn

    assert await tallies(toys.sink) == {KEY: (1, 2, 0)}
    second, fourth = await letters(toys)
    assert (second.state, fourth.state, fourth.waiting_behind) == ("dead", "waiting", second.id)


async def test_a_dead_letter_shows_what_arrived_and_nobody_is_quoted(toys: Toys, log: Log) -> None:
    stream = sink_stream(toys.sink, toys.settings)
    await stream.handle([log.with_value(log.record(KEY), b'{"campus": "north", "severity": "secret words"}')])

    async with toys.sink.transaction(service_actor("operator")) as tx:
        letter = (await dead_letters.list_(tx, consumer="flags"))[0]
        contents = await dead_letters.show(tx, letter.id)
        assert await dead_letters.show(tx, new_id()) is None
        assert await dead_letters.list_(tx, consumer="another") == []
        assert await dead_letters.list_(tx, after=letter.id) == []

    assert contents is not None
    assert (letter.error_class, letter.attempts) == ("UnreadableError", 1)
    assert contents.headers["ce_type"] == letter.event_type == "caselight.flag.raised.v1"
    assert "secret words" in contents.payload
    assert "secret" not in letter.error_place


@pytest.mark.parametrize("damage", ["no id", "no value", "no json"])
async def test_what_cannot_be_read_is_a_dead_letter_once(toys: Toys, log: Log, damage: str) -> None:
    stream = sink_stream(toys.sink, toys.settings)
    whole = log.record(KEY)
    broken = {
        "no id": log.changed(whole, ce_id=None),
        "no value": log.with_value(whole, None),
        "no json": log.with_value(whole, b"\xff"),
    }[damage]

    await stream.handle([broken, log.record(OTHER)])
    await stream.handle([broken])

    assert [(each.state, each.error_class) for each in await letters(toys)] == [("dead", "UnreadableError")]
    assert await tallies(toys.sink) == {OTHER: (1, 1, 0)}


async def test_a_passing_failure_is_waited_out_and_counts_against_nobody(toys: Toys, log: Log) -> None:
    tries = []

    async def handler(tx: Tx, envelopes: Sequence[Envelope[FlagRaised]]) -> None:
        tries.append(len(envelopes))
        if len(tries) < 3:
            raise OperationalError("SELECT", {}, ConnectionResetError())
        await on_flags(tx, envelopes)

    stream = Stream(toys.sink, toys.settings, consumer="flags", topics=["flags"], handlers={FlagRaised: handler})
    await stream.handle([log.record(KEY), log.record(OTHER)])

    assert tries == [2, 2, 2]
    assert await letters(toys) == []
    assert len(await tallies(toys.sink)) == 2


async def test_a_failure_that_outlasts_patience_goes_to_the_log_client_and_nothing_is_kept(
    toys: Toys, log: Log
) -> None:
    async def handler(_tx: Tx, _envelopes: Sequence[Envelope[FlagRaised]]) -> None:
        raise ConnectionRefusedError

    stream = Stream(
        toys.sink, toys.settings, consumer="flags", topics=["flags"], handlers={FlagRaised: handler}, patience=0.1
    )
    record = log.record(KEY)
    with pytest.raises(ConnectionRefusedError):
        await stream.handle([record])

    await sink_stream(toys.sink, toys.settings).handle([record])
    assert await tallies(toys.sink) == {KEY: (1, 1, 0)}


async def test_a_release_that_fails_on_many_events_stops_its_subscriber(toys: Toys, log: Log) -> None:
    told = []

    async def on_stopped(consumer: str, _reason: str) -> None:
        told.append(consumer)
        raise RuntimeError("nobody answers")

    stream = sink_stream(toys.sink, toys.settings, on_stopped=on_stopped)
    await stream.handle([log.record(new_id()) for _ in range(60)])

    batch = [log.record(new_id(), reason=BAD) for _ in range(100)]
    with pytest.raises(StoppedError):
        await stream.handle(batch)

    assert told == ["flags"]
    assert 15 <= len(await letters(toys)) <= 30  # not a hundred
    assert health.troubles("toy_sink")


async def test_an_event_older_than_the_inbox_remembers_is_a_dead_letter(toys: Toys, log: Log) -> None:
    stream = sink_stream(toys.sink, toys.settings)
    ancient = log.changed(log.record(KEY), ce_id=b"01000000-0000-7000-8000-000000000000")

    await stream.handle([ancient, log.record(OTHER)])

    assert [each.error_class for each in await letters(toys)] == ["TooOld"]
    assert await tallies(toys.sink) == {OTHER: (1, 1, 0)}


async def test_urgent_events_are_neither_parked_nor_stopped(toys: Toys, log: Log) -> None:
    from_headers: list[tuple[str, str]] = []

    async def act(tx: Tx, arrivals: Sequence[Arrival]) -> None:
        from_headers.extend((arrival.subject, arrival.campus) for arrival in arrivals)
        await tx.connection.execute(text("SELECT 1"))

    stream = Stream(
        toys.sink,
        toys.settings,
        consumer="flags",
        topics=["flags"],
        handlers={},
        urgent={FlagRaised: on_flags},
        from_headers=act,
    )
    bad = [log.record(new_id(), reason=BAD) for _ in range(60)]
    unreadable = log.with_value(log.record(KEY, 1), b"{")
    newer = log.changed(log.record(OTHER, 1), ce_type=b"caselight.flag.raised.v2")

    await stream.handle([unreadable, newer, *bad])
    await stream.handle([log.record(KEY, 2)])

    assert await tallies(toys.sink) == {KEY: (1, 2, 0)}
    assert from_headers[:2] == [(str(KEY), "north"), (str(OTHER), "north")]
    assert len(from_headers) == 62
    found = await letters(toys)
    assert {each.state for each in found} == {"dead"}
    assert {each.consumer for each in found} == {"flags.urgent"}


async def test_an_urgent_event_that_not_even_its_headers_save_is_kept(toys: Toys, log: Log) -> None:
    async def act(_tx: Tx, _arrivals: Sequence[Arrival]) -> None:
        raise LookupError

    stream = Stream(
        toys.sink,
        toys.settings,
        consumer="flags",
        topics=["flags"],
        handlers={},
        urgent={FlagRaised: on_flags},
        from_headers=act,
    )
    await stream.handle([log.record(KEY, reason=BAD)])

    assert [each.state for each in await letters(toys)] == ["dead"]


async def test_an_urgent_dead_letter_can_be_tried_again(toys: Toys, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(
        toys.sink, toys.settings, consumer="flags", topics=["flags"], handlers={}, urgent={FlagRaised: on_flags}
    )
    await stream.handle([log.record(KEY, reason=BAD)])
    monkeypatch.setattr("tests.toys.services.BAD", "mended")
    async with toys.sink.transaction(service_actor("operator")) as tx:
        await dead_letters.retry(tx, [(await dead_letters.list_(tx))[0].id])

    assert await stream.drain() == 1
    assert await tallies(toys.sink) == {KEY: (1, 1, 0)}
    assert await letters(toys) == []
