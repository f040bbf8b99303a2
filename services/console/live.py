"""What open screens are told: that something they may see has changed. Never what: the page is then asked for anew.

One reader of hints for the process, one queue for each open stream. Before a stream says anything its person is asked
for, at the owner, whether they may read the thing: what nobody may tell them changes nothing on their screen.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.messaging import hints
from shared.messaging.hints import Hint
from shared.settings import Settings
from shared.telemetry import counters, logger

_log = logger("live")

_BLOCK_MS = 2000
_ANSWER_WITHIN_S = 5.0
_PAUSE_S = 1.0
_QUEUED = 200
_ASKING = 12
EVERYTHING = "*"

# Where a change of each kind shows; pages name their areas so (`data-live-area`).
AREAS = {
    "page": ("pages", "danger", "duty", "today"),
    "referral": ("triage", "match", "referrals", "today"),
    "case": ("cases", "today"),
}
# What is said, politely and without a name, for what has just come in.
NEWS = {
    "caselight.page.raised.v1": "A new page has come in.",
    "caselight.page.accepted.v1": "A page has been accepted.",
    "caselight.page.unreached.v1": "A page has found nobody.",
    "caselight.page.reopened.v1": "A page is open again.",
    "caselight.referral.received.v1": "A new referral has come in.",
    "caselight.case.assigned.v1": "A case has been assigned.",
}


@dataclass(frozen=True, slots=True)
class Heard:
    """A hint with its place in the stream; `hint` None stands for "some may have been missed"."""

    place: str
    hint: Hint | None


# Compared by identity: two open streams are two, whatever waits in them.
@dataclass(eq=False, slots=True)
class Listener:
    """One open stream. A queue that overflows is emptied, and the screen is told to look at everything."""

    queue: asyncio.Queue[Heard] = field(default_factory=lambda: asyncio.Queue(_QUEUED))

    def tell(self, heard: Heard) -> None:
        """Put something into the queue, without waiting."""
        try:
            self.queue.put_nowait(heard)
        except asyncio.QueueFull:
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(Heard(heard.place, None))
            counters["live_overflows"] += 1

    async def some(self) -> list[Heard]:
        """Wait for something, and return all there is."""
        return [await self.queue.get(), *self.rest()]

    def rest(self) -> list[Heard]:
        """Return what there is, without waiting."""
        return [self.queue.get_nowait() for _ in range(self.queue.qsize())]


class Hub:
    """Reads hints for all open streams of the process. `hears` is False while Valkey is away: screens then poll."""

    def __init__(self, settings: Settings) -> None:
        self._url, self._stream = settings.redis_url, hints.stream_of(settings)
        self._listeners: set[Listener] = set()
        self._redis: Any = None
        self.hears = False
        # Five hundred screens ask their owners at once about one thing: a few at a time, or all take too long.
        self.asking = asyncio.Semaphore(_ASKING)

    @property
    def listeners(self) -> int:
        """How many streams are open."""
        return len(self._listeners)

    @contextlib.contextmanager
    def listen(self) -> Iterator[Listener]:
        """Hear hints from now on."""
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def since(self, place: str) -> list[Heard]:
        """Return what came after a place in the stream; that some was missed, where nobody can say any more."""
        if not _is_place(place) or self._redis is None:
            return [Heard(place, None)]
        try:
            oldest = await self._redis.xrange(self._stream, count=1)
            if not oldest or _order(oldest[0][0].decode()) > _order(place):
                return [Heard(place, None)]
            found = await self._redis.xrange(self._stream, min=f"({place}", count=_QUEUED)
        except (RedisError, OSError, TimeoutError):
            return [Heard(place, None)]
        if len(found) == _QUEUED:
            return [Heard(found[-1][0].decode(), None)]
        return list(_heard(found))

    async def run(self) -> None:
        """Read until cancelled; while Valkey is away, try again every second."""
        if not self._url:
            await asyncio.Event().wait()
        while True:
            self._redis = Redis.from_url(
                self._url, socket_timeout=_ANSWER_WITHIN_S, socket_connect_timeout=_ANSWER_WITHIN_S
            )
            try:
                await self._read(self._redis)
            except (RedisError, OSError, TimeoutError) as error:
                if _told_to_stop():  # a time limit that ran out at that very moment hides it
                    raise asyncio.CancelledError from error
                self._turn(hears=False)
                _log.warning("open screens poll, Valkey is away", exc_info=error)
                await asyncio.sleep(_PAUSE_S)
            finally:
                self._turn(hears=False)
                with contextlib.suppress(RedisError, OSError):
                    await self._redis.aclose()
                self._redis = None

    async def _read(self, redis: Any) -> None:  # noqa: ANN401 - its types know no streams
        last = await redis.xrevrange(self._stream, count=1)
        place = last[0][0].decode() if last else "0-0"
        self._turn(hears=True)
        while True:
            answer = await redis.xread({self._stream: place}, count=_QUEUED, block=_BLOCK_MS)
            for heard in _heard(_entries(answer)):
                place = heard.place
                for listener in tuple(self._listeners):
                    listener.tell(heard)

    def _turn(self, *, hears: bool) -> None:
        """Say that hints come, or come no more. Whoever listens may have missed some in between."""
        if hears == self.hears:
            return
        self.hears = hears
        for listener in tuple(self._listeners):
            listener.tell(Heard("", None))


def _told_to_stop() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _entries(answer: object) -> Iterable[tuple[bytes, dict[bytes, bytes]]]:
    """Return the entries of an XREAD of one stream, in either protocol's shape; none when it timed out."""
    if not answer:
        return ()
    if isinstance(answer, dict):
        (found,) = answer.values()
        return cast("Iterable[tuple[bytes, dict[bytes, bytes]]]", found[0] if len(found) == 1 else found)
    ((_, found),) = cast("Any", answer)
    return cast("Iterable[tuple[bytes, dict[bytes, bytes]]]", found)


def _heard(entries: Iterable[tuple[bytes, dict[bytes, bytes]]]) -> Iterator[Heard]:
    for place, fields in entries:
        yield Heard(place.decode(), hints.read(fields))


def _is_place(place: str) -> bool:
    milliseconds, dash, number = place.partition("-")
    return bool(dash) and milliseconds.isdecimal() and number.isdecimal() and place.isascii()


def _order(place: str) -> tuple[int, int]:
    milliseconds, _, number = place.partition("-")
    return int(milliseconds), int(number)
