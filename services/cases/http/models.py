"""What people send and get."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.cases.domain.assignment import Assignment
from services.cases.domain.codes import (
    AmendReason,
    CloseCode,
    ContactOutcome,
    DeclineReason,
    Direction,
    HoldReason,
    Mode,
    NoteKind,
    Outcome,
    Party,
    ReassignReason,
    ReopenReason,
    Resolution,
    State,
)
from services.cases.domain.combination import Combination
from services.cases.domain.notes import LONGEST
from shared.events.codes import Level

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


class SeenCase(In):
    """A case, and the version of it that somebody saw."""

    case_id: UUID
    version: Seen = None


class ReassignEachIn(In):
    """Cases that shall go to one colleague, and why; `beyond_capacity` also when that is more than one should have."""

    cases: Annotated[list[SeenCase], Field(min_length=1, max_length=100)]
    staff_id: StaffId
    reason_code: ReassignReason
    beyond_capacity: bool = False


class GivenOut(BaseModel):
    """A case that went to somebody else."""

    case_id: UUID
    version: int


class KeptOut(BaseModel):
    """A case that stayed where it was, and why."""

    case_id: UUID
    code: str
    detail: str


class ReassignedOut(BaseModel):
    """What became of each case, in the order asked for."""

    given: list[GivenOut]
    kept: list[KeptOut]


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


class HoldIn(In):
    """Why the work rests, and the day on which it goes on at the latest."""

    reason_code: HoldReason
    review_at: AwareDatetime
    version: Seen = None


class ResumeIn(In):
    """The end of a hold."""

    version: Seen = None


class CloseIn(In):
    """How the work ended. `level` is the last rating; whether the student was reached is a fact of its own."""

    close_code: CloseCode
    contact_outcome: ContactOutcome
    level: Level
    student_told: bool
    version: Seen = None


class ReopenIn(In):
    """Why the work goes on."""

    reason_code: ReopenReason
    version: Seen = None


# What people write: anything but what no text holds.
Words = Annotated[str, Field(min_length=1, max_length=LONGEST, pattern=r"^[^\x00]*\S[^\x00]*$")]


class NoteIn(In):
    """A note. Signed it stays as it is; otherwise it is a draft, for nobody else to see."""

    kind: NoteKind
    text: Words
    sign: bool = False


class DraftIn(In):
    """A draft as it is now."""

    text: Words
    sign: bool = False


class AmendIn(In):
    """What a signed note shall say from now on, and why."""

    text: Words
    reason_code: AmendReason


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
    last_reached_at: datetime | None
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
    """The latest change; by whom is null where the decision hides who works on the case."""

    by: str | None
    name: str | None
    how: str
    at: datetime


class CaseDetailOut(CaseOut):
    """A case with its team, contacts and clocks. `mismatched_referrals` are matched to another student by now.

    `may` names what the reader may do with it: `accept`, `assign`, `close`, `write_note` and so on.
    """

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
    hold_reason: str | None
    review_at: datetime | None
    close_code: str | None
    contact_outcome: str | None
    ended_at: datetime | None
    may: list[str]


class GuardOut(BaseModel):
    """One thing that stands in the way of closing a case."""

    code: str
    sentence: str


class ClosingOut(BaseModel):
    """What closing a case needs. `attempts_needed` before a student counts as unreachable."""

    in_the_way: list[GuardOut]
    attempts: int
    attempts_needed: int
    reopen_days: int


class EditionOut(BaseModel):
    """What a note said from some moment on."""

    edition: int
    text: str
    reason_code: str
    by: str
    name: str
    at: datetime


class NoteOut(BaseModel):
    """A note with its editions, the oldest first. A `restricted` one shows none: ask who wrote it."""

    note_id: UUID
    kind: str
    author_id: str
    author_name: str
    edition: int
    begun_at: datetime
    signed_at: datetime | None
    restricted: bool
    editions: list[EditionOut]


class ChangeLogOut(BaseModel):
    """What somebody changed about a case."""

    how: str
    code: str
    by: str
    at: datetime


class NotesOut(BaseModel):
    """The notes of a case and what people changed about it. Who sees only the danger sees neither."""

    notes: list[NoteOut]
    changes: list[ChangeLogOut]
    only_danger: bool


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


def combination_out(question: Combination) -> CombinationOut:
    """Return a question, or its answer."""
    return CombinationOut.model_validate(question, from_attributes=True)
