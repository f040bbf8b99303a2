"""Take in what a feed sends: each item becomes a row by the feed's mapping, or is set aside with its reason.

    delivery = await begin(tx, feed)
    results = await receive(tx, keys, delivery, items)     # what came as JSON, one value an item
    results = await store(tx, keys, delivery, read_rows(delivery, sheet, records))     # what came as a table
    await finish(tx, delivery)

One transaction for a request; for a file one for each batch. Nothing is lost: an item is stored, known already, not
wanted by the mapping, or in quarantine, when the transaction commits.
"""

import csv
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from io import StringIO
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from services.intake.domain.columns import Columns, columns_of
from services.intake.domain.decoders.parts import Item, Unread
from services.intake.domain.delimited import Record
from services.intake.domain.feeds import CHANNEL_OF, Aside, Brings, Feed, Result, aside
from services.intake.domain.flag_rows import FlagReader
from services.intake.domain.mapping import ColumnsMissing, Compiled, RowCells, compiled
from services.intake.domain.referral_rows import ReferralReader
from services.intake.domain.rejects import RAW_LIMIT, BadCell, Reject
from services.intake.domain.roster_rows import RosterReader
from services.intake.storage import feeds, imports, quarantine
from services.intake.storage.imports import Import, TakenIn
from services.intake.usecases.import_flags import import_flags
from services.intake.usecases.import_referrals import import_referrals
from services.intake.usecases.import_roster import import_roster
from services.intake.usecases.note_activity import note_activity
from shared.access.actors import EVERYWHERE
from shared.ids import new_id
from shared.privacy.keys import KeyRing
from shared.program import load_program
from shared.refusal import Refused
from shared.storage.tx import Tx

Zones = Mapping[str, tzinfo]


class Reader(Protocol):
    """Turns records into rows of one kind."""

    def read(self, records: Iterable[Record]) -> tuple[Sequence[Any], list[Reject]]:
        """Return the good rows and the rejected ones."""
        ...


_READERS: Mapping[Brings, Callable[[Columns, Zones, datetime], Reader]] = {
    "flags": FlagReader,
    "referrals": ReferralReader,
    "roster": lambda columns, zones, _now: RosterReader(columns, zones),
}
_TAKE_IN: Mapping[Brings, Callable[..., Any]] = {
    "flags": import_flags,
    "referrals": import_referrals,
    "roster": import_roster,
}


# The loop that takes files in. A large one takes longer than a loop may stand still: each step says that it goes on.
LOOP = "drops"
_UNREADABLE = BadCell("", "the table cannot be read", "")
# What is done with items that are set aside: kept, counted as waiting still when they are replayed, shown in a trial.
Keep = Callable[[Tx, KeyRing, Mapping[int, Aside]], Awaitable[None]]


@dataclass
class Delivery:
    """What a feed sends at once, being taken in. `skipped` and `new_columns` gather while it is."""

    feed: Feed
    of: Import
    mapping: Compiled
    reader: Reader
    keep: Keep
    skipped: int = 0
    new_columns: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Sheet:
    """A table of a delivery: its heading, its name where there are several, and what makes cells of a row.

    `missing` is why none of its rows can be read.
    """

    header: Sequence[str]
    name: str
    cells: RowCells | None
    missing: BadCell | None = None

    def place(self, line: int) -> str:
        """Say where a row stands."""
        return f"{self.name} line {line}" if self.name else f"line {line}"

    def read(self, row: list[str]) -> list[str] | None:
        """Return what the mapping makes of a row. Raises BadCell."""
        if self.cells is None:
            raise self.missing or _UNREADABLE
        if len(row) != len(self.header):
            raise BadCell("", "another number of cells than columns", f"{len(self.header)} cells")
        return self.cells(row)


async def begin(tx: Tx, feed: Feed, digest: bytes | None = None) -> Delivery:
    """Begin a delivery of a feed, to be read by the mapping in use. Raises Refused when the feed takes nothing now."""
    if feed.state != "active":
        raise Refused("feed_not_active", "This feed is not active. Its owner can say why.", status=409)
    mapping = await mapping_of(tx, feed, feed.mapping_version)
    return await begin_with(tx, feed, mapping, digest=digest)


