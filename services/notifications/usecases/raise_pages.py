"""Danger, or a report of misconduct, becomes a page at once, or a review when it is old news."""

from collections.abc import Sequence

from services.notifications.domain.causes import Cause, is_late
from services.notifications.domain.page import Page
from services.notifications.storage import late_reviews, matters, pages
from services.notifications.storage.matters import Known
from services.notifications.usecases.desk import Changes, Desk, Surroundings, keep, look_around, policy_for
from shared.events.pages import LateReviewAsked
from shared.ids import derived_id, new_id
from shared.storage.tx import Tx


async def raise_pages(tx: Tx, desk: Desk, causes: Sequence[Cause]) -> None:
    """Raise one page per cause, whatever else is known of its matter. Being told again changes nothing.

    A cause that comes again graver than its open page starts the graver line.
    """
    once = {cause.id: cause for cause in sorted(causes, key=lambda cause: cause.level == "critical")}
    asked = [Known(cause.referral_id, cause.campus, None, cause.student_id) for cause in once.values()]
    known = await matters.learn(tx.connection, asked)
    there = await pages.lock_causes(tx.connection, list(once))
    around = await look_around(
        tx.connection, (each.student_id for each in known.values()), (each.case_id for each in known.values())
    )
    changes, late = Changes.none(), list[Cause]()
    for cause in once.values():
        if cause.id in there:
            page, student = there[cause.id], known[cause.referral_id].student_id
            if page.student_id is None and student is not None:
                page.identify(student)
                changes.add(page, [])
            _worsen(tx, page, cause, around, changes)
        elif is_late(cause, around.program.late_hours(cause.campus, tx.now), tx.now):
            late.append(cause)
        else:
            _raise(tx, cause, known[cause.referral_id], around, changes)
    await _ask_for_reviews(tx, late)
    await keep(tx, desk, changes, around.program)


def _raise(tx: Tx, cause: Cause, known: Known, around: Surroundings, changes: Changes) -> None:
    nearby = around.of(cause.campus, known.student_id, known.case_id)
    policy = policy_for(around.program, tx, cause.campus, cause.function, cause.level)
    page, events = Page.raise_for(new_id(), cause, policy, nearby, student_id=known.student_id, now=tx.now)
    changes.add(page, events)
    if known.case_id is not None:
        changes.add(page, page.enrich(known.case_id, nearby, tx.now))


def _worsen(tx: Tx, page: Page, cause: Cause, around: Surroundings, changes: Changes) -> None:
    policy = policy_for(around.program, tx, cause.campus, cause.function, cause.level)
    events = page.worsen(cause.level, policy, around.of_page(page), tx.now)
    if events:
        changes.add(page, events)


async def _ask_for_reviews(tx: Tx, causes: Sequence[Cause]) -> None:
    if not causes:
        return
    asked = [(derived_id(cause.id, "late"), cause) for cause in causes]
    new = await late_reviews.add(tx.connection, asked, tx.now)
    tx.publish(*(_asked(tx, cause) for id_, cause in asked if id_ in new))


def _asked(tx: Tx, cause: Cause) -> LateReviewAsked:
    return LateReviewAsked(
        campus=cause.campus,
        sensitivity=cause.sensitivity,
        page_id=derived_id(cause.id, "late"),
        cause_id=cause.id,
        function=cause.function,
        level=cause.level,
        referral_id=cause.referral_id,
        happened_at=cause.happened_at,
        asked_at=tx.now,
    )
