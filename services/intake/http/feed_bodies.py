"""What goes in and out about feeds over HTTP, field by field, with limits."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.intake.domain.feeds import Expected, Feed, Result, counted
from services.intake.http.bodies import CAMPUS_PATTERN, Body

Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$", examples=["registrar-alerts"])]
StaffId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]*$")]
CampusOrAll = Annotated[
    str, Field(pattern=rf"{CAMPUS_PATTERN}|^\*$", description="campus code, or * where the mapping names one")
]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Rate = Annotated[int, Field(ge=1, le=10_000_000, description="items a minute")]
Settings = Annotated[dict[str, Any], Field(max_length=40)]
SAMPLE_LIMIT = 200_000


class ExpectedBody(Body):
    """When something should come, by the campus's own clock, and how many items a day. Days: Monday is 0."""

    days: list[Annotated[int, Field(ge=0, le=6)]] = Field(default_factory=list, max_length=7)
    by: str = Field(default="", pattern=r"^$|^([01]\d|2[0-3]):[0-5]\d$")
    low: int = Field(default=0, ge=0, le=100_000_000)
    high: int = Field(default=0, ge=0, le=100_000_000)
    quiet_minutes: int = Field(default=0, ge=0, le=10_080)

    def value(self) -> Expected:
        """Return it as feeds keep it."""
        return Expected(tuple(sorted(set(self.days))), self.by, self.low, self.high, self.quiet_minutes)


class NewFeed(Body):
    """A feed to add. `mapping` names a shipped one, `document` is one's own; without either it is added later."""

    code: Code
    name: Name
    kind: Literal["file_drop", "http_push", "canvas", "caliper", "oneroster", "topic", "referrals_api"]
    brings: Literal["flags", "referrals", "roster"]
    campus: CampusOrAll
    owner_id: StaffId
    mapping: str = Field(default="", max_length=64)
    document: dict[str, Any] | None = None
    rate_per_minute: Rate = 60_000
    expected: ExpectedBody = ExpectedBody()
    settings: Settings = Field(default_factory=dict)


class FeedChanges(Body):
    """What changes. `version` is the one that was looked at, so that nobody's change is lost."""

    version: int = Field(ge=1)
    name: Name | None = None
    owner_id: StaffId | None = None
    state: Literal["active", "paused", "retired"] | None = None
    rate_per_minute: Rate | None = None
    expected: ExpectedBody | None = None
    settings: Settings | None = None

    def values(self) -> dict[str, Any]:
        """Return what changes, as feeds keep it."""
        said = self.model_dump(exclude={"version", "expected"}, exclude_none=True)
        return said | ({"expected": self.expected.value()} if self.expected is not None else {})


class Rotation(Body):
    """How long the tokens before it stay good."""

    overlap_hours: float = Field(default=24, ge=0, le=24 * 90)


class NewMapping(Body):
    """A next version of a mapping: a document of one's own, or a shipped one as it stands."""

    document: dict[str, Any] | None = None
    shipped: str = Field(default="", max_length=64)
    note: str = Field(default="", max_length=500)


class TryBody(Body):
    """A sample to try a mapping on: a document, a version, or the one in use."""

    sample: str = Field(max_length=SAMPLE_LIMIT)
    document: dict[str, Any] | None = None
    version: int | None = Field(default=None, ge=1, le=1_000_000)
    dry_run: bool = False


class ChosenBody(Body):
    """Which items: these, or all of one reason (`code` and `column`), or, with neither, all that wait."""

    item_ids: list[UUID] | None = Field(default=None, min_length=1, max_length=500)
    code: str | None = Field(default=None, max_length=64)
    column: str = Field(default="", max_length=200)
    after: UUID = UUID(int=0)


class DiscardBody(ChosenBody):
    """Which items, and why they are never taken in."""

    reason: str = Field(min_length=3, max_length=500)


class MendBody(Body):
    """What an item should say. What it said is kept beside it."""

    raw: str = Field(min_length=1, max_length=SAMPLE_LIMIT)


class TokenView(BaseModel):
    """A token that is good now; its secret is told once, when it is made."""

    token_id: UUID
    made_by: str
    made_at: datetime
    ends_at: datetime | None


class NewTokenView(BaseModel):
    """A token just made. Nobody can show its secret again."""

    token_id: UUID
    secret: str


