"""How work on a case rests, ends and begins again, and what stands in the way of its end (workflows §2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.cases.domain.assignment import BY_RULE
from services.cases.domain.case import NOT_HELD, Case, Changed
from services.cases.domain.codes import CloseCode, ContactOutcome, HoldReason, State, graver
from services.cases.domain.office import Closing
from shared.events import cases as events
from shared.events.codes import Level
from shared.refusal import Refused

LONGEST_HOLD = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Ending:
    """How somebody wants to close a case. `level` is the last rating; `student_told` that the student knows."""

    close_code: CloseCode
    contact_outcome: ContactOutcome
    level: Level
    student_told: bool


@dataclass(frozen=True, slots=True)
class Around:
    """What is open around a case: pages that have not ended, and questions whether it is one with another case."""

    open_pages: int = 0
    open_questions: int = 0


@dataclass(frozen=True, slots=True)
class Guard:
    """One thing that stands in the way of closing a case: its code, and a sentence that says what to do."""

    code: str
    sentence: str


def hold(case: Case, reason: HoldReason, review_at: datetime, by: str, at: datetime) -> Changed:
    """Let the work rest until `review_at`, when it goes on by itself. Raises Refused for a time that cannot be."""
    case.require_open()
    if case.state is State.ON_HOLD:
        raise Refused("already_on_hold", "This case is on hold already. Resume it first.")
    if not at < review_at <= at + LONGEST_HOLD:
        raise Refused(
            "review_date", "Name a day within the next year on which somebody looks again.", 422, "/body/review_at"
        )
    held = case.moved(
        "held", by, at, state=State.ON_HOLD, held_from=case.state, hold_reason=reason.value, review_at=review_at
    )
    fact = events.CaseHeld(**held.facts(), reason_code=reason.value, review_at=review_at, held_by=by, held_at=at)
    return held, (fact,)


def resume(case: Case, by: str, at: datetime) -> Changed:
    """Let the work go on where it rested. Raises Refused where it does not rest."""
    case.require_open()
    if case.held_from is None:
        raise Refused("not_on_hold", "This case is not on hold.")
    resumed = case.moved("resumed", by, at, state=case.held_from, **NOT_HELD)
    return resumed, (events.CaseResumed(**resumed.facts(), resumed_by=by, resumed_at=at),)


def hold_is_over(case: Case, at: datetime) -> Changed | None:
    """Return the case at work again when the time of its hold is over; None while it is not, or it has moved on."""
    over = case.state is State.ON_HOLD and case.review_at is not None and case.review_at <= at
    return resume(case, BY_RULE, at) if over else None


def guards(case: Case, ending: Ending | None, around: Around, policy: Closing) -> Sequence[Guard]:
    """Return what stands in the way of closing a case so; with no `ending`, what stands in the way of any."""
    found = []
    if around.open_pages:
        found.append(Guard("page_open", "A page about this student has not ended. End it on its duty page first."))
    if around.open_questions:
        found.append(Guard("question_open", "Somebody has to say first whether this is one with another case."))
    if case.next_contact_due is not None:
        found.append(Guard("contact_promised", "A contact is promised. Record it, without a next one, first."))
    if ending is not None:
        found += _of_ending(case, ending, policy)
    return found


def _of_ending(case: Case, ending: Ending, policy: Closing) -> Sequence[Guard]:
    found = []
    if graver(ending.level, than=Level.MODERATE.value):
        found.append(Guard("still_elevated", "A case rated elevated or critical stays open."))
    if graver(case.level, than=Level.MODERATE.value) and case.engaged_at is None:
        found.append(
            Guard("never_reached", "It was rated elevated or higher, and nobody has spoken with the student yet.")
        )
    if ending.close_code is CloseCode.UNREACHABLE and case.contacts < policy.unreachable_attempts:
        found.append(
            Guard(
                "too_few_attempts",
                f"Try {policy.unreachable_attempts} times before the student counts as unreachable; "
                f"{case.contacts} so far.",
            )
        )
    if ending.contact_outcome is ContactOutcome.REACHED and case.engaged_at is None:
        found.append(Guard("no_contact_recorded", "No contact with the student is recorded. Record it first."))
    return found


def close(case: Case, ending: Ending, around: Around, policy: Closing, *, by: str, at: datetime) -> Changed:
    """End the work. Raises Refused with the first thing in the way, or where there is no work to end."""
    case.require_open()
    in_the_way = guards(case, ending, around, policy)
    if in_the_way:
        raise Refused(in_the_way[0].code, " ".join(guard.sentence for guard in in_the_way))
    closed = case.moved(
        "closed",
        by,
        at,
        state=State.CLOSED,
        level=ending.level.value,
        ended_at=at,
        close_code=ending.close_code.value,
        contact_outcome=ending.contact_outcome.value,
        **NOT_HELD,
    )
    fact = events.CaseClosed(
        **closed.facts(),
        close_code=ending.close_code.value,
        contact_outcome=ending.contact_outcome.value,
        level=closed.level,
        student_told=ending.student_told,
        owner_id=closed.owner_id,
        opened_at=closed.opened_at,
        closed_by=by,
        closed_at=at,
    )
    return closed, (fact,)


def reopen(case: Case, reason_code: str, others: Sequence[Case], policy: Closing, *, by: str, at: datetime) -> Changed:
    """Let the work on a closed case go on. `others` are the student's cases at the place; two never stand open there.

    Raises Refused where it is not closed, was closed too long ago, or another one is open by now.
    """
    if case.state is not State.CLOSED or case.ended_at is None:
        raise Refused("not_closed", "This case is not closed.")
    if at > case.ended_at + timedelta(days=policy.reopen_days):
        raise Refused(
            "closed_too_long",
            f"It was closed more than {policy.reopen_days} days ago. Refer the student again: that opens a new case.",
        )
    if not case.apart and any(other.is_open and not other.apart for other in others):
        raise Refused("another_open", "The student has another open case of this kind by now. Work goes on there.")
    state = State.ENGAGED if case.engaged_at else State.OUTREACH if case.first_attempt_at else State.ASSIGNED
    reopened = case.moved(
        "reopened",
        by,
        at,
        state=state if case.owner_id or state is not State.ASSIGNED else State.NEW,
        ended_at=None,
        close_code=None,
        contact_outcome=None,
    )
    fact = events.CaseReopened(
        **reopened.facts(), reason_code=reason_code, owner_id=reopened.owner_id, reopened_by=by, reopened_at=at
    )
    return reopened, (fact,)
