"""Read again what was set aside: by the mapping in use now, from what it said or was mended to say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from services.intake.domain.decoders.parts import Item, Unread
from services.intake.domain.decoders.rereading import item_of
from services.intake.domain.delimited import Records
from services.intake.domain.feeds import Aside, Feed
from services.intake.domain.rejects import Reject
from services.intake.storage import quarantine
from services.intake.storage.quarantine import Chosen, Waiting
from services.intake.usecases.receive_delivery import (
    Delivery,
    Read,
    begin_with,
    finish,
    mapping_of,
    read_items,
    read_rows,
    sheet_of,
    store,
)
from services.intake.usecases.understand_events import understand
from shared.privacy.keys import KeyRing
from shared.refusal import Refused
from shared.storage.tx import Tx

AT_ONCE = 500
NONE_BEFORE = UUID(int=0)


class Replayed(NamedTuple):
    """What became of items that were read again. `last` is where to go on; None when these were all."""

    replayed: int
    still: int
    last: UUID | None


@dataclass
class _Still:
    """What could not be read again: it waits already, and is not kept twice."""

    items: Sequence[Waiting] = ()
    asides: dict[UUID, Aside] = field(default_factory=dict)

    async def note(self, _tx: Tx, _keys: KeyRing, asides: Mapping[int, Aside]) -> None:
        """Do what is done with items that a delivery sets aside."""
        self.asides |= {self.items[number].item_id: each for number, each in asides.items()}


async def replay(tx: Tx, keys: KeyRing, feed: Feed, chosen: Chosen, after: UUID = NONE_BEFORE) -> Replayed:
    """Read items again, some at a time, and take in those that can be read now. The others wait on.

    What was taken in meanwhile in another way is there already: nothing is made twice.
    """
    if feed.state == "retired":
        raise Refused("feed_retired", "This feed has ended; what it set aside can only be discarded.", status=409)
    waiting = await quarantine.take(tx, keys, feed, chosen, after=after, count=AT_ONCE, readable=True)
    if not waiting:
        return Replayed(0, 0, None)
    mapping, still = await mapping_of(tx, feed, feed.mapping_version), _Still()
    delivery = await begin_with(tx, feed, mapping, keep=still.note)
    values = [item for item in waiting if item.form == "json"]
    again = await understand(tx, feed, [_again(delivery, item) for item in values])
    for items, read in _readings(delivery, waiting, (values, again)):
        still.items = items
        await store(tx, keys, delivery, read)
    await finish(tx, delivery)
    done = [item.item_id for item in waiting if item.item_id not in still.asides]
    await quarantine.decide(tx, done, "replayed", "", delivery.of.import_id)
    await quarantine.still(tx, still.asides, feed.mapping_version)
    return Replayed(len(done), len(still.asides), _last(waiting))


async def discard(
    tx: Tx, keys: KeyRing, feed: Feed, chosen: Chosen, reason: str, *, after: UUID = NONE_BEFORE
) -> Replayed:
    """Decide that items will never be taken in, and why. They are kept, and do not wait any more."""
    waiting = await quarantine.take(tx, keys, feed, chosen, after=after, count=AT_ONCE)
    await quarantine.decide(tx, [item.item_id for item in waiting], "discarded", reason)
    return Replayed(len(waiting), 0, _last(waiting))


def _last(waiting: Sequence[Waiting]) -> UUID | None:
    return None if quarantine.are_all(waiting, AT_ONCE) else waiting[-1].item_id


def _readings(
    delivery: Delivery, waiting: Sequence[Waiting], json: tuple[Sequence[Waiting], Sequence[Item]]
) -> Iterator[tuple[Sequence[Waiting], Read]]:
    """Yield items that can be read together, each known by its place among them: JSON, and rows by their heading."""
    values, again = json
    if values:
        yield values, read_items(delivery, again)
    rows: dict[tuple[str, ...], list[tuple[Waiting, Records, list[list[str]]]]] = {}
    for item in waiting:
        if item.form == "csv":
            records = Records()
            found = [*records.feed(item.raw), *records.finish()]
            rows.setdefault(tuple(records.header), []).append((item, records, [cells for _, cells in found]))
    for header, together in rows.items():
        yield [item for item, _, _ in together], _rows(delivery, header, together)


def _again(delivery: Delivery, item: Waiting) -> Item:
    try:
        return item_of(delivery.feed.kind, item.place, item.raw)
    except Refused as refused:  # it still is no JSON: it waits on, with what is wrong with it now
        return Unread(item.place, refused.code, refused.detail, item.raw)


def _rows(
    delivery: Delivery, header: tuple[str, ...], together: Sequence[tuple[Waiting, Records, list[list[str]]]]
) -> Read:
    """Read items of one heading. One that was mended to be several rows, or none, waits on."""
    sheet = sheet_of(delivery, header)
    good = [(number, cells[0]) for number, (_, _, cells) in enumerate(together) if len(cells) == 1]
    unread = [
        _unread(number, records, item) for number, (item, records, cells) in enumerate(together) if len(cells) != 1
    ]
    return read_rows(delivery, sheet, good, unread)


def _unread(number: int, records: Records, item: Waiting) -> Reject:
    said = records.rejects[0] if records.rejects else None
    reason, accepted = (said.reason, said.accepted) if said else ("not one row", "a heading, and one row under it")
    return Reject(number, "", reason, accepted, item.raw.decode("utf-8", "backslashreplace"))
