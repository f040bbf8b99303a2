"""The courier: claims messages, commits, sends them, and marks what became of them. Never a transaction over a send.

A kill after the claim sends the message when the claim has run out; a kill after the server took it sends it twice,
with the same Message-ID. So a page is told at least once, and the state behind it changes once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from services.notifications.delivery.limits import PersonalLimit
from services.notifications.delivery.message import Writer
from services.notifications.delivery.referrers import AwayError, Contacts
from services.notifications.delivery.smtp import LONGEST_SEND, Answer, Connections
from services.notifications.storage import deliveries
from services.notifications.storage.deliveries import Claimed, Outcome
from shared.access.actors import service_actor
from shared.messaging import health
from shared.messaging.failures import is_transient
from shared.storage.engines import Database
from shared.storage.tx import Tx
from shared.telemetry import counters, crash_point, describe, logger

OnLost = Callable[[Tx, Sequence[tuple[UUID, int]]], Awaitable[None]]

_CLAIM_LASTS = timedelta(seconds=LONGEST_SEND + 5)
# Other processes queue messages too, without being able to wake this one.
_LOOK_EVERY = 0.25
_WARM_EVERY = 30.0
_WARM = 4
_IN_HAND_EACH = 4
_DRAIN_SECONDS = LONGEST_SEND
_PAUSE_SECONDS = 1.0

# How long to wait before the next try, by what is sent, and when to stop trying.
_LONGEST_WAIT = {kind: timedelta(minutes=5) for kind in ("notice", "referrer", "feed")}
_LONGEST_WAIT_FOR_PAGES = timedelta(seconds=15)
_GIVE_UP_AFTER = timedelta(hours=24)

_log = logger("courier")


async def _nobody(_tx: Tx, _turns: Sequence[tuple[UUID, int]]) -> None:
    """Tell nobody: a courier without pages."""


@dataclass
class Courier:
    """Carries messages until cancelled. `on_lost` is told of turns of pages of which no message can arrive any more.

    `wake` it after a commit that queued messages, for the next look is up to 250 ms away.
    """

    database: Database
    writer: Writer
    connections: Connections
    on_lost: OnLost = _nobody
    limit: PersonalLimit = field(default_factory=PersonalLimit)
    contacts: Contacts | None = None

    def __post_init__(self) -> None:
        self.name = f"{self.database.service}.delivery"
        self._actor = service_actor(self.database.service)
        self._woken = asyncio.Event()
        self._in_hand: set[UUID] = set()
        self._sending: set[asyncio.Task[None]] = set()
        self._done: list[Outcome] = []

    def wake(self) -> None:
        """Say that messages may be due."""
        self._woken.set()

    async def run(self) -> None:
        """Carry messages; a database or mail server that is away is waited for. Drains before it ends."""
        warming = asyncio.create_task(self._keep_warm())
        try:
            while True:
                health.beat(self.name)
                more = await self._patiently()
                if not more:
                    await self._rest()
        finally:
            warming.cancel()
            await self._drain()
            health.gone(self.name)

    async def run_due(self) -> int:
        """Send everything that is due now and mark it; return how many messages were claimed. For tests."""
        total = 0
        while True:
            claimed = await self._turn()
            if not claimed and not self._sending and not self._done:
                return total
            total += claimed
            if self._sending:
                await asyncio.wait(self._sending)

    # -- one turn ----------------------------------------------------------------------------------

    async def _patiently(self) -> bool:
        """Take a turn; return whether another one is wanted at once."""
        try:
            room = self._room() + len(self._done)
            return 0 < room <= await self._turn()
        except Exception as error:  # logged; what passes by itself is waited for
            # A message was queued anew just while an older one was being put back: the next try sees it.
            if not is_transient(error) and not isinstance(error, IntegrityError):
                raise
            error_class, place = describe(error)
            _log.warning("deliveries interrupted", extra={"error_class": error_class, "error_place": place})
            await asyncio.sleep(_PAUSE_SECONDS)
            return True

    async def _turn(self) -> int:
        """Mark what is done and claim what is due, in one transaction; begin to send what was claimed."""
        self._woken.clear()
        done, room = list(self._done), self._room() + len(self._done)
        async with self.database.transaction(self._actor) as tx:
            if done:
                lost = await deliveries.mark(tx.connection, done)
                await self.on_lost(tx, lost)
            now = tx.now
            claimed = await deliveries.claim(tx.connection, room, now, now + _CLAIM_LASTS, list(self._in_hand))
        del self._done[: len(done)]
        self._in_hand -= {outcome.id for outcome in done}
        if claimed:
            crash_point("after_claim_before_smtp")
        self._begin(claimed, now)
        return len(claimed)

    def _room(self) -> int:
        """Return how many more messages may be in hand: some for each connection, so that none waits for a claim."""
        return max(0, _IN_HAND_EACH * self.connections.most - len(self._in_hand))

    def _begin(self, claimed: Sequence[Claimed], now: datetime) -> None:
        self._in_hand |= {each.id for each in claimed}
        bundles, waiting = self.limit.sort(claimed, now)
        self._done += [Outcome(each.id, "waiting", now, now + self.limit.every) for each in waiting]
        for bundle in bundles:
            task = asyncio.create_task(self._send(bundle))
            self._sending.add(task)
            task.add_done_callback(self._sent)

    async def _send(self, bundle: Sequence[Claimed]) -> None:
        answer = await self._hand_over(bundle)
        crash_point("after_smtp_before_mark")
        counters[f"messages_{answer.kind}"] += 1
        now = self.database.clock.now()
        self._done += [_outcome(each, answer, now) for each in bundle]

    async def _hand_over(self, bundle: Sequence[Claimed]) -> Answer:
        if bundle[0].kind in ("referrer", "student"):
            return await self._to_somebody(bundle[0])
        try:
            message = self.writer.write(bundle, self.database.clock.now())
        except Exception as error:  # noqa: BLE001 - logged; a page goes on to the next people at once, as if refused
            error_class, place = describe(error)
            _log.error("a message could not be made", extra={"error_class": error_class, "error_place": place})
            return Answer("refused", None, error_class)
        return await self._carry(bundle[0].address, message)

    async def _to_somebody(self, delivery: Claimed) -> Answer:
        """Ask where it goes, and send it there: the address is in our hands for this moment alone."""
        now, whose = self.database.clock.now(), UUID(delivery.person)
        try:
            if delivery.kind == "student":
                address = self.contacts and await self.contacts.of_student(whose, delivery.campus, now)
                return await self._write_to_student(delivery, address or "", now)
            contact = self.contacts and await self.contacts.of(whose, delivery.campus, now)
        except AwayError as error:
            _log.warning("intake is away, a notice waits", extra={"error_class": type(error).__name__})
            return Answer("later", None, "AwayError")
        if not contact:
            return Answer("unwanted")
        return await self._carry(contact.address, self.writer.to_referrer(delivery, contact, now))

    async def _write_to_student(self, delivery: Claimed, address: str, now: datetime) -> Answer:
        return (
            await self._carry(address, self.writer.to_student(delivery, address, now))
            if address
            else Answer("unwanted")
        )

    async def _carry(self, address: str, message: bytes) -> Answer:
        try:
            return await self.connections.send(self.writer.sender, address, message)
        except Exception as error:  # noqa: BLE001 - logged; tried again, where it would stay in hand for ever
            error_class, place = describe(error)
            _log.error("a message could not be sent", extra={"error_class": error_class, "error_place": place})
            return Answer("later", None, error_class)

    def _sent(self, task: "asyncio.Task[None]") -> None:
        self._sending.discard(task)
        self._woken.set()

    async def _rest(self) -> None:
        """Wait to be woken, by a commit that queued something or by a message that is done, or for the next look."""
        if not self._done:
            # Not wait_for: before Python 3.12 it swallows being cancelled at the moment of a commit.
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY):
                    await self._woken.wait()

    async def _drain(self) -> None:
        """Let what is being sent arrive, and mark it: otherwise it would be sent again by whoever comes after."""
        if self._sending:
            await asyncio.wait(self._sending, timeout=_DRAIN_SECONDS)
        if self._done:
            with suppress(Exception):  # the database is away: the claims run out, and the messages are sent again
                async with self.database.transaction(self._actor) as tx:
                    await self.on_lost(tx, await deliveries.mark(tx.connection, self._done))
        await self.connections.close()

    async def _keep_warm(self) -> None:
        while True:
            await self.connections.warm(_WARM)
            await asyncio.sleep(_WARM_EVERY)


def _outcome(delivery: Claimed, answer: Answer, now: datetime) -> Outcome:
    old = now - delivery.queued_at > _GIVE_UP_AFTER
    if answer.kind == "sent":
        return Outcome(delivery.id, "sent", now, now, answer.code)
    if answer.kind == "unwanted":
        return Outcome(delivery.id, "cancelled", now, now)
    if answer.kind == "refused" or old:
        return Outcome(delivery.id, "failed", now, now, answer.code, answer.error_class)
    longest = _LONGEST_WAIT.get(delivery.kind, _LONGEST_WAIT_FOR_PAGES)
    wait = min(timedelta(seconds=2.0 ** min(delivery.attempts - 1, 10)), longest)
    return Outcome(delivery.id, "waiting", now, now + wait, answer.code, answer.error_class)
