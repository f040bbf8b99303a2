"""What happens to a referral after it came: something is added, it is taken back, reopened, sent on, split.

Each returns the referral as it is then and the facts to publish, or raises Refused with what stands against it.
"""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.intake.domain.referrals import MATCHING, RETRACTED, TRIAGE_DUE, TRIAGED, Referral, head_of
from services.intake.domain.screening import Screening
from shared.events import Event
from shared.events.codes import Decision, gravest_family, level
from shared.events.referrals import (
    DangerRaised,
    MisconductReported,
    ReferralAddedTo,
    ReferralReopened,
    ReferralRetracted,
)
from shared.refusal import Refused

# Where a case is, the case is what people work with.
IN_A_CASE = frozenset({Decision.OPEN_CASE.value, Decision.ATTACH.value})
TAKEN_BACK = "retracted"
# A question waits for the referrer; the referrer has said something since.
ASKED, HEARD = "asked", "heard"
BY_REFERRER = "referrer"
_WALLED = "titleix"


def added_to(
    referral: Referral, screening: Screening, *, message_id: UUID, kind: str, asked_by: str, now: datetime
) -> tuple[Referral, tuple[Event, ...]]:
    """Take in what the referrer said later. What it says of danger and misconduct counts as if it had come first.

    Danger in it is a cause of its own: whoever was told of the referral has not been told of this. A referral that
    was closed goes back to the desk, because nobody would read what was added to it there.
    """
    walled = screening.misconduct and referral.sensitivity != _WALLED
    concerns = tuple(dict.fromkeys([*referral.concerns, *screening.concerns]))
    graver = screening.level.rank > level(referral.level).rank
    told = replace(
        referral,
        marks=(*(mark for mark in referral.marks if mark not in (ASKED, HEARD)), HEARD),
        sensitivity=_WALLED if walled else referral.sensitivity,
        concerns=concerns,
        family=referral.family if referral.state == TRIAGED and not walled else gravest_family(concerns).value,
        level=screening.level.value if graver else referral.level,
        found_by=referral.found_by or (screening.found_by if screening.danger else ""),
    )
    facts: list[Event] = []
    if screening.danger:
        told = _next(told)
        facts.append(
            DangerRaised(
                **head_of(told),
                level=screening.level.value,
                found_by=screening.found_by,
                raised_at=now,
                happened_at=now,
                cause_id=message_id,
            )
        )
    if walled:
        told = _next(told)
        facts.append(MisconductReported(**head_of(told), reported_at=now, happened_at=now))
    told = _next(told)
    facts.append(
        ReferralAddedTo(
            **head_of(told),
            message_id=message_id,
            kind=kind,
            level=screening.level.value,
            asked_by=asked_by,
            case_id=told.case_id,
            added_at=now,
        )
    )
    if _closed(told):
        told, more = reopened(told, f"by:{kind}", kind, now)
        facts += more
    return told, tuple(facts)


def asked(referral: Referral) -> Referral:
    """Mark a referral whose referrer has been asked something."""
    return replace(referral, marks=(*(mark for mark in referral.marks if mark != ASKED), ASKED))


def retracted(referral: Referral, by: str, reason_code: str, now: datetime) -> tuple[Referral, tuple[Event, ...]]:
    """Take a referral back. `by` is `referrer` or a staff id.

    It leaves the desk only if nothing in it obliges anybody: what spoke of danger or of sex-based misconduct is known
    now and cannot be unknown, and whoever takes it back may have been made to. So that stays to be decided, marked.
    What a case made of it is the case's.
    """
    if TAKEN_BACK in referral.marks:
        raise Refused("already_retracted", "This referral was taken back already.")
    leaves = referral.state in (MATCHING, TRIAGE_DUE) and not referral.danger and referral.sensitivity != _WALLED
    back = _next(
        replace(
            referral,
            marks=(*referral.marks, TAKEN_BACK),
            state=RETRACTED if leaves else referral.state,
            status="closed" if leaves else referral.status,
        )
    )
    who = BY_REFERRER if by == BY_REFERRER else "staff"
    fact = ReferralRetracted(
        **head_of(back), retracted_by=who, reason_code=reason_code, left_desk=leaves, retracted_at=now
    )
    return back, (fact,)


def reopened(referral: Referral, by: str, reason_code: str, now: datetime) -> tuple[Referral, tuple[Event, ...]]:
    """Put a decided or retracted referral back on the desk. Raises Refused for one in a case, or open already."""
    if referral.state == TRIAGED and referral.decision in IN_A_CASE:
        raise Refused("in_a_case", "This referral belongs to a case. Work with the case.")
    if referral.state in (MATCHING, TRIAGE_DUE):
        raise Refused("not_decided", "This referral is open: nothing has been decided yet.")
    again = _next(
        replace(
            referral,
            state=MATCHING if referral.student_id is None else TRIAGE_DUE,
            decision="",
            reason_code="",
            decided_by="",
            triaged_at=None,
            status="reviewed",
            marks=tuple(mark for mark in referral.marks if mark != TAKEN_BACK),
        )
    )
    fact = ReferralReopened(**head_of(again), reopened_by=by, reason_code=reason_code, reopened_at=now)
    return again, (fact,)


def still_open(referral: Referral) -> None:
    """Raise Refused unless people may still decide this referral."""
    if referral.state == TRIAGED:
        raise Refused("already_triaged", "This referral has been triaged already.")
    if referral.state == RETRACTED:
        raise Refused("retracted", "This referral was taken back. Reopen it first.")


def _closed(referral: Referral) -> bool:
    return referral.state == RETRACTED or (referral.state == TRIAGED and referral.decision not in IN_A_CASE)


def _next(referral: Referral) -> Referral:
    return replace(referral, version=referral.version + 1)
