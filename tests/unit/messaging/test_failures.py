"""Which failures pass by themselves, and when a subscriber must stop."""

import asyncio

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from shared.messaging.failures import FailureWindow, is_transient, patiently


def wrapped(error: Exception) -> DBAPIError:
    return DBAPIError("SELECT", {}, error)


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        PoolTimeoutError(),
        wrapped(asyncpg.DeadlockDetectedError()),
        wrapped(asyncpg.SerializationError()),
        wrapped(asyncpg.TooManyConnectionsError()),
        wrapped(asyncpg.AdminShutdownError()),
        wrapped(asyncpg.CannotConnectNowError()),
        wrapped(asyncpg.ConnectionDoesNotExistError()),
        wrapped(asyncpg.InvalidCachedStatementError()),
        InterfaceError("SELECT", {}, asyncpg.InterfaceError("connection is closed")),
        OperationalError("SELECT", {}, ConnectionResetError()),
        asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress"),
    ],
)
def test_what_a_restart_or_a_moment_mends_is_transient(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        LookupError("a bug"),
        wrapped(asyncpg.UndefinedColumnError()),
        IntegrityError("INSERT", {}, asyncpg.CheckViolationError()),
        wrapped(asyncpg.InterfaceError("the server expects 2 arguments, 1 was passed")),
    ],
)
def test_what_stays_wrong_is_not(error: Exception) -> None:
    assert not is_transient(error)


def test_the_cause_of_an_error_counts() -> None:
    outer = RuntimeError("could not load")
    outer.__cause__ = ConnectionResetError()

    assert is_transient(outer)


async def test_a_passing_failure_is_tried_again_until_it_passes() -> None:
    tries, waits = [], []

    async def work() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise ConnectionRefusedError
        return "done"

    assert await patiently(work, patience=5, waiting=lambda: waits.append(1)) == "done"
    assert (len(tries), len(waits)) == (3, 2)


async def test_patience_ends() -> None:
    async def work() -> None:
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        await asyncio.wait_for(patiently(work, patience=0.1), 30)


async def test_what_will_not_pass_is_not_tried_again() -> None:
    tries = []

    async def work() -> None:
        tries.append(1)
        raise LookupError

    with pytest.raises(LookupError):
        await patiently(work, patience=5)
    assert len(tries) == 1


def test_the_window_trips_above_a_fifth_of_at_least_fifty() -> None:
    window = FailureWindow()
    window.add(failed=True, count=49)
    assert not window.tripped
    window.add(failed=True)
    assert window.tripped


def test_a_fifth_exactly_does_not_trip_it() -> None:
    window = FailureWindow()
    window.add(failed=False, count=80)
    window.add(failed=True, count=20)
    assert not window.tripped
    window.add(failed=True)
    assert window.tripped


def test_the_window_forgets_what_is_over_a_hundred_ago() -> None:
    window = FailureWindow()
    window.add(failed=True, count=100)
    window.add(failed=False, count=5000)
    assert not window.tripped
