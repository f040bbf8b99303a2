"""What goes in and out over HTTP for word lists and corrections, field by field, with limits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from services.intake.domain.lexicon import Edition, Hit
from services.intake.domain.referral_rows import LONGEST_NARRATIVE
from services.intake.http.bodies import Body
from services.intake.storage.corrections import Correction
from services.intake.storage.lexicons import Made

Reason = Annotated[str, Field(min_length=1, max_length=500)]
Note = Annotated[str, Field(max_length=500)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,63}$")]
Lines = Annotated[list[Annotated[str, Field(max_length=2_000)]], Field(max_length=5_000)]
Verdict = Literal["right", "not_danger", "danger_missed", "misconduct_missed"]


class DraftBody(Body):
    """Which edition to begin with."""

    based_on: Annotated[str, Field(pattern=r"^[a-z]{2}-[0-9A-Za-z.-]{1,60}$", examples=["en-2026-11"])]
    note: Note = ""


class TermsBody(Body):
    """The terms of a category; what is left out stays."""

    terms: Lines | None = None
    terms_about_others: Lines | None = None


class WordsBody(Body):
    """Changes of a draft: lists take the place of those it has. `version` is the one that was looked at."""

    version: int = Field(ge=1)
    categories: dict[Name, TermsBody] = Field(default={}, max_length=20)
    words: dict[Name, Lines] = Field(default={}, max_length=40)
    idioms: Lines | None = None
    negation: dict[Name, Lines] = Field(default={}, max_length=10)
    note: Note | None = None


class ActivateBody(Body):
    """From when an edition holds, now if not said; and why, if it misses danger that is found now."""

    version: int = Field(ge=1)
    effective_from: AwareDatetime | None = None
    lower_recall_reason: Note = ""


class ReasonBody(Body):
    """Why."""

    reason: Reason


class TryBody(Body):
    """A text to look at. It is not kept."""

    text: str = Field(max_length=LONGEST_NARRATIVE)


class CorrectionBody(Body):
    """What a person says of what screening found. `level` is for danger that was missed; `words` the passage meant."""

    verdict: Verdict
    level: Literal["elevated", "critical"] = "critical"
    words: str = Field(default="", max_length=LONGEST_NARRATIVE)


class EditionRow(BaseModel):
    """An edition of a word list."""

    edition: str
    language: str
    state: str = Field(description="shipped, draft, active, withdrawn or discarded")
    in_force: bool
    based_on: str = ""
    note: str = ""
    authors: list[str] = []
    changed_at: datetime | None = None
    version: int = 0
    effective_from: datetime | None
    activated_by: str = ""
    activated_at: datetime | None = None
    lower_recall_reason: str = ""
    withdrawn_by: str = ""
    withdrawn_at: datetime | None = None
    withdrawn_reason: str = ""


class EditionView(EditionRow):
    """An edition with its words."""

    document: dict[str, Any]


class Editions(BaseModel):
    """Every edition, people's before those that ship."""

    items: list[EditionRow]
    languages: list[str]


class ScoreView(BaseModel):
    """How a category does before and after: `found`, `missed`, `wrong`, `recall`, `precision`."""

    category: str
    before: dict[str, float]
    after: dict[str, float]


class ChangeView(BaseModel):
    """A shipped sentence that is read otherwise."""

    text: str
    expected: list[str]
    before: list[str]
    after: list[str]
    better: bool


class VerdictCount(BaseModel):
    """How often people said this of what an edition found."""

    edition: str
    verdict: str
    number: int


class ComparisonView(BaseModel):
    """An edition beside what is in force. `changed` are sentences that ship; of people's there are figures alone."""

    edition: str
    sentences: int
    scores: list[ScoreView]
    judged_sentences: int
    judged: list[ScoreView]
    changed: list[ChangeView]
    misses_more_danger: bool
    verdicts: list[VerdictCount]


class FoundView(BaseModel):
    """A place in a text where a word list finds something."""

    category: str
    start: int
    end: int
    negated: bool
    edition: str


class TryView(BaseModel):
    """What would be found in a text, and the level it would have."""

    hits: list[FoundView]
    level: str


class CorrectionView(BaseModel):
    """What became of the referral: its level, and how closely it is held."""

    referral_id: UUID
    verdict: str
    level: str
    sensitivity: str


class CorrectionRow(BaseModel):
    """What a person said, in codes."""

    verdict: str
    level: str
    made_by: str
    made_at: datetime
    screened_with: str


class CorrectionsView(BaseModel):
    """What people said, in order."""

    items: list[CorrectionRow]

    @classmethod
    def of(cls, said: Sequence[Correction]) -> "CorrectionsView":
        """Shape corrections."""
        return cls(
            items=[
                CorrectionRow(
                    verdict=each.verdict,
                    level=each.level,
                    made_by=each.made_by,
                    made_at=each.made_at,
                    screened_with=each.screened_with,
                )
                for each in said
            ]
        )


def edition_row(made: Made, *, in_force: bool) -> EditionRow:
    """Shape an edition that people made."""
    return EditionRow(
        edition=made.edition,
        language=made.language,
        state=made.state,
        in_force=in_force,
        based_on=made.based_on,
        note=made.note,
        authors=list(made.authors),
        changed_at=made.changed_at,
        version=made.version,
        effective_from=made.effective_from,
        activated_by=made.activated_by,
        activated_at=made.activated_at,
        lower_recall_reason=made.lower_recall_reason,
        withdrawn_by=made.withdrawn_by,
        withdrawn_at=made.withdrawn_at,
        withdrawn_reason=made.withdrawn_reason,
    )


def shipped_row(edition: Edition, *, in_force: bool) -> EditionRow:
    """Shape an edition that ships."""
    lexicon = edition.lexicon
    return EditionRow(
        edition=lexicon.edition,
        language=lexicon.language,
        state="shipped",
        in_force=in_force,
        effective_from=edition.since,
    )


def hit_view(hit: Hit) -> FoundView:
    """Shape a hit."""
    return FoundView(category=hit.category, start=hit.start, end=hit.end, negated=hit.negated, edition=hit.edition)