async def begin_with(
    tx: Tx, feed: Feed, mapping: Compiled, *, digest: bytes | None = None, keep: Keep | None = None
) -> Delivery:
    """Begin a delivery read by this mapping, whatever state the feed is in; `keep` is for trials and replays."""
    channel = CHANNEL_OF.get(feed.kind, "webhook")
    of = Import(new_id(), feed.campus, feed.brings, feed.code, feed.feed_id, feed.mapping_version, channel)
    await imports.start(tx, of, digest)

    async def in_quarantine(tx: Tx, keys: KeyRing, asides: Mapping[int, Aside]) -> None:
        await quarantine.keep(tx, keys, of, list(asides.values()))

    columns = columns_of(mapping.names, mapping.shape)
    reader = _READERS[mapping.brings](columns, await zones_of(tx, feed), tx.now)
    return Delivery(feed, of, mapping, reader, keep or in_quarantine)


async def finish(tx: Tx, delivery: Delivery, state: str = "finished") -> None:
    """Note how a delivery ended: `finished`, or `broken_off` with what was taken in before."""
    await feeds.end_delivery(tx, delivery.of.import_id, state, delivery.skipped, sorted(delivery.new_columns))


async def mapping_of(tx: Tx, feed: Feed, version: int) -> Compiled:
    """Return a version of a feed's mapping, ready to read. Raises Refused (409) where there is none."""
    document = await feeds.mapping(tx.connection, feed.feed_id, version)
    if document is None:
        raise Refused("no_mapping", "This feed has no such version of its mapping.", status=409)
    return compiled(document, feed.campus)


async def zones_of(tx: Tx, feed: Feed) -> Zones:
    """Return the campuses a feed may bring something for, each with its time zone."""
    program = await load_program(tx.connection)
    return {
        code: ZoneInfo(campus.zone) for code, campus in program.campuses.items() if feed.campus in (EVERYWHERE, code)
    }


async def receive(tx: Tx, keys: KeyRing, delivery: Delivery, items: Sequence[Item]) -> list[Result]:
    """Take items in and say what became of each, in order. A fixed number of statements."""
    return await store(tx, keys, delivery, read_items(delivery, items))


def read_items(delivery: Delivery, items: Sequence[Item]) -> "Read":
    """Read items of JSON by the mapping, without storing anything."""
    read = Read([item.place for item in items], lambda number, bad: _json_aside(items[number], bad))
    cells, made = delivery.mapping.of_json(), list[Record]()
    for number, item in enumerate(items):
        if isinstance(item, Unread):
            read.aside[number] = Aside(item.place, item.code, "", item.reason, "", "json", item.raw, item.whole)
            continue
        try:
            row = cells(item.value, item.event_id)
        except BadCell as bad:
            read.aside[number] = _json_aside(item, bad)
            continue
        if row is None:
            read.skipped.add(number)
        else:
            made.append((number, row))
    return read.finish(delivery, made)


def sheet_of(delivery: Delivery, header: Sequence[str], name: str = "") -> Sheet:
    """Read the heading of a table. One that lacks columns makes a sheet all of whose rows are set aside."""
    try:
        cells, strangers = delivery.mapping.of_csv(header)
    except ColumnsMissing as missing:
        return Sheet(header, name, None, missing.bad)
    delivery.new_columns.update(strangers)
    return Sheet(header, name, cells)


