"""A person says which student a referral is about."""

from uuid import UUID

from services.intake.domain.referrals import Referral, matched
from services.intake.storage import referrals, students
from services.intake.usecases.triage_referral import locked
from shared.program import load_program
from shared.refusal import Refused
from shared.storage.tx import Tx


async def match_referral(tx: Tx, referral_id: UUID, student_id: UUID) -> Referral:
    """Match a referral and return it; triage rules that need a known student then have their say.

    Raises Refused when the student is not on the roster of the referral's campus, or another one was named before.
    """
    program = await load_program(tx.connection)
    referral = await locked(tx, referral_id)
    student = (await students.by_id(tx.connection, [student_id])).get(student_id)
    if student is None or referral.campus not in student.campuses:
        raise Refused("unknown_student", "No such student on this campus.", status=422, pointer="/body/student_id")
    triage = program.triage(referral.campus, tx.now)
    now_known, facts = matched(referral, student_id, tx.actor.id, triage, tx.now)
    if facts:
        await referrals.save(tx, now_known)
        tx.publish(*facts)
    return now_known
