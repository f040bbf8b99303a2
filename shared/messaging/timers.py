"""The door for time: rows that fall due, and watchers that look around now and then. See design §5."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from shared.access.actors import service_actor
from shared.ids import new_id
from shared.messaging import health
from shared.messaging.failures import is_transient
from shared.messaging.inbox import forget_old
from shared.settings import Settings
from shared.storage.engines import Database
from shared.storage.tx import Cause, Tx
from shared.telemetry import counters, describe, logger

_log = logger("timers")
AT_ONCE = 500
_ASK_EVERY = 0.2
_FIRST_RETRY, _LONGEST_RETRY = timedelta(seconds=1), timedelta(minutes=5)

_SET = text(
    """
    INSERT INTO timers (id, kind, subject, step, campus, due_at)
    SELECT id, kind, subject, step, campus, due_at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:kinds AS text[]), CAST(:subjects AS uuid[]), CAST(:steps AS int[]),
                CAST(:campuses AS text[]), CAST(:dues AS timestamptz[]))
         AS row(id, kind, subject, step, campus, due_at)
    ORDER BY kind, subject, step
    ON CONFLICT DO NOTHING
    """
)
_CANCEL = text("DELETE FROM timers WHERE kind = :kind AND subject = ANY (CAST(:subjects AS uuid[]))")
_KINDS = text("SELECT DISTINCT kind FROM timers WHERE due_at <= :now AND (retry_at IS NULL OR retry_at <= :now)")
_TAKE = text(
    """
    DELETE FROM timers WHERE id = ANY (ARRAY(
      SELECT id FROM timers
      WHERE kind = :kind AND due_at <= :now AND (retry_at IS NULL OR retry_at <= :now)
        AND (CAST(:only AS uuid) IS NULL OR id = :only)
      ORDER BY due_at, id LIMIT :count FOR UPDATE SKIP LOCKED))
    RETURNING id, kind, subject, step, campus, due_at, attempts
    """
)
_DUE_IDS = text(
    """
    SELECT id FROM timers WHERE kind = :kind AND due_at <= :now AND (retry_at IS NULL OR retry_at <= :now)
    ORDER BY due_at, id LIMIT :count
    """
)
# Whoever did not hear an answer asks again within hours; kept answers hold ids and names of staff.
ANSWERS_KEPT = timedelta(days=30)
_FORGET_ANSWERS = text("DELETE FROM idempotency_keys WHERE created_at < :before")
_BACK_OFF = text("UPDATE timers SET attempts = attempts + 1, retry_at = :retry_at WHERE id = :id RETURNING attempts")


@dataclass(frozen=True, slots=True)
class Timer:
    """Something to do at `due_at`. `step` is what its subject is expected to be at then; the handler checks it.

    `attempts` counts how often its handler failed.
    """

    kind: str
    subject: UUID
    step: int
    campus: str
    due_at: datetime
    attempts: int = 0


TimerHandler = Callable[[Tx, Sequence[Timer]], Awaitable[None]]


@dataclass(frozen=True)
class Watcher:
    """Looks around every so often (on the injected clock) and opens its own transactions.

    Each worker has its own, so what a watcher does must be safe when done by two at once. It looks beside the others
    and beside the timers, and begins a look only when its last one has ended; a look of more than 90 s says that it is
    at work (`health.at_work`, under `<service>.watcher.<name>`).
    """

    name: str
    every: timedelta
    look: Callable[[Database], Awaitable[None]]


async def set_timers(tx: Tx, timers: Sequence[Timer]) -> None:
    """Set timers, in one statement. One that is set already (kind, subject, step) stays as it is."""
    if not timers:
        return
    await tx.connection.execute(
        _SET,
        {
            "ids": [new_id() for _ in timers],
            "kinds": [timer.kind for timer in timers],
            "subjects": [timer.subject for timer in timers],
            "steps": [timer.step for timer in timers],
            "campuses": [timer.campus for timer in timers],
            "dues": [timer.due_at for timer in timers],
        },
    )


async def cancel(tx: Tx, kind: str, subjects: Sequence[UUID]) -> None:
    """Remove all timers of a kind for these subjects. One that is going off just now is the handler's to ignore."""
    if subjects:
        await tx.connection.execute(_CANCEL, {"kind": kind, "subjects": sorted(subjects)})


async def forget_inbox(database: Database) -> None:
    """Delete inbox rows that are too old to come again."""
    counters["inbox_rows_forgotten"] += await forget_old(database)


async def forget_answers(database: Database) -> None:
    """Delete what requests with an `Idempotency-Key` were answered long ago."""
    async with database.transaction(service_actor(database.service)) as tx:
        gone = await tx.connection.execute(_FORGET_ANSWERS, {"before": tx.now - ANSWERS_KEPT})
        counters["answers_forgotten"] += gone.rowcount


FORGET_INBOX = Watcher("forget_inbox", timedelta(days=1), forget_inbox)
FORGET_ANSWERS = Watcher("forget_answers", timedelta(days=1), forget_answers)


