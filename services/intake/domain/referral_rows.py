"""From the rows of a referral file to referrals as they come in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from hashlib import blake2b
from typing import NamedTuple

from services.intake.domain import cells as read
from services.intake.domain.columns import ABSENT, Columns, Shape
from services.intake.domain.delimited import Record
from services.intake.domain.referrals import About
from services.intake.domain.rejects import Reject
from services.intake.domain.rows import read_rows
from shared.events.codes import FAMILY_OF_CONCERN, SourceKind, Urgency

LONGEST_NARRATIVE = 20_000
LONGEST_DESCRIPTION = 1_000

SHAPE = Shape(
    required=("campus_code", "narrative", "happened_at"),
    optional=(
        "source_event_id", "source_kind", "student_id", "student_email", "description", "concerns", "urgency",
        "relationship", "referred_by_name", "referred_by_email",
    ),
    also={
        "campus": "campus_code",
        "id": "source_event_id",
        "event_id": "source_event_id",
        "student": "student_id",
        "student_number": "student_id",
        "sis_id": "student_id",
        "email": "student_email",
        "about": "description",
        "student_description": "description",
        "concern": "concerns",
        "text": "narrative",
        "words": "narrative",
        "referrer_name": "referred_by_name",
        "referrer_email": "referred_by_email",
        "submitted_at": "happened_at",
        "created_at": "happened_at",
        "date": "happened_at",
    },
    keeps_more=True,
)  # fmt: skip

_CONCERNS = {concern: concern for concern in FAMILY_OF_CONCERN}
_URGENCIES = {urgency.value: urgency.value for urgency in Urgency}
_SOURCE_KINDS = {kind.value: kind.value for kind in SourceKind if kind is not SourceKind.RULE}


@dataclass(frozen=True, slots=True)
class Said:
    """What must not get lost when a source sends an id again: where, how urgent, about whom and what, in what words."""

    campus: str
    urgency: str
    concerns: frozenset[str]
    narrative: str
    about: About

    def holds(self, other: "Said") -> bool:
        """Return whether the other says nothing that this does not. Screening may have added concerns to this."""
        return other.concerns <= self.concerns and replace(other, concerns=self.concerns) == self


class ReferralRow(NamedTuple):
    """A referral as a file says it. `source_event_id` is the hash of the row where the source gives none."""

    row: int
    source_event_id: str
    campus: str
    about: About
    concerns: tuple[str, ...]
    urgency: str
    narrative: str
    relationship: str
    source_kind: str
    referrer_name: str
    referrer_email: str
    happened_at: datetime

    @property
    def said(self) -> Said:
        """What it says, to compare."""
        return Said(self.campus, self.urgency, frozenset(self.concerns), self.narrative, self.about)


@dataclass(frozen=True)
class ReferralReader:
    """Reads the rows of one file. `zones` are the campuses the importer may write for, each with its time zone."""

    columns: Columns
    zones: Mapping[str, tzinfo]
    now: datetime

    def read(self, records: Iterable[Record]) -> tuple[list[ReferralRow], list[Reject]]:
        """Return the good rows and the rejected ones."""
        return read_rows(records, self.columns.width, self._referral)

    def _referral(self, row: int, line: list[str]) -> ReferralRow:
        def cell(name: str) -> str:
            place = self.columns[name]
            return line[place] if place != ABSENT else ""

        campus = read.campus(cell("campus_code"), "campus_code", self.zones)
        narrative = read.words(cell("narrative"), "narrative", LONGEST_NARRATIVE)
        about = About(
            read.identifier(cell("student_id"), "student_id"),
            read.email(cell("student_email"), "student_email"),
            read.words(cell("description"), "description", LONGEST_DESCRIPTION),
        )
        said = "\x1f".join(line)
        return ReferralRow(
            row=row,
            source_event_id=read.identifier(cell("source_event_id"), "source_event_id")
            or blake2b(said.encode(), digest_size=16).hexdigest(),
            campus=campus,
            about=about,
            concerns=concerns_of(cell("concerns")),
            urgency=read.choice(cell("urgency"), "urgency", _URGENCIES, Urgency.ROUTINE),
            narrative=read.required(narrative, "narrative", "what was seen or heard, in words"),
            relationship=read.words(cell("relationship"), "relationship", 100),
            source_kind=read.choice(cell("source_kind"), "source_kind", _SOURCE_KINDS, SourceKind.OTHER),
            referrer_name=read.words(cell("referred_by_name"), "referred_by_name", 200),
            referrer_email=read.email(cell("referred_by_email"), "referred_by_email"),
            happened_at=read.instant(cell("happened_at"), "happened_at", self.zones[campus], self.now),
        )


def concerns_of(cell: str) -> tuple[str, ...]:
    """Read coded concerns, separated by `;`, `|` or spaces. Raises BadCell for one that is no code."""
    named = cell.replace("|", ";").replace(" ", ";").split(";")
    return tuple(dict.fromkeys(read.choice(each, "concerns", _CONCERNS) for each in named if each))
