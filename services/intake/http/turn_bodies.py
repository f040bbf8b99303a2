"""What goes in and out over HTTP where people do more with a referral than decide it, field by field, with limits."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.intake.domain.referral_rows import LONGEST_NARRATIVE
from services.intake.http.bodies import AboutBody, Body, Campus, HitView, Rating, ReasonCode

Office = Literal[
    "conduct", "human_resources", "police", "housing", "disability", "counseling", "dean", "other_office"
]  # fmt: skip
Reference = Annotated[str, Field(pattern=r"^[0-9A-HJKMNP-TV-Z]{3}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$")]


class QuestionBody(Body):
    """What staff want to know of the referrer. They read it on their page: name nobody in it."""

    text: str = Field(min_length=1, max_length=2_000)


class RedirectBody(Body):
    """Where a referral belongs instead: another office of the campus, or another campus. One of the two.

    `rating` is how grave the person finds it; with an office only: another campus rates it itself.
    """

    office: Office | None = None
    campus: Campus | None = None
    rating: Rating | None = None


class DuplicateBody(Body):
    """Which referral says the same, by its reference; and how grave the person finds this one."""

    of: Reference
    reason_code: ReasonCode = "same_matter"
    rating: Rating | None = None


class PersonBody(Body):
    """A further person that a referral speaks of; without words of their own they get all of it."""

    about: AboutBody
    narrative: str = Field(default="", max_length=LONGEST_NARRATIVE)


class SplitBody(Body):
    """The further persons, each of whom becomes a referral."""

    people: list[PersonBody] = Field(min_length=1, max_length=20)


class TurnBody(Body):
    """Why, in a code."""

    reason_code: ReasonCode


class QuestionView(BaseModel):
    """A question that waits on the referrer's page."""

    message_id: UUID


class MessageView(BaseModel):
    """One thing that was asked or said. `author_id` is empty for the referrer."""

    message_id: UUID
    kind: Literal["question", "answer", "addition"]
    author_id: str
    answers: UUID | None
    text: str
    level: str
    hits: list[HitView]
    screened_with: str
    written_at: datetime


class AttachmentView(BaseModel):
    """A file that came along. `kind` is what it is by its content."""

    attachment_id: UUID
    message_id: UUID | None
    kind: str
    size: int
    name: str
    added_at: datetime


class TurnView(BaseModel):
    """What somebody did with it, beside deciding it."""

    kind: str
    code: str
    other_id: UUID | None
    done_by: str
    done_at: datetime


class WayBackView(BaseModel):
    """How the referrer stands to it. With `shielded` nobody tells the student who it was."""

    visibility: Literal["open", "shielded", "anonymous"]
    language: str
    returns: bool
    notices: bool


class ThreadView(BaseModel):
    """Everything about a referral that came after it. `can_ask`: the referrer can be reached with a question."""

    referral_id: UUID
    referrer: WayBackView | None
    can_ask: bool
    messages: list[MessageView]
    attachments: list[AttachmentView]
    turns: list[TurnView]


class Made(BaseModel):
    """A referral that was made of another one."""

    referral_id: UUID
    reference: str
    campus: str


class SplitView(BaseModel):
    """The referrals that were made."""

    made: list[Made]


class PassageView(BaseModel):
    """A text as the student may see it. `review`: places a person has to look at before it is handed out."""

    kind: Literal["referral", "question", "answer", "addition"]
    text: str
    review: list[tuple[int, int]]
    written_at: datetime


class InspectionView(BaseModel):
    """What the student may inspect of a referral. `referrer` is empty where they asked not to be known."""

    referral_id: UUID
    reference: str
    campus: str
    received_at: datetime
    referrer: str
    withheld: list[str] = Field(description="what was left out, in codes")
    passages: list[PassageView]
    attachments: int


class ContactView(BaseModel):
    """How a referrer is reached at this moment: for the delivery of one notice."""

    address: str
    link: str
    language: str
    status: str
    reference: str
    campus: str
