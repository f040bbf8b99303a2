"""Small programs for the tests beside this file."""

from datetime import UTC, datetime
from typing import Any

from shared.events import Snapshot
from shared.events.program import (
    CampusSnapshot,
    Hours,
    PolicyEdition,
    PolicySnapshot,
    RoleHeld,
    RotaSnapshot,
    Shift,
    StaffSnapshot,
    WeeklyShift,
)
from shared.program import Program

WEEKDAYS = tuple(Hours(weekday=day, opens="09:00", closes="17:00") for day in range(5))


def utc(text: str) -> datetime:
    """Read `2026-03-02 09:00` as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def campus(code: str = "NORTH", zone: str = "UTC", **more: Any) -> CampusSnapshot:
    return CampusSnapshot(**{"campus": code, "name": f"Campus {code}", "zone": zone, "hours": WEEKDAYS, **more})


def person(staff_id: str, *roles: str, **more: Any) -> StaffSnapshot:
    """A member of staff of NORTH; a role is `name` or `name@campus`."""
    held = tuple(RoleHeld(role.split("@")[0], role.partition("@")[2] or "NORTH") for role in roles)
    address = f"{staff_id}@staff.example.edu"
    return StaffSnapshot(
        **{"campus": "NORTH", "staff_id": staff_id, "name": staff_id.title(), "email": address, "roles": held, **more}
    )


def weekly(staff_id: str, weekday: int, starts: str, hours: float, *, backup: bool = False) -> WeeklyShift:
    return WeeklyShift(staff_id=staff_id, weekday=weekday, starts=starts, hours=hours, backup=backup)


def always(staff_id: str, *, backup: bool = False) -> WeeklyShift:
    return weekly(staff_id, 0, "00:00", 168, backup=backup)


def override(staff_id: str, since: str, until: str, *, backup: bool = False) -> Shift:
    return Shift(staff_id=staff_id, since=utc(since), until=utc(until), backup=backup)


def rota(*shifts: WeeklyShift | Shift, code: str = "NORTH", function: str = "duty", zone: str = "UTC") -> RotaSnapshot:
    return RotaSnapshot(
        campus=code,
        function=function,
        zone=zone,
        weekly=tuple(shift for shift in shifts if isinstance(shift, WeeklyShift)),
        overrides=tuple(shift for shift in shifts if isinstance(shift, Shift)),
    )


def edition(name: str, since: str, **values: Any) -> PolicyEdition:
    return PolicyEdition(edition=name, effective_from=utc(since), values=values)


def policy(name: str, *editions: PolicyEdition, code: str = "NORTH") -> PolicySnapshot:
    return PolicySnapshot(campus=code, name=name, editions=editions)


def program(*snapshots: Snapshot) -> Program:
    return Program(snapshots)
