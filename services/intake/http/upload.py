"""A file as it streams in: read, checked and stored batch by batch, so that memory never grows with the file.

While one batch is being stored the next is read, in a thread, so that other requests are answered meanwhile. Each
batch is a transaction of its own: when the connection drops, whole batches are in, and sending the file again adds
what is missing.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo

from fastapi import Request
from starlette.requests import ClientDisconnect

from services.intake.domain.columns import Columns, Shape, columns_of
from services.intake.domain.delimited import Record, Records
from services.intake.domain.rejects import Reject
from services.intake.http.bodies import ImportView, RejectView
from services.intake.storage import imports
from services.intake.storage.imports import Counts, Import, TakenIn
from shared.access.actions import Action
from shared.access.actors import EVERYWHERE
from shared.access.decision import Resource, decide
from shared.ids import new_id
from shared.privacy.keys import KeyRing
from shared.program import load_program
from shared.refusal import Refused
from shared.storage.tx import Tx
from shared.web.gate import Door, Gate

# Each batch is a transaction. What it deletes and inserts meanwhile stays in the relay's way until it ends, and while
# its rows are worked out nothing else is answered: rows that cost much come in smaller batches.
BATCH = 4_000
_SHOWN = 20
# Python lets a thread go on for 5 ms before another has its turn, also one that has only to send the next statement.
_AT_ONCE = 100
_BREATH_S = 0.00005

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
Zones = Mapping[str, tzinfo]
Open = Callable[[], AbstractAsyncContextManager[Tx]]


class Reader(Protocol[R_co]):
    """Turns records into rows of one kind."""

    def read(self, records: Iterable[Record]) -> tuple[Sequence[R_co], list[Reject]]:
        """Return the good rows and the rejected ones."""
        ...


@dataclass(frozen=True)
class Kind(Generic[R]):
    """A kind of file: what its rows are and what is done with a batch of at most `batch` of them."""

    name: str
    action: Action
    shape: Shape
    reader: Callable[[Columns, Zones, datetime], Reader[R]]
    take_in: Callable[[Tx, KeyRing, Import, Sequence[R], Sequence[Reject]], Awaitable[TakenIn]]
    batch: int = BATCH


@dataclass(frozen=True)
class Begun:
    """An import that may go on: how to open each batch's transaction, and which campuses it may write for."""

    open: Open
    of: Import
    zones: Zones
    at: datetime


async def upload(
    request: Request,
    gate: Gate,
    keys: KeyRing,
    kind: Kind[R],
    *,
    source: str,
    dry_run: bool,
    afterwards: Callable[[Open, Import], Awaitable[int]] | None = None,
) -> ImportView:
    """Take in a file and say what became of it.

    `afterwards` runs when all of it is in and no row was rejected, for who stands in one is in the file all the same.
    What it counts is `vanished`.
    Raises Refused when the file as a whole cannot be read (nothing is changed then) or the connection drops.
    """
    file = Records()
    pieces = request.stream()
    await _first_line(file, pieces, (rows := list[Record]()))
    columns = columns_of(file.header, kind.shape)
    async with _begun(gate, kind, source, dry_run=dry_run) as begun:
        flow = Flow(kind, keys, begun, kind.reader(columns, begun.zones, begun.at), file)
        vanished = 0
        try:
            await flow.put(rows)
            async for piece in pieces:
                await flow.put(file.feed(piece))
            await flow.put(file.finish(), last=True)
            if afterwards is not None and not flow.rejected:
                vanished = await afterwards(begun.open, begun.of)
        except ClientDisconnect:
            await flow.settle()
            await _end(begun, "broken_off")
            raise Refused("broken_off", "The connection dropped; send the file again.", status=400) from None
        except Exception:  # told to the caller by the frame; here only the import learns how it ended
            await flow.abandon()
            if not dry_run:
                await _end(begun, "broken_off")
            raise
        finally:
            await flow.abandon()
        await _end(begun, "finished")
    return flow.view(dry_run=dry_run, vanished=vanished)


async def _first_line(file: Records, pieces: AsyncIterator[bytes], rows: list[Record]) -> None:
    """Read until the header is there, or the end."""
    async for piece in pieces:
        rows += file.feed(piece)
        if file.header:
            return
    rows += file.finish()


