"""A person says, or takes back, which student a referral is about. What they say is kept: who, when, why."""

from collections.abc import Sequence
from uuid import UUID

from services.intake.domain import identity
from services.intake.domain.referrals import Referral, matched
from services.intake.storage import merges, referrals, students
from services.intake.usecases.send_to_outreach import withdraw
from services.intake.usecases.triage_referral import locked
from shared.events import Event
from shared.program import load_program
from shared.refusal import Refused
from shared.storage.tx import Tx

MATCHED, REJECTED, UNMATCHED, LEFT_OPEN = "matched", "rejected", "unmatched", "left_open"


async def match_referral(
    tx: Tx, referral_id: UUID, student_id: UUID, *, instead_of: UUID | None = None, reason_code: str = "",
    not_these: Sequence[UUID] = (),
) -> Referral:  # fmt: skip
    """Match a referral and return it; triage rules that need a known student then have their say.

    `instead_of` is whom it was about until now, where a person corrects that: without it nobody is overwritten, and
    of two who correct at once the second is told. `not_these` are those it was seen not to be about. Raises Refused
    when the student is not on the roster of the referral's campus.
    """
    program = await load_program(tx.connection)
    referral = await locked(tx, referral_id)
    everybody = await students.by_id(tx.connection, await students.same(tx.connection, [student_id]))
    if not any(referral.campus in student.campuses for student in everybody.values()):
        raise Refused("unknown_student", "No such student on this campus.", status=422, pointer="/body/student_id")
    triage = program.triage(referral.campus, tx.now)
    if instead_of is None:
        now_known, facts = matched(referral, student_id, tx.actor.id, triage, tx.now)
    else:
        now_known, facts = identity.rematched(
            referral, student_id, instead_of=instead_of, by=tx.actor.id, triage=triage, now=tx.now
        )
    if facts:
        await _keep(tx, now_known, facts)
        await merges.note(tx, referral, MATCHED, [student_id], reason_code)
        await merges.note(tx, referral, REJECTED, [each for each in not_these if each != student_id], reason_code)
    return now_known


async def unmatch_referral(tx: Tx, referral_id: UUID, student_id: UUID, reason_code: str) -> Referral:
    """Say that a referral is not about this student after all, and return it."""
    referral = await locked(tx, referral_id)
    open_, facts = identity.unmatched(referral, student_id, reason_code, tx.actor.id, tx.now)
    await _keep(tx, open_, facts)
    await merges.note(tx, referral, UNMATCHED, [student_id], reason_code)
    await withdraw(tx, referral_id, "somebody_else")
    return open_


async def not_on_roster(tx: Tx, referral_id: UUID) -> Referral:
    """Say that a referral is about nobody on the roster, and return it."""
    referral = await locked(tx, referral_id)
    said, facts = identity.not_on_roster(referral, tx.actor.id, tx.now)
    if facts:
        await _keep(tx, said, facts)
        await merges.note(tx, referral, identity.NOT_ON_ROSTER, [None])
    return said


async def reject_candidates(tx: Tx, referral_id: UUID, ids: Sequence[UUID], reason_code: str) -> Referral:
    """Keep that a referral is about none of these students; they are proposed no more. Nothing else changes."""
    referral = await locked(tx, referral_id)
    if referral.student_id in ids:
        raise Refused("already_matched", "The referral is about one of these; take that back first.")
    await merges.note(tx, referral, REJECTED, list(dict.fromkeys(ids)), reason_code)
    return referral


async def leave_open(tx: Tx, referral_id: UUID, reason_code: str) -> Referral:
    """Keep that somebody looked and could not tell."""
    referral = await locked(tx, referral_id)
    identity.require_open(referral)
    await merges.note(tx, referral, LEFT_OPEN, [None], reason_code)
    return referral


async def _keep(tx: Tx, referral: Referral, facts: Sequence[Event]) -> None:
    await referrals.save(tx, referral)
    tx.publish(*facts)
