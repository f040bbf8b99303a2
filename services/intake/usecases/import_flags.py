"""Take in a batch of a flag file: what is new is stored, counted and published; what is there changes nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.intake.domain.days import LocalDays
from services.intake.domain.flag_rows import FlagRow
from services.intake.domain.flag_rules import Signal, reason_code
from services.intake.domain.rejects import BadCell, Reject
from services.intake.storage import counting, flag_reasons, flag_sources, flags, imports, students
from services.intake.storage.flags import COMMENT, Alert, Known, Place, comment_record
from services.intake.storage.imports import Counts, Import, TakenIn
from services.intake.usecases import clear_flags, count_flags
from services.intake.usecases.count_flags import New, Unplaced
from services.intake.usecases.editions import Editions
from shared.events.flags import FlagRaised
from shared.ids import new_ids
from shared.privacy.keys import KeyRing
from shared.privacy.text import Clear, seal_all
from shared.program import Program, load_program
from shared.storage.tx import Tx

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
# Students of one file: bounded, because a file may hold any number of them.
_MOST_REMEMBERED = 20_000


@dataclass
class Sorting:
    """The rows of a batch, sorted by what has to be done with them."""

    fresh: list[FlagRow] = field(default_factory=list)
    cleared: dict[UUID, datetime] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    again: list[int] = field(default_factory=list)
    merged: list[int] = field(default_factory=list)
    owned: list[tuple[FlagRow, UUID | None]] = field(default_factory=list)


class NewFlag(NamedTuple):
    """A flag to store: its id, what the file says, and whose it is, if that is known."""

    flag_id: UUID
    row: FlagRow
    owner: UUID | None


async def import_flags(
    tx: Tx, keys: KeyRing, of: Import, rows: Sequence[FlagRow], unreadable: Sequence[Reject]
) -> TakenIn:
    """Take in a batch and return what became of it. `unreadable` are rows that never became flags.

    A flag that its source sends again is unchanged; with other content it is rejected, because it may have been
    counted already. Only that it was cleared may come later. What another source has raised already (the same student,
    course and reason on the same day) is that flag: it is kept as a further source of it, with what it wrote, and
    counted once. The flag stands until each of its sources has cleared it.
    A fixed number of statements.
    """
    program = await load_program(tx.connection)
    await flags.lock(tx.connection)
    sorting = await sort(tx, of, rows)
    sorting.owned = await _owned(tx, of, sorting)
    new, made = await keep(tx, keys, program, of, sorting)
    rejects = [*unreadable, *sorting.rejects]
    await imports.keep_rejects(tx, keys, of, rejects)
    counts = Counts(
        rows=len(rows) + len(unreadable),
        accepted=new + len(sorting.cleared),
        unchanged=len(sorting.again),
        merged=len(sorting.merged),
        rejected=len(rejects),
        referrals_made=made,
    )
    await imports.add(tx, of.import_id, counts)
    return TakenIn(counts, rejects, frozenset(sorting.again), frozenset(sorting.merged))


async def keep(
    tx: Tx, keys: KeyRing, program: Program, of: Import, sorting: Sorting, *, raised_by: str = ""
) -> tuple[int, int]:
    """Store flags with whose they are, and let rules count them; return how many are new, and the referrals made.

    `raised_by` is whoever raises them just now, for what they say is news.
    """
    left, again = await _merged(tx, keys, program, of, sorting, written=bool(raised_by))
    ids = new_ids(len(left))
    new = [NewFlag(id_, row, owner) for id_, (row, owner) in zip(ids, left, strict=True)]
    await clear_flags.note_cleared(tx, await flag_sources.say_cleared(tx.connection, of.source, sorting.cleared))
    found = await count_flags.find(tx, program, _to_count(new, again, live=bool(raised_by)))
    await _store(tx, keys, of, new, found.counted, raised_by=raised_by)
    await counting.count(tx.connection, _earlier(found.counted, ids))
    await count_flags.keep_found(tx, keys, program, found)
    return len(new), len(found.received)


async def sort(tx: Tx, of: Import, rows: Sequence[FlagRow]) -> Sorting:
    """Sort a batch by what is there already. One statement, or two where the importer does not see every campus."""
    known = await flags.known(tx.connection, of.source, [row.source_key for row in rows])
    hidden = await imports.in_use(tx.connection, of, (row.source_key for row in rows if row.source_key not in known))
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
        sorting.again.append(row.row)


def _sort_again(sorting: Sorting, row: FlagRow, place: int) -> None:
    """Sort a row whose flag came earlier in the batch, as the new one at this place."""
    before = sorting.fresh[place]
    if before.content != row.content:
        sorting.rejects.append(_rejected(row, _REUSED))
        return
    sorting.again.append(row.row)
    if before.cleared_at is None:
        sorting.fresh[place] = before._replace(cleared_at=row.cleared_at)


def _rejected(row: FlagRow, why: BadCell) -> Reject:
    who = row.student_number or row.student_email
    return Reject.of(row.row, [row.source_key, row.campus, who, row.course, row.reason_code], why)


async def _owned(tx: Tx, of: Import, sorting: Sorting) -> list[tuple[FlagRow, UUID | None]]:
    """Return the new flags with whose they are. A flag of a number that the roster does not have waits for the roster.

    Addresses are not kept with flags, so one that is nobody's could never be found again: its row is rejected.
    """
    rows = sorting.fresh
    by_number = await _by_number(tx, of, {row.student_number for row in rows if row.student_number})
    by_email = await students.ids_by_email(tx.connection, (row.student_email for row in rows if row.student_email))
    owned = list[tuple[FlagRow, UUID | None]]()
    for row in rows:
        owner = by_number.get(row.student_number) or by_email.get(row.student_email)
        if owner is None and not row.student_number:
            sorting.rejects.append(_rejected(row, _NOBODYS))
        else:
            owned.append((row, owner))
    return owned


async def _by_number(tx: Tx, of: Import, numbers: set[str]) -> Mapping[str, UUID]:
    """Return whose these numbers are. Students stand in a file again and again: who was met before is not looked up."""
    strange = numbers - of.students.keys()
    if not strange:
        return of.students
    found = await students.ids_by_number(tx.connection, strange)
    if len(of.students) + len(found) > _MOST_REMEMBERED:
        of.students.clear()
        found |= await students.ids_by_number(tx.connection, numbers - strange)
    of.students.update(found)
    return of.students


async def _merged(
    tx: Tx, keys: KeyRing, program: Program, of: Import, sorting: Sorting, *, written: bool
) -> tuple[Sequence[tuple[FlagRow, UUID | None]], Sequence[Any]]:
    """Note which of the flags another source has raised already; return the others, and those that stand again.

    Two of one source are never one: it told them apart by their ids. Nor is what makes a referral by itself ever
    another's: somebody worried, and what they wrote has to be read. So has what a person has `written` just now.
    """
    owned = sorting.owned
    raised = {(row.campus, row.reason_code) for row, _ in owned}
    before = await flag_reasons.before(tx.connection, of.source, raised)
    asked = [each for each in owned if (each[0].campus, each[0].reason_code) in before.others]
    if not asked:
        await flag_reasons.add(tx.connection, of.source, raised - before.ours)
        return owned, []
    twins = await _twins(tx, program, of, asked)
    left, further = list[tuple[FlagRow, UUID | None]](), dict[UUID, FlagRow]()
    for row, owner in owned:
        twin = next((each for each in twins.get(row.row, ()) if each not in further), None)
        if twin is None or (written and row.comment):
            left.append((row, owner))
            continue
        further[twin] = row
        sorting.merged.append(row.row)
        if row.cleared_at is not None:
            sorting.cleared.setdefault(twin, row.cleared_at)
    await flag_reasons.add(tx.connection, of.source, {(row.campus, row.reason_code) for row, _ in left} - before.ours)
    sealed = await _sealed(tx, keys, of, [(twin, row) for twin, row in further.items() if row.comment])
    await flag_sources.add(tx, of.source, of.import_id, further, sealed)
    times = {twin: row.raised_at for twin, row in further.items() if row.cleared_at is None}
    again = await clear_flags.note_raised_again(tx, times)
    return left, again


async def _twins(
    tx: Tx, program: Program, of: Import, asked: Sequence[tuple[FlagRow, UUID | None]]
) -> dict[int, list[UUID]]:
    """Return the flags of other sources that may be the same alert, oldest first, by row."""
    alone = {campus: Editions.of(program, campus, tx.now).at_once for campus in {row.campus for row, _ in asked}}
    days = LocalDays({code: campus.zone for code, campus in program.campuses.items()})
    alerts = [
        Alert(owner, row, *days.around(row.campus, row.raised_at))
        for row, owner in asked
        if reason_code(row.reason_code) not in alone[row.campus]
    ]
    found = await flags.same_alerts(tx.connection, of.source, alerts)
    return {alert.row.row: twins for alert, twins in zip(alerts, found, strict=True)}


def _to_count(new: Iterable[NewFlag], again: Iterable[Any] = (), *, live: bool = False) -> New:
    """Return new flags, and those that stand again and no rule has counted, as rules see them."""
    placed: dict[Place, list[Signal]] = {}
    unplaced: list[Unplaced] = []
    comments: dict[UUID, str] = {}
    for flag_id, row, owner in new:
        signal = Signal(
            flag_id, row.raised_at, row.course, row.severity, row.cleared_at, row.reason_code, row.term, row.section
        )
        if owner is not None:
            placed.setdefault(Place(owner, row.campus), []).append(signal)
        else:
            unplaced.append(Unplaced(signal, row.campus, row.student_number))
        if row.comment:
            comments[flag_id] = row.comment
    for row in again:
        if row.student_id is not None and row.counted_in is None:
            placed.setdefault(Place(row.student_id, row.campus), []).append(flags.signal_of(row))
    return New(placed, unplaced, comments, live)


def _earlier(counted: Mapping[UUID, UUID], new: Sequence[UUID]) -> Mapping[UUID, UUID]:
    """Return what is counted of flags that were there before."""
    these = set(new) if counted else set()
    return {flag: referral for flag, referral in counted.items() if flag not in these}


async def _store(
    tx: Tx, keys: KeyRing, of: Import, new: Sequence[NewFlag], counted: Mapping[UUID, UUID], *, raised_by: str
) -> None:
    """Store and publish new flags."""
    if not new:
        return
    sealed = await _sealed(tx, keys, of, [(id_, row) for id_, row, _ in new if row.comment])
    rows = [
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
            sealed.get(id_),
            row.raised_at,
            row.cleared_at,
            counted.get(id_),
        )
        for id_, row, owner in new
    ]
    storing = flags.store(tx, of.source, of.import_id, raised_by, rows)
    await tx.publish_beside(storing, [_raised(flag, of.source, tx.now) for flag in new])


async def _sealed(tx: Tx, keys: KeyRing, of: Import, written: Sequence[tuple[UUID, FlagRow]]) -> dict[UUID, bytes]:
    """Seal what was written with flags, by their ids."""
    records = {campus: comment_record(of.import_id, campus) for campus in {row.campus for _, row in written}}
    texts = [Clear(row.campus, records[row.campus], COMMENT, id_, row.comment) for id_, row in written]
    return dict(zip((id_ for id_, _ in written), await seal_all(tx, keys, texts), strict=True))


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