class Flow(Generic[R]):
    """One file on its way in: rows gather to batches, and one batch is stored while the next is read."""

    def __init__(self, kind: Kind[R], keys: KeyRing, begun: Begun, reader: Reader[R], file: Records) -> None:
        self._kind, self._keys, self._of, self._open = kind, keys, begun.of, begun.open
        self._reader, self._file = reader, file
        self._rows: list[Record] = []
        self._storing: asyncio.Task[None] | None = None
        self._counts = Counts()
        self._shown: list[Reject] = []

    @property
    def rejected(self) -> int:
        """How many rows did not go in so far."""
        return self._counts.rejected

    async def put(self, rows: Sequence[Record], *, last: bool = False) -> None:
        """Take in rows; whole batches go on their way. With `last`, everything does, and has arrived on return."""
        self._rows += rows
        size = self._kind.batch
        while len(self._rows) >= size:
            batch, self._rows = self._rows[:size], self._rows[size:]
            await self._send(batch)
        if last:
            batch, self._rows = self._rows, []
            await self._send(batch)
            await self.settle()

    async def settle(self) -> None:
        """Wait for the batch that is being stored."""
        storing, self._storing = self._storing, None
        if storing is not None:
            await storing

    async def abandon(self) -> None:
        """Let go of a batch that is being stored, if the request has failed."""
        storing, self._storing = self._storing, None
        if storing is not None:
            storing.cancel()
            with suppress(asyncio.CancelledError):
                await storing

    def view(self, *, dry_run: bool, vanished: int) -> ImportView:
        """Say what became of the file."""
        return ImportView(
            import_id=None if dry_run else self._of.import_id,
            dry_run=dry_run,
            rows=self._counts.rows,
            accepted=self._counts.accepted,
            unchanged=self._counts.unchanged,
            rejected=self._counts.rejected,
            referrals_made=self._counts.referrals_made,
            vanished=vanished,
            rejects=[RejectView.of(reject) for reject in self._shown],
        )

    async def _send(self, batch: Sequence[Record]) -> None:
        unread, self._file.rejects = self._file.rejects, []
        rows, wrong = await asyncio.to_thread(self._read, batch)
        await self.settle()
        self._storing = asyncio.create_task(self._store(rows, [*unread, *wrong]))

    def _read(self, batch: Sequence[Record]) -> tuple[list[R], list[Reject]]:
        """Read a batch in a thread, some rows at a time, so that storing the one before need not wait for its turn."""
        rows, wrong = list[R](), list[Reject]()
        for start in range(0, len(batch), _AT_ONCE):
            these, unfit = self._reader.read(batch[start : start + _AT_ONCE])
            rows += these
            wrong += unfit
            time.sleep(_BREATH_S)
        return rows, wrong

    async def _store(self, rows: Sequence[R], unreadable: Sequence[Reject]) -> None:
        if not rows and not unreadable:
            return
        async with self._open() as tx:
            taken = await self._kind.take_in(tx, self._keys, self._of, rows, unreadable)
        self._counts += taken.counts
        self._shown += taken.rejects[: _SHOWN - len(self._shown)]


@asynccontextmanager
async def _begun(gate: Gate, kind: Kind[R], source: str, *, dry_run: bool) -> AsyncIterator[Begun]:
    """Decide whether the caller may import, and for which campuses; yield how to open each batch's transaction.

    A dry run does all of the work in one transaction, and takes it back at the end: what it says is what would be.
    """
    if not dry_run:
        async with gate.begin() as door:
            zones, campus = await _permitted(door, kind, source)
            of = Import(new_id(), campus, kind.name, source)
            await imports.start(door, of)
            now = door.now
        yield Begun(gate.begin, of, zones, now)
        return
    async with gate.begin() as door:
        zones, campus = await _permitted(door, kind, source)
        of = Import(new_id(), campus, kind.name, source)
        trial = Tx(connection=door.connection, actor=door.actor, now=door.now, service=door.service)

        @asynccontextmanager
        async def same() -> AsyncIterator[Tx]:
            yield trial

        everything = await door.connection.begin_nested()
        try:
            await imports.start(trial, of)
            yield Begun(same, of, zones, door.now)
        finally:
            await everything.rollback()


async def _permitted(door: Door, kind: Kind[R], source: str) -> tuple[Zones, str]:
    """Return the campuses the caller may import for, with their zones, and whose the import is; audited."""
    program = await load_program(door.connection)

    def may(campus: str) -> bool:
        return decide(door.actor, kind.action, Resource("import", campus=campus), door.now).allow

    zones = {code: ZoneInfo(campus.zone) for code, campus in program.campuses.items() if may(code)}
    everywhere = may(EVERYWHERE)
    for campus in [EVERYWHERE] if everywhere else sorted(zones) or [""]:
        await door.allow(kind.action, Resource("import", campus=campus), filter=f"source={source}")
    return zones, EVERYWHERE if everywhere else min(zones)


async def _end(begun: Begun, state: str) -> None:
    async with begun.open() as tx:
        await imports.end(tx, begun.of.import_id, state)