def read_rows(delivery: Delivery, sheet: Sheet, records: Sequence[Record], unread: Sequence[Reject] = ()) -> "Read":
    """Read rows of a table by the mapping, without storing anything: what takes the time of a large file.

    `unread` are lines that never became rows.
    """
    lines = dict(records)
    places = {line: sheet.place(line) for line in (*lines, *(reject.row for reject in unread))}
    read = Read(places, lambda line, bad: aside(places[line], bad, "csv", csv_of(sheet.header, lines[line])))
    for reject in unread:
        bad = BadCell(reject.column, reject.reason, reject.accepted)
        # Under its heading, so that whoever mends it sees what should stand where.
        raw, whole = csv_of(sheet.header) + reject.raw.encode(), len(reject.raw) < RAW_LIMIT
        read.aside[reject.row] = aside(places[reject.row], bad, "csv", raw, whole=whole)
    made = list[Record]()
    for line, row in records:
        try:
            cells = sheet.read(row)
        except BadCell as bad:
            read.aside[line] = read.set_aside(line, bad)
            continue
        if cells is None:
            read.skipped.add(line)
        else:
            made.append((line, cells))
    return read.finish(delivery, made)


async def store(tx: Tx, keys: KeyRing, delivery: Delivery, read: "Read") -> list[Result]:
    """Store what was read, set aside what was not, and say what became of each, in order."""
    of = delivery.of
    taken = await _taken(tx, keys, delivery, read.rows)
    for reject in taken.rejects:
        read.aside[reject.row] = read.set_aside(reject.row, _bad(delivery.mapping, reject))
    delivery.skipped += len(read.skipped)
    more = len(read.aside) - len(taken.rejects)
    if more or read.skipped:
        await imports.add(tx, of.import_id, imports.Counts(rows=more + len(read.skipped), rejected=more))
    await delivery.keep(tx, keys, read.aside)
    return read.results(taken)


async def _taken(tx: Tx, keys: KeyRing, delivery: Delivery, rows: Sequence[Any]) -> TakenIn:
    if delivery.mapping.clears:
        return await note_activity(tx, delivery.of, rows, delivery.mapping.clears)
    taken: TakenIn = await _TAKE_IN[delivery.mapping.brings](tx, keys, delivery.of, rows, [])
    return taken


def csv_of(*rows: Sequence[str]) -> bytes:
    """Return rows as a table: a row under its heading can be read alone."""
    file = StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue().encode("utf-8", "surrogateescape")


@dataclass
class Read:
    """Items as far as they can be judged without the database. They are known by their numbers.

    `made` are the cells that the mapping made, `rows` what they say. `set_aside` says how one is kept that cannot be
    taken after all.
    """

    places: Sequence[str] | Mapping[int, str]
    set_aside: Callable[[int, BadCell], Aside]
    made: Sequence[Record] = ()
    rows: Sequence[Any] = ()
    aside: dict[int, Aside] = field(default_factory=dict)
    skipped: set[int] = field(default_factory=set)

    def finish(self, delivery: Delivery, made: Sequence[Record]) -> "Read":
        """Read the cells that the mapping made as rows of their kind."""
        self.made = made
        self.rows, unfit = delivery.reader.read(made)
        for reject in unfit:
            self.aside[reject.row] = self.set_aside(reject.row, _bad(delivery.mapping, reject))
        return self

    def judged(self) -> list[Result]:
        """Say what would become of each, as far as the mapping decides it."""
        return self.results(TakenIn(imports.Counts(), []))

    def results(self, taken: TakenIn) -> list[Result]:
        """Say what became of each."""
        numbered = self.places.items() if isinstance(self.places, Mapping) else enumerate(self.places)
        return [self._result(number, place, taken) for number, place in numbered]

    def _result(self, number: int, place: str, taken: TakenIn) -> Result:
        if (left := self.aside.get(number)) is not None:
            return Result(place, "quarantined", left.code, left.column, left.reason, left.accepted)
        if number in self.skipped:
            return Result(place, "skipped")
        reference = taken.references.get(number, "")
        if number in taken.again:
            return Result(place, "unchanged", reference=reference)
        return Result(place, "merged" if number in taken.merged else "accepted", reference=reference)


def _bad(mapping: Compiled, reject: Reject) -> BadCell:
    """Name the place in the item that the field was read from: its sender knows no field of ours."""
    place = next((spec.place for spec in mapping.specs if spec.name == reject.column), reject.column)
    return BadCell(place, reject.reason, reject.accepted)


def _json_aside(item: Item, bad: BadCell) -> Aside:
    return aside(item.place, bad, "json", item.raw)
