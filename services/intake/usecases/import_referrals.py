"""Take in a batch of a referral file."""

from collections.abc import Sequence
from uuid import UUID

from services.intake.domain.referral_rows import ReferralRow
from services.intake.domain.referrals import Incoming
from services.intake.domain.rejects import Reject
from services.intake.storage import imports
from services.intake.storage.imports import Counts, Import
from services.intake.usecases.receive_referrals import receive_referrals
from shared.events.codes import Channel
from shared.ids import new_ids, new_reference
from shared.privacy.keys import KeyRing
from shared.storage.tx import Tx


async def import_referrals(
    tx: Tx, keys: KeyRing, of: Import, rows: Sequence[ReferralRow], unreadable: Sequence[Reject]
) -> tuple[Counts, list[Reject]]:
    """Take in a batch and return what became of it. What a file brings is not live: it may be old and wakes nobody."""
    once = {row.source_event_id: row for row in reversed(rows)}
    ids = new_ids(len(once))
    new = [_incoming(of, id_, row) for id_, row in zip(ids, reversed(once.values()), strict=True)]
    receipts = await receive_referrals(tx, keys, new)
    made = sum(not receipt.again for receipt in receipts)
    await imports.keep_rejects(tx, keys, of, unreadable)
    counts = Counts(
        rows=len(rows) + len(unreadable),
        accepted=made,
        unchanged=len(rows) - made,
        rejected=len(unreadable),
    )
    await imports.add(tx, of.import_id, counts)
    return counts, list(unreadable)


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
