"""Hints for screens that are open: once the broker has an event, a line about it is left in Valkey.

A hint says that something happened to something, never what: `type`, `id` (the event's key), `campus`, `sensitivity`.
Whoever hears one asks the owner again before showing anything. Hints may get lost: with Valkey away there are none,
too many at once are dropped, and nothing ever waits for one.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import asyncpg
import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.settings import Settings
from shared.telemetry import counters, logger

_log = logger("hints")

# Few and far between compared with all events: flags come by the thousand, and nobody's screen moves for one.
LIVE = frozenset(
    {
        "caselight.page.raised.v1",
        "caselight.page.step_taken.v1",
        "caselight.page.accepted.v1",
        "caselight.page.declined.v1",
        "caselight.page.unreached.v1",
        "caselight.page.enriched.v1",
        "caselight.page.contact_tried.v1",
        "caselight.page.disposed.v1",
        "caselight.page.reopened.v1",
        "caselight.page.late_review_asked.v1",
        "caselight.referral.received.v1",
        "caselight.referral.matched.v1",
        "caselight.referral.unmatched.v1",
        "caselight.referral.triaged.v1",
        "caselight.referral.added_to.v1",
        "caselight.referral.retracted.v1",
        "caselight.referral.reopened.v1",
        "caselight.case.opened.v1",
        "caselight.case.assigned.v1",
        "caselight.case.accepted.v1",
        "caselight.case.declined.v1",
        "caselight.case.contact_recorded.v1",
        "caselight.case.combination_asked.v1",
    }
)
KEPT = 2000  # about so many stay in the stream, for screens that were away for a moment
_WAITING = 1000
_AT_ONCE = 200
_PAUSE_S = 1.0
_ANSWER_WITHIN_S = 0.5
_TYPE = b'"ce_type","'
# Many in one call: told one by one, they cost either side several times as much.
_LEAVE = """
for place = 1, #ARGV, 4 do
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', '{kept}', '*', 'type', ARGV[place], 'id', ARGV[place + 1],
             'campus', ARGV[place + 2], 'sensitivity', ARGV[place + 3])
end
""".replace("{kept}", str(KEPT))

_headers = msgspec.json.Decoder(list[tuple[str, str]])


@dataclass(frozen=True, slots=True)
class Hint:
    """Something of this type happened to this aggregate, on this campus, behind this wall."""

    type: str
    id: str
    campus: str
    sensitivity: str

    @property
    def kind(self) -> str:
        """What it happened to: `page`, `referral` or `case`."""
        return self.type.split(".")[1]


def stream_of(settings: Settings) -> str:
    """Return the name of the stream that hints are left in."""
    return settings.topic("live")


def hint_of(headers: bytes, key: bytes) -> Hint | None:
    """Return the hint for a row of the outbox, or None for what no screen waits for. Most rows cost one search."""
    start = headers.find(_TYPE) + len(_TYPE)
    if headers[start : headers.find(b'"', start)].decode() not in LIVE:
        return None
    said = dict(_headers.decode(headers))
    return Hint(said["ce_type"], key.decode(), said.get("ce_campus", ""), said.get("ce_sensitivity", ""))


def read(fields: Mapping[bytes, bytes]) -> Hint:
    """Return a hint as the stream holds it."""
    said = {name.decode(): value.decode() for name, value in fields.items()}
    return Hint(said.get("type", ""), said.get("id", ""), said.get("campus", ""), said.get("sensitivity", ""))


class Hints:
    """Leaves hints for one relay. Runs beside it; `offer` returns at once and never fails."""

    def __init__(self, settings: Settings) -> None:
        self._url, self._stream = settings.redis_url, stream_of(settings)
        self._waiting: deque[Hint] = deque(maxlen=_WAITING)
        self._some = asyncio.Event()

    def offer(self, rows: Iterable[asyncpg.Record]) -> None:
        """Leave hints for rows of the outbox that the broker has, soon. The oldest give way when there are too many."""
        for row in rows if self._url else ():
            hint = hint_of(row["headers"], row["key"])
            if hint is not None:
                self._waiting.append(hint)
        if self._waiting:
            self._some.set()

    async def run(self) -> None:
        """Write what was offered, until cancelled. What cannot be written within half a second is let go."""
        if not self._url:
            return
        redis = Redis.from_url(self._url, socket_timeout=_ANSWER_WITHIN_S, socket_connect_timeout=_ANSWER_WITHIN_S)
        try:
            while True:
                await self._some.wait()
                try:
                    await self._write(redis)
                except (RedisError, OSError, TimeoutError) as error:
                    self._give_up(error)
                    task = asyncio.current_task()
                    if task is not None and task.cancelling():  # a time limit that ran out just then hides it
                        raise asyncio.CancelledError from error
                    await asyncio.sleep(_PAUSE_S)
        finally:
            with contextlib.suppress(RedisError, OSError):
                await redis.aclose()

    async def _write(self, redis: Redis) -> None:
        self._some.clear()
        leave = redis.register_script(_LEAVE)
        while self._waiting:
            some = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
            said = [part for hint in some for part in (hint.type, hint.id, hint.campus, hint.sensitivity)]
            await leave(keys=[self._stream], args=said)

    def _give_up(self, error: BaseException) -> None:
        counters["hints_lost"] += len(self._waiting) + 1
        self._waiting.clear()
        _log.warning("hints for open screens are lost, Valkey is away", exc_info=error)
