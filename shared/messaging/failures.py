"""Which failures pass by themselves, how long to wait for that, and when so many fail that we are the fault."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from shared.telemetry import counters, describe, logger

T = TypeVar("T")
_log = logger("failures")

# Connection trouble, deadlock or serialisation, resources, an operator's hand (a restart): they pass.
TRANSIENT_CLASSES = frozenset({"08", "40", "53", "57"})
# "cached plan must not change result type": a migration ran; the next try plans anew. The same as asyncpg sees it.
TRANSIENT_NAMES = frozenset({"InvalidCachedStatementError", "OutdatedSchemaCacheError"})
_LONGEST_PAUSE = 5.0
_FIRST_PAUSE = 0.05


class StoppedError(Exception):
    """A subscriber has stopped: going on would do harm. Nothing of the batch in hand is passed over."""


def is_transient(error: BaseException) -> bool:
    """Return whether the same work may succeed later without anybody changing it or the code."""
    return any(_passes(each) for each in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = (seen.orig if isinstance(seen, DBAPIError) else None) or seen.__cause__


def _passes(error: BaseException) -> bool:
    if isinstance(error, OSError | TimeoutError | PoolTimeoutError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return state[:2] in TRANSIENT_CLASSES or type(error).__name__ in TRANSIENT_NAMES
    # asyncpg's own words for "the connection went away under me", which have no SQLSTATE. The second is what it says
    # when that happens in the middle of a statement; a new connection knows nothing of it.
    name = type(error).__name__
    return (name == "InterfaceError" and "connection" in str(error)) or name == "InternalClientError"


async def patiently(
    work: Callable[[], Awaitable[T]], *, patience: float, waiting: Callable[[], None] = lambda: None
) -> T:
    """Do the work, again and again while it fails for reasons that pass, for up to `patience` seconds; then raise.

    Such failures do not count against an event. `waiting` is called before each pause, for the heartbeat.
    """
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + patience, _FIRST_PAUSE
    while True:
        try:
            return await work()
        except Exception as error:  # a passing failure is logged and tried again, any other goes to the caller
            if not is_transient(error) or loop.time() + pause > deadline:
                raise
            counters["transient_failures"] += 1
            error_class, place = describe(error)
            _log.warning("passing failure, trying again", extra={"error_class": error_class, "error_place": place})
        waiting()
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


class FailureWindow:
    """The last 100 events of a subscriber. A bad release fails on many; one poison event fails alone."""

    SIZE = 100
    SEEN_AT_LEAST = 50
    SHARE = 0.2

    def __init__(self) -> None:
        self._last: deque[bool] = deque(maxlen=self.SIZE)
        self._failed = 0

    def add(self, *, failed: bool, count: int = 1) -> None:
        """Note what became of `count` events."""
        for _ in range(min(count, self.SIZE)):
            if len(self._last) == self.SIZE:
                self._failed -= self._last[0]
            self._last.append(failed)
            self._failed += failed

    @property
    def tripped(self) -> bool:
        """Whether more than 20 % of the last 100 failed, with at least 50 seen."""
        return len(self._last) >= self.SEEN_AT_LEAST and self._failed > self.SHARE * len(self._last)
