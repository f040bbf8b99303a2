"""The shape of a document, and of the program read back. Both say the same, so that one can be made the other."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import msgspec
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, model_validator

from services.program.domain.document import Entry, kind_of
from shared.events import Snapshot
from shared.events.program import CampusSnapshot, PolicySnapshot, RotaSnapshot, StaffSnapshot
from shared.web.ui.brands import fault

CAMPUS = r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}"
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
# Who else an event may say did something; nobody may be called that.
_RESERVED = ("service:", "rule:", "link:")


def _instant(value: datetime) -> datetime:
    if not _FIRST <= value <= _LAST:
        raise ValueError("This is not between 1970 and 2200")
    return value.astimezone(UTC)


def _subject(value: str) -> str:
    if value.startswith(_RESERVED) or value == "rule":
        raise ValueError("This id is reserved")
    return value


def _color(value: str) -> str:
    if value and (wrong := fault(value)):
        raise ValueError(wrong)
    return value


Campus = Annotated[str, Field(pattern=f"^{CAMPUS}$")]
Where = Annotated[str, Field(pattern=rf"^(\*|{CAMPUS})$", description='code of a campus; "*" is the whole system')]
Subject = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:|@-]{0,127}$", description="immutable subject id of the sign-in"),
    AfterValidator(_subject),
]
Line = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Address = Annotated[str, Field(max_length=254, pattern=r"^[^@\s<>,;\"\x00-\x1f\x7f]+@[^@\s<>,;\"\x00-\x1f\x7f]+$")]
Color = Annotated[
    str,
    Field(pattern=r"^(#[0-9a-f]{6})?$", description="#rrggbb of its pages; empty: one chosen by its code"),
    AfterValidator(_color),
]
Weekday = Annotated[int, Field(ge=0, le=6, description="0 is Monday")]
TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="HH:MM")]
Closing = Annotated[str, Field(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", description="HH:MM up to 24:00")]
Instant = Annotated[AwareDatetime, AfterValidator(_instant)]
Status = Annotated[Literal["active", "removed"], Field(description="`removed` ends it; leaving it out does not")]


class Model(BaseModel):
    """A part of a document: what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid")


class HoursIn(Model):
    """Opening hours of one weekday, in the campus's zone."""

    weekday: Weekday
    opens: TimeOfDay
    closes: Closing


class RoleIn(Model):
    """A role on a campus, from `since` until just before `until`."""

    name: Word
    campus: Where
    since: Instant | None = None
    until: Instant | None = None


class AbsenceIn(Model):
    """When somebody is away, and who covers."""

    since: Instant
    until: Instant
    cover_id: Subject | None = None


class ConflictIn(Model):
    """A student this person must not work with; never why."""

    student_id: Annotated[str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]


class WeeklyIn(Model):
    """Somebody on duty every week, in the rota's zone; the shift ends by the clock on the wall."""

    staff_id: Subject
    weekday: Weekday
    starts: TimeOfDay
    hours: Annotated[float, Field(gt=0, le=168, allow_inf_nan=False)]
    backup: bool = False


class ShiftIn(Model):
    """Somebody on duty instead of whom the week names."""

    staff_id: Subject
    since: Instant
    until: Instant
    backup: bool = False


class EditionIn(Model):
    """The values of a policy from an instant on; what they leave out is as shipped."""

    edition: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    effective_from: Instant
    values: dict[str, JsonValue]
    source: Line = ""
    approved_at: Annotated[
        Instant | None, Field(exclude=True, description="when a second person agreed; a document cannot say it")
    ] = None


class EntryIn(Model):
    """One thing, whole: what is left out is as by default. To remove it, its key and `status: removed` are enough."""

    KIND: ClassVar[type[Snapshot]]
    NEEDED: ClassVar[tuple[str, ...]]

    status: Status = "active"

    @model_validator(mode="after")
    def _complete(self) -> "EntryIn":
        missing = [name for name in self.NEEDED if getattr(self, name) is None]
        if missing and self.status == "active":
            raise ValueError(f"Missing: {', '.join(missing)}")
        return self

    def key(self) -> str:
        """Return the key on the topic."""
        raise NotImplementedError

    def entry(self, section: str, index: int) -> Entry:
        """Return it as the domain has it."""
        if self.status == "removed":
            return Entry((section, index), self.key(), None)
        return Entry((section, index), self.key(), msgspec.convert(self.said(), self.KIND))

    def said(self) -> dict[str, Any]:
        """Return the fields of the snapshot."""
        return self.model_dump(exclude={"status"})


class CampusIn(EntryIn):
    """One institution."""

    KIND: ClassVar[type[Snapshot]] = CampusSnapshot
    NEEDED: ClassVar[tuple[str, ...]] = ("name", "zone")

    campus: Campus
    name: Name | None = None
    zone: Annotated[str, Field(max_length=64, description="IANA name such as America/New_York")] | None = None
    hours: Annotated[list[HoursIn], Field(max_length=50)] = []
    closed_days: Annotated[list[date], Field(max_length=2000)] = []
    police: Line = ""
    after_hours: Line = ""
    color: Color = ""

    def said(self) -> dict[str, Any]:
        """Return the fields of the snapshot; a campus without a color of its own says nothing of one."""
        return self.model_dump(exclude={"status"} if self.color else {"status", "color"})

    def key(self) -> str:
        """`campus:<code>`."""
        return f"campus:{self.campus}"


