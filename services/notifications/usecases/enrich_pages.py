"""What becomes known of a matter after its page was raised, or before: its case, and who it is about."""

from collections.abc import Collection, Sequence
from uuid import UUID

from services.notifications.domain.page import Page
from services.notifications.storage import combined as gone
from services.notifications.storage import matters, pages
from services.notifications.storage.matters import Known
from services.notifications.usecases.desk import Changes, Desk, Surroundings, keep, look_around
from shared.events.cases import CasesCombined
from shared.program import load_program
from shared.storage.tx import Tx


async def learn(tx: Tx, desk: Desk, facts: Sequence[Known]) -> None:
    """Keep what is known of referrals, and bring it to their pages."""
    if not facts:
        return
    known = await matters.learn(tx.connection, facts)
    found = await pages.lock_matters(tx.connection, sorted(known), [])
    await _bring(tx, desk, [(page, known[page.cause.referral_id]) for page in found])


async def combine(tx: Tx, desk: Desk, combined: Sequence[CasesCombined]) -> None:
    """Keep which cases gave way to which, and bring to their pages where their matter is now."""
    if not combined:
        return
    await gone.remember(tx.connection, [(e.case_id, e.other_case_id, e.student_id, e.campus) for e in combined])
    students = {event.other_case_id: event.student_id for event in combined}
    now = await gone.now(tx.connection, students)
    found = await pages.lock_matters(tx.connection, [], sorted(students))
    around = await look_around(tx.connection, students.values(), now.values())
    changes = Changes.none()
    for page in found:
        if page.case_id is not None and page.case_id in now:
            student = page.student_id or students[page.case_id]
            nearby = around.of(page.cause.campus, student, now[page.case_id])
            changes.add(page, page.follow(now[page.case_id], student, nearby, tx.now))
    await keep(tx, desk, changes, around.program)


async def identify(tx: Tx, desk: Desk, students: Sequence[tuple[UUID, UUID]]) -> None:
    """Bring to pages whose case it is: (case_id, student_id)."""
    if not students:
        return
    await matters.identify(tx.connection, students)
    found = await pages.lock_matters(tx.connection, [], [case_id for case_id, _ in students])
    of_case = dict(students)
    facts = [
        (page, Known(page.cause.referral_id, page.cause.campus, page.case_id, of_case.get(page.case_id)))
        for page in found
        if page.case_id is not None
    ]
    await _bring(tx, desk, facts)


async def forget_students(tx: Tx, desk: Desk, referrals: Collection[UUID], cases: Collection[UUID]) -> None:
    """Take from pages whom they are about, where that was said by mistake: that student's team counts no more."""
    if not referrals and not cases:
        return
    await matters.forget_students(tx.connection, sorted(referrals), sorted(cases))
    found = await pages.lock_matters(tx.connection, sorted(referrals), sorted(cases))
    changes = Changes.none()
    for page in found:
        if page.student_id is not None:
            page.identify(None)
            changes.add(page, [])
    if changes.pages:
        await keep(tx, desk, changes, await load_program(tx.connection))


async def _bring(tx: Tx, desk: Desk, facts: Sequence[tuple[Page, Known]]) -> None:
    if not facts:
        return
    around = await look_around(
        tx.connection, (fact.student_id for _, fact in facts), (fact.case_id for _, fact in facts)
    )
    changes = Changes.none()
    for page, fact in facts:
        _add(page, fact, around, changes, tx)
    await keep(tx, desk, changes, around.program)


def _add(page: Page, fact: Known, around: Surroundings, changes: Changes, tx: Tx) -> None:
    if fact.student_id is not None and page.student_id != fact.student_id:
        page.identify(fact.student_id)
        changes.add(page, [])
    if fact.case_id is not None and page.case_id is None:
        nearby = around.of(page.cause.campus, page.student_id, fact.case_id)
        changes.add(page, page.enrich(fact.case_id, nearby, tx.now))
