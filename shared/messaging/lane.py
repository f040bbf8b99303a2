"""One consumer of a service: what becomes of a batch, whatever happens. Knows nothing of Kafka's client."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import text

from shared.access.actors import service_actor
from shared.events import Envelope, Event
from shared.messaging import health, parking
from shared.messaging.failures import FailureWindow, StoppedError, is_transient, patiently
from shared.messaging.grouping import group_by_type
from shared.messaging.inbox import Inbox
from shared.messaging.parking import Reason
from shared.messaging.records import Arrival, RawRecord, arrive
from shared.storage.engines import Database
from shared.storage.tx import Cause, Tx
from shared.telemetry import counters, crash_point, describe, logger

Handler = Callable[[Tx, Sequence[Envelope[Any]]], Awaitable[None]]
FromHeaders = Callable[[Tx, Sequence[Arrival]], Awaitable[None]]
OnStopped = Callable[[str, str], Awaitable[None]]

ATTEMPTS = 3
_log = logger("stream")

# A statement keeps the plan of its first use for as long as its connection lives. Made while a table is new, that plan
# reads the whole of it, and goes on doing so when it has grown. Everything here asks for rows by their keys. What has
# to be read whole all the same then looks dear enough to be compiled first, which is never worth it here.
_BY_KEYS = text("SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)")


class UnreadableError(Exception):
    """A record of a type we handle that cannot be decoded. Trying again cannot help."""


async def nobody(_consumer: str, _reason: str) -> None:
    """Tell nobody further: the log, the counters and the health page already say it."""


@dataclass(frozen=True)
class Plan:
    """What a lane does. `urgent`: it neither parks nor stops, and what it cannot read goes to `from_headers`."""

    consumer: str
    handlers: Mapping[type[Event], Handler]
    inbox: Inbox
    urgent: bool = False
    from_headers: FromHeaders | None = None
    on_stopped: OnStopped = nobody
    patience: float = 60.0


class Lane:
    """Handles batches of raw records for one consumer: one transaction each, or one per event when that fails."""

    def __init__(self, database: Database, plan: Plan) -> None:
        self.database = database
        self.plan = plan
        self.name = f"{database.service}.{plan.consumer}"
        self.window = FailureWindow()
        self.stopped = ""  # why, once it has stopped
        self._actor = service_actor(database.service)
        self._types: dict[str, tuple[type[Event], msgspec.json.Decoder[Event]]] = {
            event.TYPE: (event, msgspec.json.Decoder(event)) for event in plan.handlers
        }
        self._bases = {_base(event.TYPE) for event in plan.handlers}

    async def handle(self, records: Sequence[RawRecord]) -> None:
        """Handle a batch in log order. Returns when every record may be committed, raises when none may.

        Raises what passes by itself after `patience` seconds, and StoppedError when this lane has stopped.
        """
        if self.stopped:
            raise StoppedError(self.stopped)
        self._turn()
        arrivals = await self._known(records)
        if arrivals:
            await self._handle(arrivals)
            crash_point("after_batch_commit_before_kafka_commit")

    async def _handle(self, arrivals: Sequence[Arrival]) -> None:
        try:
            await self._patiently(lambda: self._together(arrivals))
        except Exception as error:  # logged, and every event then gets its own try
            if is_transient(error):
                raise
            self._warn("batch failed, handling its events one by one", error)
            await self._one_by_one(arrivals)
        else:
            self.window.add(failed=False, count=len(arrivals))

    # -- reading -----------------------------------------------------------------------------------

    async def _known(self, records: Sequence[RawRecord]) -> list[Arrival]:
        """Return the arrivals of types handled here. Unknown types are skipped and counted, other versions hold."""
        known = []
        for record in records:
            arrival = arrive(record)
            if arrival.type in self._types:
                known.append(arrival)
            elif _base(arrival.type) not in self._bases:
                counters["events_of_unknown_type"] += 1
            elif self.plan.urgent:
                known.append(arrival)  # unreadable for us: its headers alone must do
            else:
                await self._stop("held: an event of a version this release does not know", arrival)
        return known

    def _decode(self, arrival: Arrival) -> tuple[bytes, type[Event], Envelope[Any]]:
        kind, decoder = self._types.get(arrival.type, (None, None))
        if kind is None or decoder is None or arrival.id is None or arrival.record.value is None:
            raise UnreadableError(arrival.type)
        try:
            event = decoder.decode(arrival.record.value)
        except msgspec.MsgspecError:
            # Its message quotes the value; only our own class may be seen.
            raise UnreadableError(arrival.type) from None
        return arrival.key, kind, arrival.envelope(event)

    # -- handling ----------------------------------------------------------------------------------

    async def _together(self, arrivals: Sequence[Arrival]) -> None:
        """Handle events in one transaction: inbox, parked keys, handlers in log order per key, outbox, commit."""
        if any(arrival.id is None for arrival in arrivals):
            raise UnreadableError
        plan = self.plan
        async with self.database.transaction(self._actor) as tx:
            await tx.connection.execute(_BY_KEYS)
            fresh = await plan.inbox.claim(tx, plan.consumer, arrivals)
            todo = []
            for each in arrivals:  # the same event may be in one batch twice
                if each.event_id in fresh:
                    fresh.discard(each.event_id)
                    todo.append(each)
            counters["events_seen_before"] += len(arrivals) - len(todo)
            todo = await self._set_aside(tx, todo)
            await self._apply(tx, todo)

    async def _set_aside(self, tx: Tx, arrivals: list[Arrival]) -> list[Arrival]:
        """Store what must not be handled now (too old to be known, or of a parked key) and return the rest."""
        plan, old = self.plan, self.plan.inbox.too_old(arrivals)
        if old:
            await parking.bury(tx, plan.consumer, old, Reason("TooOld"))
            arrivals = [each for each in arrivals if each not in old]
        if plan.urgent or not arrivals:
            return arrivals
        parked = await parking.parked(tx, plan.consumer, {each.key for each in arrivals})
        if not parked:
            return arrivals
        await parking.bury(
            tx, plan.consumer, [each for each in arrivals if each.key in parked], Reason(), state="waiting"
        )
        return [each for each in arrivals if each.key not in parked]

    async def _apply(self, tx: Tx, arrivals: Sequence[Arrival]) -> None:
        # By handler: types that share one come to it together, so that it loads and saves once.
        decoded = ((key, self.plan.handlers[kind], envelope) for key, kind, envelope in map(self._decode, arrivals))
        for handler, envelopes in group_by_type(decoded):
            first = envelopes[0]
            tx.cause = Cause(first.id, first.event.TYPE, republished=first.republished)
            await handler(tx, envelopes)

    async def _one_by_one(self, arrivals: Sequence[Arrival]) -> None:
        for arrival in arrivals:
            failed = await self._alone(arrival)
            self.window.add(failed=failed)
            if self.window.tripped and not self.plan.urgent:
                await self._stop("stopped: more than a fifth of the last events failed", arrival)

    async def _alone(self, arrival: Arrival) -> bool:
        """Handle one event in its own transaction; give it up after three failures. Returns whether it was."""
        attempts, failure = 0, Exception()
        while attempts < ATTEMPTS:
            attempts += 1
            try:
                await self._patiently(lambda: self._together([arrival]))
            except Exception as error:  # kept: it goes into the dead letter, or to Kafka's client when it passes
                if is_transient(error):
                    raise
                failure = error
                if isinstance(error, UnreadableError):
                    break
            else:
                return False
        error_class, place = describe(failure)
        reason = Reason(error_class, place, attempts)
        counters["dead_letters"] += 1
        _log.error("event given up", extra=self._fields(arrival, reason))
        await self._patiently(lambda: self._give_up(arrival, reason))
        return True

    async def _give_up(self, arrival: Arrival, reason: Reason) -> None:
        try:
            await self._bury(arrival, reason, self.plan.from_headers if self.plan.urgent else None)
        except Exception as error:  # said loudly; the dead letter must be stored all the same
            if is_transient(error):
                raise
            _log.critical("an urgent event could not be acted on from its headers", extra=self._fields(arrival, reason))
            await self._bury(arrival, reason, None)

    async def _bury(self, arrival: Arrival, reason: Reason, from_headers: FromHeaders | None) -> None:
        consumer = self.plan.consumer
        async with self.database.transaction(self._actor) as tx:
            if arrival.id is not None and not await self.plan.inbox.claim(tx, consumer, [arrival]):
                return  # another member handled it meanwhile
            await parking.bury(tx, consumer, [arrival], reason)
            if not self.plan.urgent:
                await parking.park(tx, consumer, arrival.key)
            if from_headers is not None:
                tx.cause = Cause(arrival.id, arrival.type, republished=arrival.republished) if arrival.id else None
                await from_headers(tx, [arrival])

    # -- trying stored events again ----------------------------------------------------------------

    async def drain(self) -> int:
        """Try again what somebody asked to be tried, then what waited behind it. Returns how many were handled."""
        async with self.database.transaction(self._actor) as tx:
            keys = await parking.ready(tx, self.plan.consumer)
        done = 0
        for key, is_parked in keys:
            while await self._retry(key, is_parked=is_parked):
                self._turn()
                done += 1
        return done

    async def _retry(self, key: bytes, *, is_parked: bool) -> bool:
        letter, consumer = None, self.plan.consumer
        try:
            async with self.database.transaction(self._actor) as tx:
                letter = await parking.take(tx, consumer, key, is_parked=is_parked)
                if letter is None:
                    return False
                await self._apply(tx, [letter.arrival])
                await parking.finish(tx, consumer, letter)
        except Exception as error:  # logged, and noted at the event for whoever asked
            if letter is None or is_transient(error):
                raise
            reason = Reason(*describe(error))
            _log.warning("event failed again", extra=self._fields(letter.arrival, reason))
            async with self.database.transaction(self._actor) as tx:
                await parking.fail_again(tx, consumer, letter, reason)
            return False
        return True

    # -- telling -----------------------------------------------------------------------------------

    async def _patiently(self, work: Callable[[], Awaitable[None]]) -> None:
        await patiently(work, patience=self.plan.patience, waiting=self._turn)

    def _turn(self) -> None:
        health.beat(self.name)

    async def _stop(self, why: str, arrival: Arrival) -> None:
        """Stop this lane, say so loudly, and raise so that nothing of the batch is committed."""
        self.stopped = why
        health.trouble(self.name, why)
        counters["subscribers_stopped"] += 1
        _log.critical(why, extra=self._fields(arrival, Reason()))
        try:
            await self.plan.on_stopped(self.plan.consumer, why)
        except Exception as error:  # noqa: BLE001 - logged: stopping matters more than telling
            self._warn("nobody could be told that a subscriber stopped", error)
        raise StoppedError(why)

    def _warn(self, message: str, error: Exception) -> None:
        error_class, place = describe(error)
        fields = {"consumer": self.name, "error_class": error_class, "error_place": place}
        _log.warning(message, extra=fields)

    def _fields(self, arrival: Arrival, reason: Reason) -> dict[str, object]:
        return {
            "consumer": self.name,
            "topic": arrival.record.topic,
            "partition": arrival.record.partition,
            "offset": arrival.record.offset,
            "event_type": arrival.type,
            "event_id": str(arrival.id or ""),
            "error_class": reason.error_class,
            "error_place": reason.error_place,
        }


def _base(type_: str) -> str:
    """Return a type without its version: `caselight.case.opened` of `caselight.case.opened.v1`."""
    return type_.rpartition(".v")[0] or type_
