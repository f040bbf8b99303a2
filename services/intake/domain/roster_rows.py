"""From the rows of a roster file to students, and from what is known and what is said to what changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID

from services.intake.domain import cells as read
from services.intake.domain.columns import ABSENT, Columns, Shape
from services.intake.domain.delimited import Record
from services.intake.domain.people import NOTHING_KNOWN, Beside, Profile, shown_name
from services.intake.domain.profile_cells import ALSO, BESIDE, PROFILE, VISA
from services.intake.domain.rejects import Reject
from services.intake.domain.rows import read_rows
from shared.events.roster import StudentSnapshot

SHAPE = Shape(
    required=("student_id", "campus_code", "name", "email"),
    # Nothing here needs a visa class, so it is known by name and left out, instead of being kept as an attribute.
    optional=("advisor_id", *PROFILE, *BESIDE, VISA),
    also={
        "id": "student_id",
        "student": "student_id",
        "student_number": "student_id",
        "sis_id": "student_id",
        "campus": "campus_code",
        "campuses": "campus_code",
        "full_name": "name",
        "student_name": "name",
        "student_email": "email",
        "e_mail": "email",
        "mail": "email",
        "advisor": "advisor_id",
        **ALSO,
    },
    keeps_more=True,
)
LONGEST_NAME = 200
LONGEST_ATTRIBUTE = 500
ACTIVE, VANISHED = "active", "vanished"


class StudentRow(NamedTuple):
    """A student as a file says it. The first campus is the home campus; `email` is empty where there is none.

    `said` are the fields of the profile that the file has columns for: what it does not speak of stays as it was.
    `advisor_id` is None where the file has no such column.
    """

    row: int
    number: str
    campuses: tuple[str, ...]
    name: str
    email: str
    advisor_id: str | None
    attributes: tuple[tuple[str, str], ...]
    said: tuple[tuple[str, object], ...] = ()
    beside: Beside = Beside()


@dataclass(frozen=True, slots=True)
class Student:
    """A student as the roster keeps it. `same_as` is set while the student is merged into another.

    `marks` tell whether the lists beside the student (classes, aliases, contacts) are as the last file said.
    """

    student_id: UUID
    number: str
    campuses: tuple[str, ...]
    name: str
    email: str
    advisor_id: str
    attributes: tuple[tuple[str, str], ...]
    status: str
    version: int
    profile: Profile = NOTHING_KNOWN
    marks: tuple[tuple[str, str], ...] = ()
    same_as: UUID | None = None

    @property
    def campus(self) -> str:
        """The home campus."""
        return self.campuses[0]

    @property
    def shown_name(self) -> str:
        """The name in use."""
        return shown_name(self.name, self.profile.name_in_use)

    def as_said(self, said: StudentRow) -> "Student | None":
        """Return the student with what a file says now, one version on; None when that changes nothing."""
        new = replace(
            self,
            number=said.number,
            campuses=said.campuses,
            name=said.name,
            email=said.email,
            advisor_id=self.advisor_id if said.advisor_id is None else said.advisor_id,
            attributes=said.attributes,
            status=ACTIVE,
            profile=replace(self.profile, **dict(said.said)) if said.said else self.profile,  # type: ignore[arg-type]
            marks=tuple(sorted((dict(self.marks) | said.beside.marks).items())),
        )
        return None if new == self else new.next()

    def gone(self) -> "Student":
        """Return the student as no longer in the files, one version on. Nothing is forgotten."""
        return replace(self, status=VANISHED, version=self.version + 1)

    def merged(self, into: UUID | None) -> "Student":
        """Return the student as the same as another, or, with None, as themselves again; one version on."""
        return replace(self, same_as=into, version=self.version + 1)

    def next(self) -> "Student":
        """Return the same, one version on."""
        return replace(self, version=self.version + 1)

    def published_like(self, other: "Student") -> bool:
        """Whether other services see no difference: names and addresses never leave intake."""
        return (self.campuses, self.advisor_id, self.status) == (other.campuses, other.advisor_id, other.status)

    def snapshot(self) -> StudentSnapshot:
        """Return what other services may know."""
        return StudentSnapshot(
            campus=self.campus,
            sequence=self.version,
            status=self.status,
            student_id=self.student_id,
            campuses=self.campuses,
            advisor_id=self.advisor_id or None,
            same_as=self.same_as,
        )


def new_student(student_id: UUID, said: StudentRow) -> Student:
    """Return a student nobody knew."""
    return Student(
        student_id,
        said.number,
        said.campuses,
        said.name,
        said.email,
        said.advisor_id or "",
        said.attributes,
        status=ACTIVE,
        version=1,
        profile=Profile(**dict(said.said)),  # type: ignore[arg-type]
        marks=tuple(sorted(said.beside.marks.items())),
    )


@dataclass(frozen=True)
class RosterReader:
    """Reads the rows of one file. `campuses` are those the importer may write for."""

    columns: Columns
    campuses: Mapping[str, object]

    def read(self, records: Iterable[Record]) -> tuple[list[StudentRow], list[Reject]]:
        """Return the good rows and the rejected ones."""
        return read_rows(records, self.columns.width, self._student)

    def _student(self, row: int, line: list[str]) -> StudentRow:
        def cell(name: str) -> str:
            place = self.columns[name]
            return line[place] if place != ABSENT else ""

        number = read.identifier(cell("student_id"), "student_id")
        return StudentRow(
            row=row,
            number=read.required(number, "student_id", "the id the campus system gives the student"),
            campuses=self._campuses(cell("campus_code")),
            name=read.required(read.words(cell("name"), "name", LONGEST_NAME), "name", "the student's name"),
            email=read.email(cell("email"), "email"),
            advisor_id=read.identifier(cell("advisor_id"), "advisor_id") if self._has("advisor_id") else None,
            attributes=tuple(
                (name, read.words(line[place], name, LONGEST_ATTRIBUTE)) for name, place in self.columns.more.items()
            ),
            said=tuple((name, take(cell(name), name)) for name, take in PROFILE.items() if self._has(name)),
            beside=Beside(**{BESIDE[name][0]: BESIDE[name][1](cell(name), name) for name in BESIDE if self._has(name)}),
        )

    def _has(self, column: str) -> bool:
        return self.columns[column] != ABSENT

    def _campuses(self, cell: str) -> tuple[str, ...]:
        """Read the home campus and any others behind it, separated by `;`."""
        codes = [part for part in cell.split(";") if part.strip()] or [""]
        return tuple(dict.fromkeys(read.campus(code, "campus_code", self.campuses) for code in codes))
