"""What people send and get."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.cases.domain.assignment import Assignment
from services.cases.domain.case import Case
from services.cases.domain.codes import (
    DeclineReason,
    Direction,
    Mode,
    Outcome,
    Party,
    ReassignReason,
    Resolution,
    State,
)
from services.cases.domain.combination import Combination
from services.cases.domain.contact import Contact
from services.cases.domain.reasons import sentence
from services.cases.storage.members import DUTY
from services.cases.storage.offices import ProgramOffices
from services.cases.storage.reads import Shown
from shared.access.decision import Decision
from shared.access.rules import HIDE_PARTIES, METADATA_ONLY, ONLY_DANGER

Code = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_]*$")]
StaffId = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Seen = Annotated[int | None, Field(ge=1, le=2**53, description="the version you saw; or send it as If-Match")]


class In(BaseModel):
    """What somebody sends."""

    model_config = ConfigDict(extra="forbid")


class AcceptIn(In):
    """An acceptance."""

    version: Seen = None


class DeclineIn(In):
    """A refusal, with its reason."""

    reason_code: DeclineReason
    version: Seen = None


class ReassignIn(In):
    """To whom a case shall go, and why."""

    staff_id: StaffId
    reason_code: ReassignReason
    version: Seen = None


class ContactIn(In):
    """A contact attempt. `by` is who made it (you, when left out), `at` when (now)."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    mode: Mode
    direction: Direction = Direction.OUT
    outcome_code: Outcome
    party: Annotated[Party, Field(alias="with")] = Party.STUDENT
    by: StaffId | None = None
    at: AwareDatetime | None = None
    next_due: AwareDatetime | None = None
    version: Seen = None


class DecideIn(In):
    """Whether two cases are one."""

    decision: Resolution
    reason: Code


class CaseOut(BaseModel):
    """A case in a listing. What the decision obliges to hide is null."""

    case_id: UUID
    campus: str
    student_id: UUID | None
    family: str | None
    sensitivity: str
    state: State
    level: str
    concerns: list[str] | None
    owner_id: str | None
    owner_name: str | None
    assignment_code: str | None
    assignment_sentence: str | None
    accepted_at: datetime | None
    outreach_due: datetime | None
    next_contact_due: datetime | None
    referrals: list[UUID] | None
    contacts: int
    opened_at: datetime
    version: int


class ClockOut(BaseModel):
    """A deadline and when it was met. `calendar_version` and `policy_edition` say what it was computed with."""

    due_at: datetime | None
    met_at: datetime | None
    late: bool
    calendar_version: str
    policy_edition: str


class ClocksOut(BaseModel):
    """The clocks of a case: from referral to case, from case to first outreach, and to the next contact."""

    report_to_case: ClockOut
    outreach: ClockOut
    next_contact_due: datetime | None


class MemberOut(BaseModel):
    """Somebody on the team now."""

    staff_id: str
    name: str
    capacity: str
    since: datetime
    until: datetime | None


class ContactOut(BaseModel):
    """A contact."""

    contact_id: UUID
    mode: str
    direction: str
    outcome_code: str
    with_: Annotated[str, Field(serialization_alias="with")]
    two_way: bool
    by: str
    at: datetime
    next_due: datetime | None
    recorded_by: str
    recorded_at: datetime


class ChangeOut(BaseModel):
    """The latest change."""

    by: str
    name: str
    how: str
    at: datetime


class CaseDetailOut(CaseOut):
    """A case with its team, contacts and clocks. `mismatched_referrals` are matched to another student by now."""

    reason_code: str | None
    added_concerns: list[str] | None
    owner_since: datetime | None
    referred_at: datetime
    assignment: Assignment | None
    clocks: ClocksOut
    team: list[MemberOut]
    mismatched_referrals: list[UUID] | None
    contact_log: list[ContactOut] | None
    merged_into: UUID | None
    kept_apart: bool
    changed: ChangeOut


class CasesOut(BaseModel):
    """A page; `after` asks for the next one and is null at the end. What you may not see is left out."""

    items: list[CaseOut]
    after: UUID | None


class ContactRecordedOut(BaseModel):
    """What recording a contact made of the case."""

    contact_id: UUID
    case: CaseOut


class CombinationOut(BaseModel):
    """A question about two cases. Combining keeps `case_id`."""

    combination_id: UUID
    campus: str
    case_id: UUID
    other_case_id: UUID
    student_id: UUID
    asked_at: datetime
    decision: str | None
    decided_by: str | None
    decided_at: datetime | None


class CombinationsOut(BaseModel):
    """A page of open questions."""

    items: list[CombinationOut]
    after: UUID | None


class View:
    """How a case looks to whom a decision was made for."""

    def __init__(self, shown: Shown, staff: ProgramOffices, now: datetime) -> None:
        self._shown, self._staff, self._now = shown, staff, now
        self._names = staff.names()

    def head(self, case: Case, decision: Decision) -> CaseOut:
        """Return a case for a listing."""
        return CaseOut(**self._head(case, decision))

    def detail(self, case: Case, decision: Decision, contacts: Sequence[Contact]) -> CaseDetailOut:
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
            changed=ChangeOut(
                by=case.changed_by, name=self._name(case.changed_by), how=case.changed_how, at=case.changed_at
            ),
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
            "opened_at": case.opened_at,
            "version": case.version,
        }

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


def combination_out(question: Combination) -> CombinationOut:
    """Return a question, or its answer."""
    return CombinationOut.model_validate(question, from_attributes=True)


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
