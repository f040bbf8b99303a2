"""Take in a batch of a flag file: what is new is stored, counted and published; what is there changes nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.intake.domain.flag_rows import FlagRow
from services.intake.domain.rejects import BadCell, Reject
from services.intake.domain.threshold import Signal
from services.intake.storage import flags, imports, students
from services.intake.storage.flags import Counted, Known, Place
from services.intake.storage.imports import Counts, Import
from services.intake.usecases import count_flags
from shared.events.flags import FlagRaised
from shared.ids import derived_id, new_ids
from shared.privacy.keys import KeyRing
from shared.privacy.text import Clear, seal_all
from shared.program import load_program
from shared.storage.tx import Tx

COMMENT = "flag.comment"

_REUSED = BadCell(
    "alert_id",
    "this id came before with other content: a flag is a fact and is not overwritten",
    "an id of its own for each flag",
)

_NOBODYS = BadCell(
    "student_email",
    "no student of the roster has this address, or more than one has",
    "an address that one student has, or the student's id; import the roster and send the row again",
)


@dataclass
class Sorting:
    """The rows of a batch, sorted by what has to be done with them."""

    fresh: list[FlagRow] = field(default_factory=list)
    cleared: dict[UUID, datetime] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    unchanged: int = 0


class NewFlag(NamedTuple):
    """A flag to store: its id, what the file says, and whose it is, if that is known."""

    flag_id: UUID
    row: FlagRow
    owner: UUID | None


async def import_flags(
    tx: Tx, keys: KeyRing, of: Import, rows: Sequence[FlagRow], unreadable: Sequence[Reject]
) -> tuple[Counts, list[Reject]]:
    """Take in a batch and return what became of it. `unreadable` are rows that never became flags.

    A flag that its source sends again is unchanged; with other content it is rejected, because it may have been
    counted already. Only that it was cleared may come later. A fixed number of statements.
    """
    program = await load_program(tx.connection)
    await flags.lock(tx.connection)
    sorting = await sort(tx, of, rows)
    owned = await _owned(tx, sorting)
    ids = new_ids(len(owned))
    new = [NewFlag(id_, *each) for id_, each in zip(ids, owned, strict=True)]
    await flags.clear(tx.connection, sorting.cleared)
    found = await count_flags.find(tx, program, _by_place(new))
    await _store(tx, keys, of, new, found.counted)
    await flags.count(tx.connection, _earlier(found.counted, ids))
    await count_flags.keep_found(tx, keys, program, found)
    rejects = [*unreadable, *sorting.rejects]
    await imports.keep_rejects(tx, keys, of, rejects)
    counts = Counts(
        rows=len(rows) + len(unreadable),
        accepted=len(new) + len(sorting.cleared),
        unchanged=sorting.unchanged,
        rejected=len(rejects),
        referrals_made=len(found.received),
    )
    await imports.add(tx, of.import_id, counts)
    return counts, rejects


async def sort(tx: Tx, of: Import, rows: Sequence[FlagRow]) -> Sorting:
    """Sort a batch by what is there already. One statement, or two where the importer does not see every campus."""
    known = await flags.known(tx.connection, of.source, [row.source_key for row in rows])
    strange = [row.source_key for row in rows if row.source_key not in known]
    hidden = await imports.in_use(tx.connection, of, strange)
    sorting, met = Sorting(), dict[str, int]()
    for row in rows:
        there, place = known.get(row.source_key), met.get(row.source_key)
        if there is not None:
            _sort_known(sorting, row, there)
        elif row.source_key in hidden:
            sorting.rejects.append(_rejected(row, _REUSED))
        elif place is None:
            met[row.source_key] = len(sorting.fresh)
            sorting.fresh.append(row)
        else:
            _sort_again(sorting, row, place)
    return sorting


def _sort_known(sorting: Sorting, row: FlagRow, there: Known) -> None:
    if there.content != row.content:
        sorting.rejects.append(_rejected(row, _REUSED))
    elif row.cleared_at is not None and there.cleared_at is None:
        sorting.cleared[there.flag_id] = row.cleared_at
    else:
        sorting.unchanged += 1


def _sort_again(sorting: Sorting, row: FlagRow, place: int) -> None:
    """Sort a row whose flag came earlier in the batch, as the new one at this place."""
    before = sorting.fresh[place]
    if before.content != row.content:
        sorting.rejects.append(_rejected(row, _REUSED))
        return
    sorting.unchanged += 1
    if before.cleared_at is None:
        sorting.fresh[place] = before._replace(cleared_at=row.cleared_at)


def _rejected(row: FlagRow, why: BadCell) -> Reject:
    who = row.student_number or row.student_email
    return Reject.of(row.row, [row.source_key, row.campus, who, row.course, row.reason_code], why)


async def _owned(tx: Tx, sorting: Sorting) -> list[tuple[FlagRow, UUID | None]]:
    """Return the new flags with whose they are. A flag of a number that the roster does not have waits for the roster.

    Addresses are not kept with flags, so one that is nobody's could never be found again: its row is rejected.
    """
    rows = sorting.fresh
    by_number = await students.ids_by_number(tx.connection, (row.student_number for row in rows))
    by_email = await students.ids_by_email(tx.connection, (row.student_email for row in rows if row.student_email))
    owned = list[tuple[FlagRow, UUID | None]]()
    for row in rows:
        owner = by_number.get(row.student_number) or by_email.get(row.student_email)
        if owner is None and not row.student_number:
            sorting.rejects.append(_rejected(row, _NOBODYS))
        else:
            owned.append((row, owner))
    return owned


def _by_place(new: Iterable[NewFlag]) -> Mapping[Place, list[Counted]]:
    places: dict[Place, list[Counted]] = {}
    for flag in new:
        if flag.owner is not None:
            row = flag.row
            signal = Signal(flag.flag_id, row.raised_at, row.course, row.severity, row.cleared_at)
            places.setdefault(Place(flag.owner, row.campus), []).append(Counted(signal, row.reason_code))
    return places


def comment_record(import_id: UUID, campus: str) -> UUID:
    """Return the record whose key seals the comments of one campus in one file: they are kept equally long."""
    return derived_id(import_id, campus)


def _earlier(counted: Mapping[UUID, UUID], new: Sequence[UUID]) -> Mapping[UUID, UUID]:
    """Return what is counted of flags that were there before."""
    these = set(new) if counted else set()
    return {flag: referral for flag, referral in counted.items() if flag not in these}


async def _store(tx: Tx, keys: KeyRing, of: Import, new: Sequence[NewFlag], counted: Mapping[UUID, UUID]) -> None:
    """Store and publish new flags."""
    if not new:
        return
    records = {campus: comment_record(of.import_id, campus) for campus in {row.campus for _, row, _ in new}}
    texts = [Clear(row.campus, records[row.campus], COMMENT, id_, row.comment) for id_, row, _ in new if row.comment]
    sealed = iter(await seal_all(tx, keys, texts))
    await flags.store(
        tx,
        of.source,
        of.import_id,
        [
            (
                id_,
                row.campus,
                owner,
                row.student_number,
                row.source_key,
                row.content,
                row.reason_code,
                row.severity,
                row.course,
                row.section,
                row.term,
                next(sealed) if row.comment else None,
                row.raised_at,
                row.cleared_at,
                counted.get(id_),
            )
            for id_, row, owner in new
        ],
    )
    tx.publish(*(_raised(flag, of.source, tx.now) for flag in new))


def _raised(flag: NewFlag, source: str, now: datetime) -> FlagRaised:
    row = flag.row
    return FlagRaised(
        campus=row.campus,
        flag_id=flag.flag_id,
        student_id=flag.owner,
        source=source,
        reason_code=row.reason_code,
        severity=row.severity,
        course=row.course,
        term=row.term,
        raised_at=row.raised_at,
        recorded_at=now,
    )
