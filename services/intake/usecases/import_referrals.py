"""Take in a batch of a referral file."""

from collections.abc import Sequence
from uuid import UUID

from services.intake.domain.referral_rows import ReferralRow
from services.intake.domain.referrals import Incoming
from services.intake.domain.rejects import BadCell, Reject
from services.intake.storage import imports, referrals
from services.intake.storage.imports import Counts, Import
from services.intake.usecases.receive_referrals import receive_referrals
from shared.events.codes import Channel
from shared.ids import new_ids, new_reference
from shared.privacy.keys import KeyRing
from shared.storage.tx import Tx

_REUSED = BadCell(
    "source_event_id", "a referral of a campus that you do not import for has this id", "an id of its own for each"
)


async def import_referrals(
    tx: Tx, keys: KeyRing, of: Import, rows: Sequence[ReferralRow], unreadable: Sequence[Reject]
) -> tuple[Counts, list[Reject]]:
    """Take in a batch and return what became of it. What a file brings is not live: it may be old and wakes nobody."""
    hidden = await _hidden(tx, of, rows)
    taken = [row for row in rows if row.source_event_id not in hidden]
    rejects = [*unreadable, *(_reused(row) for row in rows if row.source_event_id in hidden)]
    once = {row.source_event_id: row for row in reversed(taken)}
    ids = new_ids(len(once))
    new = [_incoming(of, id_, row) for id_, row in zip(ids, reversed(once.values()), strict=True)]
    receipts = await receive_referrals(tx, keys, new)
    made = sum(not receipt.again for receipt in receipts)
    await imports.keep_rejects(tx, keys, of, rejects)
    counts = Counts(
        rows=len(rows) + len(unreadable),
        accepted=made,
        unchanged=len(taken) - made,
        rejected=len(rejects),
    )
    await imports.add(tx, of.import_id, counts)
    return counts, rejects


async def _hidden(tx: Tx, of: Import, rows: Sequence[ReferralRow]) -> set[str]:
    """Return the ids of rows whose referral is there, on a campus that the importer may not see."""
    used = await imports.in_use(tx.connection, of, (row.source_event_id for row in rows))
    known = await referrals.known(tx.connection, [(of.source, id_) for id_ in sorted(used)]) if used else {}
    return {id_ for id_ in used if (of.source, id_) not in known}


def _reused(row: ReferralRow) -> Reject:
    return Reject.of(row.row, [row.source_event_id, row.campus], _REUSED)


def _incoming(of: Import, id_: UUID, row: ReferralRow) -> Incoming:
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
        channel=Channel.FILE,
        source=of.source,
        source_event_id=row.source_event_id,
        live=False,
        happened_at=row.happened_at,
        referrer_name=row.referrer_name,
        referrer_email=row.referrer_email,
        import_id=of.import_id,
    )