class Timers:
    """Takes due timers in batches and calls the handler of their kind, in one transaction with its effects.

    A timer whose subject has moved on is a no-op, and that is for the handler to see. One that fails is tried again
    later and later, alone, and holds nothing else up. Nor does a watcher: each has a task of its own while it looks.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,  # noqa: ARG002 - every loop is made alike
        handlers: Mapping[str, TimerHandler],
        watchers: Sequence[Watcher] = (),
    ) -> None:
        self._database, self._handlers = database, dict(handlers)
        self._watchers = (*watchers, FORGET_INBOX, FORGET_ANSWERS)
        self._looked: dict[str, datetime] = {}
        self._actor = service_actor(database.service)
        self.name = f"{database.service}.timers"

    async def run(self) -> None:
        """Take due timers and let watchers look until cancelled; whatever they are at has let go before it returns."""
        loops = [asyncio.ensure_future(loop()) for loop in (self._go_off, self._look_around)]
        try:
            done, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                each.result()  # neither ends but by failing
        finally:
            await _let_go(loops)

    async def run_due(self) -> int:
        """Do one round: everything due now, then the watchers whose time has come. Returns how many timers went off."""
        handled = await self._due()
        for watcher in self._watchers:
            if self._is_time(watcher):
                await self._look(watcher)
        return handled

    async def _go_off(self) -> None:
        """Look for due timers; a database that is away is waited for."""
        try:
            while True:
                health.beat(self.name)
                try:
                    handled = await self._due()
                except Exception as error:  # logged; what passes by itself is waited for
                    if not is_transient(error):
                        raise
                    self._say("timers interrupted", self.name, error)
                    handled = 0
                if not handled:
                    await asyncio.sleep(_ASK_EVERY)
        finally:
            health.gone(self.name)

    async def _due(self) -> int:
        async with self._database.transaction(self._actor) as tx:
            kinds = set((await tx.connection.execute(_KINDS, {"now": tx.now})).scalars())
        for kind in sorted(kinds - self._handlers.keys()):
            counters[f"timers_of_unknown_kind_{kind}"] += 1  # a later release set them; it will handle them
        return sum([await self._kind(kind) for kind in sorted(kinds & self._handlers.keys())])

    async def _kind(self, kind: str) -> int:
        handled = 0
        while True:
            try:
                taken = await self._together(kind)
            except Exception as error:  # logged, and every timer of the batch then gets its own try
                if is_transient(error):
                    raise
                self._say("timers failed, handling them one by one", kind, error)
                return handled + await self._one_by_one(kind)
            handled += taken
            if taken < AT_ONCE:
                return handled

    async def _together(self, kind: str, only: UUID | None = None) -> int:
        async with self._database.transaction(self._actor) as tx:
            names = {"kind": kind, "now": tx.now, "only": only, "count": AT_ONCE}
            rows = (await tx.connection.execute(_TAKE, names)).all()
            if not rows:
                return 0
            rows = sorted(rows, key=lambda row: (row.due_at, row.id))
            timers = [Timer(row.kind, row.subject, row.step, row.campus, row.due_at, row.attempts) for row in rows]
            tx.cause = Cause(rows[0].id, f"timer.{kind}")
            await self._handlers[kind](tx, timers)
        return len(rows)

    async def _one_by_one(self, kind: str) -> int:
        async with self._database.transaction(self._actor) as tx:
            names = {"kind": kind, "now": tx.now, "count": AT_ONCE}
            ids = list((await tx.connection.execute(_DUE_IDS, names)).scalars())
        handled = 0
        for id_ in ids:
            try:
                handled += await self._together(kind, id_)
            except Exception as error:  # logged; this one waits, the others go on
                if is_transient(error):
                    raise
                self._say("timer failed, waiting before the next try", kind, error)
                await self._back_off(id_)
        return handled

    async def _back_off(self, id_: UUID) -> None:
        counters["timers_failed"] += 1
        async with self._database.transaction(self._actor) as tx:
            names = {"id": id_, "retry_at": tx.now + _FIRST_RETRY}
            attempts = (await tx.connection.execute(_BACK_OFF, names)).scalar_one_or_none()
            if attempts:
                pause = min(_FIRST_RETRY * 2 ** min(attempts, 20), _LONGEST_RETRY)
                await tx.connection.execute(
                    text("UPDATE timers SET retry_at = :at WHERE id = :id"), {"id": id_, "at": tx.now + pause}
                )

    async def _look_around(self) -> None:
        """Begin the look of each watcher whose time has come, beside those that are still looking."""
        looking: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                for watcher in self._watchers:
                    busy = looking.get(watcher.name)
                    if (busy is None or busy.done()) and self._is_time(watcher):
                        looking[watcher.name] = asyncio.create_task(self._look(watcher))
                await asyncio.sleep(_ASK_EVERY)
        finally:
            await _let_go(looking.values())

    def _is_time(self, watcher: Watcher) -> bool:
        last = self._looked.get(watcher.name)
        return last is None or self._database.clock.now() - last >= watcher.every

    async def _look(self, watcher: Watcher) -> None:
        name = f"{self._database.service}.watcher.{watcher.name}"
        self._looked[watcher.name] = self._database.clock.now()
        health.beat(name)
        try:
            await watcher.look(self._database)
        except Exception as error:  # noqa: BLE001 - logged; it looks again, and holds nothing up
            counters["watchers_failed"] += 1
            self._say("watcher failed", watcher.name, error)
        finally:
            health.gone(name)

    def _say(self, message: str, timer: str, error: BaseException) -> None:
        error_class, place = describe(error)
        fields = {"service": self._database.service, "timer": timer, "error_class": error_class, "error_place": place}
        _log.warning(message, extra=fields)


async def _let_go(tasks: Iterable[asyncio.Future[None]]) -> None:
    """Cancel tasks and wait until each has rolled back what it was at."""
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