class FeedView(BaseModel):
    """A feed. `waiting` counts what is set aside."""

    feed_id: UUID
    code: str
    name: str
    kind: str
    brings: str
    campus: str
    owner_id: str
    state: str
    mapping_version: int
    rate_per_minute: int
    expected: ExpectedBody
    settings: dict[str, Any]
    made_at: datetime
    version: int
    tokens: list[TokenView]
    waiting: int
    last_at: datetime | None

    @classmethod
    def of(cls, feed: Feed, tokens: list[TokenView], waiting: int, last_at: datetime | None) -> "FeedView":
        """Shape a feed."""
        return cls.model_validate(
            {
                **{name: getattr(feed, name) for name in feed.__dataclass_fields__ if name != "expected"},
                "expected": {**_expected(feed.expected), "days": list(feed.expected.days)},
                "tokens": tokens,
                "waiting": waiting,
                "last_at": last_at,
            }
        )


class AddedFeed(BaseModel):
    """A feed just added, and the token its sender needs, if it needs one."""

    feed: FeedView
    token: NewTokenView | None


class MappingView(BaseModel):
    """A version of a mapping."""

    version: int
    document: dict[str, Any]
    note: str
    made_by: str
    made_at: datetime
    in_use: bool


class ShippedView(BaseModel):
    """A mapping that comes with the product, to begin from."""

    name: str
    about: str
    brings: str
    reads: str
    kinds: list[str]
    document: dict[str, Any]


class ResultView(BaseModel):
    """What became of one item."""

    place: str
    outcome: Literal["accepted", "unchanged", "merged", "skipped", "quarantined"]
    code: str = ""
    column: str = ""
    reason: str = ""
    accepted: str = ""
    reference: str = ""

    @classmethod
    def of(cls, result: Result) -> "ResultView":
        """Shape a result."""
        return cls(
            place=result.place,
            outcome=result.fate,
            code=result.code,
            column=result.column,
            reason=result.reason,
            accepted=result.accepted,
            reference=result.reference,
        )


class CountsView(BaseModel):
    """How many items met which fate."""

    items: int
    accepted: int
    unchanged: int
    merged: int
    skipped: int
    quarantined: int

    @classmethod
    def of(cls, results: list[Result]) -> "CountsView":
        """Count results."""
        return cls.model_validate(counted(results)._asdict())


class DeliveryView(BaseModel):
    """What became of a delivery, item by item, in order. It is stored when this answers."""

    delivery_id: UUID
    mapping_version: int
    counts: CountsView
    results: list[ResultView]
    clock_behind_seconds: float | None = Field(
        default=None, description="how far the sender's clock is behind ours, where it signs the time"
    )


class PastDelivery(BaseModel):
    """A delivery that came before."""

    delivery_id: UUID
    state: str
    mapping_version: int
    items: int
    accepted: int
    unchanged: int
    merged: int
    skipped: int
    quarantined: int
    referrals_made: int
    new_columns: list[str]
    started_at: datetime
    ended_at: datetime | None


class TrialView(BaseModel):
    """What a mapping makes of a sample: its first rows by field, and what would be set aside."""

    rows: list[dict[str, str]]
    counts: CountsView
    results: list[ResultView]
    new_columns: list[str]
    dry_run: bool


class GroupView(BaseModel):
    """Items set aside for one reason."""

    feed_id: UUID
    code: str
    column: str
    reason: str
    accepted: str
    items: int
    times: int
    oldest: datetime
    newest: datetime


class Groups(BaseModel):
    """What waits, by feed and reason, most first."""

    items: list[GroupView]


class ItemView(BaseModel):
    """An item set aside, without what it says."""

    item_id: UUID
    delivery_id: UUID
    mapping_version: int
    place: str
    code: str
    column: str
    reason: str
    accepted: str
    form: str
    whole: bool = Field(description="false where only its beginning was kept: it cannot be read again, but sent again")
    times: int
    state: str
    received_at: datetime
    mended: bool
    decided_by: str
    decided_at: datetime | None
    decision_reason: str


class ShownItem(ItemView):
    """An item with what it said when it came, and as somebody mended it."""

    raw: str
    mended_raw: str | None


class ReplayView(BaseModel):
    """What became of items. `after` is where to go on; null when these were all."""

    done: int
    still: int
    after: UUID | None


class MappingList(BaseModel):
    """Versions of a mapping, newest first."""

    items: list[MappingView]


class ShippedList(BaseModel):
    """The mappings that come with the product."""

    items: list[ShippedView]


def _expected(expected: Expected) -> dict[str, Any]:
    return {name: getattr(expected, name) for name in Expected.__dataclass_fields__}
