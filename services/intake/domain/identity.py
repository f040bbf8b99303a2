"""Who is who: a person changes their mind about whom a referral is about, and says which students are one."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.intake.domain.referrals import (
    MATCHING,
    TRIAGE_DUE,
    TRIAGED,
    Referral,
    by_rule,
    head_of,
)
from services.intake.domain.roster_rows import Student
from shared.events import Event
from shared.events.referrals import ReferralMatched, ReferralUnmatched
from shared.events.roster import MergeSnapshot
from shared.ids import new_id
from shared.program.rules import Triage
from shared.refusal import Refused

PERSON, NOT_ON_ROSTER = "person", "not_on_roster"
WhyOther = Literal["wrong_person", "mistyped", "referrer_said", "split", "other"]
WhySame = Literal["same_person", "second_account", "campus_transfer", "name_change", "records_office", "other"]
WhyTwo = Literal["two_people", "wrong_student", "records_office", "other"]
ACTIVE, UNDONE = "active", "undone"


def rematched(
    referral: Referral, student_id: UUID, *, instead_of: UUID, by: str, triage: Triage, now: datetime
) -> tuple[Referral, tuple[Event, ...]]:
    """Let a person say that a referral is about another student than was said. Raises Refused if that has changed."""
    if referral.student_id == student_id:
        return referral, ()
    _require(referral, instead_of)
    known = replace(
        referral,
        student_id=student_id,
        match_basis=PERSON,
        matched_by=by,
        matched_at=now,
        version=referral.version + 1,
    )
    fact = ReferralMatched(**head_of(known), matched_at=now, basis=PERSON, matched_by=by)
    if known.state != TRIAGE_DUE:
        return known, (fact,)
    known, more = by_rule(known, triage, now)
    return known, (fact, *more)


def unmatched(
    referral: Referral, was: UUID, reason_code: str, by: str, now: datetime
) -> tuple[Referral, tuple[Event, ...]]:
    """Let a person say that a referral is not about whom it was said to be about: nobody knows again."""
    _require(referral, was)
    open_ = replace(
        referral,
        student_id=None,
        match_basis="",
        matched_by="",
        matched_at=None,
        state=MATCHING if referral.state == TRIAGE_DUE else referral.state,
        version=referral.version + 1,
    )
    return open_, (_unmatched(open_, was, reason_code, by, now),)


def not_on_roster(referral: Referral, by: str, now: datetime) -> tuple[Referral, tuple[Event, ...]]:
    """Let a person say that a referral is about nobody on the roster: an outsider, a group, a place.

    It leaves the match desk and waits for its decision, if it has none.
    """
    if referral.student_id is not None:
        raise Refused("already_matched", "This referral has been matched to a student; take that back first.")
    if referral.match_basis == NOT_ON_ROSTER:
        return referral, ()
    said = replace(
        referral,
        match_basis=NOT_ON_ROSTER,
        matched_by=by,
        matched_at=now,
        state=TRIAGE_DUE if referral.state == MATCHING else referral.state,
        version=referral.version + 1,
    )
    return said, (_unmatched(said, None, NOT_ON_ROSTER, by, now),)


def require_open(referral: Referral) -> None:
    """Raise Refused where there is nothing to leave open: somebody said meanwhile whom it is about."""
    if referral.student_id is not None or referral.state == TRIAGED:
        raise Refused("already_matched", "Somebody has said whom this referral is about, or decided it.")


def _require(referral: Referral, student_id: UUID) -> None:
    if referral.student_id != student_id:
        raise Refused("matched_meanwhile", "Somebody else has changed whom this referral is about. Look again.")


def _unmatched(
    referral: Referral, previous: UUID | None, reason_code: str, by: str, now: datetime
) -> ReferralUnmatched:
    return ReferralUnmatched(
        **head_of(referral),
        previous_student_id=previous,
        reason_code=reason_code,
        unmatched_by=by,
        unmatched_at=now,
    )


@dataclass(frozen=True, slots=True)
class Merge:
    """A person's word that two students are one. `student_id` goes by `same_as` while it stands."""

    merge_id: UUID
    campus: str
    campuses: tuple[str, ...]
    student_id: UUID
    same_as: UUID
    reason_code: str
    merged_by: str
    merged_at: datetime
    undo_reason_code: str = ""
    undone_by: str = ""
    undone_at: datetime | None = None
    version: int = 1

    def undo(self, reason_code: str, by: str, at: datetime) -> "Merge":
        """Return the merge as undone. Raises Refused when somebody has done that."""
        if self.undone_at is not None:
            raise Refused("already_undone", "This merge has been undone already.")
        return replace(self, undo_reason_code=reason_code, undone_by=by, undone_at=at, version=self.version + 1)

    def snapshot(self) -> MergeSnapshot:
        """Return what other services may know."""
        return MergeSnapshot(
            campus=self.campus,
            sequence=self.version,
            status=ACTIVE if self.undone_at is None else UNDONE,
            merge_id=self.merge_id,
            student_id=self.student_id,
            goes_by=self.same_as,
            reason_code=self.reason_code,
            merged_by=self.merged_by,
            merged_at=self.merged_at,
            undo_reason_code=self.undo_reason_code,
            undone_by=self.undone_by,
            undone_at=self.undone_at,
        )


def merge(one: Student, into: Student, reason_code: str, by: str, now: datetime) -> Merge:
    """Return the merge of two students, neither of whom is merged into another.

    A student into whom others were merged may be merged on: who goes by whom is followed step by step, so each step
    can be undone by itself, in any order. A ring cannot come about, because both ends go by themselves.
    """
    if one.student_id == into.student_id:
        raise Refused("same_already", "That is the same student.", status=422, pointer="/body/same_as")
    for student, pointer in ((one, None), (into, "/body/same_as")):
        if student.same_as is not None:
            raise Refused(
                "merged_already",
                "This student was merged into another. Undo that first, or merge the other one.",
                pointer=pointer,
            )
    return Merge(
        merge_id=new_id(),
        campus=one.campus,
        campuses=tuple(dict.fromkeys((*one.campuses, *into.campuses))),
        student_id=one.student_id,
        same_as=into.student_id,
        reason_code=reason_code,
        merged_by=by,
        merged_at=now,
    )
