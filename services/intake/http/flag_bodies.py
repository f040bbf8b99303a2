"""What goes in and out over HTTP about flags, rules over them, and outreach lists."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from services.intake.domain.cells import EARLIEST
from services.intake.domain.flag_rows import LONGEST_COMMENT
from services.intake.domain.outreach import OUTCOMES
from services.intake.http.bodies import Body, Campus

Code = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_ .:/&+()-]*$")]
OptionalCode = Annotated[str, Field(max_length=64, pattern=r"^([A-Za-z0-9][A-Za-z0-9_ .:/&+()-]*)?$")]
Edition = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Outcome = Annotated[str, Field(json_schema_extra={"enum": list(OUTCOMES)}, max_length=64)]


class RaiseFlag(Body):
    """One alert about one student: by the campus's number, or by our own id."""

    campus: Campus
    student_number: Annotated[str, Field(max_length=64, pattern=r"^([A-Za-z0-9][A-Za-z0-9._/-]*)?$")] = ""
    student_id: UUID | None = None
    reason_code: Code
    severity: Annotated[int, Field(ge=1, le=3)] = 1
    course: OptionalCode = ""
    section: OptionalCode = ""
    term: OptionalCode = ""
    comment: Annotated[str, Field(max_length=LONGEST_COMMENT)] = ""
    raised_at: AwareDatetime | None = Field(default=None, ge=EARLIEST)


class RaisedView(BaseModel):
    """What somebody who raised a flag may call it by."""

    reference: UUID


class ClearBody(Body):
    """Which flags need nothing any more, and why."""

    flag_ids: Annotated[list[UUID], Field(min_length=1, max_length=200)]
    reason: Literal["resolved", "excused", "mistake", "withdrawn", "duplicate", "other"]


class ClearedView(BaseModel):
    """The flags that were open and are cleared now."""

    cleared: list[UUID]


class CourseView(BaseModel):
    """The flags of one section."""

    term: str
    course: str
    section: str
    flags: int
    open: int
    students: int
    severity: int
    newest: datetime


class CourseListing(BaseModel):
    """Part of a listing by course. `after` asks for the next part and is null at the end."""

    items: list[CourseView]
    after: str | None = None


class SimulateBody(Body):
    """Which rules to try on which past flags: a draft, or an edition there is; neither: those in force."""

    campuses: Annotated[list[Campus], Field(min_length=1, max_length=100)]
    since: AwareDatetime = Field(ge=EARLIEST)
    until: AwareDatetime = Field(ge=EARLIEST)
    rules: Annotated[list[dict[str, Any]], Field(max_length=50)] | None = None
    edition: Edition | None = None
    salt: Annotated[int, Field(ge=0, le=1_000_000, description="another one chooses other examples")] = 0


class WeekView(BaseModel):
    """What one week would have brought to a campus. `beyond`: what would have gone to outreach lists."""

    campus: str
    week_of: date
    term_week: int | None
    referrals: int
    at_once: int
    beyond: int


class RuleView(BaseModel):
    """What one rule would have made, or seen if it watches."""

    name: str
    mode: Literal["active", "watch"]
    firings: int


class TriedView(BaseModel):
    """What rules would have made of past flags."""

    referrals: int
    students: int
    at_once: int
    beyond: int
    weeks_beyond: int
    earlier_referred: int = Field(description="whom a person had referred within 30 days before")
    later_referred: int = Field(description="whom a person referred within 120 days after")
    later_median_days: float | None
    weeks: list[WeekView]
    rules: list[RuleView]


class ExampleView(BaseModel):
    """One of the referrals that would have been made. Whose it is shows to those who may see their flags."""

    campus: str
    student_id: UUID | None
    rule: str
    fired_at: datetime
    week_of: date
    flags: int
    courses: list[str]
    reasons: list[str]
    later_days: float | None


class CapacityView(BaseModel):
    """How many referrals of rules a campus can take a week; null where nobody has said."""

    campus: str
    referrals_per_week: int | None


class SimulationView(BaseModel):
    """Rules tried on the past. Nobody was told anything."""

    since: datetime
    until: datetime
    flags: int
    students: int
    tried: TriedView
    in_force: TriedView | None = Field(description="null where the rules tried are those in force")
    examples: list[ExampleView]
    capacities: list[CapacityView]


class TrialBody(SimulateBody):
    """What to try, and `kept`: what the asker's form held besides, given back with the trial as it came."""

    kept: dict[str, Annotated[str, Field(max_length=2_000)]] = Field(default_factory=dict, max_length=600)


class TrialView(BaseModel):
    """A trial of rules, for whoever asked for it; kept for a day. `looked_at` counts flags."""

    trial_id: UUID
    state: Literal["waiting", "running", "done", "failed"]
    looked_at: int
    kept: dict[str, str]
    result: SimulationView | None = Field(description="once it is done")


class FiringView(BaseModel):
    """What a rule made: a referral, an entry of an outreach list, or, watching, nothing."""

    firing_id: UUID
    campus: str
    student_id: UUID | None
    rule: str
    policy_campus: str
    policy_edition: str
    made: Literal["referral", "outreach", "watch"]
    made_at: datetime
    fired_at: datetime
    flags: int
    courses: int


class TallyView(BaseModel):
    """How often a rule of an edition fired."""

    rule: str
    policy_campus: str
    policy_edition: str
    made: Literal["referral", "outreach", "watch"]
    firings: int
    students: int
    first_at: datetime
    last_at: datetime


class Tallies(BaseModel):
    """How often the rules of a campus fired, the latest first."""

    items: list[TallyView]


class OutreachListView(BaseModel):
    """A list of those whom rules found beyond what the campus could take in a week."""

    list_id: UUID
    campus: str
    week_of: date
    term: str
    course: str
    section: str
    opened_at: datetime
    students: int
    waiting: int
    messaged: int
    ended: int
    referred: int
    refer_at: datetime | None = Field(description="when the first who waits is referred after all")


class EntryView(BaseModel):
    """A student on a list."""

    referral_id: UUID = Field(description="what the referral is or would be called")
    student_id: UUID
    rule: str
    policy_edition: str
    level: str
    flags: int
    severity: int
    courses: list[str]
    fired_at: datetime
    listed_at: datetime
    refer_at: datetime
    messaged_at: datetime | None
    messaged_by: str
    state: Literal["waiting", "ended", "referred"]
    outcome_code: str
    decided_at: datetime | None
    decided_by: str


class OutreachView(BaseModel):
    """A list with everybody on it whom the caller may see."""

    about: OutreachListView
    entries: list[EntryView]


class StudentContactView(BaseModel):
    """Where a message to a student goes."""

    address: str


class MessageBody(Body):
    """A fixed message to students of a list who wait."""

    entries: Annotated[list[UUID], Field(min_length=1, max_length=500)]
    template: Literal["check_in", "resources", "appointment"]
    language: Literal["en", "es"] = "en"


class OutcomeBody(Body):
    """What came of asking students of a list."""

    entries: Annotated[list[UUID], Field(min_length=1, max_length=500)]
    outcome_code: Outcome


class ChangedView(BaseModel):
    """The entries that were changed, and how many of them are referrals now."""

    changed: list[UUID]
    referred: int
