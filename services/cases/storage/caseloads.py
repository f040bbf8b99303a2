"""The caseload of a batch: loaded under lock, saved once. The order of locks is students, cases, referrals, members."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from services.cases.domain.case import Case
from services.cases.domain.caseload import Caseload
from services.cases.storage import cases, combinations, members, offices, referrals, students
from shared.events.cases import CombinationAsked
from shared.storage import snapshots
from shared.storage.tx import Tx


async def load(
    tx: Tx,
    *,
    of_referrals: Collection[UUID] = (),
    of_students: Collection[UUID] = (),
    of_cases: Collection[UUID] = (),
    said: Mapping[UUID, UUID | None] | None = None,
) -> Caseload:
    """Return what is known of these referrals, and every case they may touch, locked.

    That is the cases that the referrals are in, these cases, and all cases of these students, of the students whom
    the referrals and cases are about, and of whoever was merged with them. `said` is whom students go by, or None for
    themselves, where that was told and the replica of the roster may not know it yet.
    """
    noted = await referrals.load(tx.connection, of_referrals) if of_referrals else {}
    named = {each.case_id for each in noted.values() if each.case_id is not None}.union(of_cases)
    known = {each.student_id for each in noted.values() if each.student_id is not None}.union(of_students)
    if named:
        known |= await cases.students_of(tx.connection, named)
    who = await students.load(tx.connection, known, said or {})
    ids = {id_ for student in known for id_ in who.ids(student)}
    if ids:
        await students.lock(tx.connection, ids)
    found = await cases.load(tx.connection, students=ids, cases=named)
    return Caseload(
        at=tx.now,
        office=await offices.load(tx.connection, tx.now),
        students=who,
        cases=found,
        noted=noted,
        loads=await cases.loads(tx.connection),
    )


async def save(tx: Tx, caseload: Caseload) -> None:
    """Store what changed, publish teams that changed and questions that are new.

    Grants that waited for a referral's case are found after the referrals are stored: from then on whoever accepts a
    page sees the case, and whoever accepted one before has been seen.
    """
    touched = {id_: caseload.noted[id_] for id_ in caseload.touched}
    if touched:
        await referrals.save(tx.connection, touched, tx.now)
        await _let_in(tx, caseload)
    changed = list(caseload.changed())
    opened = [case for case in changed if case.case_id not in caseload.before]
    older = [case for case in changed if case.case_id in caseload.before]
    if opened:
        await cases.insert(tx.connection, opened)
    if older:
        await cases.update(tx.connection, older)
    await _ask(tx, caseload)
    before = [caseload.before[case.case_id] for case in older]
    await cases.shift_loads(tx.connection, cases.shifts(before, changed))
    await publish_teams(tx, caseload, changed)


async def _let_in(tx: Tx, caseload: Caseload) -> None:
    """Let in whoever accepted a page about a referral before it had its case."""
    placed = {
        id_: (case.case_id, case.campus, case.sensitivity)
        for id_ in caseload.touched
        if (case := caseload.case_of(id_)) is not None and id_ not in _referrals_before(caseload, case)
    }
    if placed:
        for case_id, member in await members.place(tx.connection, placed):
            caseload.put(caseload.cases[case_id].grant(member, tx.now))


def _referrals_before(caseload: Caseload, case: Case) -> Sequence[UUID]:
    before = caseload.before.get(case.case_id)
    return before.referrals if before is not None else ()


async def _ask(tx: Tx, caseload: Caseload) -> None:
    for question in await combinations.ask(tx.connection, caseload.questions):
        case = caseload.cases[question.case_id]
        tx.publish(CombinationAsked(**case.facts(), other_case_id=question.other_case_id, asked_at=question.asked_at))


async def publish_teams(tx: Tx, caseload: Caseload, changed: Sequence[Case]) -> None:
    """Publish the teams of cases whose team, matter or wall changed."""
    teams = [
        case.team(caseload.office.recused(caseload.students.aliases(case.student_id)))
        for case in changed
        if (before := caseload.before.get(case.case_id)) is None or _team(before) != _team(case)
    ]
    if teams:
        await snapshots.save(tx, teams)


def _team(case: Case) -> tuple[object, ...]:
    return (case.owner_id, case.members, case.referrals, case.student_id, case.sensitivity, case.stands)