class StaffIn(EntryIn):
    """A member of staff."""

    KIND: ClassVar[type[Snapshot]] = StaffSnapshot
    NEEDED: ClassVar[tuple[str, ...]] = ("campus", "name", "email")

    staff_id: Subject
    campus: Annotated[Where, Field(description='home campus; "*" for the office of the system')] | None = None
    name: Name | None = None
    email: Address | None = None
    roles: Annotated[list[RoleIn], Field(max_length=200)] = []
    fte: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] = 1.0
    clinical: bool = False
    mandated_reporter: bool = False
    titleix_confidential: bool = False
    skills: Annotated[list[Word], Field(max_length=50)] = []
    absences: Annotated[list[AbsenceIn], Field(max_length=500)] = []
    conflicts: Annotated[list[ConflictIn], Field(max_length=1000)] = []

    def key(self) -> str:
        """`staff:<id>`."""
        return f"staff:{self.staff_id}"


class RotaIn(EntryIn):
    """Who is on duty for a campus and a function."""

    KIND: ClassVar[type[Snapshot]] = RotaSnapshot
    NEEDED: ClassVar[tuple[str, ...]] = ()

    campus: Where
    function: Annotated[Word, Field(description="`duty` or `titleix`")]
    zone: Annotated[str, Field(max_length=64, description="of the weekly shifts; left out, it is the campus's")] = ""
    weekly: Annotated[list[WeeklyIn], Field(max_length=500)] = []
    overrides: Annotated[list[ShiftIn], Field(max_length=2000)] = []

    def key(self) -> str:
        """`rota:<campus>:<function>`."""
        return f"rota:{self.campus}:{self.function}"


class PolicyIn(EntryIn):
    """All editions of a policy for a campus, or for all that have none of their own (`*`)."""

    KIND: ClassVar[type[Snapshot]] = PolicySnapshot
    NEEDED: ClassVar[tuple[str, ...]] = ("editions",)

    campus: Where
    name: Annotated[Word, Field(description="paging, clocks, threshold, triage, late, grants, ...")]
    editions: Annotated[list[EditionIn], Field(max_length=200)] | None = None

    def key(self) -> str:
        """`policy:<campus>:<name>`."""
        return f"policy:{self.campus}:{self.name}"


class Document(Model):
    """The program, or a part of it. What it does not name stays as it is."""

    campuses: Annotated[list[CampusIn], Field(max_length=1000)] = []
    staff: Annotated[list[StaffIn], Field(max_length=20_000)] = []
    rotas: Annotated[list[RotaIn], Field(max_length=2000)] = []
    policies: Annotated[list[PolicyIn], Field(max_length=2000)] = []

    def entries(self) -> list[Entry]:
        """Return what it says, in its order."""
        sections: tuple[tuple[str, list[Any]], ...] = (
            ("campuses", self.campuses),
            ("staff", self.staff),
            ("rotas", self.rotas),
            ("policies", self.policies),
        )
        return [thing.entry(section, index) for section, things in sections for index, thing in enumerate(things)]


class ApplyIn(Model):
    """A document to apply; with `dry_run`, only to say what it would change.

    `versions` are those the document was written from, by key; 0 for what was not there.
    """

    document: Document
    dry_run: bool = False
    versions: Annotated[dict[str, int], Field(max_length=2000)] = {}


class ChangeOut(BaseModel):
    """One thing that changes, and which of its fields do. With `needs_approval` it waits for a second person."""

    key: str
    kind: Literal["campus", "staff", "rota", "policy"]
    change: Literal["add", "change", "remove"]
    fields: list[str]
    needs_approval: bool = False
    proposal_id: UUID | None = None


class ApplyOut(BaseModel):
    """What changed, or would; nothing when the program is so already."""

    changes: list[ChangeOut]
    dry_run: bool


class CampusOut(CampusIn):
    """A campus as it is. `calendar_version` names the calendar that deadlines are computed with."""

    calendar_version: str
    version: int


class StaffOut(StaffIn):
    """A member of staff as they are. Their conflicts show to them and to whoever may change them."""

    version: int


class RotaOut(RotaIn):
    """A rota as it is."""

    version: int


class EditionOut(EditionIn):
    """An edition, and when a second person agreed to it: it is in force from the later of the two."""

    approved_at: Instant | None = None


class PolicyOut(PolicyIn):
    """A policy as it is."""

    editions: list[EditionOut] | None = None  # type: ignore[assignment]
    version: int


class ProgramOut(BaseModel):
    """The program as it is, as a document would say it, without what was removed."""

    as_of: datetime
    campuses: list[CampusOut]
    staff: list[StaffOut]
    rotas: list[RotaOut]
    policies: list[PolicyOut]


_SECTIONS: dict[str, tuple[str, type[Model]]] = {
    "campus": ("campuses", CampusOut),
    "staff": ("staff", StaffOut),
    "rota": ("rotas", RotaOut),
    "policy": ("policies", PolicyOut),
}


def program_out(snapshots: Sequence[Snapshot], as_of: datetime) -> ProgramOut:
    """Return snapshots by section."""
    sections: dict[str, list[Model]] = {name: [] for name, _ in _SECTIONS.values()}
    for snapshot in snapshots:
        name, model = _SECTIONS[kind_of(snapshot.key)]
        said: dict[str, Any] = msgspec.to_builtins(snapshot)
        known = {field: value for field, value in said.items() if field in model.model_fields}
        sections[name].append(model.model_validate({**known, "version": snapshot.sequence}))
    return ProgramOut.model_validate({"as_of": as_of, **sections})
