"""Topic `program` (compacted): campuses, staff, rotas and policies. Staff names and work e-mail may travel here."""

from datetime import date, datetime
from typing import Any, ClassVar

import msgspec

from shared.events.base import Snapshot, Topic, catalogue


class Hours(msgspec.Struct, frozen=True):
    """Opening hours of one weekday in the campus's own zone; `weekday` is 0 for Monday, times are `HH:MM`."""

    weekday: int
    opens: str
    closes: str


@catalogue.add
class CampusSnapshot(Snapshot, frozen=True, kw_only=True):
    """One institution. Key `campus:<code>`. `calendar_version` names the calendar that deadlines are computed with.

    `color` (`#rrggbb`) is what its pages and its monogram are known by.
    """

    TYPE: ClassVar[str] = "caselight.campus.snapshot.v1"
    TOPIC: ClassVar[Topic] = "program"

    name: str
    zone: str
    hours: tuple[Hours, ...]
    closed_days: tuple[date, ...] = ()
    police: str = ""
    after_hours: str = ""
    calendar_version: str = "1"
    color: str | msgspec.UnsetType = msgspec.UNSET

    @property
    def key(self) -> str:
        """`campus:<code>`."""
        return f"campus:{self.campus}"


class RoleHeld(msgspec.Struct, frozen=True):
    """A role on a campus (`*` for the system) between two instants; the end is exclusive."""

    name: str
    campus: str
    since: datetime | None = None
    until: datetime | None = None


class Absence(msgspec.Struct, frozen=True):
    """A planned or declared absence, with the person who covers, if one does."""

    since: datetime
    until: datetime
    cover_id: str | None = None


class Conflict(msgspec.Struct, frozen=True):
    """A student this person must not work with. Says that, never why."""

    student_id: str


@catalogue.add
class StaffSnapshot(Snapshot, frozen=True, kw_only=True):
    """A member of staff. Key `staff:<subject id>`. `campus` is the home campus, `fte` 1.0 for full time."""

    TYPE: ClassVar[str] = "caselight.staff.snapshot.v1"
    TOPIC: ClassVar[Topic] = "program"

    staff_id: str
    name: str
    email: str
    roles: tuple[RoleHeld, ...] = ()
    fte: float = 1.0
    clinical: bool = False
    mandated_reporter: bool = False
    titleix_confidential: bool = False
    skills: tuple[str, ...] = ()
    absences: tuple[Absence, ...] = ()
    conflicts: tuple[Conflict, ...] = ()

    @property
    def key(self) -> str:
        """`staff:<id>`."""
        return f"staff:{self.staff_id}"


class Shift(msgspec.Struct, frozen=True):
    """Somebody on duty between two instants, the end exclusive. `backup` marks the second in line."""

    staff_id: str
    since: datetime
    until: datetime
    backup: bool = False


class WeeklyShift(msgspec.Struct, frozen=True):
    """Somebody on duty every week, in the campus's zone, from one weekday and time for a number of hours."""

    staff_id: str
    weekday: int
    starts: str
    hours: float
    backup: bool = False


@catalogue.add
class RotaSnapshot(Snapshot, frozen=True, kw_only=True):
    """Who is on duty for a campus (`*`: the system) and a function. Key `rota:<campus>:<function>`.

    `overrides` beat `weekly` for the time they cover, for the same place in line.
    """

    TYPE: ClassVar[str] = "caselight.rota.snapshot.v1"
    TOPIC: ClassVar[Topic] = "program"

    function: str
    zone: str = "UTC"
    weekly: tuple[WeeklyShift, ...] = ()
    overrides: tuple[Shift, ...] = ()

    @property
    def key(self) -> str:
        """`rota:<campus>:<function>`."""
        return f"rota:{self.campus}:{self.function}"


class PolicyEdition(msgspec.Struct, frozen=True):
    """The values of a policy from an instant on. `edition` is what decisions say they followed.

    `approved_at`, where a second person had to agree: an edition approved after its day begins with the approval.
    """

    edition: str
    effective_from: datetime
    values: dict[str, Any]
    source: str = ""
    approved_at: datetime | msgspec.UnsetType = msgspec.UNSET

    @property
    def begins(self) -> datetime:
        """When it takes effect."""
        if isinstance(self.approved_at, msgspec.UnsetType):
            return self.effective_from
        return max(self.effective_from, self.approved_at)


@catalogue.add
class PolicySnapshot(Snapshot, frozen=True, kw_only=True):
    """All editions of a policy for a campus; `*` serves every campus without its own. Key `policy:<campus>:<name>`."""

    TYPE: ClassVar[str] = "caselight.policy.snapshot.v1"
    TOPIC: ClassVar[Topic] = "program"

    name: str
    editions: tuple[PolicyEdition, ...]

    @property
    def key(self) -> str:
        """`policy:<campus>:<name>`."""
        return f"policy:{self.campus}:{self.name}"
