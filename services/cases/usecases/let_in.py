"""Somebody accepted a page: they are let in on that one matter, until the grant ends."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from services.cases.domain.caseload import Caseload, Noted
from services.cases.storage import caseloads, members, referrals
from services.cases.storage.members import Grant
from shared.storage.tx import Tx


async def let_in(tx: Tx, grants: Sequence[Grant]) -> None:
    """Let whoever accepted a page in on the case of its referral. Where there is none yet the grant waits for it.

    Cases are locked before referrals, as everywhere. Whoever opens a case for one of these referrals at the same
    moment either waits for this and then finds the grant, or is waited for and its case is seen here.
    """
    about = {grant.referral_id for grant in grants if grant.referral_id is not None}
    caseload = await caseloads.load(
        tx, of_referrals=about, of_cases={grant.case_id for grant in grants if grant.case_id is not None}
    )
    held = await _hold(tx, grants)
    late = _late(caseload, held)
    if late:
        caseload = await caseloads.load(tx, of_referrals=about, of_cases=late | caseload.cases.keys())
    placed = [_placed(grant, held, caseload) for grant in grants]
    new = await members.add(tx.connection, [grant for grant in placed if grant.case_id or grant.referral_id])
    for grant in placed:
        if grant.page_id in new and grant.case_id in caseload.cases:
            caseload.put(caseload.cases[grant.case_id].grant(grant.member, tx.now))
    await caseloads.save(tx, caseload)


async def _hold(tx: Tx, grants: Sequence[Grant]) -> dict[UUID, UUID | None]:
    about = {
        grant.referral_id: Noted(grant.campus, grant.sensitivity) for grant in grants if grant.referral_id is not None
    }
    return await referrals.hold(tx.connection, about) if about else {}


def _late(caseload: Caseload, held: Mapping[UUID, UUID | None]) -> set[UUID]:
    """Return cases that must be loaded too: opened at this moment, or those that took a case in."""
    opened = {case_id for case_id in held.values() if case_id is not None}
    merged = {case.merged_into for case in caseload.cases.values() if case.merged_into is not None}
    return (opened | merged) - caseload.cases.keys()


def _placed(grant: Grant, held: Mapping[UUID, UUID | None], caseload: Caseload) -> Grant:
    """Return the grant with the case of its referral, if there is one by now, or the case that took its case in."""
    case_id = held.get(grant.referral_id) if grant.referral_id is not None else None
    case_id = case_id or grant.case_id
    case = caseload.cases.get(case_id) if case_id is not None else None
    return replace(grant, case_id=case.merged_into or case.case_id if case is not None else case_id)
