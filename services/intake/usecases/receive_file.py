"""Take in a file of a feed: unpacked, read and stored piece by piece, so that memory never grows with the file.

While one batch is stored the next is read, in a thread. Each batch is a transaction of its own: what a dying process
had stored is there already when the file is read again.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import BinaryIO

from services.intake.domain.decoders import pushed
from services.intake.domain.decoders.archives import Member, members, whole
from services.intake.domain.delimited import Record, Records
from services.intake.domain.feeds import Aside, Feed
from services.intake.storage import feed_health, feeds, quarantine
from services.intake.usecases.receive_delivery import (
    LOOP,
    Delivery,
    Read,
    begin,
    finish,
    read_items,
    read_rows,
    sheet_of,
    store,
)
from services.intake.usecases.receive_roster import take_roster
from shared.access.actors import service_actor
from shared.messaging import health
from shared.privacy.keys import KeyRing
from shared.refusal import Refused
from shared.storage.engines import Database
from shared.storage.tx import Tx

BATCH = 4_000
ITEMS_AT_ONCE = 1_000
# A referral is screened word by word and costs many times what a flag does.
REFERRALS_AT_ONCE = 500
LARGEST_JSON = 64 * 1024 * 1024
# Of a file that cannot be read as a whole; the file itself stays in its folder of rejected ones.
_BEGINNING = 64 * 1024

_FAILS = Refused(
    "file_fails",
    "Taking this file in fails each time, for a reason of ours: the operators find it in the log. Drop it again once"
    " they have mended it.",
)

# What reads the files of a kind of feed. Raises Refused for a file that cannot be read as a whole.
TakeFile = Callable[[Database, KeyRing, Delivery, BinaryIO, str], Awaitable[None]]


async def receive_file(
    database: Database, keys: KeyRing, feed: Feed, file: BinaryIO, *, name: str, digest: bytes
) -> str:
    """Take in a file and say what became of it: `taken`, `again` when it came before, or `rejected`.

    A file that cannot be read as a whole is set aside with its reason; what was read of it before stays. One that came
    before, and was read by the same mapping, is counted and not read again.
    """
    actor = service_actor(database.service)
    async with database.transaction(actor) as tx:
        await feeds.break_off(tx, feed)
        before = await feeds.seen(tx.connection, feed, digest)
        delivery = await begin(tx, feed, digest)
        if before is not None:
            await finish(tx, delivery)
            return "again"
    try:
        await TAKES[feed.kind](database, keys, delivery, file, name)
    except Refused as refused:  # told to the feed's owner: it waits in quarantine
        async with database.transaction(actor) as tx:
            await _reject(tx, keys, delivery, _whole(file, name, refused))
        return "rejected"
    async with database.transaction(actor) as tx:
        await finish(tx, delivery)
    return "taken"


async def set_file_aside(
    database: Database, keys: KeyRing, feed: Feed, file: BinaryIO, *, name: str, digest: bytes
) -> str:
    """Give up on a file that fails each time it is read, and tell its owner; what was read of it before stays."""
    async with database.transaction(service_actor(database.service)) as tx:
        await feeds.break_off(tx, feed)
        await _reject(tx, keys, await begin(tx, feed, digest), _whole(file, name, _FAILS))
    return "rejected"


async def _reject(tx: Tx, keys: KeyRing, delivery: Delivery, aside: Aside) -> None:
    await quarantine.keep(tx, keys, delivery.of, [aside])
    await feed_health.refuse(tx, delivery.feed, aside.code, aside.reason)
    await finish(tx, delivery, "broken_off")


def _whole(file: BinaryIO, name: str, refused: Refused) -> Aside:
    """Return what is kept of a file that is set aside as a whole; the file itself is in its folder."""
    file.seek(0)
    return Aside(name[-120:], refused.code, "", refused.detail, "", "bytes", file.read(_BEGINNING))


async def take_readings(database: Database, keys: KeyRing, delivery: Delivery, readings: Iterator[Read]) -> None:
    """Store what is read, one batch while the next is read."""
    actor = service_actor(database.service)

    async def keep(read: Read) -> None:
        health.at_work(f"{database.service}.{LOOP}")
        async with database.transaction(actor) as tx:
            await store(tx, keys, delivery, read)

    storing: asyncio.Task[None] | None = None
    try:
        while (read := await asyncio.to_thread(next, readings, None)) is not None:
            if storing is not None:
                await storing
            storing = asyncio.create_task(keep(read))
        if storing is not None:
            await storing
    except Refused:
        # The file breaks off here. What was read of it before stays, also what is just being stored.
        if storing is not None:
            await storing
        raise
    finally:
        if storing is not None and not storing.done():
            storing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await storing


async def _take_tables(database: Database, keys: KeyRing, delivery: Delivery, file: BinaryIO, name: str) -> None:
    await take_readings(database, keys, delivery, _readings(delivery, file, name))


# A kind whose files are more than tables or lists brings what reads them.
TAKES: dict[str, TakeFile] = {"file_drop": _take_tables, "oneroster": take_roster}


def _readings(delivery: Delivery, file: BinaryIO, name: str) -> Iterator[Read]:
    for member in members(file, name):
        shown = "" if member.name == name.removesuffix(".gz") else member.name
        if delivery.mapping.reads == "json":
            yield from _items(delivery, member, shown)
        else:
            yield from _rows(delivery, member, shown)


def _rows(delivery: Delivery, member: Member, shown: str) -> Iterator[Read]:
    records, rows, sheet = Records(), list[Record](), None
    most = REFERRALS_AT_ONCE if delivery.feed.brings == "referrals" else BATCH
    for piece in _with_end(member.pieces):
        rows += records.finish() if piece is None else records.feed(piece)
        if sheet is None and records.header:
            sheet = sheet_of(delivery, records.header, shown)
        if sheet is None and len(records.rejects) >= most:
            break
        # Lines that are no rows are stored in batches as well: a file may hold nothing else.
        while sheet is not None and (
            max(len(rows), len(records.rejects)) >= most or (piece is None and (rows or records.rejects))
        ):
            batch, rows = rows[:most], rows[most:]
            unread, records.rejects = records.rejects[:most], records.rejects[most:]
            yield read_rows(delivery, sheet, batch, unread)
    if sheet is None and records.rejects:
        raise Refused("no_heading", "No line of it can be read as a heading. Look at what writes it.", status=422)
    if sheet is None:
        raise Refused("empty_file", "The file is empty.", status=422)


def _items(delivery: Delivery, member: Member, shown: str) -> Iterator[Read]:
    lines = member.name.endswith((".ndjson", ".jsonl"))
    data = whole(member, LARGEST_JSON)
    items = pushed.decode(data, pushed.LINES if lines else "", most=None, within=shown)
    most = REFERRALS_AT_ONCE if delivery.feed.brings == "referrals" else ITEMS_AT_ONCE
    for start in range(0, len(items), most):
        yield read_items(delivery, items[start : start + most])


def _with_end(pieces: Iterator[bytes]) -> Iterator[bytes | None]:
    yield from pieces
    yield None
