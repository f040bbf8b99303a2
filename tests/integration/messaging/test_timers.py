"""Rows that fall due, on a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import text

from shared.access.actors import service_actor
from shared.clock import MovableClock
from shared.ids import new_id
from shared.messaging import health
from shared.messaging.timers import Timer, Timers, Watcher, cancel, set_timers
from shared.settings import Settings
from shared.storage.engines import Database, connect
from shared.storage.tx import Tx
from tests.support.eventually import eventually
from tests.support.loops import running
from tests.support.statements import statements_of
from tests.toys.fixtures import Toys
from tests.toys.services import WHEN

A, B = new_id(), new_id()
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(WHEN)


@pytest.fixture
async def database(toys: Toys, clock: MovableClock) -> AsyncIterator[Database]:
    made = connect(toys.settings, "toy_sink", "worker", clock, pool=3)
    yield made
    await made.close()


class Calls(list[list[Timer]]):
    """A handler that notes what it is called with, and fails for subjects in `fails`."""

    def __init__(self) -> None:
        super().__init__()
        self.fails: set[object] = set()

    async def __call__(self, _tx: Tx, timers: Sequence[Timer]) -> None:
        if any(timer.subject in self.fails for timer in timers):
            raise LookupError("no such page")
        self.append(list(timers))

    @property
    def flat(self) -> list[Timer]:
        return [timer for call in self for timer in call]


def timer(subject: object = A, step: int = 1, *, minutes: float = 1, kind: str = "escalate") -> Timer:
    return Timer(kind, subject, step, "north", WHEN + minutes * MINUTE)  # type: ignore[arg-type]


async def put(database: Database, *timers: Timer) -> None:
    async with database.transaction(service_actor("toy_sink")) as tx:
        await set_timers(tx, timers)


async def test_a_timer_goes_off_once_and_not_before_its_time(
    toys: Toys, database: Database, clock: MovableClock
) -> None:
    calls = Calls()
    timers = Timers(database, toys.settings, {"escalate": calls})
    await put(database, timer())

    assert await timers.run_due() == 0
    clock.move(MINUTE)
    assert await timers.run_due() == 1
    assert await timers.run_due() == 0
    assert calls.flat == [timer()]


async def test_setting_a_timer_again_changes_nothing(toys: Toys, database: Database, clock: MovableClock) -> None:
    calls = Calls()
    await put(database, timer())
    await put(database, timer(minutes=5), timer(step=2))
    await put(database)
    clock.move(MINUTE)

    assert await Timers(database, toys.settings, {"escalate": calls}).run_due() == 2
    assert [each.due_at for each in calls.flat] == [WHEN + MINUTE] * 2


async def test_cancelled_timers_stay_silent(toys: Toys, database: Database, clock: MovableClock) -> None:
    calls = Calls()
    await put(database, timer(A), timer(A, 2), timer(B), timer(A, kind="contact"))
    async with database.transaction(service_actor("toy_sink")) as tx:
        await cancel(tx, "escalate", [A])
        await cancel(tx, "escalate", [])
    clock.move(MINUTE)

    await Timers(database, toys.settings, {"escalate": calls}).run_due()
    assert [each.subject for each in calls.flat] == [B]


async def test_many_timers_are_handled_with_few_statements(toys: Toys, database: Database, clock: MovableClock) -> None:
    calls = Calls()
    timers = Timers(database, toys.settings, {"escalate": calls})
    await put(database, timer(new_id()))
    clock.move(MINUTE)
    await timers.run_due()  # the daily watcher has looked
    await put(database, timer(new_id()))
    with statements_of(database) as one:
        await timers.run_due()
    await put(database, *[timer(new_id()) for _ in range(499)])
    with statements_of(database) as many:
        await timers.run_due()

    assert len(one) == len(many)
    assert len(calls[-1]) == 499


async def test_a_failing_timer_backs_off_and_blocks_no_other(
    toys: Toys, database: Database, clock: MovableClock
) -> None:
    calls = Calls()
    calls.fails = {A}
    timers = Timers(database, toys.settings, {"escalate": calls, "contact": calls})
    await put(database, timer(A), timer(B), timer(B, kind="contact"))
    clock.move(MINUTE)

    assert await timers.run_due() == 2
    assert {each.subject for each in calls.flat} == {B}
    assert await timers.run_due() == 0  # it is not due again yet

    clock.move(timedelta(seconds=3))
    calls.fails = set()
    assert await timers.run_due() == 1
    assert (calls.flat[-1].subject, calls.flat[-1].attempts) == (A, 1)
    assert calls.flat[-1].due_at == WHEN + MINUTE  # when it should have been is not lost


async def test_a_handler_that_fails_leaves_no_effect(toys: Toys, database: Database, clock: MovableClock) -> None:
    async def half(tx: Tx, timers: Sequence[Timer]) -> None:
        await set_timers(tx, [timer(each.subject, each.step + 1) for each in timers])
        raise LookupError

    await put(database, timer())
    clock.move(MINUTE)
    assert await Timers(database, toys.settings, {"escalate": half}).run_due() == 0

    async with database.transaction(service_actor("toy_sink")) as tx:
        assert (await tx.connection.execute(text("SELECT step, attempts FROM timers"))).all() == [(1, 1)]


async def test_two_workers_share_the_timers(toys: Toys, database: Database, clock: MovableClock) -> None:
    calls = Calls()
    one, two = (Timers(database, toys.settings, {"escalate": calls}) for _ in range(2))
    await put(database, *[timer(new_id()) for _ in range(30)])
    clock.move(MINUTE)

    async with database.transaction(service_actor("toy_sink")) as tx:  # another worker has ten of them
        await tx.connection.execute(text("SELECT 1 FROM timers LIMIT 10 FOR UPDATE"))
        assert await one.run_due() == 20
    assert await two.run_due() == 10
    assert len({each.subject for each in calls.flat}) == 30


async def test_a_kind_without_a_handler_is_left_for_a_later_release(
    toys: Toys, database: Database, clock: MovableClock
) -> None:
    await put(database, timer(kind="from_the_future"))
    clock.move(MINUTE)

    assert await Timers(database, toys.settings, {}).run_due() == 0
    assert await Timers(database, toys.settings, {"from_the_future": Calls()}).run_due() == 1


async def test_watchers_look_when_their_time_has_come_and_a_failing_one_is_no_harm(
    toys: Toys, database: Database, clock: MovableClock
) -> None:
    looked: list[str] = []

    async def look(_database: Database) -> None:
        looked.append("well")

    async def fail(_database: Database) -> None:
        looked.append("badly")
        raise LookupError

    timers = Timers(database, toys.settings, {}, [Watcher("bad", MINUTE, fail), Watcher("good", 2 * MINUTE, look)])
    await timers.run_due()
    clock.move(MINUTE)
    await timers.run_due()
    clock.move(MINUTE)
    await timers.run_due()

    assert looked == ["badly", "well", "badly", "badly", "well"]


async def test_a_watcher_that_takes_long_holds_up_no_timer_and_no_other_watcher(
    toys: Toys, database: Database, clock: MovableClock
) -> None:
    calls, ends = Calls(), asyncio.Event()
    looked: list[str] = []

    async def slow(database: Database) -> None:
        looked.append("slow")
        async with database.transaction(service_actor("toy_sink")) as tx:
            await set_timers(tx, [timer(B)])
            try:
                await asyncio.Event().wait()
            finally:
                ends.set()

    async def quick(_database: Database) -> None:
        looked.append("quick")

    watchers = [Watcher("slow", MINUTE, slow), Watcher("quick", MINUTE, quick)]
    async with running(Timers(database, toys.settings, {"escalate": calls}, watchers).run):
        await eventually(lambda: sorted(looked) == ["quick", "slow"])
        await put(database, timer())
        clock.move(MINUTE)
        await eventually(lambda: calls.flat == [timer()])
        await eventually(lambda: looked.count("quick") == 2)
        assert looked.count("slow") == 1  # it begins again only when it has ended
        assert "toy_sink.watcher.slow" in health.stalled("toy_sink", after=-1)
    assert ends.is_set()
    assert health.stalled("toy_sink", after=-1) == []
    async with database.transaction(service_actor("toy_sink")) as tx:  # what it was at has been rolled back
        assert (await tx.connection.execute(text("SELECT 1 FROM timers"))).all() == []


async def test_answers_are_forgotten_after_a_month(database: Database, clock: MovableClock) -> None:
    keep = text("INSERT INTO idempotency_keys VALUES ('ana', :key, '', 200, '', :at)")
    async with database.transaction(service_actor("toy_sink")) as tx:
        await tx.connection.execute(keep, [{"key": f"{days}", "at": WHEN + timedelta(days=days)} for days in (0, 2)])
    clock.move(timedelta(days=31))

    await Timers(database, Settings(environment="test"), {}).run_due()

    async with database.transaction(service_actor("toy_sink")) as tx:
        assert list((await tx.connection.execute(text("SELECT key FROM idempotency_keys"))).scalars()) == ["2"]


async def test_the_loop_goes_on_by_itself(toys: Toys, database: Database, clock: MovableClock) -> None:
    calls = Calls()
    async with running(Timers(database, toys.settings, {"escalate": calls}).run):
        await put(database, timer())
        clock.move(MINUTE)
        await eventually(lambda: calls)
