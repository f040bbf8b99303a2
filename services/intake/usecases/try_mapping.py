"""Try a mapping on a sample: what it reads, and in a dry run what would become of it. Nothing is left behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.intake.domain.decoders.parts import Unread
from services.intake.domain.decoders.pushed import decode
from services.intake.domain.decoders.rereading import item_of
from services.intake.domain.delimited import Records
from services.intake.domain.feeds import Aside, Feed, Result
from services.intake.domain.mapping import Compiled
from services.intake.usecases.receive_delivery import Delivery, Read, begin_with, read_items, read_rows, sheet_of, store
from shared.privacy.keys import KeyRing
from shared.refusal import Refused
from shared.storage.tx import Tx

MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Trial:
    """What a mapping makes of a sample: the first rows with their fields, what is set aside, and headings not known.

    In a dry run `results` also say what is there already and what the roster does not know.
    """

    rows: Sequence[Mapping[str, str]]
    results: Sequence[Result]
    new_columns: Sequence[str]
    dry_run: bool


async def try_mapping(
    tx: Tx, keys: KeyRing, feed: Feed, mapping: Compiled, sample: bytes, *, dry_run: bool = False
) -> Trial:
    """Read a sample by a mapping. All that a dry run does is taken back before this returns."""
    trial = Tx(connection=tx.connection, actor=tx.actor, now=tx.now, service=tx.service)
    everything = await tx.connection.begin_nested()
    try:
        delivery = await begin_with(trial, feed, mapping, keep=_nowhere)
        read = read_sample(delivery, sample)
        rows = [_named(mapping, cells) for _, cells in read.made[:MOST_SHOWN]]
        results = await store(trial, keys, delivery, read) if dry_run else read.judged()
    finally:
        await everything.rollback()
    return Trial(rows, results, sorted(delivery.new_columns), dry_run)


def read_sample(delivery: Delivery, sample: bytes) -> Read:
    """Read a sample as its feed's deliveries would be. Raises Refused (422) when it is no sample at all."""
    if delivery.mapping.reads == "json":
        items = decode(sample)
        # Formats with a decoder of their own say more of an event than stands in it.
        return read_items(delivery, [each if isinstance(each, Unread) else _event(delivery, each) for each in items])
    records = Records()
    rows = [*records.feed(sample), *records.finish()]
    if not records.header:
        raise Refused("empty_file", "The sample is empty.", status=422, pointer="/body/sample")
    return read_rows(delivery, sheet_of(delivery, records.header), rows, records.rejects)


def _event(delivery: Delivery, part: Any) -> Any:  # noqa: ANN401 - an item
    return item_of(delivery.feed.kind, part.place, part.raw)


def _named(mapping: Compiled, cells: Sequence[str]) -> Mapping[str, str]:
    return {name: cell for name, cell in zip(mapping.names, cells, strict=True) if cell}


async def _nowhere(_tx: Tx, _keys: KeyRing, _asides: Mapping[int, Aside]) -> None:
    """What a trial sets aside is shown, and not kept."""
