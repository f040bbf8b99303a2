"""What goes in and out over HTTP, field by field, with limits."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.intake.domain.cells import EARLIEST
from services.intake.domain.referral_rows import LONGEST_DESCRIPTION, LONGEST_NARRATIVE
from services.intake.domain.rejects import Reject
from shared.events.codes import Channel, Decision, Level, SourceKind, Urgency

CAMPUS_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
Campus = Annotated[str, Field(pattern=CAMPUS_PATTERN, description="campus code", examples=["NORTH"])]
Concern = Literal[
    "sexual_misconduct", "partner_violence", "stalking", "suicide", "self_harm", "missing_person", "threat", "violence",
    "weapon", "hazing", "child_abuse", "mood", "anxiety", "physical_health", "substance", "eating", "bereavement",
    "trauma", "family", "legal", "immigration", "finances", "food", "housing", "roommate", "discrimination", "conduct",
    "attendance", "grades", "missing_work", "withdrawal", "other",
]  # fmt: skip
Referrer = Literal[
    SourceKind.SELF, SourceKind.PEER, SourceKind.FACULTY, SourceKind.STAFF, SourceKind.PARENT, SourceKind.POLICE,
    SourceKind.ANONYMOUS, SourceKind.OTHER,
]  # fmt: skip
PersonsDecision = Literal[
    Decision.OPEN_CASE, Decision.ATTACH, Decision.WATCH, Decision.REDIRECT, Decision.DUPLICATE, Decision.NOT_OURS,
    Decision.SPAM,
]  # fmt: skip
Rating = Literal[Level.MILD, Level.MODERATE, Level.ELEVATED, Level.CRITICAL]
ReasonCode = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", examples=["named_concern"])]


class Body(BaseModel):
    """What somebody sends: nothing that is not known."""

    model_config = ConfigDict(extra="forbid")


class AboutBody(Body):
    """Whom it is about, as far as the referrer knows: an id, an address, or words."""

    student_id: str | None = Field(default=None, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")
    email: str | None = Field(default=None, max_length=254, pattern=r"^[^@\s]{1,64}@[^@\s]{1,189}$")
    description: str | None = Field(default=None, max_length=LONGEST_DESCRIPTION)
    name: str | None = Field(default=None, max_length=200)
    course: str | None = Field(default=None, max_length=200, description="a class they share, and who teaches it")
    residence: str | None = Field(default=None, max_length=200)
    level: str | None = Field(default=None, max_length=100, description="year of study")
    pronouns: str | None = Field(default=None, max_length=50)
    birth_date: str | None = Field(default=None, max_length=50)


class CallerBody(Body):
    """Somebody who told it to the one who writes it down, as far as they say who they are."""

    name: str = Field(default="", max_length=200)
    email: str = Field(default="", max_length=254, pattern=r"^$|^[^@\s]{1,64}@[^@\s]{1,189}$")
    phone: str = Field(default="", max_length=50)


class NewReferral(Body):
    """A concern about a student, several people or a place. `happened_at` only where it was not just now.

    `caller` is whoever said it, where somebody else writes it down, `regards` what it is about. Unless `visibility` is
    open the student is not told who referred; `notices` sends the caller, or whoever signed in, word how far it is.
    """

    campus: Campus
    about: AboutBody = AboutBody()
    concerns: list[Concern] = Field(default=[], max_length=20)
    urgency: Urgency = Urgency.ROUTINE
    narrative: str = Field(min_length=1, max_length=LONGEST_NARRATIVE)
    relationship: str = Field(default="", max_length=100)
    source_kind: Referrer = SourceKind.OTHER
    happened_at: AwareDatetime | None = Field(default=None, ge=EARLIEST)
    channel: Literal[Channel.API, Channel.FORM, Channel.PHONE] = Channel.API
    caller: CallerBody = CallerBody()
    regards: Literal["person", "group", "place"] = "person"
    visibility: Literal["open", "shielded"] = "shielded"
    notices: bool = False
    language: str = Field(default="", pattern=r"^$|^[a-z]{2}$")


class TriageBody(Body):
    """What a referral becomes, and why, in a code."""

    decision: PersonsDecision
    reason_code: ReasonCode
    rating: Rating | None = Field(default=None, description="how grave the person finds it; danger is raised at once")
    several: bool = Field(default=False, description="decided together with others, which danger never is")


class MatchBody(Body):
    """Which student a referral is about: our own id of the student.

    `instead_of` corrects what was said before, and names it; `not_these` are others it was seen not to be about.
    """

    student_id: UUID
    instead_of: UUID | None = None
    reason_code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$|^$")] = ""
    not_these: list[UUID] = Field(default=[], max_length=20)


class ResolveBody(Body):
    """Students whose names are wanted."""

    student_ids: list[UUID] = Field(min_length=1, max_length=500)


class ReceiptView(BaseModel):
    """What a referrer gets: the reference to ask again with."""

    referral_id: UUID
    reference: str
    state: Literal["matching", "triage_due", "triaged"]


class FlagView(BaseModel):
    """A flag. `comment` and who raised or cleared it only for those who work with the student."""

    flag_id: UUID
    campus: str
    student_id: UUID | None
    source: str
    sources: list[str] = Field(description="every source that raised it, the first one first")
    reason_code: str
    severity: int
    course: str
    section: str
    term: str
    raised_at: datetime
    state: Literal["open", "cleared", "expired"]
    cleared_at: datetime | None
    cleared_reason: str = Field(
        description="`source` where the feed said so, `active` where the student was active again, `expired` where"
        " nobody did anything"
    )
    reopened_at: datetime | None
    referral_id: UUID | None = Field(description="the referral a rule made of it")
    outreach_id: UUID | None = Field(description="the entry of an outreach list a rule made of it")
    rule: str | None = Field(description="the rule that counted it")
    comment: str | None = None
    raised_by: str | None = None
    cleared_by: str | None = None


class ReferralView(BaseModel):
    """A referral without what people wrote. What a wall withholds is null, empty, or missing from its list."""

    referral_id: UUID
    reference: str
    campus: str
    sensitivity: str
    student_id: UUID | None
    state: str
    status: str = Field(description="what the referrer is told: received, reviewed, acted, closed")
    decision: str
    reason_code: str
    decided_by: str
    family: str | None
    concerns: list[str]
    level: str
    urgency: str
    source_kind: str | None
    channel: str
    relationship: str | None
    live: bool
    happened_at: datetime
    received_at: datetime
    triaged_at: datetime | None
    match_basis: str
    matched_by: str
    case_id: UUID | None
    due_at: datetime | None = Field(description="by when it is to be decided")
    rating: str
    marks: list[str] = Field(
        default=[], description="likely_bot, group, place, aware, unaware, asked, heard, retracted"
    )
    flags: list[FlagView] = []


class HitView(BaseModel):
    """Where screening found something in the narrative."""

    category: str
    start: int
    end: int
    negated: bool
    edition: str = Field(default="", description="the word list that found it")


class AboutView(BaseModel):
    """Whom the referrer meant, in their words."""

    number: str
    email: str
    description: str
    name: str = ""
    course: str = ""
    residence: str = ""
    level: str = ""
    pronouns: str = ""
    birth_date: str = ""


class ReferrerView(BaseModel):
    """Who wrote it."""

    staff_id: str
    name: str
    email: str


class NarrativeView(BaseModel):
    """What somebody wrote. With `only_danger`, only the sentences that speak of danger, and nobody's name."""

    referral_id: UUID
    narrative: str
    only_danger: bool
    hits: list[HitView]
    screened_with: str
    about: AboutView | None
    referrer: ReferrerView | None


class PersonView(BaseModel):
    """A student's name. `goes_by` is the id that stands for them after merges; `student_id` the one asked for."""

    student_id: UUID
    name: str
    campus_code: str
    goes_by: UUID
    pronouns: str = ""
    directory_opt_out: bool = False


class People(BaseModel):
    """The students the caller may know, of those asked for."""

    people: list[PersonView]


class RejectView(BaseModel):
    """A row that did not go in. `row` is its line in the file; the header is line 1."""

    row: int
    column: str
    reason: str
    accepted_values: str

    @classmethod
    def of(cls, reject: Reject) -> "RejectView":
        """Shape a reject."""
        return cls(row=reject.row, column=reject.column, reason=reject.reason, accepted_values=reject.accepted)


class KeptReject(RejectView):
    """A row that did not go in, with what it said."""

    reject_id: UUID
    raw: str


class ImportView(BaseModel):
    """What became of a file. `rejects` are the first twenty."""

    import_id: UUID | None = Field(description="null for a dry run, which leaves nothing behind")
    dry_run: bool
    rows: int
    accepted: int
    unchanged: int
    rejected: int
    referrals_made: int
    vanished: int = 0
    rejects: list[RejectView]
