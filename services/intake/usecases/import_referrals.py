"""Take in a batch of a referral file."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from services.intake.domain.referral_rows import ReferralRow
from services.intake.domain.referrals import Incoming
from services.intake.domain.rejects import BadCell, Reject
from services.intake.storage import imports, referrals
from services.intake.storage.imports import Counts, Import, TakenIn
from services.intake.storage.said import said
from services.intake.usecases.receive_referrals import Receipt, receive_referrals
from shared.ids import new_ids, new_reference
from shared.privacy.keys import KeyRing
from shared.program import Program, load_program
from shared.storage.tx import Tx

_REUSED = BadCell(
    "source_event_id", "a referral of a campus that you do not import for has this id", "an id of its own for each"
)
_CHANGED = BadCell(
    "source_event_id",
    "this id came before with other content: a referral is a fact and is not overwritten",
    "an id of its own for each",
)


async def import_referrals(
    tx: Tx, keys: KeyRing, of: Import, rows: Sequence[ReferralRow], unreadable: Sequence[Reject]
) -> TakenIn:
    """Take in a batch and return what became of it.

    What a file brings is not live: it may be old and wakes nobody. What a feed brings is, while it is fresh.
    """
    program = await load_program(tx.connection)
    hidden = await _hidden(tx, of, rows)
    taken = [row for row in rows if row.source_event_id not in hidden]
    once = {row.source_event_id: row for row in reversed(taken)}
    ids = new_ids(len(once))
    new = [
        _incoming(of, id_, row, live=_is_live(tx, program, of, row))
        for id_, row in zip(ids, reversed(once.values()), strict=True)
    ]
    receipts = await receive_referrals(tx, keys, new)
    said_by = dict(zip(reversed(once), receipts, strict=True))
    made = sum(not receipt.again for receipt in receipts)
    changed = await _changed(tx, keys, taken, said_by)
    rejects = [
        *unreadable,
        *(_rejected(row, _REUSED) for row in rows if row.source_event_id in hidden),
        *(_rejected(row, _CHANGED) for row in changed),
    ]
    await imports.keep_rejects(tx, keys, of, rejects)
    counts = Counts(
        rows=len(rows) + len(unreadable),
        accepted=made,
        unchanged=len(taken) - len(changed) - made,
        rejected=len(rejects),
    )
    await imports.add(tx, of.import_id, counts)
    again = (row.row for row in taken if said_by[row.source_event_id].again)
    references = {row.row: said_by[row.source_event_id].reference for row in taken}
    return TakenIn(counts, rejects, frozenset(again), references=references)


async def _changed(
    tx: Tx, keys: KeyRing, rows: Sequence[ReferralRow], receipts: Mapping[str, Receipt]
) -> list[ReferralRow]:
    """Return the rows that say something else than what came before under their id: called unchanged, it were lost."""
    again = {receipt.referral_id: id_ for id_, receipt in receipts.items() if receipt.again}
    if not again and len(receipts) == len(rows):
        return []
    before = {again[referral]: each for referral, each in (await said(tx, keys, list(again))).items()}
    for row in rows:
        if not receipts[row.source_event_id].again:
            before.setdefault(row.source_event_id, row.said)
    return [row for row in rows if row.source_event_id in before and not before[row.source_event_id].holds(row.said)]


async def _hidden(tx: Tx, of: Import, rows: Sequence[ReferralRow]) -> set[str]:
    """Return the ids of rows whose referral is there, on a campus that the importer may not see."""
    used = await imports.in_use(tx.connection, of, (row.source_event_id for row in rows))
    known = await referrals.known(tx.connection, [(of.source, id_) for id_ in sorted(used)]) if used else {}
    return {id_ for id_ in used if (of.source, id_) not in known}


def _rejected(row: ReferralRow, why: BadCell) -> Reject:
    about = row.about
    cells = [row.source_event_id, row.campus, row.urgency, *row.concerns, about.number, about.email, about.description]
    return Reject.of(row.row, [*cells, row.narrative], why)


def _is_live(tx: Tx, program: Program, of: Import, row: ReferralRow) -> bool:
    if of.feed_id is None:
        return False
    return tx.now - row.happened_at <= timedelta(hours=program.late_hours(row.campus, tx.now))


def _incoming(of: Import, id_: UUID, row: ReferralRow, *, live: bool) -> Incoming:
    return Incoming(
        referral_id=id_,
        reference=new_reference(),
        campus=row.campus,
        about=row.about,
        concerns=row.concerns,
        urgency=row.urgency,
        narrative=row.narrative,
        relationship=row.relationship,
        source_kind=row.source_kind,
        channel=of.channel,
        source=of.source,
        source_event_id=row.source_event_id,
        live=live,
        happened_at=row.happened_at,
        referrer_name=row.referrer_name,
        referrer_email=row.referrer_email,
        import_id=of.import_id,
    )
