"""What goes in and out about students: who they are, who they may be, who is the same as whom."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from services.intake.domain.identity import Merge, WhyOther, WhySame, WhyTwo
from services.intake.domain.matching import Candidate
from services.intake.http.bodies import AboutView, Body, Campus
from services.intake.storage.merges import Said
from services.intake.storage.student_names import Name

Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Optional = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
WhyLeft = Literal["ask_referrer", "need_more", "asked_office", "other"]
WhyMissing = Literal["missing_person_report", "police_request", "welfare_check", "keeping_up_to_date"]


class FindBody(Body):
    """Whom somebody looks for: a name, a campus number, an address, or the reference of a referral."""

    q: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200)]
    campus: Campus | None = None


class RejectBody(Body):
    """Students whom a referral is not about."""

    student_ids: list[UUID] = Field(min_length=1, max_length=20)
    reason_code: WhyOther = "wrong_person"


class UnmatchBody(Body):
    """Whom a referral was said to be about, and is not."""

    student_id: UUID
    reason_code: WhyOther


class LeaveBody(Body):
    """Why it was left open."""

    reason_code: WhyLeft = "need_more"


class MergeBody(Body):
    """Whom a student is the same as, and how that is known."""

    same_as: UUID
    reason_code: WhySame


class UndoBody(Body):
    """Why two students are two after all."""

    reason_code: WhyTwo


class NameBody(Body):
    """Another name that a student is known by, or an address or number they had."""

    kind: Literal["alias", "former", "email", "number"]
    value: Short


class ContactBody(Body):
    """Somebody to call."""

    name: Short
    relationship: Optional = ""
    phone: Annotated[str, Field(max_length=40, pattern=r"^(\+?[0-9 ().x/-]{3,40})?$")] = ""
    email: Annotated[str, Field(max_length=254, pattern=r"^([^@\s]{1,64}@[^@\s]{1,189})?$")] = ""


class ContactsBody(Body):
    """Whom to call, in order; an empty list takes everybody away."""

    contacts: list[ContactBody] = Field(max_length=10)


class FoundView(BaseModel):
    """A student somebody looked for, with no more than tells them apart."""

    student_id: UUID
    name: str
    pronouns: str
    campus: str
    campuses: list[str]
    number_end: str
    level: str
    study_program: str
    status: str
    directory_opt_out: bool


class FoundPeople(BaseModel):
    """The students the caller may know, the likeliest first, and the referral whose reference it was."""

    people: list[FoundView]
    referral_id: UUID | None = None


class EvidenceView(BaseModel):
    """One field held against another: `same`, `fits`, `could_fit`, `differs`, `nothing` to compare."""

    field: str
    said: str
    known: str
    agreement: str


class CandidateView(BaseModel):
    """A student a referral may be about, with what speaks for and against."""

    student_id: UUID
    name: str
    number_end: str
    status: str
    agrees: int
    compared: int
    evidence: list[EvidenceView]

    @classmethod
    def of(cls, candidate: Candidate) -> "CandidateView":
        """Shape a candidate: of a number only the end is shown."""
        student = candidate.known.student
        return cls(
            student_id=student.student_id,
            name=student.shown_name,
            number_end=end_of(student.number),
            status=student.status,
            agrees=candidate.agrees,
            compared=candidate.compared,
            evidence=[
                EvidenceView(
                    field=each.field,
                    said=each.said,
                    known=end_of(each.known) if each.field == "number" else each.known,
                    agreement=each.agreement.value,
                )
                for each in candidate.evidence
            ],
        )


class SaidView(BaseModel):
    """What somebody said of whom a referral is about."""

    student_id: UUID | None
    decision: str
    reason_code: str
    decided_by: str
    decided_at: datetime

    @classmethod
    def of(cls, said: Said) -> "SaidView":
        """Shape it."""
        return cls(
            student_id=said.student_id,
            decision=said.decision,
            reason_code=said.reason_code,
            decided_by=said.decided_by,
            decided_at=said.decided_at,
        )


class CandidatesView(BaseModel):
    """Who a referral may be about. Nobody is attached by being here."""

    referral_id: UUID
    student_id: UUID | None
    match_basis: str
    about: AboutView
    candidates: list[CandidateView]
    said: list[SaidView]


class WaitingView(BaseModel):
    """A referral of which nobody knows whom it is about, with the words it uses for them."""

    referral_id: UUID
    reference: str
    campus: str
    meant: str
    source_kind: str
    channel: str
    danger: bool
    received_at: datetime
    left_open: SaidView | None = None


class NameView(BaseModel):
    """A name a student is found by. `source`: the roster, what the roster said before, or a person (`added_by`)."""

    name_id: UUID
    kind: str
    source: str
    value: str
    added_by: str
    added_at: datetime

    @classmethod
    def of(cls, name: Name) -> "NameView":
        """Shape it."""
        return cls(
            name_id=name.name_id,
            kind=name.kind,
            source=name.source,
            value=name.value,
            added_by=name.added_by,
            added_at=name.added_at,
        )


class ClassView(BaseModel):
    """A class a student is in."""

    term: str
    course: str
    section: str
    instructor_id: str


class MergeView(BaseModel):
    """A person's word that two students are one, and of who took it back."""

    merge_id: UUID
    student_id: UUID
    same_as: UUID
    reason_code: str
    merged_by: str
    merged_at: datetime
    undone: bool
    undo_reason_code: str
    undone_by: str
    undone_at: datetime | None

    @classmethod
    def of(cls, merge: Merge) -> "MergeView":
        """Shape it."""
        return cls(
            merge_id=merge.merge_id,
            student_id=merge.student_id,
            same_as=merge.same_as,
            reason_code=merge.reason_code,
            merged_by=merge.merged_by,
            merged_at=merge.merged_at,
            undone=merge.undone_at is not None,
            undo_reason_code=merge.undo_reason_code,
            undone_by=merge.undone_by,
            undone_at=merge.undone_at,
        )


class StudentView(BaseModel):
    """A student as the roster knows them. `goes_by` is whose id stands for them after all merges.

    `also` are the ids of everybody merged with them whom the caller may see. `directory_opt_out`: nothing about them
    is given to anybody outside, not even that they study here.
    """

    student_id: UUID
    goes_by: UUID
    also: list[UUID]
    name: str
    roster_name: str
    pronouns: str
    number: str
    email: str
    campus: str
    campuses: list[str]
    status: str
    birth_date: date | None
    is_minor: bool | None
    study_program: str
    level: str
    residence: str
    athlete: bool | None
    veteran: bool | None
    directory_opt_out: bool
    advisor_id: str
    names: list[NameView]
    classes: list[ClassView]
    merges: list[MergeView]


class ContactView(BaseModel):
    """Somebody to call."""

    name: str
    relationship: str
    phone: str
    email: str


class ContactsView(BaseModel):
    """Whom to call for a student, of one kind, and who last said so."""

    contacts: list[ContactView]
    changed_by: str
    changed_at: datetime | None


def end_of(number: str) -> str:
    """Return the end of a campus number: enough to tell two apart, too little to use."""
    return number[-2:]
