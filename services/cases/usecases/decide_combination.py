"""A person answers whether two open cases are one."""

from dataclasses import replace
from uuid import UUID

from services.cases.domain.case import Case
from services.cases.domain.caseload import Caseload
from services.cases.domain.codes import Resolution
from services.cases.domain.combination import Combination
from services.cases.storage import around, caseloads, cases, combinations, contacts, members, notes, referrals
from shared.events.cases import CaseEvent
from shared.refusal import Refused
from shared.storage.tx import Tx


async def decide_combination(tx: Tx, combination_id: UUID, decision: Resolution, reason: str) -> Combination:
    """Combine two cases or keep them apart. Of two people at once one decides; the other is told who did and what.

    Kept apart, the other case is the student's too and stays a second open case of theirs, by a person's decision.
    """
    question = await combinations.lock(tx.connection, combination_id)
    if question is None:
        raise Refused("not_found", "There is no such question.", 404)
    caseload = await caseloads.load(
        tx, of_cases={question.case_id, question.other_case_id}, of_students={question.student_id}
    )
    if question.decision is not None:
        raise _already(question, caseload)
    kept, other = caseload.cases.get(question.case_id), caseload.cases.get(question.other_case_id)
    if kept is None or other is None or not (kept.is_open and other.is_open):
        raise Refused("not_open", "One of the two cases is not open any more.")
    if decision is Resolution.COMBINE:
        facts = await _combine(tx, caseload, kept, other)
    else:
        facts = _keep_apart(tx, caseload, other, question.student_id)
    tx.publish(*facts)
    answered = replace(question, decision=decision.value, reason=reason, decided_by=tx.actor.id, decided_at=tx.now)
    await caseloads.save(tx, caseload)
    await combinations.decide(tx.connection, answered)
    await around.log(tx, [caseload.cases[question.case_id]], reason)
    return answered


def _already(question: Combination, caseload: Caseload) -> Refused:
    who = caseload.office.name(question.decided_by or "")
    what = "combined" if question.decision == Resolution.COMBINE else "kept apart"
    return Refused("already_decided", f"This was already decided by {who}: the cases are {what}.")


async def _combine(tx: Tx, caseload: Caseload, kept: Case, other: Case) -> tuple[CaseEvent, ...]:
    by, at = tx.actor.id, tx.now
    taken, facts = kept.take_over(other, by, at)
    caseload.put(taken)
    caseload.put(other.give_way(kept.case_id, by, at))
    for move in (referrals.move, members.move, contacts.move, notes.move, combinations.follow, cases.follow):
        await move(tx.connection, gone=other.case_id, kept=kept.case_id)
    return (*facts, *caseload.reassign_if_barred(taken))


def _keep_apart(tx: Tx, caseload: Caseload, other: Case, student_id: UUID) -> tuple[CaseEvent, ...]:
    case, facts = other.stand_apart(student_id, tx.actor.id, tx.now)
    caseload.put(case)
    return (*facts, *caseload.reassign_if_barred(case))
