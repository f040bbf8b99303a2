"""How a case looks to somebody: what the decision obliges to hide is not there."""

from collections.abc import Sequence
from datetime import datetime

from services.cases.domain.case import Case
from services.cases.domain.contact import Contact
from services.cases.domain.reasons import sentence
from services.cases.http.models import (
    CaseDetailOut,
    CaseOut,
    ChangeOut,
    ClockOut,
    ClocksOut,
    ContactOut,
    MemberOut,
)
from services.cases.storage.members import DUTY
from services.cases.storage.offices import ProgramOffices
from services.cases.storage.reads import Filter, Shown
from shared.access.decision import Decision
from shared.access.rules import HIDE_PARTIES, METADATA_ONLY, ONLY_DANGER

# What a decision hides must not be learnt by asking for it either.
_HIDDEN: dict[str, tuple[str, ...]] = {
    METADATA_ONLY: ("student_id", "referral_id", "family"),
    ONLY_DANGER: ("family",),
    HIDE_PARTIES: ("student_id", "owner"),
}


class View:
    """How a case looks to whom a decision was made for."""

    def __init__(self, shown: Shown, staff: ProgramOffices, now: datetime) -> None:
        self._shown, self._staff, self._now = shown, staff, now
        self._names = staff.names()

    def head(self, case: Case, decision: Decision) -> CaseOut:
        """Return a case for a listing."""
        return CaseOut(**self._head(case, decision))

    def detail(self, case: Case, decision: Decision, contacts: Sequence[Contact], may: Sequence[str]) -> CaseDetailOut:
        """Return a case with everything about it that the decision allows."""
        whole = not _says_little(decision)
        return CaseDetailOut(
            **self._head(case, decision),
            reason_code=case.reason_code if whole else None,
            added_concerns=list(case.added_concerns) if whole else None,
            owner_since=case.owner_since,
            referred_at=case.referred_at,
            assignment=case.assignment if whole else None,
            clocks=self._clocks(case),
            team=self._team(case, whole=whole),
            mismatched_referrals=[id_ for id_ in case.referrals if id_ in self._shown.elsewhere] if whole else None,
            contact_log=[_contact(each) for each in contacts] if whole else None,
            merged_into=case.merged_into,
            kept_apart=case.apart,
            changed=self._changed(case, walled=decision.obliges(HIDE_PARTIES)),
            hold_reason=case.hold_reason if whole else None,
            review_at=case.review_at,
            close_code=case.close_code if whole else None,
            contact_outcome=case.contact_outcome,
            ended_at=case.ended_at,
            may=list(may),
        )

    def _head(self, case: Case, decision: Decision) -> dict[str, object]:
        whole, walled = not _says_little(decision), decision.obliges(HIDE_PARTIES)
        return {
            "case_id": case.case_id,
            "campus": case.campus,
            "student_id": None if walled or decision.obliges(METADATA_ONLY) else self._shown.student_of(case),
            "family": case.family if whole else None,
            "sensitivity": case.sensitivity,
            "state": case.state,
            "level": case.level,
            "concerns": [*case.concerns, *case.added_concerns] if whole else None,
            "owner_id": None if walled else case.owner_id,
            "owner_name": self._name(case.owner_id) if case.owner_id and not walled else None,
            "assignment_code": case.assignment.code if whole else None,
            "assignment_sentence": sentence(case.assignment, self._names, self._now) if whole else None,
            "accepted_at": case.accepted_at,
            "outreach_due": case.outreach_due,
            "next_contact_due": case.next_contact_due,
            "referrals": list(case.referrals) if whole else None,
            "contacts": case.contacts,
            "last_reached_at": case.last_reached_at,
            "opened_at": case.opened_at,
            "version": case.version,
        }

    def _changed(self, case: Case, *, walled: bool) -> ChangeOut:
        by = None if walled else case.changed_by
        return ChangeOut(by=by, name=self._name(by) if by else None, how=case.changed_how, at=case.changed_at)

    def _name(self, staff_id: str) -> str:
        return self._names.get(staff_id, staff_id)

    def _clocks(self, case: Case) -> ClocksOut:
        def clock(due: datetime | None, met: datetime | None) -> ClockOut:
            late = due is not None and (met or self._now) > due
            return ClockOut(
                due_at=due,
                met_at=met,
                late=late,
                calendar_version=case.calendar_version,
                policy_edition=case.clocks_edition,
            )

        return ClocksOut(
            report_to_case=clock(case.report_due, case.opened_at),
            outreach=clock(case.outreach_due, case.first_attempt_at),
            next_contact_due=case.next_contact_due,
        )

    def _team(self, case: Case, *, whole: bool) -> list[MemberOut]:
        """Return who is on the team now. Who sees no more than the danger sees the responders only."""
        here = (each for each in case.team(()).members if each.until is None or self._now < each.until)
        return [
            MemberOut(
                staff_id=each.staff_id,
                name=self._name(each.staff_id),
                capacity=each.capacity,
                since=each.since,
                until=each.until,
            )
            for each in here
            if whole or each.capacity == DUTY
        ]


def _contact(contact: Contact) -> ContactOut:
    return ContactOut(
        contact_id=contact.contact_id,
        mode=contact.mode,
        direction=contact.direction,
        outcome_code=contact.outcome_code,
        with_=contact.party,
        two_way=contact.two_way,
        by=contact.by,
        at=contact.at,
        next_due=contact.next_due,
        recorded_by=contact.recorded_by,
        recorded_at=contact.recorded_at,
    )


def _says_little(decision: Decision) -> bool:
    return decision.obliges(METADATA_ONLY) or decision.obliges(ONLY_DANGER)


def betrays(asked: Filter, decision: Decision) -> bool:
    """Return whether being listed would say what the decision hides: who asks by a student learns whose a case is."""
    hidden = (name for obligation in decision.obligations for name in _HIDDEN.get(obligation, ()))
    return any(getattr(asked, name) is not None for name in hidden)
