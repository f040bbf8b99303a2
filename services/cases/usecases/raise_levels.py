"""Danger was found in a referral: its case is at least as grave."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.cases.domain.caseload import Noted
from services.cases.storage import caseloads
from shared.storage.tx import Tx


@dataclass(frozen=True, slots=True)
class Danger:
    """How grave a referral turned out to be."""

    referral_id: UUID
    campus: str
    sensitivity: str
    level: str


async def raise_levels(tx: Tx, dangers: Sequence[Danger]) -> None:
    """Raise the levels of the cases of referrals, never lower them; remember it where there is no case yet.

    Nobody is told by this: the danger itself was told by intake, and waits for no case.
    """
    caseload = await caseloads.load(tx, of_referrals={each.referral_id for each in dangers})
    for each in dangers:
        caseload.noted.setdefault(each.referral_id, Noted(each.campus, each.sensitivity))
        caseload.raise_level(each.referral_id, each.level)
    await caseloads.save(tx, caseload)
